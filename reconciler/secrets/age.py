"""age: encrypting to keys and decrypting with them. The only user of pyrage.

Keys are text: ``age1…`` or an SSH public key to encrypt to, ``AGE-SECRET-KEY-1…`` or an OpenSSH
private key to decrypt with.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pyrage

from reconciler.manifest.ciphertext import binary

_SSH = "ssh-"


class BadKey(ValueError):
    """A key that can't be used; the message says why."""


class CannotDecrypt(ValueError):
    """None of the keys fits, or the ciphertext is damaged."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A private key."""

    _key: Any = field(repr=False)
    recipient: str = ""


def new_identity() -> str:
    """Return a new private key."""
    return str(pyrage.x25519.Identity.generate())


def identity(text: str) -> Identity:
    """Return a private key of age.

    Raises:
        BadKey: It isn't one.
    """
    try:
        key = pyrage.x25519.Identity.from_str(text)
    except pyrage.IdentityError as error:
        raise BadKey("it isn't a private key of age") from error
    return Identity(key, recipient=str(key.to_public()))


def ssh_identity(data: bytes) -> Identity:
    """Return an SSH private key.

    Raises:
        BadKey: It isn't one, has a passphrase, or is of a type that age can't use.
    """
    try:
        return Identity(pyrage.ssh.Identity.from_buffer(data))
    except pyrage.IdentityError as error:
        if "decrypted first" in str(error):
            raise BadKey("it has a passphrase") from error
        raise BadKey("it isn't an ssh-ed25519 or ssh-rsa private key") from error


def encrypt(data: bytes, recipients: Iterable[str]) -> str:
    """Return a ciphertext on one line (base64) that each of the recipients can decrypt.

    Raises:
        BadKey: One of them isn't a key to encrypt to.
    """
    keys = [_recipient(text) for text in recipients]
    return base64.b64encode(pyrage.encrypt(data, keys)).decode()


def decrypt(line: str, identities: Iterable[Identity]) -> bytes:
    """Return what was encrypted.

    Raises:
        CannotDecrypt: No identity fits, or it is damaged.
    """
    try:
        return bytes(pyrage.decrypt(binary(line), [identity._key for identity in identities]))
    except pyrage.DecryptError as error:
        raise CannotDecrypt(str(error)) from error


def _recipient(text: str) -> Any:
    kind = pyrage.ssh if text.startswith(_SSH) else pyrage.x25519
    try:
        return kind.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        raise BadKey(f"{text[:40]} isn't a key that age can encrypt to") from error

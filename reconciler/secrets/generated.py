"""Values that follow from the installation's key: the same for every attempt of a run."""

from __future__ import annotations

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from reconciler.converge.secrets import RANDOM, Generated
from reconciler.keyring import Keyring
from reconciler.manifest.secret_mount import SSH_KEY

_PURPOSE = "secret"
_KEY_PURPOSE = "secret ssh-ed25519"


def value_of(recipe: Generated, keyring: Keyring) -> bytes:
    """Return the value: a password of 43 letters, or a key as ssh-keygen writes it.

    A private key's text differs from call to call by a few random bytes; the key is the same.
    """
    if recipe.kind == RANDOM:
        return keyring.text(_PURPOSE, *recipe.scope).encode()
    if recipe.kind != SSH_KEY:
        raise ValueError(f"nothing can be generated as {recipe.kind}")
    key = Ed25519PrivateKey.from_private_bytes(keyring.derived(_KEY_PURPOSE, *recipe.scope))
    if recipe.is_public:
        public = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)
        return public + b" " + "/".join(recipe.scope[::2]).encode() + b"\n"
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, NoEncryption())

"""Values that follow from the installation's key: the same for every attempt of a run."""

from __future__ import annotations

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
    seed = keyring.derived(_KEY_PURPOSE, *recipe.scope)
    if recipe.is_public:
        return _ssh_key(seed, is_public=True) + b" " + "/".join(recipe.scope[::2]).encode() + b"\n"
    return _ssh_key(seed, is_public=False)


def _ssh_key(seed: bytes, *, is_public: bool) -> bytes:
    # Here, since most installations make no keys, and it takes six megabytes.
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(seed)
    if is_public:
        return key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    return key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())

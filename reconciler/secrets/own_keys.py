"""The SSH keys of whoever sits here: what letters to members are opened with."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from reconciler.errors import ConfigError
from reconciler.secrets.age import BadKey, Identity, ssh_identity

_USUAL = ("id_ed25519", "id_rsa")
_NEW_PASSPHRASE = ""


def own_identities(given: Path | None) -> Sequence[Identity]:
    """Return the key of a file, or the usual ones of this person.

    A key with a passphrase is opened by ssh-keygen, which asks for it.

    Raises:
        ConfigError: There is none, or it can't be used.
    """
    folder = Path.home() / ".ssh"
    paths = [given] if given else [folder / name for name in _USUAL if (folder / name).exists()]
    if not paths:
        usual = " or ".join(f"~/.ssh/{name}" for name in _USUAL)
        raise ConfigError(f"there is no {usual}: write --identity FILE")
    return [_identity(path) for path in paths]


def _identity(path: Path) -> Identity:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(f"{path} can't be read: {error.strerror}") from error
    try:
        return ssh_identity(data)
    except BadKey as error:
        if "passphrase" not in str(error):
            raise ConfigError(f"{path}: {error}") from error
    try:
        return ssh_identity(_without_passphrase(path, data))
    except (BadKey, OSError, subprocess.CalledProcessError) as error:
        told = f"{path} has a passphrase, and ssh-keygen couldn't open it: run this on a terminal"
        raise ConfigError(f"{told}, or write --identity FILE") from error


def _without_passphrase(path: Path, data: bytes) -> bytes:
    """Have ssh-keygen ask for the passphrase of a copy, in a folder that is only ours."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("XDG_RUNTIME_DIR")) as folder:
        copy = Path(folder) / path.name
        copy.touch(mode=0o600)
        copy.write_bytes(data)
        command = ["ssh-keygen", "-q", "-p", "-N", _NEW_PASSPHRASE, "-f", str(copy)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - no shell
        return copy.read_bytes()

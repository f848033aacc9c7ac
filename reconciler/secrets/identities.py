"""The installation's age identities: ``age.key`` in the state directory, one private key a line.

The first one is what people encrypt to; the others still open what was encrypted before.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from reconciler.errors import ConfigError
from reconciler.secrets.age import BadKey, Identity, identity, new_identity

FILE = "age.key"


class Identities:
    """The identities of a file, read again only when it changed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._known: tuple[Identity, ...] = ()

    def changed(self) -> bool:
        """Read the file if it isn't as it was; tell whether that was so.

        Raises:
            ConfigError: It can't be read, or holds something else.
        """
        try:
            there = self._path.stat()
        except FileNotFoundError:
            stamp = None
        else:
            stamp = (there.st_mtime_ns, there.st_size)
        if stamp == self._stamp:
            return False
        self._known = () if stamp is None else read(self._path)
        self._stamp = stamp
        return True

    def __iter__(self) -> Iterator[Identity]:
        """Return the identities as they were read last."""
        return iter(self._known)


def read(path: Path) -> tuple[Identity, ...]:
    """Return the identities of a file, the first one first.

    Raises:
        ConfigError: It can't be read, or holds something else.
    """
    try:
        lines = path.read_text(encoding="ascii").split("\n")
        keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        return tuple(identity(key) for key in keys)
    except (OSError, UnicodeDecodeError, BadKey) as error:
        raise ConfigError(f"{path} can't be used: {error}") from error


def make(path: Path) -> None:
    """Put a new identity before those of a file, which is ours to read only.

    Raises:
        ConfigError: It can't be written.
    """
    fresh = path.with_name(f"{path.name}.new")
    try:
        before = path.read_bytes() if path.exists() else b""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
            file.write(new_identity().encode() + b"\n" + before)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise ConfigError(f"{path} can't be written: {error.strerror}") from error

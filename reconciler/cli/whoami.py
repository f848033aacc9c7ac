"""Who gives an order on this machine, for the history."""

from __future__ import annotations

import getpass
import os


def whoami() -> str:
    """Return the name of the person: of whoever became root, that of before.

    A container's user may have no name; then it is their number.
    """
    if os.getuid() == 0 and (before := os.environ.get("SUDO_USER")):
        return before
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"

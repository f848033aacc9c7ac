"""Literals that look like secrets: told as a warning, and never shown.

A guess, on the side of hiding: names that people give to secrets, the marks that services put on
their tokens, and addresses with a password in them.
"""

from __future__ import annotations

import re

from reconciler.manifest.literals import MARKS, USER_INFO

HIDDEN = "(hidden: looks like a secret)"

_NAMES = re.compile(
    r"passw(or)?d|passphrase|secret|token|credential|api_?key|access_?key|private_?key|auth_?key",
    re.IGNORECASE,
)
_NOT_ITSELF = re.compile(r"(_file|_path|_dir|_name|_url|_ttl|_length|_expiry)$", re.IGNORECASE)
_OPTION = re.compile(r"--?([A-Za-z][A-Za-z0-9_-]*)=(.+)", re.DOTALL)
_PLACES = ("/run/secrets/", "/etc/")


def is_secret(name: str, value: str) -> bool:
    """Tell whether a value of that name looks like a secret itself, not like where one is."""
    if MARKS.search(value) or USER_INFO.search(value):
        return True
    if not value or value.startswith(_PLACES) or _NOT_ITSELF.search(name):
        return False
    return _NAMES.search(name) is not None


def is_secret_argument(argument: str) -> bool:
    """Tell whether an argument of a command looks like a secret: ``--password=hunter2``."""
    option = _OPTION.fullmatch(argument)
    return is_secret(*option.groups()) if option else is_secret("", argument)

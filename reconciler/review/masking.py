"""Literals that look like secrets: told as a warning, and never shown.

A guess, on the side of hiding: names that people give to secrets, the marks that services put on
their tokens, and addresses with a password in them.
"""

from __future__ import annotations

import re

HIDDEN = "(hidden: looks like a secret)"

_NAMES = re.compile(
    r"passw(or)?d|passphrase|secret|token|credential|api_?key|access_?key|private_?key|auth_?key",
    re.IGNORECASE,
)
_NOT_ITSELF = re.compile(r"(_file|_path|_dir|_name|_url|_ttl|_length|_expiry)$", re.IGNORECASE)
_MARKS = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\b(?:ghp|gho|ghs|ghu|github_pat|glpat|xox[abpr]|sk_live|hf|npm|pypi)[-_][A-Za-z0-9_-]{10,}"
    r"|\bA(?:KIA|SIA)[A-Z0-9]{16}\b"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\."
)
_USER_INFO = re.compile(r"[a-z][a-z0-9+.-]*://[^/@\s:]*:[^/@\s]+@", re.IGNORECASE)
_OPTION = re.compile(r"--?([A-Za-z][A-Za-z0-9_-]*)=(.+)", re.DOTALL)
_PLACES = ("/run/secrets/", "/etc/")


def is_secret(name: str, value: str) -> bool:
    """Tell whether a value of that name looks like a secret itself, not like where one is."""
    if _MARKS.search(value) or _USER_INFO.search(value):
        return True
    if not value or value.startswith(_PLACES) or _NOT_ITSELF.search(name):
        return False
    return _NAMES.search(name) is not None


def is_secret_argument(argument: str) -> bool:
    """Tell whether an argument of a command looks like a secret: ``--password=hunter2``."""
    option = _OPTION.fullmatch(argument)
    return is_secret(*option.groups()) if option else is_secret("", argument)

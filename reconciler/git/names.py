"""PURE: which names in a tree are accepted. Git itself hands out ``..``, ``.git`` and ``a/b``.

Accepted names are a small part of ASCII, so that equal-looking names are equal, and nothing has
to be escaped later. Nothing here or elsewhere joins them to a path of a file system.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from reconciler.text import clean

MAX_NAME_BYTES = 100
MAX_DEPTH = 16

_ALLOWED = re.compile(rb"[A-Za-z0-9._+@ -]+")


def refusal(raw: bytes) -> str | None:
    """Return why a name of one tree level isn't accepted; None if it is."""
    if len(raw) > MAX_NAME_BYTES:
        return f"the name has {len(raw)} bytes: at most {MAX_NAME_BYTES}"
    if raw in (b"", b".", b".."):
        return "not a name"
    if raw.lower().rstrip(b". ") == b".git":
        return "reserved by Git"
    if not _ALLOWED.fullmatch(raw):
        return "letters, digits and . _ + @ - and blanks only"
    if raw.startswith((b"-", b" ")) or raw.endswith((b" ", b".")):
        return "starts with - or a blank, or ends with a blank or a dot"
    return None


def is_accepted_path(path: str) -> bool:
    """Tell whether every segment of a slash-separated path is accepted, and not too many."""
    segments = path.encode("utf-8", errors="replace").split(b"/")
    return len(segments) <= MAX_DEPTH and all(refusal(segment) is None for segment in segments)


def twins(raws: Iterable[bytes]) -> frozenset[bytes]:
    """Return, in lower case, the names that more than one entry of a directory has."""
    seen: set[bytes] = set()
    twice: set[bytes] = set()
    for raw in raws:
        folded = raw.lower()
        (twice if folded in seen else seen).add(folded)
    return frozenset(twice)


def shown(raw: bytes) -> str:
    """Return a name fit to be printed; other names may look the same."""
    return clean(raw.decode("utf-8", errors="backslashreplace"), limit=MAX_NAME_BYTES + 1)

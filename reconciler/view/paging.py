"""Cursors: where a page ended, for the one that follows. They hold no secret and grant nothing."""

from __future__ import annotations

import base64
import binascii
import json

LONGEST = 500
MOST = 2**53
"""No number that was given out is larger, and a database takes none beyond 64 bits."""


def cursor(*position: str | int) -> str:
    """Return the cursor of what follows ``position``."""
    text = json.dumps(position, separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def position(cursor_: str, *kinds: type) -> tuple[str | int, ...] | None:
    """Return what :func:`cursor` was made of; None for "".

    Raises:
        ValueError: It isn't one of ours, or of something else.
    """
    if not cursor_:
        return None
    try:
        if len(cursor_) > LONGEST:
            raise ValueError("too long")
        padded = cursor_ + "=" * (-len(cursor_) % 4)
        found = json.loads(base64.b64decode(padded.encode(), altchars=b"-_", validate=True))
        if not isinstance(found, list) or [type(part) for part in found] != list(kinds):
            raise ValueError("of another shape")
        if any(isinstance(part, int) and abs(part) > MOST for part in found):
            raise ValueError("too large")
    except (binascii.Error, ValueError, RecursionError) as error:
        raise ValueError("this cursor isn't one that was given out: begin without one") from error
    return tuple(found)

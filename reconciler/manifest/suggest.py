"""Did you mean: the known name that is closest to a misspelt one."""

from __future__ import annotations

from collections.abc import Iterable

MAX_SHOWN = 12


def closest(name: str, known: Iterable[str]) -> str:
    """Return the known name that is most like ``name``, or nothing."""
    import difflib  # for who mistypes

    matches = difflib.get_close_matches(name[:64], sorted(known), n=1, cutoff=0.6)
    return matches[0] if matches else ""


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str) -> str:
    """Return a remedy: the closest known name, else the known names, else ``otherwise``."""
    names = sorted(known)
    if match := closest(name, names):
        return f"did you mean {match}?"
    if not names:
        return otherwise
    shown = ", ".join(names[:MAX_SHOWN])
    return f"known: {shown}" + (" and more" if len(names) > MAX_SHOWN else "")

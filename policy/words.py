"""Times and names as people say them; the like for amounts is with ``model.resources``."""

from __future__ import annotations

from collections.abc import Sequence

_UNITS = ((86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1000, "s"))


def format_duration(amount_ms: int) -> str:
    """Return a time in its two largest units: ``2 h 30 min``, ``45 s``."""
    if amount_ms < 1000:
        return "0 s" if amount_ms <= 0 else "less than a second"
    for index, (size, unit) in enumerate(_UNITS):
        if amount_ms < size:
            continue
        whole, rest = divmod(amount_ms, size)
        told = f"{whole} {unit}"
        if index + 1 < len(_UNITS):
            smaller, name = _UNITS[index + 1]
            if minor := rest // smaller:
                told += f" {minor} {name}"
        return told
    return ""


def format_share(millionths: int) -> str:
    """Return a share of the cluster: ``12.5 %``."""
    if 0 < millionths < 1000:
        return "less than 0.1 %"
    whole, tenth = divmod(millionths // 1000, 10)
    return f"{whole}.{tenth} %" if tenth else f"{whole} %"


def listed(names: Sequence[str], *, most: int = 3) -> str:
    """Return names in a row: ``a``, ``a and b``, ``a, b, c and 4 more``."""
    shown = list(names[:most])
    if len(names) > most:
        shown.append(f"{len(names) - most} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"

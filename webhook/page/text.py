"""Words on their way into HTML: escaped, isolated, with instants as ``<time>``.

What a user wrote can make no markup, hide no character and turn no neighbour around.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from markupsafe import Markup, escape

from policy.model.resources import format_amount
from policy.words import format_duration, listed
from reconciler.view import words

_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tab and line feed
    "\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"  # what turns the direction of text around
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"  # invisible, or no text at all
)


def visible(text: str) -> str:
    r"""Return the text with what can't be seen as an escape: ``\x1b``, ``\u202e``."""
    return _HIDDEN.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def finalized(value: object) -> object:
    """Return what an expression of a template gave as it may be shown; markup is ours."""
    if value is None:
        return ""
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def own(value: object) -> Markup:
    """Return a user's value, isolated: its direction is its own."""
    return Markup("<bdi>{}</bdi>").format(visible(str(value)))


def when(at: datetime | None, form: str = "") -> Markup:
    """Return an instant in UTC, which the script makes local; ``form`` "s" tells seconds."""
    if at is None:
        return Markup("")
    at = at.astimezone(UTC)
    told = at.strftime("%Y-%m-%d %H:%M:%S UTC" if form == "s" else "%Y-%m-%d %H:%M UTC")
    marked = Markup(' data-form="s"') if form == "s" else Markup("")
    return Markup('<time datetime="{}"{}>{}</time>').format(words.instant(at), marked, told)


_HYPHENED = re.compile(r"(?<![\w-])\w+(?:-\w+)+(?![\w-])")
_LONGEST_WHOLE = 24


def _whole(part: str) -> Markup:
    """Return text, escaped, whose short names (``node-2``) don't break at their hyphens."""
    found = escape(visible(part))
    return Markup(  # noqa: S704 - made of what was escaped: names hold no markup
        _HYPHENED.sub(
            lambda m: f'<span class="w">{m[0]}</span>' if len(m[0]) <= _LONGEST_WHOLE else m[0],
            str(found),
        )
    )


def told(sentence: str) -> Markup:
    """Return a sentence with its instants as ``<time>``, isolated."""
    parts = (
        _whole(part) if isinstance(part, str) else when(part) for part in words.parts(sentence)
    )
    return Markup("<bdi>{}</bdi>").format(Markup("").join(parts))


def amount(value: int, dimension: str) -> str:
    """Return an amount for people: ``1.5 CPUs``, ``2 GiB memory``, ``1 gpu``."""
    return format_amount(dimension, value)


def size(value: int, dimension: str) -> str:
    """Return an amount where its column or bar says of what: ``1.5``, ``2 GiB``."""
    text = format_amount(dimension, value)
    return text.removesuffix(" memory") if dimension == "memory" else text.split(" ")[0]


def span(amount_ms: int | None) -> str:
    """Return a time in its two largest units, "" where there is none."""
    return "" if amount_ms is None else format_duration(amount_ms)


def between(start: datetime | None, end: datetime | None) -> str:
    """Return how long it was from one to the other; "" unless both are known."""
    if start is None or end is None:
        return ""
    return format_duration(max(0, int((end - start).total_seconds())) * 1000)


def percent(part: int, whole: int) -> str:
    """Return a share in whole per cent: ``71 %``."""
    return f"{part * 100 // whole} %" if whole > 0 else ""


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun: ``1 node``, ``3 nodes``."""
    return f"{number} {one if number == 1 else many or one + 's'}"


def few(names: Sequence[str]) -> str:
    """Return the first names and how many more there are: ``n1, n2, n3 and 4 more``."""
    return listed(names) if names else ""


def short(commit: str) -> str:
    """Return the digits by which people know a commit."""
    return commit[:8]

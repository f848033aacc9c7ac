"""Badges: an execution's state as a small picture, for a README elsewhere. Pure."""

from __future__ import annotations

from html import escape

HEIGHT = 20
_LETTER = 7
_MARGIN = 12
_COLOURS = {
    "Running": "#1a7f37",
    "Succeeded": "#1a7f37",
    "Failed": "#cf222e",
    "Invalid": "#cf222e",
    "Queued": "#9a6700",
    "Pending": "#9a6700",
    "Starting": "#0969da",
}
_GREY = "#57606a"
LONGEST = 60


def svg(name: str, state: str) -> str:
    """Return the badge; its width is reckoned from the number of letters."""
    name = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
    left, right = (len(text) * _LETTER + _MARGIN for text in (name, state))
    label = escape(f"{name}: {state}")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{HEIGHT}" '
        f'role="img" aria-label="{label}"><title>{label}</title>'
        f'<rect width="{left + right}" height="{HEIGHT}" rx="3" fill="#24292f"/>'
        f'<rect x="{left}" width="{right}" height="{HEIGHT}" rx="3" '
        f'fill="{_COLOURS.get(state, _GREY)}"/>'
        f'<rect x="{left}" width="4" height="{HEIGHT}" fill="{_COLOURS.get(state, _GREY)}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
        'text-anchor="middle">'
        f'<text x="{left // 2}" y="14" textLength="{left - _MARGIN}">{escape(name)}</text>'
        f'<text x="{left + right // 2}" y="14" textLength="{right - _MARGIN}">{escape(state)}'
        "</text></g></svg>"
    )

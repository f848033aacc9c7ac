"""Distributions as SVG, drawn by hand: no library, no script, legible on light and dark pages.

Curves are told apart by colour and by dash, and each is labelled in words; every panel has a
title, and the picture a description for those who can't see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, log10

WIDTH, PANEL_HEIGHT = 760, 300
LEFT, RIGHT, TOP, BOTTOM = 56, 20, 44, 44
# Okabe and Ito's palette: distinct for colour-blind eyes, and of middling lightness, so that the
# curves stand out from a white page and from a black one.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b8860b", "#56b4e9", "#7f7f7f")
DASHES = ("", "7 3", "2 3", "9 3 2 3")
_NAMED_S = (
    (1, "1 s"),
    (10, "10 s"),
    (60, "1 min"),
    (600, "10 min"),
    (3600, "1 h"),
    (36_000, "10 h"),
    (86_400, "1 d"),
    (864_000, "10 d"),
    (8_640_000, "100 d"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One chart: evenly spaced quantiles in seconds, from the 0th to the 100th, by name."""

    title: str
    series: Mapping[str, Sequence[float]]


def distributions(panels: Sequence[Panel]) -> str:
    """Return the panels below one another: time to the right (logarithmic), share upwards."""
    height = PANEL_HEIGHT * len(panels)
    names = ", ".join(dict.fromkeys(name for panel in panels for name in panel.series))
    described = f"Distributions of {'; '.join(panel.title for panel in panels)}; for {names}"
    body = [
        f'<g transform="translate(0 {PANEL_HEIGHT * number})">{_panel(panel)}</g>'
        for number, panel in enumerate(panels)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img"'
            f' font-family="system-ui, sans-serif" font-size="12" fill="#7f7f7f">',
            f"<title>{escape(described)}</title>",
            *body,
            "</svg>",
        ]
    )


@dataclass(frozen=True, slots=True)
class _Scale:
    """Seconds to the right, on a logarithmic axis that begins at one second."""

    decades: int

    def x(self, seconds: float) -> float:
        part = log10(max(1.0, seconds)) / self.decades
        return round(LEFT + part * (WIDTH - LEFT - RIGHT), 1)


def _y(share: float) -> float:
    return round(TOP + (1 - share) * (PANEL_HEIGHT - TOP - BOTTOM), 1)


def _panel(panel: Panel) -> str:
    longest = max((max(values, default=1.0) for values in panel.series.values()), default=1.0)
    scale = _Scale(max(1, ceil(log10(max(longest, 1.0)))))
    return "\n".join(
        [
            f'<text x="{LEFT}" y="16" font-weight="600">{escape(panel.title)}</text>',
            *_grid(scale),
            *_legend(tuple(panel.series)),
            *(_curve(values, scale, number) for number, values in enumerate(panel.series.values())),
        ]
    )


def _grid(scale: _Scale) -> list[str]:
    line = 'stroke="#7f7f7f" stroke-opacity="0.3"'
    parts = []
    for percent in (0, 25, 50, 75, 100):
        y = _y(percent / 100)
        parts.append(f'<path d="M{LEFT} {y}H{WIDTH - RIGHT}" {line}/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y + 4}" text-anchor="end">{percent} %</text>')
    for seconds, name in _NAMED_S:
        if seconds <= 10**scale.decades:
            x, foot = scale.x(seconds), PANEL_HEIGHT - BOTTOM
            parts.append(f'<path d="M{x} {TOP}V{foot}" {line}/>')
            parts.append(f'<text x="{x}" y="{foot + 18}" text-anchor="middle">{name}</text>')
    return parts


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], float(LEFT)
    for number, name in enumerate(names):
        parts.append(f'<path d="M{x} 30h22" {_stroke(number)}/>')
        parts.append(f'<text x="{x + 28}" y="34">{escape(name)}</text>')
        x += 44 + 7.2 * len(name)
    return parts


def _curve(values: Sequence[float], scale: _Scale, number: int) -> str:
    last = max(1, len(values) - 1)
    points = " ".join(f"{scale.x(value)},{_y(place / last)}" for place, value in enumerate(values))
    return f'<polyline points="{points}" {_stroke(number)}/>'


def _stroke(number: int) -> str:
    dash = DASHES[number % len(DASHES)]
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'fill="none" stroke="{COLOURS[number % len(COLOURS)]}" stroke-width="2"{dashed}'

"""Pictures drawn on the server: bars, blocks on nodes, curves, and a run's course. Pure.

Widths are percentages, so a picture fits any screen and its letters keep their size. Style sheets
give colours by class; shape, hatching or a letter say the same without colour.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from policy.words import listed
from reconciler.view.cluster import Block, NodeView, Share
from webhook.page import text

_PART = Markup('<rect class="{}" x="{}" width="{}" height="100%"{}><title>{}</title></rect>')
_HATCHED = Markup(' fill="url(#hatch)"')
_BAR = Markup('<svg class="bar" role="img" aria-label="{}" width="100%" height="12">{}</svg>')


def share_told(share: Share, dimension: str) -> str:
    """Return a share in words: ``6 of 8 reserved, 1 by others, 1 free``."""

    def of(value: int) -> str:
        return text.size(value, dimension)

    parts = [f"{of(share.reserved)} of {of(share.capacity)} reserved"]
    if share.foreign:
        parts.append(f"{of(share.foreign)} by others")
    if share.headroom:
        parts.append(f"{of(share.headroom)} kept free")
    parts.append(f"{of(share.free)} free")
    if share.limit:
        parts.append(f"limits up to {of(share.limit)}")
    return ", ".join(parts)


def bar(share: Share, dimension: str, name: str) -> Markup:
    """Return what is reserved, foreign and kept free of a share, with a mark at its limit."""
    parts: list[Markup] = []
    start = 0
    for kind, value in (
        ("reserved", share.reserved),
        ("foreign", share.foreign),
        ("headroom", share.headroom),
    ):
        if value > 0:
            fill = _HATCHED if kind == "foreign" else Markup("")
            title = text.visible(f"{kind}: {text.amount(value, dimension)}")
            x, width = _percent(start, share.capacity), _percent(value, share.capacity)
            parts.append(_PART.format(kind, x, width, fill, title))
        start += value
    if 0 < share.limit < share.capacity:
        x = _percent(share.limit, share.capacity)
        parts.append(Markup('<rect class="limit" x="{}" width="2" height="100%"/>').format(x))
    label = text.visible(f"{name}: {share_told(share, dimension)}")
    return _BAR.format(label, Markup("").join(parts))


_GAUGE = Markup('<svg class="gauge" aria-hidden="true" width="100%" height="8">{}</svg>')


def gauge(part: int, whole: int, mark: int | None = None) -> Markup:
    """Return how much of a whole there is, beside a text that says it; ``mark`` is a level."""
    parts = [
        Markup('<rect class="room" width="100%" height="100%"/>'),
        Markup('<rect class="reserved" width="{}" height="100%"/>').format(_percent(part, whole)),
    ]
    if mark is not None and 0 < mark < whole:
        x = _percent(mark, whole)
        parts.append(Markup('<rect class="limit" x="{}" width="2" height="100%"/>').format(x))
    return _GAUGE.format(Markup("").join(parts))


_MAP = Markup(
    '<svg class="map" role="img" aria-label="{}" width="100%" height="34">'
    '<rect class="room" width="{}" height="100%"/>{}</svg>'
)
_BLOCK = Markup(
    '<svg x="{}" width="{}" height="100%"><title>{}</title>'
    '<rect class="block {}" x="1" y="1" width="calc(100% - 2px)" height="32" rx="3"/>'
    '<text x="7" y="21">{}</text></svg>'
)
_NAMED_PERCENT = 8
"""A narrower block has only room for its letter; its title has the rest."""
_FOREIGN = Markup(
    '<rect class="foreign" fill="url(#hatch)" x="{}" width="{}" height="100%">'
    "<title>{}</title></rect>"
)


def blocks(node: NodeView, largest: int) -> Markup:
    """Return a node's components as blocks as wide as their memory; all nodes on one scale.

    Core blocks have a solid outline and the letter C, elastic ones a dashed one and an e; what
    isn't told one by one is a block of its own.
    """
    parts: list[Markup] = []
    start = 0
    for block in node.blocks:
        for letter, count in (("C", block.core), ("e", block.elastic)):
            memory = _memory_of(block, count)
            if count:
                x, width = _percent(start, largest), _percent(memory, largest)
                kind = "core" if letter == "C" else "elastic"
                told = f"{letter}{count if count > 1 else ''}"
                if memory * 100 >= largest * _NAMED_PERCENT:
                    told += f" {text.visible(block.name)}"
                parts.append(_BLOCK.format(x, width, _block_title(block, kind, count), kind, told))
            start += memory
    if node.more_memory_bytes:
        x, width = _percent(start, largest), _percent(node.more_memory_bytes, largest)
        title = f"{node.more} more: {text.size(node.more_memory_bytes, 'memory')}"
        parts.append(_BLOCK.format(x, width, title, "core", f"+{node.more}"))
        start += node.more_memory_bytes
    if node.memory.foreign:
        x, width = _percent(start, largest), _percent(node.memory.foreign, largest)
        title = f"others: {text.size(node.memory.foreign, 'memory')}"
        parts.append(_FOREIGN.format(x, width, title))
    label = f"{text.visible(node.hostname)}: {len(node.blocks) + node.more} components by memory"
    return _MAP.format(label, _percent(node.memory.capacity, largest), Markup("").join(parts))


def _memory_of(block: Block, count: int) -> int:
    return block.memory_bytes * count // max(1, block.core + block.elastic)


def _block_title(block: Block, kind: str, count: int) -> str:
    name = text.visible(f"{block.namespace}/{block.name} {block.component}")
    return f"{name}: {count} {kind}, {text.amount(_memory_of(block, count), 'memory')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Values in the order of their buckets, None where there was none. ``style``: a or b."""

    name: str
    style: str
    values: tuple[int | None, ...]


_HEIGHT = 100
_WIDTH = 1000
_PLOT = Markup(
    '<svg class="plot" role="img" aria-label="{}" viewBox="0 -2 1000 104"'
    ' preserveAspectRatio="none">'
    '<path class="grid" d="M0 0H1000M0 50H1000M0 100H1000"/>{}</svg>'
)
_CURVE = Markup('<path class="curve {}" d="{}"/>')


def plot(curves: Sequence[Curve], top: int, told: str) -> Markup:
    """Return curves from 0 to ``top``; the words along the axes are HTML around it."""
    drawn = (
        _CURVE.format(curve.style, "".join(_moves(curve.values, top)))
        for curve in curves
        if any(value is not None for value in curve.values)
    )
    return _PLOT.format(told, Markup("").join(drawn))


def top_of(curves: Iterable[Curve], least: int = 1) -> int:
    """Return a round even number that no value passes, for an axis with a mark at its half."""
    most = max((v for curve in curves for v in curve.values if v is not None), default=0)
    most, power = max(most, least), 1
    while True:
        for factor in _ROUND if power > 1 else _SMALL:
            if factor * power >= most:
                return factor * power
        power *= 10


_SMALL = (2, 4, 6, 8, 10, 12, 16, 20, 24, 30, 40, 50, 60, 80, 100)
_ROUND = (12, 16, 20, 24, 30, 40, 50, 60, 80, 100)


def _moves(values: Sequence[int | None], top: int) -> Iterable[str]:
    """Yield the steps of a path: each value lasts its bucket, gaps stay gaps."""
    is_drawing = False
    for number, value in enumerate(values):
        if value is None:
            is_drawing = False
            continue
        left = number * _WIDTH // len(values)
        right = (number + 1) * _WIDTH // len(values)
        height = _HEIGHT - min(value, top) * _HEIGHT / max(1, top)
        yield f"{'V' if is_drawing else f'M{left} '}{height:.4g}H{right}"
        is_drawing = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Part of a run's course. ``kind``: waiting, starting or running."""

    kind: str
    length_ms: int


_COURSE = Markup('<svg class="course" role="img" aria-label="{}" width="100%" height="8">{}</svg>')


def course(stretches: Sequence[Stretch]) -> Markup:
    """Return a run's course from left to right, each part as long as it took."""
    whole = sum(stretch.length_ms for stretch in stretches)
    parts: list[Markup] = []
    start = 0
    for stretch in stretches:
        title = f"{stretch.kind}: {text.span(stretch.length_ms)}"
        x, width = _percent(start, whole), _percent(stretch.length_ms, whole)
        fill = _HATCHED if stretch.kind == "starting" else Markup("")
        parts.append(_PART.format(stretch.kind, x, width, fill, title))
        start += stretch.length_ms
    return _COURSE.format(course_told(stretches), Markup("").join(parts))


def course_told(stretches: Sequence[Stretch]) -> str:
    """Return how long a run waited, started and ran: ``waiting 2 h, running 3 h``."""
    sums: dict[str, int] = {}
    for stretch in stretches:
        sums[stretch.kind] = sums.get(stretch.kind, 0) + stretch.length_ms
    told = [f"{kind} {text.span(length_ms)}" for kind, length_ms in sums.items() if length_ms]
    return listed(told) if told else ""


def _percent(part: int, whole: int) -> str:
    """Return a width in per cent, to the hundredth; what doesn't fit is cut at the edge."""
    hundredths = min(10_000, max(0, part) * 10_000 // whole) if whole > 0 else 0
    return f"{hundredths / 100:g}%"

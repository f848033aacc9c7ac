"""The combinations of a matrix, as GitHub Actions means ``include`` and ``exclude``.

Excluding comes first. An entry of ``include`` adds its values to every combination of the axes
that it contradicts on no axis; where there is none, it is a combination of its own, which later
entries leave alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any

from reconciler.manifest.diagnostic import Path

INCLUDE, EXCLUDE = "include", "exclude"


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """Values by axis, what ``include`` added last. ``named_by`` are those that make its key."""

    values: Mapping[str, Any]
    named_by: tuple[Any, ...]
    place: Path = ()


def axes_of(matrix: Mapping[str, Any]) -> dict[str, Sequence[Any]]:
    """Return the axes in the order in which they are written."""
    return {name: values for name, values in matrix.items() if name not in (INCLUDE, EXCLUDE)}


def size(matrix: Mapping[str, Any]) -> int:
    """Return how many combinations there are at most, without making any."""
    axes = axes_of(matrix).values()
    return (prod(map(len, axes)) if axes else 0) + len(matrix.get(INCLUDE, ()))


def combinations(matrix: Mapping[str, Any]) -> list[Combination]:
    """Return all combinations: of the axes, the last one turning fastest, then those included."""
    axes = axes_of(matrix)
    excluded = matrix.get(EXCLUDE, ())
    made = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())]
    of_axes = [
        values for values in made if axes and not any(_agrees(values, entry) for entry in excluded)
    ]
    added: list[dict[str, Any]] = [{} for _ in of_axes]
    own: list[Combination] = []
    for index, entry in enumerate(matrix.get(INCLUDE, ())):
        onto = {name: value for name, value in entry.items() if name in axes}
        hits = [number for number, values in enumerate(of_axes) if _agrees(values, onto)]
        for number in hits:
            added[number] |= entry
        if not hits:
            own.append(_of_its_own(entry, axes, (INCLUDE, index)))
    return [
        Combination(values={**values, **more}, named_by=tuple(values.values()))
        for values, more in zip(of_axes, added, strict=True)
    ] + own


def _of_its_own(entry: Mapping[str, Any], axes: Mapping[str, Any], place: Path) -> Combination:
    ordered = [name for name in axes if name in entry] + [n for n in entry if n not in axes]
    return Combination(values=entry, named_by=tuple(entry[n] for n in ordered), place=place)


def _agrees(values: Mapping[str, Any], entry: Mapping[str, Any]) -> bool:
    return all(name in values and _same(values[name], value) for name, value in entry.items())


def _same(left: object, right: object) -> bool:
    """Compare as written: true isn't 1."""
    return left == right and isinstance(left, bool) == isinstance(right, bool)

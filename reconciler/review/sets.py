"""Sets in a preview: what changes about a set as such, and its executions told together.

A pull request that adds a course of 25 groups is one line, not 25.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.converge.status import SetName
from reconciler.manifest.spec import SetSpec, SetSummary

if TYPE_CHECKING:
    from reconciler.review.preview import ExecutionPreview


@dataclass(frozen=True, slots=True, kw_only=True)
class SetChange:
    """What a revision changes about a set as such: how many it asks for, how they go together."""

    name: str
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Executions of one set to which the same happens, or one by itself."""

    lines: tuple[ExecutionPreview, ...]

    @property
    def first(self) -> ExecutionPreview:
        """The one that stands for all."""
        return self.lines[0]

    @property
    def name(self) -> str:
        """NAMESPACE/NAME, or the set and how many of its executions."""
        if len(self.lines) == 1:
            return f"{self.first.namespace}/{self.first.name}"
        return f"{self.first.of_set}: {len(self.lines)} executions"

    @property
    def reason(self) -> str:
        """Why, where that is the same for all; else what most of them say."""
        counts = Counter(line.reason for line in self.lines)
        if len(counts) == 1:
            return self.first.reason
        del counts[""]
        told, count = counts.most_common(1)[0]
        return f"{count} of them: {told}"

    @property
    def positions(self) -> tuple[int, int] | None:
        """The first and the last place in the queue that they have."""
        found = [line.position for line in self.lines if line.position]
        return (min(found), max(found)) if found else None


def grouped(lines: Iterable[ExecutionPreview]) -> list[Group]:
    """Return the lines, those of a set with the same action together, in the order of the first."""
    found: dict[tuple[str, str], list[ExecutionPreview]] = {}
    for line in lines:
        of_set = line.of_set or f"{line.namespace}/{line.name}/{line.uid}"
        found.setdefault((of_set, str(line.action)), []).append(line)
    return [Group(lines=tuple(group)) for group in found.values()]


def set_changes(base: Sequence[SetSummary], head: Sequence[SetSummary]) -> Iterator[SetChange]:
    """Yield what is different about sets, by name."""
    before, after = _by_name(base), _by_name(head)
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        told = [] if old == new else list(_differences(old, new))
        if told:
            full_name = (new or old or base[0]).spec.full_name
            yield SetChange(name=full_name, told="; ".join(told))


def _by_name(sets: Iterable[SetSummary]) -> dict[SetName, SetSummary]:
    return {(found.spec.namespace, found.spec.name): found for found in sets}


def _differences(old: SetSummary | None, new: SetSummary | None) -> Iterator[str]:
    if new is None:
        yield "it is gone, with all of its executions"
        return
    if old is None:
        yield f"new, {new.total} executions"
    elif old.total != new.total:
        yield f"{old.total} -> {new.total} executions"
    before = _rules(old.spec) if old is not None else {}
    for rule, value in _rules(new.spec).items():
        if value != before.get(rule, "none"):
            yield f"{rule}: {value}" if old is None else f"{rule}: {before[rule]} -> {value}"


def _rules(spec: SetSpec) -> dict[str, str]:
    return {
        "parallel": str(spec.parallel or "none"),
        "maxFailed": "none" if spec.max_failed is None else str(spec.max_failed),
        "stagger": f"{spec.stagger_ms / 1000:g} s" if spec.stagger_ms else "none",
        "repeat": "always" if spec.repeats else "none",
    }

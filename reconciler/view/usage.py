"""Accounting: who used how much, from what was recorded. Exact integers, any grouping.

What is counted is what was *reserved* for an execution while it held it, not what it made of it:
that is what others couldn't have. An interval counts for the part of it that lies in the time that
is asked for.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policy.model.execution import Uid
from policy.words import format_share
from reconciler.converge.instants import epoch_ms
from reconciler.converge.ledger import Entry
from reconciler.reporting.records import Interval
from reconciler.view.waits import endings, nearest_rank, waits

HOUR_MS = 3_600_000
CORE_HOUR = 1000 * HOUR_MS
GIB_HOUR = 1024**3 * HOUR_MS
LONGEST_LABEL = 200
_LABEL = "label:"
Grouping = Callable[[str, str, Mapping[str, str]], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """One row. Exact integers; ``core_hours`` and ``gib_hours`` say them to one decimal.

    ``key`` is "" of those that have none (no ZApp, not that label) or of whom it isn't known any
    more. ``generic_ms`` are pieces
    times milliseconds by resource, ``generic_hours`` the same to one decimal.
    """

    key: str
    executions: int
    cpu_milli_ms: int
    memory_byte_ms: int
    core_hours: str
    gib_hours: str
    generic_ms: Mapping[str, int] = field(default_factory=dict)
    generic_hours: Mapping[str, str] = field(default_factory=dict)
    wait_median_ms: int | None = None
    started: int = 0
    ended: int = 0
    failed: int = 0
    failed_share: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Rows by what is asked for: ``namespace``, ``zapp`` or ``label:KEY``, the largest first."""

    by: str
    since: datetime
    until: datetime
    rows: tuple[Used, ...]
    total: Used


def of(
    intervals: Iterable[Interval],
    entries: Iterable[Entry],
    documents: Mapping[Uid, Mapping[str, Any]],
    *,
    by: str,
    since: datetime,
    until: datetime,
    now: datetime,
) -> Usage:
    """Return who used how much from ``since`` to before ``until`` (at most ``now``).

    Args:
        intervals: Those that overlap that time, as they were recorded (``Archive.intervals``).
        entries: The facts of waits and ends, as they were entered (``Archive.ends``), from
            ``waits.LONGEST`` before that time on.
        documents: Status documents (``Picture.documents``): whose facts these are, where no
            interval says so, since it ended without ever holding anything.
        by: ``namespace``, ``zapp`` or ``label:KEY``.
        since: Where it begins.
        until: Where it ends.
        now: What is still held counts up to here.

    Raises:
        ValueError: ``by`` is something else, or the time ends before it begins. For people.
    """
    if since >= until:
        raise ValueError("since must be before until")
    key_of, end = grouping(by), min(until, now)
    book = _Book(keys={uid: _key_of_document(key_of, d) for uid, d in documents.items()})
    for interval in intervals:
        key = key_of(interval.namespace, interval.zapp, dict(interval.labels))
        book.keys[interval.uid] = key
        if length_ms := held_ms(interval, since=since, until=end):
            for part in book.sums_of(key):
                part.hold(interval, length_ms)
    book.count(list(entries), since=since, until=end)
    return Usage(by=by, since=since, until=until, rows=book.rows(), total=book.total.row(""))


def held_ms(interval: Interval, *, since: datetime, until: datetime) -> int:
    """Return for how long of a time something was held, in whole milliseconds.

    Both ends are rounded down, so that parts that follow one another add up to the whole.
    """
    begin = max(interval.since, since)
    end = until if interval.until is None else min(interval.until, until)
    return max(0, epoch_ms(end) - epoch_ms(begin))


def grouping(by: str) -> Grouping:
    """Return what tells the key by namespace, ZApp and labels.

    Raises:
        ValueError: There is no such grouping. For people.
    """
    if by == "namespace":
        return lambda namespace, zapp, labels: namespace
    if by == "zapp":
        return lambda namespace, zapp, labels: zapp
    label = by.removeprefix(_LABEL)
    if by.startswith(_LABEL) and 0 < len(label) <= LONGEST_LABEL:
        return lambda namespace, zapp, labels: labels.get(label, "")
    raise ValueError(f"can't group by {by[:50]!r}: write namespace, zapp or label:KEY")


@dataclass(slots=True)
class _Sum:
    """What is added up for one row."""

    uids: set[Uid] = field(default_factory=set)
    cpu_milli_ms: int = 0
    memory_byte_ms: int = 0
    generic_ms: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    waited_ms: list[int] = field(default_factory=list)
    ended: int = 0
    failed: int = 0

    def hold(self, interval: Interval, length_ms: int) -> None:
        self.uids.add(interval.uid)
        self.cpu_milli_ms += interval.cpu_millis * length_ms
        self.memory_byte_ms += interval.memory_bytes * length_ms
        for name, count in interval.generic:
            self.generic_ms[name] += count * length_ms

    def row(self, key: str) -> Used:
        generic = dict(sorted(self.generic_ms.items()))
        return Used(
            key=key,
            executions=len(self.uids),
            cpu_milli_ms=self.cpu_milli_ms,
            memory_byte_ms=self.memory_byte_ms,
            core_hours=tenths(self.cpu_milli_ms, CORE_HOUR),
            gib_hours=tenths(self.memory_byte_ms, GIB_HOUR),
            generic_ms=generic,
            generic_hours={name: tenths(amount, HOUR_MS) for name, amount in generic.items()},
            wait_median_ms=nearest_rank(sorted(self.waited_ms), 50),
            started=len(self.waited_ms),
            ended=self.ended,
            failed=self.failed,
            failed_share=format_share(self.failed * 1_000_000 // self.ended) if self.ended else "",
        )


def tenths(amount: int, unit: int) -> str:
    """Return an amount in units, to one decimal, a half rounded up: ``12.3``."""
    whole, tenth = divmod((amount * 20 + unit) // (2 * unit), 10)
    return f"{whole}.{tenth}"


@dataclass(slots=True)
class _Book:
    """All rows, and their total. ``keys`` says whose facts are whose."""

    keys: dict[Uid, str]
    sums: defaultdict[str, _Sum] = field(default_factory=lambda: defaultdict(_Sum))
    total: _Sum = field(default_factory=_Sum)

    def sums_of(self, key: str) -> tuple[_Sum, _Sum]:
        return self.sums[key], self.total

    def count(self, facts: Sequence[Entry], *, since: datetime, until: datetime) -> None:
        for wait in waits(facts):
            if since <= wait.started_at < until:
                for part in self.sums_of(self.keys.get(wait.uid, "")):
                    part.waited_ms.append(wait.waited_ms)
        for entry, is_failed in endings(facts):
            if since <= entry.at < until:
                for part in self.sums_of(self.keys.get(entry.uid, "")):
                    part.ended += 1
                    part.failed += is_failed

    def rows(self) -> tuple[Used, ...]:
        found = (part.row(key) for key, part in self.sums.items())
        return tuple(
            sorted(found, key=lambda row: (-row.cpu_milli_ms, -row.memory_byte_ms, row.key))
        )


def _key_of_document(key_of: Grouping, document: Mapping[str, Any]) -> str:
    metadata = document["metadata"]
    zapp = document["status"].get("zapp", "")
    return key_of(metadata["namespace"], zapp, metadata.get("labels", {}))

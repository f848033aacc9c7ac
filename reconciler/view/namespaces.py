"""A namespace: what it may use, what it uses, what it used lately, who belongs to it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Self

from policy.model.resources import format_amount
from policy.words import format_share
from reconciler.converge.newest import newest
from reconciler.reporting.records import Board, Interval
from reconciler.view import line
from reconciler.view.line import Line
from reconciler.view.usage import CORE_HOUR, held_ms, tenths
from reconciler.view.words import instant

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """One dimension: ``used`` now, ``guaranteed`` and ``maximum`` (None: not bounded).

    CPU in thousandths, memory in bytes, generic resources in pieces.
    """

    dimension: str
    used: int
    guaranteed: int | None = None
    maximum: int | None = None
    told: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NamespaceView:
    """``share`` is what it used of the cluster in the last week, ``workspace`` where its files are.

    Both are for people to read.
    """

    name: str
    states: Mapping[str, int]
    weight: int = 1
    cohort: str = ""
    maximum_executions: int = 0
    quotas: tuple[Quota, ...] = ()
    share: str = ""
    workspace: str = ""
    members: tuple[str, ...] = ()
    shows_logs: bool = False
    lines: tuple[Line, ...] = ()
    more: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Namespaces:
    """All of them, by name, without their executions."""

    namespaces: tuple[NamespaceView, ...] = ()


LATELY = timedelta(days=7)
"""The time that ``share`` is about: ask for the intervals since then."""

MOST_LINES = 200


def of(
    board: Board, documents: Iterable[Document], intervals: Iterable[Interval], *, now: datetime
) -> Namespaces:
    """Return all namespaces, declared or in use, without their executions.

    Args:
        board: The accepted commit's (``Picture.board``).
        documents: Status documents (``Picture.documents``).
        intervals: What was held since ``now - LATELY`` (``Archive.intervals``).
        now: The time that this is about.
    """
    found = _Found.of(documents, intervals, now)
    names = sorted({*board.namespaces, *found.documents})
    return Namespaces(namespaces=tuple(_view(name, board, found) for name in names))


def one(
    board: Board,
    name: str,
    documents: Iterable[Document],
    intervals: Iterable[Interval],
    *,
    now: datetime,
    used: Mapping[str, int] | None = None,
    limit: int = MOST_LINES,
) -> NamespaceView | None:
    """Return all of a namespace, with its ``limit`` first executions; None if there is none.

    With ``used``, what all used since ``now - LATELY`` (``Archive.used``), the intervals need only
    be its own.
    """
    mine = [document for document in documents if document["metadata"]["namespace"] == name]
    found = _Found.of(mine, intervals, now)
    if used is not None:
        found = replace(found, used={key: amount * 1000 for key, amount in used.items()})
    if name not in board.namespaces and name not in found.documents:
        return None
    newest_ = found.documents.get(name, [])
    return replace(
        _view(name, board, found),
        lines=tuple(map(line.of, newest_[:limit])),
        more=max(0, len(newest_) - limit),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What is known of all of them: documents by namespace, what each holds and used lately."""

    documents: Mapping[str, list[Document]]
    held: Mapping[str, Counter[str]]
    used: Mapping[str, int]
    since: datetime

    @classmethod
    def of(
        cls, documents: Iterable[Document], intervals: Iterable[Interval], now: datetime
    ) -> Self:
        by_namespace: defaultdict[str, list[Document]] = defaultdict(list)
        for document in newest(documents):
            by_namespace[document["metadata"]["namespace"]].append(document)
        held: defaultdict[str, Counter[str]] = defaultdict(Counter)
        used: Counter[str] = Counter()
        for interval in intervals:
            amount_ms = held_ms(interval, since=now - LATELY, until=now)
            used[interval.namespace] += interval.cpu_millis * amount_ms
            if interval.until is None:
                held[interval.namespace].update(_amounts(interval))
        return cls(documents=by_namespace, held=held, used=used, since=now - LATELY)


def _amounts(interval: Interval) -> dict[str, int]:
    fixed = {"cpu": interval.cpu_millis, "memory": interval.memory_bytes}
    return {**fixed, **dict(interval.generic)}


def _view(name: str, board: Board, found: _Found) -> NamespaceView:
    told = board.namespaces.get(name, {})
    states = Counter(document["status"]["phase"] for document in found.documents.get(name, ()))
    return NamespaceView(
        name=name,
        states=dict(sorted(states.items())),
        weight=told.get("weight", 1),
        cohort=told.get("cohort", ""),
        maximum_executions=told.get("maximumExecutions", 0),
        quotas=tuple(_quotas(told, found.held.get(name, Counter()))),
        share=_share(name, found),
        workspace=_workspace(told.get("workspace") or {}),
        members=tuple(told.get("members", ())),
        shows_logs=bool((told.get("page") or {}).get("logs")),
        labels=told.get("labels", {}),
    )


def _workspace(told: Mapping[str, Any]) -> str:
    """Return where the files are that outlive executions; "" where that wasn't written down."""
    if not told:
        return ""
    if told.get("isShared"):
        return "shared: the same on every node"
    if node := told.get("node"):
        return f"on node {node}: what mounts it runs there"
    return "on the node where it is first used"


def _quotas(told: Mapping[str, Any], held: Mapping[str, int]) -> Iterator[Quota]:
    """Yield what is held or bounded, CPU and memory first."""
    guaranteed, maximum = told.get("guaranteed") or {}, told.get("maximum") or {}
    others = sorted({*held, *guaranteed, *maximum} - {"cpu", "memory"})
    for dimension in ("cpu", "memory", *others):
        yield Quota(
            dimension=dimension,
            used=held.get(dimension, 0),
            guaranteed=guaranteed.get(dimension),
            maximum=maximum.get(dimension),
            told=_told(
                dimension,
                held.get(dimension, 0),
                guaranteed.get(dimension),
                maximum.get(dimension),
            ),
        )


def _told(dimension: str, used: int, guaranteed: int | None, maximum: int | None) -> str:
    """Return ``2 CPUs of at most 12 CPUs, 8 CPUs guaranteed``."""
    told = format_amount(dimension, used)
    told += "" if maximum is None else f" of at most {format_amount(dimension, maximum)}"
    return told + (
        "" if guaranteed is None else f", {format_amount(dimension, guaranteed)} guaranteed"
    )


def _share(name: str, found: _Found) -> str:
    """Return what it used lately; not as the policy counts it, for whom older use counts less."""
    mine, total = found.used.get(name, 0), sum(found.used.values())
    if not mine:
        return f"nothing since {instant(found.since)}"
    share = format_share(mine * 1_000_000 // total)
    hours = tenths(mine, CORE_HOUR)
    return f"{hours} core-hours since {instant(found.since)}, {share} of what all used"

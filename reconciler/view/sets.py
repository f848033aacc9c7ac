"""A set: how many of its executions are ready, who is missing, why, and which items can't be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.converge import set_status
from reconciler.converge.status import SetName
from reconciler.reporting.records import Board
from reconciler.view import line
from reconciler.view.line import Line

Document = Mapping[str, Any]

NOWHERE = "-"
"""Stands in an address for the namespace of a set that is over many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """An item that can't be as it is written; ``message`` says where and why."""

    namespace: str
    name: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SetView:
    """``sentence``: ``23 of 25 ready``. ``missing`` are those that aren't, with why in each.

    A set over many namespaces has none itself. ``rules`` says how its executions go together.
    """

    namespace: str
    name: str
    path: str
    sentence: str
    ready: int
    total: int
    rules: str = ""
    refused: tuple[Refused, ...] = ()
    missing: tuple[Line, ...] = ()
    lines: tuple[Line, ...] = ()

    @property
    def full_name(self) -> str:
        """[NAMESPACE/]NAME."""
        return f"{self.namespace}/{self.name}" if self.namespace else self.name


@dataclass(frozen=True, slots=True, kw_only=True)
class Sets:
    """All sets, by namespace and name, without their lines."""

    sets: tuple[SetView, ...] = ()


def of(documents: Iterable[Document], board: Board) -> Sets:
    """Return all sets that are asked for, in brief.

    ``documents`` are the statuses of all runs (``Picture.documents``); ``board`` is what the
    accepted commit says, and may be empty: then only what runs is known of a set.
    """
    members = set_status.members_of(documents)
    declared = _declared(board)
    names = sorted({*members, *declared})
    return Sets(sets=tuple(_view(n, members.get(n, ()), declared.get(n)) for n in names))


def one(documents: Iterable[Document], board: Board, namespace: str, name: str) -> SetView | None:
    """Return all of a set; None if there is none of that name."""
    key = ("" if namespace == NOWHERE else namespace, name)
    members = set_status.members_of(documents).get(key, ())
    declared = _declared(board).get(key)
    if not members and declared is None:
        return None
    return replace(
        _view(key, members, declared),
        missing=tuple(map(line.of, set_status.missing(members))),
        lines=tuple(map(line.of, members)),
    )


def _declared(board: Board) -> Mapping[SetName, Mapping[str, Any]]:
    return {(told["namespace"], told["name"]): told for told in board.sets}


def _view(key: SetName, members: Sequence[Document], declared: Mapping[str, Any] | None) -> SetView:
    """Return a set without its lines."""
    told = declared or {}
    total = told.get("total", len(members))
    path = next((m.get("source", {}).get("path", "") for m in members), "")
    return SetView(
        namespace=key[0],
        name=key[1],
        path=told.get("path", path),
        sentence=set_status.sentence(members, total),
        ready=len(members) - len(set_status.missing(members)),
        total=total,
        rules=_rules(told),
        refused=tuple(Refused(**refused) for refused in told.get("refused", ())),
    )


def _rules(told: Mapping[str, Any]) -> str:
    """Return how the executions go together, as its document says."""
    found = []
    if told.get("parallel"):
        found.append(f"at most {told['parallel']} at a time")
    if told.get("staggerMs"):
        found.append(f"{told['staggerMs'] / 1000:g} s from one start to the next")
    if told.get("maxFailed") is not None:
        found.append(f"no further one when more than {told['maxFailed']} have failed")
    if told.get("repeats"):
        found.append("each started again when it has ended")
    return ", ".join(found)

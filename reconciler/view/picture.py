"""What is known of everything, as it was when the database was last read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from policy.model.execution import Uid
from reconciler.converge.newest import newest
from reconciler.reporting.records import Board, Pulse

Document = Mapping[str, Any]
"""A status document (``converge.status``)."""


class Orders:
    """Status documents by what they are looked up by, each worked out when it is first asked for.

    Pictures of the same documents share it: a page is made many times from one, and a new one
    comes with each sign of life of the loop.
    """

    def __init__(self, documents: Mapping[Uid, Document]) -> None:
        self.documents = documents

    @cached_property
    def newest(self) -> tuple[Document, ...]:
        """The newest run of each name, before it the schedule where it has one, in order."""
        return tuple(newest(self.documents.values()))

    @cached_property
    def by_state(self) -> Mapping[str, tuple[Document, ...]]:
        """The newest runs by the state that they are in."""
        return by_state(self.newest)

    @cached_property
    def all_runs(self) -> tuple[Document, ...]:
        """Every run by namespace, name and run."""
        return tuple(sorted(self.documents.values(), key=position))

    @cached_property
    def names_of_newest(self) -> tuple[str, ...]:
        """What text is looked for in, beside each of :attr:`newest`."""
        return tuple("/".join(position(document)[:2]).casefold() for document in self.newest)

    @cached_property
    def names_of_all(self) -> tuple[str, ...]:
        """What text is looked for in, beside each of :attr:`all_runs`."""
        return tuple("/".join(position(document)[:2]).casefold() for document in self.all_runs)

    @cached_property
    def of_namespace(self) -> Mapping[str, tuple[Document, ...]]:
        """The newest runs of each namespace, in order."""
        found: dict[str, list[Document]] = {}
        for document in self.newest:
            found.setdefault(document["metadata"]["namespace"], []).append(document)
        return {namespace: tuple(mine) for namespace, mine in found.items()}

    @cached_property
    def by_name(self) -> Mapping[tuple[str, str], tuple[Document, ...]]:
        """The runs of each (namespace, name), in their order."""
        found: dict[tuple[str, str], list[Document]] = {}
        for document in self.documents.values():
            found.setdefault(position(document)[:2], []).append(document)
        return {name: tuple(sorted(runs, key=position)) for name, runs in found.items()}


@dataclass(frozen=True, kw_only=True)
class Picture:
    """The statuses of all runs that are kept, and what goes with them.

    ``version`` is the database's ``state_version``; ``read_at`` when that was last seen to be the
    newest; ``is_stale`` that it can't be asked now. ``snapshot`` is the text of the last pass's
    (``converge.snapshots``), which is only parsed where somebody decides on it.
    """

    deployment: str = ""
    version: int = 0
    read_at: datetime
    is_stale: bool = False
    pulse: Pulse | None = None
    documents: Mapping[Uid, Document] = field(default_factory=dict)
    board: Board = field(default_factory=Board)
    snapshot_id: str = ""
    snapshot: str = ""
    orders: Orders = field(default_factory=lambda: Orders({}), compare=False, repr=False)

    def __post_init__(self) -> None:
        """Keep the orders that were given where they are of these very documents."""
        if self.orders.documents is not self.documents:
            object.__setattr__(self, "orders", Orders(self.documents))

    @property
    def newest(self) -> tuple[Document, ...]:
        """The newest run of each name, before it the schedule where it has one, in order."""
        return self.orders.newest

    @property
    def by_state(self) -> Mapping[str, tuple[Document, ...]]:
        """The newest runs by the state that they are in."""
        return self.orders.by_state

    @property
    def all_runs(self) -> tuple[Document, ...]:
        """Every run by namespace, name and run."""
        return self.orders.all_runs

    @property
    def by_name(self) -> Mapping[tuple[str, str], tuple[Document, ...]]:
        """The runs of each (namespace, name), in their order."""
        return self.orders.by_name


def by_state(documents: Iterable[Document]) -> Mapping[str, tuple[Document, ...]]:
    """Return documents by their state, by its name."""
    groups: dict[str, list[Document]] = {}
    for document in documents:
        groups.setdefault(document["status"]["phase"], []).append(document)
    return {state: tuple(group) for state, group in sorted(groups.items())}


def of_states(found: Mapping[str, Iterable[Document]], *states: str) -> list[Document]:
    """Return the documents that are in one of the states."""
    return [document for state in states for document in found.get(state, ())]


def position(document: Document) -> tuple[str, str, int]:
    """Return by what documents are in order: namespace, name, run."""
    metadata = document["metadata"]
    return metadata["namespace"], metadata["name"], metadata["run"]

"""What comes and goes in a soak, one small change after the other. Pure.

Batches that are new each time; notebooks, sets and namespaces whose names come back; edits,
files that are invalid for a while, runs that are started again. How much is there at a time is
bounded, so that what grows isn't the work.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from tests.e2e.manifests import batch, execution, namespace, path, platform, service, sweep

NAMESPACE = "aml"
STANDING = 6
"""How many stand all the time and must never be touched."""
BATCHES, BOOKS, SETS, TEAMS, WRONG = 8, 5, 2, 2, 2
"""How many of a kind there are at most; the oldest one goes for the next."""
_NAMES = 12
_KINDS = {"batch": 5, "book": 2, "edit": 3, "again": 2, "wrong": 2, "set": 1, "team": 1}

Files = Mapping[str, str | None]


def standing() -> Files:
    """Return what stands all the time."""
    books = {path(f"standing-{n}"): execution(f"standing-{n}") for n in range(STANDING)}
    return {
        "platform.yaml": platform(),
        f"namespaces/{NAMESPACE}.yaml": namespace(NAMESPACE),
    } | books


@dataclass(slots=True)
class Work:
    """The author of all changes."""

    chance: Random
    changes: int = 0
    _there: dict[str, deque[str]] = field(default_factory=dict)
    _edits: int = 0
    _runs: dict[str, int] = field(default_factory=dict)

    def change(self) -> Files:
        """Return the next change."""
        self.changes += 1
        (kind,) = self.chance.choices(list(_KINDS), weights=list(_KINDS.values()))
        files: Files = getattr(self, f"_{kind}")()
        return files

    def end(self) -> Files:
        """Return the deletion of all but what stands."""
        gone = {
            file: None
            for kind, names in self._there.items()
            for name in names
            for file in _FILES[kind](name)
        }
        self._there.clear()
        return gone

    def _enter(self, kind: str, name: str, most: int) -> dict[str, str | None]:
        """Note a name that is there; return the deletion of the oldest one too many."""
        names = self._there.setdefault(kind, deque())
        gone: dict[str, str | None] = {}
        if name in names:
            names.remove(name)
        elif len(names) >= most:
            gone = dict.fromkeys(_FILES[kind](names.popleft()))
        names.append(name)
        return gone

    def _batch(self) -> Files:
        name = f"batch-{self.changes}"
        return self._enter("batch", name, BATCHES) | {path(name): _batch(name, 1)}

    def _book(self) -> Files:
        name = f"book-{self.changes % _NAMES}"
        return self._enter("book", name, BOOKS) | {path(name): execution(name)}

    def _edit(self) -> Files:
        books = self._there.get("book")
        if not books:
            return self._book()
        name = self.chance.choice(books)
        self._edits += 1
        if self.chance.random() < 0.5:  # in place
            return {path(name): execution(name, lifetime=f"{1 + self._edits % 20}h")}
        services = {"main": service(environment={"EDIT": str(self._edits)})}
        return {path(name): execution(name, services)}

    def _again(self) -> Files:
        batches = self._there.get("batch")
        if not batches:
            return self._batch()
        name = self.chance.choice(batches)
        run = self._runs[name] = self._runs.get(name, 1) + 1
        return {path(name): _batch(name, run)}

    def _wrong(self) -> Files:
        """A file that never was valid, or one of a running notebook that is no more."""
        books = self._there.get("book")
        name = f"wrong-{self.changes % _NAMES}"
        if books and self.chance.random() < 0.5:
            return {path(books[-1]): execution(books[-1], replicas="many")}
        return self._enter("wrong", name, WRONG) | {path(name): execution(name, typo=self.changes)}

    def _set(self) -> Files:
        name = f"set-{self.changes % _NAMES}"
        return self._enter("set", name, SETS) | {path(name): sweep(name, 3, "exec sleep 1")}

    def _team(self) -> Files:
        name = f"team-{self.changes % _NAMES}"
        there, book = _FILES["team"](name)
        return self._enter("team", name, TEAMS) | {
            there: namespace(name),
            book: execution("book"),
        }


def _batch(name: str, run: int) -> str:
    return batch(name, f"echo {name}; exec sleep 1", spec={"run": run})


def _alone(name: str) -> tuple[str, ...]:
    return (path(name),)


def _team(name: str) -> tuple[str, ...]:
    return (f"namespaces/{name}.yaml", path("book", name))


_FILES = {"batch": _alone, "book": _alone, "wrong": _alone, "set": _alone, "team": _team}

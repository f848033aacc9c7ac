"""The commits that were looked at: what each changed, what it did, what was desired then."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry
from reconciler.reporting.records import CommitRow
from reconciler.review.chronicle import chronicle, run_told
from reconciler.view import paging
from reconciler.view.execution import Step

PAGE = 50
MOST = 500
MOST_NAMES = 1000
FORGOTTEN = "(one that is forgotten)"
ACCEPTED, HELD_BACK = "accepted", "held back"


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitLine:
    """``outcome``: ``accepted``, or ``held back`` for the reason ``told``.

    ``source`` is the id of the repository that it is a commit of.
    """

    id: str
    subject: str
    author: str
    committed_at: datetime
    seen_at: datetime
    outcome: str
    told: str = ""
    added: int = 0
    changed: int = 0
    removed: int = 0
    problems: int = 0
    pull: int | None = None
    signer: str = ""
    url: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Commits:
    """The newest first; ``next`` is the cursor of the older ones."""

    lines: tuple[CommitLine, ...]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Did:
    """What a commit did to one execution."""

    name: str
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CommitView:
    """``did`` are the facts that it brought about, ``desired`` what was wanted as of it.

    ``more`` counts the names that ``desired`` leaves out.
    """

    line: CommitLine
    message: str
    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    did: tuple[Did, ...] = ()
    desired: tuple[str, ...] = ()
    more: int = 0


def nowhere(_: CommitRow) -> str:
    """Stand in for a forge whose pages aren't known."""
    return ""


def of(
    rows: Sequence[tuple[int, CommitRow]],
    *,
    limit: int,
    url_of: Callable[[CommitRow], str] = nowhere,
) -> Commits:
    """Return a page of commits, from rows with their numbers, the newest first.

    Ask for one row more than ``limit``: it tells whether there are older ones. ``url_of`` gives
    the forge's page of a commit.
    """
    shown = rows[:limit]
    return Commits(
        lines=tuple(line(row, url_of=url_of) for _, row in shown),
        next=paging.cursor(shown[-1][0]) if len(rows) > limit else "",
    )


def before(cursor: str) -> int:
    """Return the number of which older commits are asked for; 0 asks for the newest.

    Raises:
        ValueError: The cursor isn't one of ours. For people.
    """
    position = paging.position(cursor, int)
    return 0 if position is None else int(position[0])


def one(
    row: CommitRow,
    entries: Iterable[Entry],
    until: Iterable[CommitRow],
    documents: Mapping[Uid, Mapping[str, Any]],
    *,
    most: int = MOST_NAMES,
    url_of: Callable[[CommitRow], str] = nowhere,
) -> CommitView:
    """Return a commit, what it did and what was desired as of it.

    Args:
        row: The commit.
        entries: The facts that it brought about (``Archive.entries_of``).
        until: All accepted commits up to it, oldest first (``Archive.commits_until``).
        documents: Status documents, for the names of runs (``Picture.documents``).
        most: So many names of what was desired at most; the view counts the others.
        url_of: The forge's page of a commit.
    """
    desired = sorted(fold(until))
    return CommitView(
        line=line(row, url_of=url_of),
        message=row.message,
        added=row.delta.added,
        changed=row.delta.changed,
        removed=row.delta.removed,
        did=_did(entries, documents),
        desired=tuple(desired[:most]),
        more=max(0, len(desired) - most),
    )


def line(row: CommitRow, *, url_of: Callable[[CommitRow], str] = nowhere) -> CommitLine:
    """Return one commit in brief."""
    return CommitLine(
        id=row.id,
        subject=row.message.partition("\n")[0],
        author=row.author,
        committed_at=row.committed_at,
        seen_at=row.seen_at,
        outcome=HELD_BACK if row.hold else ACCEPTED,
        told=row.told,
        added=len(row.delta.added),
        changed=len(row.delta.changed),
        removed=len(row.delta.removed),
        problems=row.problems,
        pull=row.pull,
        signer=row.signer,
        url=url_of(row),
        source=row.source_id,
    )


def fold(rows: Iterable[CommitRow]) -> frozenset[str]:
    """Return the names that are desired after these commits, oldest first. Held ones add none."""
    desired: set[str] = set()
    for row in rows:
        if not row.hold:
            desired.difference_update(row.delta.removed)
            desired.update(row.delta.added)
            desired.update(row.delta.changed)
    return frozenset(desired)


def _did(entries: Iterable[Entry], documents: Mapping[Uid, Mapping[str, Any]]) -> tuple[Did, ...]:
    steps: dict[str, list[Step]] = {}
    for happening in chronicle(entries):
        entry = happening.entry
        step = Step(
            at=entry.at,
            told=happening.told,
            fact=str(entry.fact),
            run=run_told(entry.run),
            commit=entry.commit,
        )
        steps.setdefault(_name(documents.get(entry.uid)), []).append(step)
    return tuple(Did(name=name, steps=tuple(steps[name])) for name in sorted(steps))


def _name(document: Mapping[str, Any] | None) -> str:
    if document is None:
        return FORGOTTEN
    metadata = document["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}"

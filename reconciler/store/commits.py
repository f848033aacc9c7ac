"""Commits that were accepted or held back, and the documents that the newest one asks for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, delete, insert, select, update

from reconciler.reporting.records import CommitRow, Delta
from reconciler.store.record_tables import commits, documents
from reconciler.store.upsert import upsert

Numbered = tuple[int, CommitRow]


def write(connection: Connection, rows: Sequence[CommitRow]) -> None:
    """Append rows. What was held back under the same id and is accepted now isn't any more."""
    for row in rows:
        connection.execute(
            delete(commits).where(
                commits.c.source_id == row.source_id,
                commits.c.commit_id == row.id,
                commits.c.hold != "",
            )
        )
        connection.execute(insert(commits), _values(row))


def write_documents(
    connection: Connection, source_id: str, changed: Mapping[str, str | None]
) -> None:
    """Set the digests of what a source asks for; None removes a name."""
    gone = [{"of": source_id, "gone": name} for name, digest in changed.items() if digest is None]
    if gone:
        connection.execute(
            delete(documents).where(
                documents.c.source_id == bindparam("of"), documents.c.name == bindparam("gone")
            ),
            gone,
        )
    there = [
        {"source_id": source_id, "name": name, "digest": digest}
        for name, digest in changed.items()
        if digest is not None
    ]
    upsert(connection, documents, there)


def read_documents(connection: Connection) -> dict[str, dict[str, str]]:
    """Return source -> NAMESPACE/NAME -> digest."""
    found: dict[str, dict[str, str]] = defaultdict(dict)
    for row in connection.execute(select(documents)):
        found[row.source_id][row.name] = row.digest
    return dict(found)


def newest_accepted(connection: Connection) -> dict[str, str]:
    """Return the newest accepted commit of each source that has a row."""
    accepted = select(commits.c.source_id, commits.c.commit_id).where(commits.c.hold == "")
    rows = connection.execute(accepted.order_by(commits.c.number))
    return {row.source_id: row.commit_id for row in rows}


def newest_held(connection: Connection) -> dict[str, tuple[str, str, str]]:
    """Return (commit, code, sentence) of each source whose newest row is held back."""
    columns = (commits.c.source_id, commits.c.commit_id, commits.c.hold, commits.c.told)
    rows = connection.execute(select(*columns).order_by(commits.c.number))
    newest = {row.source_id: (row.commit_id, row.hold, row.told) for row in rows}
    return {source: held for source, held in newest.items() if held[1]}


def page(connection: Connection, *, before: int, limit: int) -> tuple[Numbered, ...]:
    """Return the newest commits (of those older than number ``before``), newest first."""
    query = select(commits).where(~commits.c.is_base)
    if before:
        query = query.where(commits.c.number < before)
    rows = connection.execute(query.order_by(commits.c.number.desc()).limit(limit))
    return tuple(_numbered(row) for row in rows.mappings())


def find(connection: Connection, revision: str) -> Numbered | None:
    """Return the newest row of a commit whose id begins so; ``revision`` is 7 digits or more."""
    query = (
        select(commits)
        .where(commits.c.commit_id.startswith(revision, autoescape=True), ~commits.c.is_base)
        .order_by(commits.c.number.desc())
        .limit(1)
    )
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else _numbered(row)


def accepted_until(connection: Connection, number: int) -> tuple[CommitRow, ...]:
    """Return the accepted commits up to one, oldest first; their deltas add up."""
    query = select(commits).where(commits.c.hold == "", commits.c.number <= number)
    rows = connection.execute(query.order_by(commits.c.number)).mappings()
    return tuple(_numbered(row)[1] for row in rows)


def forget(connection: Connection, *, before: Any) -> int:
    """Remove commits from before a time; what they came to is left as one base.

    Returns how many went.
    """
    held = delete(commits).where(commits.c.seen_at < before, commits.c.hold != "")
    gone = connection.execute(held).rowcount
    old = select(commits).where(commits.c.seen_at < before).order_by(commits.c.number)
    by_source: dict[str, list[Numbered]] = defaultdict(list)
    for row in connection.execute(old).mappings():
        by_source[row["source_id"]].append(_numbered(row))
    for numbered in by_source.values():
        _fold(connection, numbered)
    return gone + sum(len(numbered) - 1 for numbered in by_source.values())


def _fold(connection: Connection, numbered: Sequence[Numbered]) -> None:
    last, row = numbered[-1]
    names: set[str] = set()
    for _, commit in numbered:
        names = (names | set(commit.delta.added)) - set(commit.delta.removed)
    base = replace(row, delta=Delta(added=tuple(sorted(names))))
    connection.execute(
        update(commits)
        .where(commits.c.number == last)
        .values(delta=_delta(base.delta), is_base=True)
    )
    gone = [number for number, _ in numbered[:-1]]
    if gone:
        query = delete(commits).where(commits.c.number == bindparam("gone"))
        connection.execute(query, [{"gone": number} for number in gone])


def _numbered(row: RowMapping) -> Numbered:
    known = {**row}
    number = known.pop("number")
    known.pop("is_base")
    delta = {name: tuple(names) for name, names in known.pop("delta").items()}
    commit = known.pop("commit_id")
    return number, CommitRow(**known, id=commit, delta=Delta(**delta))


def _values(row: CommitRow) -> dict[str, Any]:
    return {
        "source_id": row.source_id,
        "commit_id": row.id,
        "author": row.author,
        "committed_at": row.committed_at,
        "message": row.message,
        "seen_at": row.seen_at,
        "hold": row.hold,
        "told": row.told,
        "signer": row.signer,
        "pull": row.pull,
        "delta": _delta(row.delta),
        "problems": row.problems,
        "is_base": False,
    }


def _delta(delta: Delta) -> dict[str, list[str]]:
    return {
        "added": list(delta.added),
        "changed": list(delta.changed),
        "removed": list(delta.removed),
    }

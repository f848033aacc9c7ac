"""Boards: what there is to say beside executions, a document for each topic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, select

from reconciler.reporting.records import Board, digest_of
from reconciler.store.record_tables import boards
from reconciler.store.upsert import upsert


def write(connection: Connection, documents: Mapping[str, Any], *, version: int) -> None:
    """Replace the documents of some topics."""
    rows = [
        {"topic": topic, "document": document, "digest": digest_of(document), "version": version}
        for topic, document in documents.items()
    ]
    upsert(connection, boards, rows, incidental=frozenset({"version"}))


def read_digests(connection: Connection) -> dict[str, str]:
    """Return the digest of every topic."""
    rows = connection.execute(select(boards.c.topic, boards.c.digest))
    return {row.topic: row.digest for row in rows}


def read(connection: Connection, *, since: int = 0, last: Board | None = None) -> Board:
    """Return the board; what no version after ``since`` wrote is taken from ``last``."""
    query = select(boards.c.topic, boards.c.document)
    if last is not None:
        query = query.where(boards.c.version > since)
    known = last or Board()
    found = {row.topic: row.document for row in connection.execute(query)}
    return Board(
        problems=_listed(found, "problems", known.problems),
        namespaces=found.get("namespaces", known.namespaces),
        zapps=found.get("zapps", known.zapps),
        platform=found.get("platform", known.platform),
        reservations=_listed(found, "reservations", known.reservations),
        recurrences=_listed(found, "recurrences", known.recurrences),
        sets=_listed(found, "sets", known.sets),
        alerts=_listed(found, "alerts", known.alerts),
    )


def _listed(
    found: Mapping[str, Any], topic: str, known: tuple[Mapping[str, Any], ...]
) -> tuple[Mapping[str, Any], ...]:
    return tuple(found[topic]) if topic in found else known

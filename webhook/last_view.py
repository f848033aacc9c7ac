"""Our own copy of the last picture, for a start while the database is away.

A small SQLite file: a row for each execution, and one for each other part. Saving costs what
changed since the last time. Half of a save is none (SQLite's journal); a file that can't be read
is begun anew. It is only a copy: losing it loses nothing.
"""

from __future__ import annotations

import json
import logging
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any

from policy.model.execution import Uid
from reconciler import canonical
from reconciler.reporting.records import Board, Pulse
from reconciler.view.picture import Picture

log = logging.getLogger(__name__)

SCHEMA = 1
_TABLES = (
    "CREATE TABLE IF NOT EXISTS documents (uid TEXT PRIMARY KEY, text TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS parts (name TEXT PRIMARY KEY, text TEXT NOT NULL)",
)
_PUT_PART = "INSERT OR REPLACE INTO parts VALUES (?, ?)"
_PUT_DOCUMENT = "INSERT OR REPLACE INTO documents VALUES (?, ?)"


class LastView:
    """One file, written by one thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._saved: Picture | None = None
        self._is_broken = False

    def load(self) -> Picture | None:
        """Return what was saved last; None where nothing was, or it can't be read."""
        if not self._path.exists():
            return None
        try:
            with self._opened() as connection:
                parts = dict(connection.execute("SELECT name, text FROM parts"))
                rows = connection.execute("SELECT uid, text FROM documents")
                return _picture(parts, rows) if parts else None
        except (sqlite3.Error, OSError, ValueError, TypeError, KeyError) as error:
            log.warning("the last view can't be read", extra={"error": type(error).__name__})
            return None

    def save(self, picture: Picture) -> None:
        """Save a picture. What keeps it from that is told once, and otherwise of no weight."""
        try:
            self._write(picture)
        except (sqlite3.Error, OSError) as error:
            if not self._is_broken:
                extra = {"file": str(self._path), "error": type(error).__name__}
                log.warning("the last view can't be saved", extra=extra)
            self._is_broken, self._saved = True, None
            if isinstance(error, sqlite3.DatabaseError) and not isinstance(
                error, sqlite3.OperationalError
            ):
                self._path.unlink(missing_ok=True)  # no database, or a damaged one
            return
        self._is_broken, self._saved = False, picture

    def _write(self, picture: Picture) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # For our eyes only, from the first byte on.
        os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
        self._path.chmod(0o600)
        with self._opened() as connection, connection:
            last = self._saved
            if last is None:
                connection.execute("DELETE FROM documents")
                connection.execute("DELETE FROM parts")
            connection.executemany(_PUT_PART, _parts(picture, last).items())
            known = last.documents if last is not None else {}
            gone = [(uid,) for uid in known if uid not in picture.documents]
            connection.executemany("DELETE FROM documents WHERE uid = ?", gone)
            connection.executemany(_PUT_DOCUMENT, _rows(picture.documents, known))

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=1)) as connection:
            (found,) = connection.execute("PRAGMA user_version").fetchone()
            if found not in (0, SCHEMA):
                raise sqlite3.DatabaseError("written by another version")
            connection.execute("PRAGMA synchronous = NORMAL")
            for statement in _TABLES:
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {SCHEMA}")
            yield connection


def _rows(
    documents: Mapping[Uid, Mapping[str, Any]], known: Mapping[Uid, Mapping[str, Any]]
) -> Iterator[tuple[str, str]]:
    """Yield the rows of what isn't the very object that was saved before."""
    for uid, document in documents.items():
        if known.get(uid) is not document:
            yield uid, json.dumps(document, separators=(",", ":"))


def _parts(picture: Picture, last: Picture | None) -> dict[str, str]:
    parts = {
        "head": json.dumps(
            {
                "deployment": picture.deployment,
                "version": picture.version,
                "readAt": picture.read_at.isoformat(),
                "snapshotId": picture.snapshot_id,
            }
        ),
        "pulse": canonical.dumps(picture.pulse),
    }
    if last is None or last.board is not picture.board:
        parts["board"] = json.dumps(_board_data(picture.board))
    if last is None or last.snapshot_id != picture.snapshot_id:
        parts["snapshot"] = picture.snapshot
    return parts


def _picture(parts: Mapping[str, str], rows: Iterable[tuple[str, str]]) -> Picture:
    head, pulse = json.loads(parts["head"]), json.loads(parts["pulse"])
    return Picture(
        deployment=head["deployment"],
        version=head["version"],
        read_at=datetime.fromisoformat(head["readAt"]),
        is_stale=True,
        pulse=None if pulse is None else canonical.from_data(Pulse, pulse),
        documents={Uid(uid): json.loads(text) for uid, text in rows},
        board=_board(json.loads(parts["board"])),
        snapshot_id=head["snapshotId"],
        snapshot=parts["snapshot"],
    )


def _board_data(board: Board) -> dict[str, Any]:
    """Return its documents by the name of their field: they are JSON data already."""
    return {field.name: getattr(board, field.name) for field in fields(board)}


def _board(data: Mapping[str, Any]) -> Board:
    parts: dict[str, Any] = {
        name: tuple(part) if isinstance(part, list) else part for name, part in data.items()
    }
    return Board(**parts)

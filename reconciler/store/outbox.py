"""The letters: one row for each key of a target, with what is to be told and what has been.

A row whose content is the same isn't touched. What a try came to is only written onto the content
that was tried: a newer one, put there meanwhile, is due at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Row, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from reconciler import canonical
from reconciler.outbound.outbox import (
    CommitStatus,
    Letter,
    Message,
    Notice,
    Posting,
    PullComment,
    digest,
)
from reconciler.store.tables import outbox

KEPT = timedelta(days=90)
"""How long a letter stays known after its content changed; by then no comment is edited."""

_KINDS: dict[str, type[CommitStatus | PullComment | Notice]] = {
    "status": CommitStatus,
    "comment": PullComment,
    "notice": Notice,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}
_CONTENT = ("kind", "message", "digest", "changed_at", "due_at", "tries", "error", "is_waiting")


def put(connection: Connection, postings: Sequence[Posting], *, now: datetime) -> None:
    """Put messages under their keys, in order; forget letters that are too old for anybody."""
    if not postings:
        return
    forget(connection, now=now)
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(outbox)
    statement = statement.on_conflict_do_update(
        index_elements=["target", "key"],
        set_={name: statement.excluded[name] for name in _CONTENT},
        where=outbox.c.digest != statement.excluded.digest,
    )
    for posting in postings:
        connection.execute(statement, _new_row(posting, now))


def forget(connection: Connection, *, now: datetime) -> int:
    """Remove letters that are too old for anybody; return how many."""
    return connection.execute(delete(outbox).where(outbox.c.changed_at < now - KEPT)).rowcount


def waiting(connection: Connection) -> tuple[Letter, ...]:
    """Return the letters that are to be sent, the longest waiting first."""
    rows = connection.execute(
        select(outbox).where(outbox.c.is_waiting).order_by(outbox.c.changed_at, outbox.c.key)
    )
    return tuple(_letter(row) for row in rows)


def is_known(connection: Connection, posting: Posting) -> bool:
    """Tell whether the newest content under the posting's key is this one."""
    return _digest_of(connection, posting, outbox.c.digest) == digest(posting.message)


def is_sent(connection: Connection, posting: Posting) -> bool:
    """Tell whether the content that the target took last is this one."""
    return _digest_of(connection, posting, outbox.c.sent_digest) == digest(posting.message)


def _digest_of(connection: Connection, posting: Posting, column: Column[str]) -> str | None:
    this = (outbox.c.target == posting.target) & (outbox.c.key == posting.message.key)
    return connection.scalars(select(column).where(this)).one_or_none()


def record(connection: Connection, before: Letter, after: Letter) -> None:
    """Store what came of a try."""
    this = (outbox.c.target == before.target) & (outbox.c.key == before.key)
    tried = digest(before.message)
    connection.execute(
        update(outbox)
        .where(this)
        .values(sent_digest=after.sent_digest, remote_id=after.remote_id, sends=after.sends)
    )
    connection.execute(
        update(outbox)
        .where(this, outbox.c.digest == tried)
        .values(
            tries=after.tries,
            due_at=after.due_at,
            error=after.error,
            is_waiting=after.is_waiting,
        )
    )
    # The content that the target has again: changed and changed back while it was sent.
    connection.execute(
        update(outbox)
        .where(this, outbox.c.digest == outbox.c.sent_digest, outbox.c.is_waiting)
        .values(is_waiting=False)
    )


def _new_row(posting: Posting, now: datetime) -> dict[str, Any]:
    message = posting.message
    return {
        "target": posting.target,
        "key": message.key,
        "kind": _NAMES[type(message)],
        "message": canonical.to_data(message),
        "digest": digest(message),
        "sent_digest": "",
        "remote_id": "",
        "sends": 0,
        "tries": 0,
        "changed_at": now,
        "due_at": now,
        "error": "",
        "is_waiting": True,
    }


def _letter(row: Row[Any]) -> Letter:
    message: Message = canonical.from_data(_KINDS[row.kind], row.message)
    return Letter(
        target=row.target,
        message=message,
        changed_at=row.changed_at,
        due_at=row.due_at,
        sent_digest=row.sent_digest,
        remote_id=row.remote_id,
        sends=row.sends,
        tries=row.tries,
        error=row.error,
    )

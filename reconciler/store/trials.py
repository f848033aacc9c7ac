"""What is being tried for the first time: a row for each blob in hand. No new version.

No lease is needed: whoever isn't the leader any more at worst has something tried once more.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, delete, select

from reconciler import __version__
from reconciler.source.probation import Key, Probation, Trial, Trials
from reconciler.store.process import current_process
from reconciler.store.tables import trials
from reconciler.store.upsert import upsert


def on_probation(store: Trials, *, most_s: int) -> Probation:
    """Return what tries new content for this process and this version of the program."""
    return Probation(store, str(current_process()), __version__, most_s=most_s)


def read(connection: Connection) -> tuple[Trial, ...]:
    """Return all, by source and blob."""
    order = (trials.c.source_id, trials.c.blob)
    rows = connection.execute(select(trials).order_by(*order)).mappings()
    return tuple(Trial(**row) for row in rows)


def write(connection: Connection, found: Sequence[Trial], *, gone: Iterable[Key]) -> None:
    """Insert or replace some, and remove others."""
    left = [{"of": source, "what": blob} for source, blob in gone]
    if left:
        connection.execute(
            delete(trials).where(
                trials.c.source_id == bindparam("of"), trials.c.blob == bindparam("what")
            ),
            left,
        )
    upsert(
        connection,
        trials,
        [
            {
                "source_id": trial.source_id,
                "blob": trial.blob,
                "tries": trial.tries,
                "alone": trial.alone,
                "together": trial.together,
                "by": trial.by,
                "version": trial.version,
            }
            for trial in found
        ],
    )

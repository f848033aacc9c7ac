"""Filling a database from what was published: facts keep the numbers that they had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, func, insert, select, text, update

from reconciler.converge.ledger import Entry
from reconciler.converge.world import HoldRequest
from reconciler.ports import Lease
from reconciler.store import confirmations, holds, ledger
from reconciler.store.tables import lease as lease_table
from reconciler.store.tables import ledger as ledger_table


def facts(connection: Connection, given: Sequence[Entry]) -> None:
    """Enter facts under their numbers; the next one gets a higher number than all."""
    if given:
        rows = [{**ledger.row(fact), "seq": fact.seq} for fact in given]
        connection.execute(insert(ledger_table), rows)
    if connection.dialect.name == "postgresql":
        newest = connection.scalar(select(func.max(ledger_table.c.seq))) or 1
        sequence = "SELECT setval(pg_get_serial_sequence('ledger', 'seq'), :newest)"
        connection.execute(text(sequence), {"newest": newest})


def orders(
    connection: Connection,
    confirmed: Sequence[str],
    asked: Sequence[HoldRequest],
    *,
    by: str,
    at: datetime,
) -> None:
    """Put down what operators had asked for; what is there and newer stays."""
    for commit in confirmed:
        confirmations.confirm(connection, commit, by=by, at=at)
    newest = {(known.namespace, known.name): known.at for known in holds.read(connection)}
    for hold in asked:
        known_at = newest.get((hold.namespace, hold.name))
        if known_at is None or known_at < hold.at:
            holds.ask(connection, hold)


def lead_after(connection: Connection, held: Lease, epoch: int) -> Lease:
    """Raise the epoch of the lease above one that somebody has led under."""
    raised = max(held.epoch, epoch + 1)
    connection.execute(update(lease_table).values(epoch=raised))
    return replace(held, epoch=raised)

"""The lease: who may write. One row, one holder, an epoch that rises with every take-over.

Time is the database's, never this machine's. An expired lease that nobody took is still its
holder's: what refuses a stale writer is the epoch, not the clock.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Connection, Row, select, true, update
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from reconciler.errors import LeaseLost
from reconciler.ports import Lease
from reconciler.store.process import ProcessIdentity, is_gone
from reconciler.store.tables import lease

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NOBODY = ""


class _DatabaseNow(FunctionElement[int]):
    """The database's clock in milliseconds since 1970; it moves within a transaction."""

    type = BigInteger()
    inherit_cache = True


@compiles(_DatabaseNow, "postgresql")
def _postgres_now(_element: _DatabaseNow, _compiler: SQLCompiler, **_options: Any) -> str:
    return "CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)"


@compiles(_DatabaseNow, "sqlite")
def _sqlite_now(_element: _DatabaseNow, _compiler: SQLCompiler, **_options: Any) -> str:
    return "CAST(round((julianday('now') - 2440587.5) * 86400000) AS INTEGER)"


def now_ms(connection: Connection) -> int:
    """Return the database's time in milliseconds since 1970."""
    return connection.scalars(select(_DatabaseNow())).one()


def acquire(
    connection: Connection, holder: str, process: ProcessIdentity, *, ttl_s: float
) -> Lease | None:
    """Take the lease if it is free, expired, ours or its holder is dead; None if it isn't."""
    row = connection.execute(select(lease).with_for_update()).one()
    # Without a boot id, a process on another machine could look like this one.
    is_ours = row.holder == holder and _process_of(row) == process and process.boot_id != ""
    is_free = row.holder == _NOBODY or is_gone(_process_of(row))
    taken = connection.execute(
        update(lease)
        .where(true() if is_ours or is_free else lease.c.expires_ms < _DatabaseNow())
        .values(
            holder=holder,
            epoch=lease.c.epoch + (0 if is_ours else 1),
            boot_id=process.boot_id,
            pid=process.pid,
            pid_started=process.started,
            expires_ms=_DatabaseNow() + _milliseconds(ttl_s),
        )
        .returning(lease.c.epoch, lease.c.expires_ms)
    ).one_or_none()
    return None if taken is None else _lease(holder, taken.epoch, taken.expires_ms)


def renew(connection: Connection, held: Lease, *, ttl_s: float) -> Lease:
    """Let the lease last ``ttl_s`` from now. Raises LeaseLost."""
    row = connection.execute(
        update(lease)
        .where(lease.c.epoch == held.epoch, lease.c.holder == held.holder)
        .values(expires_ms=_DatabaseNow() + _milliseconds(ttl_s))
        .returning(lease.c.expires_ms)
    ).one_or_none()
    if row is None:
        raise _lost(held)
    return _lease(held.holder, held.epoch, row.expires_ms)


def release(connection: Connection, held: Lease) -> None:
    """Give the lease up, if it still is ``held``."""
    connection.execute(
        update(lease)
        .where(lease.c.epoch == held.epoch, lease.c.holder == held.holder)
        .values(holder=_NOBODY, boot_id="", pid=0, pid_started=0, expires_ms=0)
    )


def check(connection: Connection, held: Lease) -> None:
    """Make sure that nobody takes the lease before this transaction ends. Raises LeaseLost."""
    row = connection.execute(
        select(lease.c.epoch)
        .where(lease.c.epoch == held.epoch, lease.c.holder == held.holder)
        .with_for_update(read=True)
    ).one_or_none()
    if row is None:
        raise _lost(held)


def _process_of(row: Row[Any]) -> ProcessIdentity:
    return ProcessIdentity(boot_id=row.boot_id, pid=row.pid, started=row.pid_started)


def _lease(holder: str, epoch: int, expires_ms: int) -> Lease:
    expires_at = _EPOCH + timedelta(milliseconds=expires_ms)
    return Lease(holder=holder, epoch=epoch, expires_at=expires_at)


def _milliseconds(seconds: float) -> int:
    return round(seconds * 1000)


def _lost(held: Lease) -> LeaseLost:
    return LeaseLost(f"{held.holder} no longer holds the lease of epoch {held.epoch}")

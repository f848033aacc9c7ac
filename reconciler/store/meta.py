"""Whose database this is, and the counter that rises with every committed write."""

from __future__ import annotations

from sqlalchemy import Connection, func, select, update

from reconciler.errors import ConfigError
from reconciler.store.tables import ONLY_ROW, meta
from reconciler.store.upsert import insert_missing

STATE_CHANNEL = "zoe_state"
"""PostgreSQL channel on which each new version is told (the number only)."""


def claim(connection: Connection, deployment: str) -> None:
    """Make the database ``deployment``'s if it is nobody's yet.

    Raises:
        ConfigError: It is another deployment's.
    """
    row = {"id": ONLY_ROW, "deployment": deployment, "state_version": 0}
    insert_missing(connection, meta, [row])
    owner = connection.scalars(select(meta.c.deployment)).one()
    if owner != deployment:
        raise ConfigError(
            f"the database belongs to the deployment {owner!r}, not {deployment!r}:"
            " set another database_url, or the deployment's name as it was"
        )


def key_mark(connection: Connection) -> str:
    """Return by what the installation's key is known; "" where nobody has led yet."""
    return connection.scalars(select(meta.c.key_mark)).one_or_none() or ""


def know_key(connection: Connection, ours: str, *, is_new: bool) -> str:
    """Return by what the installation's key is known: ``ours``, if none is or it ``is_new``."""
    known = key_mark(connection)
    if known and not is_new:
        return known
    connection.execute(update(meta).values(key_mark=ours))
    return ours


def bump(connection: Connection) -> int:
    """Raise the version by one and return it.

    This locks the row, so writers come one after the other and the ledger's numbers rise in the
    order of the commits.
    """
    version: int = connection.scalars(
        update(meta).values(state_version=meta.c.state_version + 1).returning(meta.c.state_version)
    ).one()
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(STATE_CHANNEL, str(version))))
    return version


def state_version(connection: Connection) -> int:
    """Return the version."""
    version: int = connection.scalars(select(meta.c.state_version)).one()
    return version

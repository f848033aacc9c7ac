"""Frozen specs: what was resolved at admission, as canonical JSON."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from sqlalchemy import Connection, select

from policy.model.execution import Uid
from reconciler import canonical
from reconciler.manifest.spec import ExecutionSpec
from reconciler.store.tables import frozen_specs
from reconciler.store.upsert import upsert
from reconciler.stored import FrozenSpec


def write(connection: Connection, specs: Sequence[FrozenSpec]) -> None:
    """Insert or update ``specs`` by uid and generation."""
    rows = [
        {
            "uid": frozen.uid,
            "generation": frozen.generation,
            "spec_hash": frozen.spec_hash,
            "spec": canonical.dumps(frozen.spec),
        }
        for frozen in specs
    ]
    upsert(connection, frozen_specs, rows)


def read(connection: Connection) -> tuple[FrozenSpec, ...]:
    """Return every frozen spec, by uid and generation. Equal ones are one object."""
    order = (frozen_specs.c.uid, frozen_specs.c.generation)
    # A set's executions mostly share their text, and building a spec costs more than reading it.
    parse = cache(_parse)
    return tuple(
        FrozenSpec(
            uid=Uid(row.uid),
            generation=row.generation,
            spec_hash=row.spec_hash,
            spec=parse(row.spec),
        )
        for row in connection.execute(select(frozen_specs).order_by(*order))
    )


def _parse(text: str) -> ExecutionSpec:
    return canonical.loads(ExecutionSpec, text)

"""Placements: the groups that each admitted run was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, insert, select

from policy.model.execution import Allocation, NodeId, Uid
from reconciler.store.tables import placements

Placements = Mapping[Uid, tuple[Allocation, ...]]

_UIDS_PER_QUERY = 1_000


def write(connection: Connection, wanted: Placements) -> None:
    """Replace the groups of each uid in ``wanted`` whose groups differ (empty = none)."""
    there = _of(connection, list(wanted))
    changed = {uid: groups for uid, groups in wanted.items() if there.get(uid, ()) != groups}
    if not changed:
        return
    connection.execute(
        delete(placements).where(placements.c.uid == bindparam("changed_uid")),
        [{"changed_uid": uid} for uid in changed],
    )
    rows = [
        _row(uid, position, group)
        for uid, groups in changed.items()
        for position, group in enumerate(groups)
    ]
    if rows:
        connection.execute(insert(placements), rows)


def read(connection: Connection) -> dict[Uid, tuple[Allocation, ...]]:
    """Return the groups of every uid that has some, in the order they were written."""
    return _grouped(connection, select(placements))


def _of(connection: Connection, uids: Sequence[Uid]) -> dict[Uid, tuple[Allocation, ...]]:
    found: dict[Uid, tuple[Allocation, ...]] = {}
    for start in range(0, len(uids), _UIDS_PER_QUERY):
        chunk = uids[start : start + _UIDS_PER_QUERY]
        query = select(placements).where(placements.c.uid.in_(chunk))
        found.update(_grouped(connection, query))
    return found


def _grouped(connection: Connection, query: Select[Any]) -> dict[Uid, tuple[Allocation, ...]]:
    groups: dict[Uid, list[Allocation]] = {}
    ordered = query.order_by(placements.c.uid, placements.c.position)
    for row in connection.execute(ordered).mappings():
        group = Allocation(component=row["component"], node=NodeId(row["node"]), count=row["count"])
        groups.setdefault(Uid(row["uid"]), []).append(group)
    return {uid: tuple(of_uid) for uid, of_uid in groups.items()}


def _row(uid: Uid, position: int, group: Allocation) -> dict[str, object]:
    return {
        "uid": uid,
        "component": group.component,
        "node": group.node,
        "count": group.count,
        "position": position,
    }

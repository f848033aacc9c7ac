"""What executions held, interval by interval: from one change of an allocation to the next."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime

from policy.model.execution import Allocation, Uid
from policy.model.resources import NOTHING, Resources
from reconciler.converge.world import Assessment, Memory
from reconciler.manifest.spec import ExecutionSpec
from reconciler.reporting.records import Interval


def intervals(
    found: Assessment, memory: Memory, known: Mapping[Uid, Interval], *, now: datetime
) -> tuple[Interval, ...]:
    """Return the intervals that a pass closes and opens.

    Args:
        found: What the pass found.
        memory: What was stored before it.
        known: The open intervals. One that is missing for who holds something is opened, so that
            those count who began before anybody kept accounts.
        now: When it changes.
    """
    touched = {
        *found.placements,
        *(uid for uid, _ in found.frozen),
        *(memory.placements.keys() - known.keys()),
    }
    return tuple(
        interval
        for uid in sorted(touched)
        for interval in _change(
            known.get(uid), _held(found, memory, uid, known.get(uid), now=now), now=now
        )
    )


def _change(opened: Interval | None, held: Interval | None, *, now: datetime) -> Iterator[Interval]:
    """Yield what is written: rows are known by run and beginning, an equal one is replaced."""
    if opened is not None and held is not None:
        if replace(held, since=opened.since, labels=opened.labels) == opened:
            return
        held = replace(held, since=max(held.since, opened.since))
    if opened is not None and (held is None or opened.since < held.since):
        yield replace(opened, until=max(now, opened.since))
    if held is not None:
        yield held


def _held(
    found: Assessment, memory: Memory, uid: Uid, opened: Interval | None, *, now: datetime
) -> Interval | None:
    groups = found.placements.get(uid, memory.placements.get(uid, ()))
    record = found.records.get(uid)
    if not groups or record is None:
        return None
    key = (uid, record.generation_in_force)
    spec = found.frozen.get(key) or memory.frozen.get(key)
    if spec is None:
        return opened  # nobody knows what it holds now: it goes on as before
    told = found.told.get(uid)
    identity = memory.identities.get(uid)
    whose = told[1] if told is not None else identity
    if whose is None:
        return opened
    total = _total(spec, groups)
    return Interval(
        uid=uid,
        namespace=whose.namespace,
        name=whose.name,
        zapp=spec.zapp,
        labels=tuple(sorted(told[1].labels)) if told is not None else (),
        since=now,
        until=None,
        cpu_millis=total.cpu_millis,
        memory_bytes=total.memory_bytes,
        generic=total.generic,
    )


def _total(spec: ExecutionSpec, groups: tuple[Allocation, ...]) -> Resources:
    each = {service.name: service.reservations for service in spec.services}
    return sum((each.get(g.component, NOTHING) * g.count for g in groups), start=NOTHING)

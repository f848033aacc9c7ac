"""Facts to a status: phase, conditions, components, endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from operator import attrgetter
from sys import intern
from typing import Any

from policy.model.decision import Wait
from policy.model.execution import Uid
from reconciler.converge.conditions import conditions_of, with_times
from reconciler.converge.ledger import Record
from reconciler.converge.phases import Facts, phase_of
from reconciler.converge.queue import ends_at
from reconciler.converge.reach import endpoints
from reconciler.converge.status import (
    ComponentStatus,
    Condition,
    Endpoint,
    Phase,
    SetName,
    Status,
    TaskStatus,
    set_of,
)
from reconciler.converge.tasks import Group
from reconciler.converge.world import Identity
from reconciler.manifest.spec import ExecutionSpec, Manifest

MOST_TASKS = 50
"""So many tasks of a component are told: nobody reads more, and every list holds them all."""


def status_of(facts: Facts, *, previous: Mapping[str, Any] | None, now: datetime) -> Status:
    """Return the status of one run.

    Args:
        facts: What is known.
        previous: Its last status document; conditions that say the same keep their time.
        now: The time of this pass.
    """
    record, spec, manifest = facts.record, facts.spec, facts.manifest
    phase, reason, message = phase_of(facts)
    status = Status(
        namespace=facts.namespace,
        name=facts.name,
        uid=record.uid,
        run=record.run,
        phase=phase,
        reason=reason,
        message=message,
        generation=record.generation,
        labels=manifest.labels if manifest else (),
        of_set=_set_of(manifest, previous),
        type=str(spec.type) if spec else "",
        zapp=spec.zapp if spec else "",
        origin=manifest.origin if manifest else None,
        queued_at=record.queued_at,
        started_at=record.first_started_at,
        ends_at=ends_at(record, spec) if spec and phase is Phase.RUNNING else None,
        ended_at=record.ended.at if record.ended else None,
        attempt=record.attempt,
        attempts=_attempts(record, spec),
        exit_code=_exit_code(record),
        position=facts.wait.position if facts.wait else None,
        next_try_at=facts.blocked.until if facts.blocked else None,
        next_run_at=facts.recurrence.next_at if facts.recurrence else None,
        refusals=_refusals(facts.wait),
        components=_components(facts),
        endpoints=_endpoints(facts) if phase in (Phase.RUNNING, Phase.STARTING) else (),
    )
    conditions = conditions_of(facts, status, previous=previous, now=now)
    return replace(status, conditions=conditions)


def _set_of(manifest: Manifest | None, previous: Mapping[str, Any] | None) -> SetName | None:
    """Return the set that it is, or was, a member of."""
    if manifest is not None:
        return (manifest.item.set.namespace, manifest.item.set.name) if manifest.item else None
    return set_of(previous) if previous else None


def invalid_status(
    identity: Identity,
    uid: Uid,
    message: str,
    *,
    previous: Mapping[str, Any] | None,
    now: datetime,
    of_set: SetName | None = None,
) -> Status:
    """Return the status of a manifest that never had a valid version; no message: it is gone."""
    is_gone = not message
    phase, reason = (Phase.STOPPED, "Deleted") if is_gone else (Phase.INVALID, "ManifestInvalid")
    told = message or "its file was deleted or renamed"
    validated = Condition(type="Validated", status="False", reason=reason, message=told)
    return Status(
        namespace=identity.namespace,
        name=identity.name,
        uid=uid,
        run=identity.run,
        phase=phase,
        reason=reason,
        message=told,
        of_set=of_set or (set_of(previous) if previous else None),
        ended_at=now if is_gone else None,
        conditions=with_times([validated], previous, now),
    )


def _attempts(record: Record, spec: ExecutionSpec | None) -> int | None:
    """Return how many attempts there may be in all, if each one from now on fails.

    None where failing is not counted: what isn't a batch, never tries again, or has ended.
    """
    if spec is None or record.is_final or not spec.retries.failure:
        return None
    to_come = max(0, spec.retries.failure - record.failures)
    return record.attempt + (0 if record.attempt_open else 1) + to_come


def _exit_code(record: Record) -> int | None:
    if record.ended is not None:
        return record.ended.code
    return record.last_end.code if record.last_end else None


def _refusals(wait: Wait | None) -> tuple[str, ...]:
    if wait is None:
        return ()
    # Those who ask for the same are refused by each node for the same.
    return tuple(
        intern(f"{no.hostname}: {no.component} {no.message} ({no.filter})")
        for no in wait.reason.refusals
    )


def _components(facts: Facts) -> tuple[ComponentStatus, ...]:
    if facts.spec is None:
        return ()
    found = []
    for service in facts.spec.services:
        mine = [group for group in facts.groups if group.component == service.name]
        image = mine[-1].service.spec.image if mine else service.image
        found.append(
            ComponentStatus(
                name=service.name,
                core=service.core,
                elastic=service.maximum - service.core,
                granted=sum(p.count for p in facts.placements if p.component == service.name),
                running=sum(group.running for group in mine),
                restarts=sum(group.restarts for group in mine),
                nodes=tuple(sorted({_host(group) for group in mine})),
                image=image,
                tasks=_tasks(mine, image),
                limits=service.limits,
            )
        )
    return tuple(found)


def _tasks(groups: Sequence[Group], image: str) -> tuple[TaskStatus, ...]:
    """Return the newest task of every replica, by node, as many as are told."""
    found = [
        TaskStatus(
            node=_host(group),
            state=str(task.state),
            exit_code=task.exit_code,
            error=task.error,
            image=group.service.spec.image if group.service.spec.image != image else "",
        )
        for group in groups
        for task in sorted(group.latest, key=attrgetter("slot"))
    ]
    return tuple(sorted(found, key=attrgetter("node"))[:MOST_TASKS])


def _host(group: Group) -> str:
    return group.node.hostname if group.node else str(group.service.spec.node)


def _endpoints(facts: Facts) -> tuple[Endpoint, ...]:
    if facts.spec is None:
        return ()
    return endpoints(facts.namespace, facts.name, facts.spec, facts.groups, facts.reach)

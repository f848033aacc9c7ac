"""The status document of an execution: phase, conditions, reasons. What everybody reads.

One document, two readers: the database and the page get all of it; the status branch gets
:func:`published`, without anything that changes by itself (positions, shortfalls, counts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

from policy.model.decision import Wait
from policy.model.execution import Allocation
from reconciler.converge.ledger import EndReason, Record, phase_of_ending
from reconciler.converge.lifecycle import is_outdated, is_refused
from reconciler.converge.queue import Blocked
from reconciler.converge.tasks import Group
from reconciler.manifest.spec import ExecutionSpec, Manifest, Origin

API_VERSION = "zoe.status/v1"


class Phase(StrEnum):
    """Where an execution is in its life. Queued is healthy."""

    PENDING = "Pending"
    QUEUED = "Queued"
    STARTING = "Starting"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    STOPPED = "Stopped"
    SUSPENDED = "Suspended"
    TERMINATING = "Terminating"
    UNKNOWN = "Unknown"
    INVALID = "Invalid"


FINAL_PHASES = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.STOPPED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A named claim. ``status`` is True, False or Unknown; ``message`` a sentence for people."""

    type: str
    status: str
    reason: str
    message: str = ""
    last_transition_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a port can be reached now."""

    component: str
    name: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentStatus:
    """How much of a component there is: of ``core`` + ``elastic``, ``granted`` and ``running``."""

    name: str
    core: int
    elastic: int
    granted: int
    running: int
    restarts: int
    nodes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Everything that is told about one run."""

    namespace: str
    name: str
    uid: str
    run: int
    phase: Phase
    reason: str
    message: str
    generation: int = 0
    labels: tuple[tuple[str, str], ...] = ()
    type: str = ""
    zapp: str = ""
    origin: Origin | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempt: int = 0
    exit_code: int | None = None
    position: int | None = None
    next_try_at: datetime | None = None
    refusals: tuple[str, ...] = ()
    components: tuple[ComponentStatus, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    conditions: tuple[Condition, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a status is made from.

    ``manifest`` is None once nobody wants the run any more; ``unpublished`` says why its news
    can't be pushed to the status branch.
    """

    namespace: str
    name: str
    record: Record
    manifest: Manifest | None
    spec: ExecutionSpec | None
    groups: tuple[Group, ...]
    placements: tuple[Allocation, ...]
    wait: Wait | None = None
    blocked: Blocked | None = None
    held: tuple[str, str] | None = None
    notes: tuple[tuple[str, str], ...] = ()
    failures: tuple[str, ...] = ()
    unpublished: str = ""


def status_of(facts: Facts, *, previous: Mapping[str, Any] | None, now: datetime) -> Status:
    """Return the status of one run.

    Args:
        facts: What is known.
        previous: Its last status document; conditions that say the same keep their time.
        now: The time of this pass.
    """
    record, spec, manifest = facts.record, facts.spec, facts.manifest
    phase, reason, message = _phase(facts)
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
        type=str(spec.type) if spec else "",
        zapp=spec.zapp if spec else "",
        origin=manifest.origin if manifest else None,
        queued_at=record.queued_at,
        started_at=record.first_started_at,
        ended_at=record.ended.at if record.ended else None,
        attempt=record.attempt,
        exit_code=_exit_code(record),
        position=facts.wait.position if facts.wait else None,
        next_try_at=facts.blocked.until if facts.blocked else None,
        refusals=_refusals(facts.wait),
        components=_components(facts),
        endpoints=_endpoints(facts) if phase in (Phase.RUNNING, Phase.STARTING) else (),
    )
    conditions = _conditions(facts, status)
    return replace(status, conditions=_with_times(conditions, previous, now))


def invalid_status(
    *, namespace: str, name: str, uid: str, message: str, origin: Origin | None
) -> Status:
    """Return the status of a manifest that never had a valid version."""
    condition = Condition(
        type="Validated", status="False", reason="ManifestInvalid", message=message
    )
    return Status(
        namespace=namespace,
        name=name,
        uid=uid,
        run=0,
        phase=Phase.INVALID,
        reason="ManifestInvalid",
        message=message,
        origin=origin,
        conditions=(condition,),
    )


def document(status: Status) -> dict[str, Any]:
    """Return the whole status document as JSON data."""
    origin = status.origin
    source: dict[str, Any] = {}
    if origin is not None:
        source = {
            "id": origin.source_id,
            "path": origin.path,
            "line": origin.line,
            "commit": origin.commit,
            "blob": origin.blob,
            "author": origin.author,
            "committedAt": _time(origin.committed_at),
        }
    body: dict[str, Any] = {
        "phase": str(status.phase),
        "reason": status.reason,
        "message": status.message,
        "type": status.type,
        "zapp": status.zapp,
        "observedGeneration": status.generation,
        "queuedAt": _time(status.queued_at),
        "startedAt": _time(status.started_at),
        "endedAt": _time(status.ended_at),
        "attempt": status.attempt,
        "exitCode": status.exit_code,
        "position": status.position,
        "nextTryAt": _time(status.next_try_at),
        "refusals": list(status.refusals),
        "components": [
            {
                "name": part.name,
                "core": part.core,
                "elastic": part.elastic,
                "granted": part.granted,
                "running": part.running,
                "restarts": part.restarts,
                "nodes": list(part.nodes),
            }
            for part in status.components
        ],
        "endpoints": [
            {"component": e.component, "name": e.name, "url": e.url} for e in status.endpoints
        ],
        "conditions": [
            {
                "type": c.type,
                "status": c.status,
                "reason": c.reason,
                "message": c.message,
                "lastTransitionTime": _time(c.last_transition_at),
            }
            for c in status.conditions
        ],
    }
    return {
        "apiVersion": API_VERSION,
        "kind": "ExecutionStatus",
        "metadata": {
            "namespace": status.namespace,
            "name": status.name,
            "uid": status.uid,
            "run": status.run,
            "generation": status.generation,
            "labels": dict(status.labels),
        },
        "source": source,
        "status": {key: value for key, value in body.items() if value not in (None, "", [])},
    }


_VOLATILE = frozenset({"position", "nextTryAt", "refusals", "components", "message"})
# Outdated changes with every edit of a ZApp, for all that use it and without touching any.
_VOLATILE_CONDITIONS = frozenset({"Outdated", "StatusPublished"})


def published(whole: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of a document that belongs on the status branch: nothing volatile."""
    body = {key: value for key, value in whole["status"].items() if key not in _VOLATILE}
    body["conditions"] = [
        {key: value for key, value in condition.items() if key != "message"}
        for condition in body.get("conditions", [])
        if condition["type"] not in _VOLATILE_CONDITIONS
    ]
    return {**whole, "status": body}


def _phase(facts: Facts) -> tuple[Phase, str, str]:
    record = facts.record
    if record.ended is not None:
        if facts.groups and record.ended.reason in _LEAVING:
            return Phase.TERMINATING, str(record.ended.reason), "its services are being stopped"
        phase = Phase(phase_of_ending(record.ended.reason))
        return phase, str(record.ended.reason), _ending(record)
    if facts.held is not None and facts.manifest is None:
        running = Phase.RUNNING if record.started_at else Phase.STARTING
        phase = running if record.attempt_open else Phase.QUEUED
        return phase, facts.held[0], facts.held[1]
    if record.attempt_open:
        return _open_phase(facts)
    if facts.blocked is not None:
        return _blocked_phase(facts, facts.blocked)
    if facts.wait is not None:
        return Phase.QUEUED, str(facts.wait.reason.code), facts.wait.reason.message
    return Phase.PENDING, "Pending", "not looked at yet"


_LEAVING = frozenset({EndReason.DELETED, EndReason.SUPERSEDED, EndReason.LIFETIME_REACHED})


def _open_phase(facts: Facts) -> tuple[Phase, str, str]:
    if facts.record.started_at is None:
        if facts.failures:
            return Phase.STARTING, "ActionFailed", facts.failures[0]
        pending = next((e for g in facts.groups if (e := g.pending_error())), "")
        noted = next((message for _, message in facts.notes), "")
        return Phase.STARTING, "Starting", pending or noted or "its core components are starting"
    return Phase.RUNNING, "Running", "all core components are up"


def _blocked_phase(facts: Facts, blocked: Blocked) -> tuple[Phase, str, str]:
    if blocked.reason == "Suspended":
        if facts.groups:
            return Phase.TERMINATING, "Suspended", "its services are being stopped"
        return Phase.SUSPENDED, "Suspended", blocked.message
    if blocked.reason == "ObserveOnly":
        return Phase.QUEUED, blocked.reason, blocked.message
    return Phase.PENDING, blocked.reason, blocked.message


def _ending(record: Record) -> str:
    ended = record.ended
    if ended is None:
        return ""
    code = "" if ended.code is None else f" with exit code {ended.code}"
    attempts = f" after {record.attempt} attempts" if record.attempt > 1 else ""
    return {
        EndReason.COMPLETED: f"completed{code}{attempts}",
        EndReason.NON_ZERO_EXIT: f"failed{code}{attempts}; raise run to start it again",
        EndReason.DELETED: "its file was deleted",
        EndReason.SUPERSEDED: "a higher run took its place",
        EndReason.LIFETIME_REACHED: "its lifetime is over; raise run to start it again",
    }.get(ended.reason, f"{ended.reason}{code}{attempts}; raise run to start it again")


def _exit_code(record: Record) -> int | None:
    if record.ended is not None:
        return record.ended.code
    return record.last_end.code if record.last_end else None


def _refusals(wait: Wait | None) -> tuple[str, ...]:
    if wait is None:
        return ()
    return tuple(
        f"{no.hostname}: {no.component} {no.message} ({no.filter})" for no in wait.reason.refusals
    )


def _components(facts: Facts) -> tuple[ComponentStatus, ...]:
    if facts.spec is None:
        return ()
    found = []
    for service in facts.spec.services:
        mine = [group for group in facts.groups if group.component == service.name]
        hosts = {g.node.hostname if g.node else str(g.service.spec.node) for g in mine}
        found.append(
            ComponentStatus(
                name=service.name,
                core=service.core,
                elastic=service.maximum - service.core,
                granted=sum(p.count for p in facts.placements if p.component == service.name),
                running=sum(group.running for group in mine),
                restarts=sum(group.restarts for group in mine),
                nodes=tuple(sorted(hosts)),
            )
        )
    return tuple(found)


def _endpoints(facts: Facts) -> tuple[Endpoint, ...]:
    if facts.spec is None:
        return ()
    ports = {(s.name, p.target): p for s in facts.spec.services for p in s.ports}
    found: dict[tuple[str, str, str], Endpoint] = {}
    for group in facts.groups:
        address = group.node.address if group.node else ""
        for task in group.tasks:
            if task.state != "running" or not address:
                continue
            for there in task.host_ports:
                port = ports.get((group.component, there.target))
                if port is None:
                    continue
                scheme = port.app_protocol or port.protocol
                url = f"{scheme}://{_bracketed(address)}:{there.published}{port.path}"
                found[group.component, port.name, url] = Endpoint(
                    component=group.component, name=port.name, url=url
                )
    return tuple(found[key] for key in sorted(found))


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _conditions(facts: Facts, status: Status) -> list[Condition]:
    """Return the conditions; those that are only told when true are left out otherwise."""
    conditions = [_ready(status), _validated(facts), _admitted(facts, status), _published(facts)]
    if facts.record.attempt_open:
        is_up = status.phase is Phase.RUNNING
        conditions.append(
            Condition(
                type="Healthy",
                status="True" if is_up else "False",
                reason="CoreUp" if is_up else "CoreMissing",
                message=status.message,
            )
        )
        conditions.append(_elastic(status))
    conditions += _abnormal(facts, status)
    return conditions


def _ready(status: Status) -> Condition:
    value = {
        Phase.RUNNING: "True",
        Phase.SUCCEEDED: "True",
        Phase.FAILED: "False",
        Phase.STOPPED: "False",
        Phase.INVALID: "False",
    }.get(status.phase, "Unknown")
    return Condition(type="Ready", status=value, reason=status.reason, message=status.message)


def _validated(facts: Facts) -> Condition:
    manifest = facts.manifest
    if manifest is None or (manifest.is_current and manifest.spec is not None):
        return Condition(type="Validated", status="True", reason="Valid")
    message = "its newest version is invalid; the last good one stays in force"
    return Condition(type="Validated", status="False", reason="ManifestInvalid", message=message)


def _admitted(facts: Facts, status: Status) -> Condition:
    if facts.record.attempt_open:
        return Condition(type="Admitted", status="True", reason="Admitted")
    if facts.record.is_final:
        return Condition(type="Admitted", status="False", reason="Ended")
    return Condition(type="Admitted", status="False", reason=status.reason, message=status.message)


def _published(facts: Facts) -> Condition:
    """True also while its news only waits for its turn: that would change with every push."""
    if facts.unpublished:
        told = facts.unpublished
        return Condition(type="StatusPublished", status="False", reason="PushFailed", message=told)
    return Condition(type="StatusPublished", status="True", reason="Published")


def _elastic(status: Status) -> Condition:
    granted = sum(part.granted - min(part.core, part.granted) for part in status.components)
    wanted = sum(part.elastic for part in status.components)
    if granted >= wanted:
        return Condition(type="ElasticSatisfied", status="True", reason="AtMax")
    reason = "Partial" if granted else "AtCore"
    message = f"{granted} of {wanted} elastic replicas granted"
    return Condition(type="ElasticSatisfied", status="False", reason=reason, message=message)


def _abnormal(facts: Facts, status: Status) -> list[Condition]:
    found: list[Condition] = []
    record, manifest, spec = facts.record, facts.manifest, facts.spec
    if manifest is not None and is_outdated(record, manifest, spec):
        message = "its ZApp or Platform changed since it was admitted; the next run follows"
        found.append(_true("Outdated", "ZAppChanged", message))
    if manifest is not None and is_refused(record, manifest, spec):
        message = "an edit of what has started needs a higher run"
        found.append(_true("Held", "RunMustRise", message))
    if record.is_update_held:
        told = f"generation {record.generation} failed; {record.good_generation} stays in force"
        found.append(_true("Held", "UpdateFailed", told))
    if facts.held is not None:
        found.append(_true("Held", *facts.held))
    if any(group.service.is_drifted for group in facts.groups):
        found.append(_true("Drifted", "ChangedByHand", "a service was changed by hand"))
    if status.phase in (Phase.PENDING, Phase.QUEUED, Phase.STARTING, Phase.TERMINATING):
        found.append(_true("Reconciling", status.reason, status.message))
    if status.phase is Phase.FAILED:
        found.append(_true("Stalled", status.reason, status.message))
    return found


def _true(type_: str, reason: str, message: str) -> Condition:
    return Condition(type=type_, status="True", reason=reason, message=message)


def _with_times(
    conditions: Sequence[Condition], previous: Mapping[str, Any] | None, now: datetime
) -> tuple[Condition, ...]:
    """A condition keeps the time since which it has had its status and reason."""
    before = {c["type"]: c for c in ((previous or {}).get("status", {})).get("conditions", [])}
    timed = []
    for condition in conditions:
        last = before.get(condition.type)
        same = last is not None and (last["status"], last["reason"]) == (
            condition.status,
            condition.reason,
        )
        since = datetime.fromisoformat(last["lastTransitionTime"]) if last and same else now
        timed.append(replace(condition, last_transition_at=since))
    return tuple(timed)


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None

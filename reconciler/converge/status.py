"""The status document of an execution: what everybody reads.

One document, two readers: the database and the page get all of it; the status branch gets
:func:`published`, without anything that changes by itself (positions, shortfalls, counts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from policy.model.resources import NOTHING, Resources
from reconciler.converge.runs import is_scheduled, time_of
from reconciler.manifest.spec import Origin

API_VERSION = "zoe.status/v1"

DIRECT = ""
GATEWAY = "gateway"
SOCKS = "socks"

SetName = tuple[str, str]
"""Namespace ("" where it is over many) and name of a set."""


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
    SCHEDULED = "Scheduled"
    UNKNOWN = "Unknown"
    INVALID = "Invalid"


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
    """Where a port can be reached now.

    ``via`` is the namespace's gateway, SOCKS through ``proxy`` (host and port), or nothing: at its
    node. ``use`` is a sentence on how to use it, where there is something to say.
    """

    component: str
    name: str
    url: str
    via: str = DIRECT
    use: str = ""
    proxy: str = ""


def best(endpoints: Sequence[Endpoint]) -> list[Endpoint]:
    """Return what to show of each port: the address that stays, where there is one."""
    staying = {(one.component, one.name) for one in endpoints if one.via == GATEWAY}
    return [
        one for one in endpoints if one.via == GATEWAY or (one.component, one.name) not in staying
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStatus:
    """The newest task of a replica. ``image`` is "" where it is the component's.

    ``error`` is the engine's text; no ``exit_code`` until it ended.
    """

    node: str
    state: str
    exit_code: int | None = None
    error: str = ""
    image: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComponentStatus:
    """How much of a component there is: of ``core`` + ``elastic``, ``granted`` and ``running``.

    ``image`` is as it runs, else as it was resolved; ``tasks`` are told up to a bound; ``limits``
    are what one replica may take at most, nothing where it is unbounded.
    """

    name: str
    core: int
    elastic: int
    granted: int
    running: int
    restarts: int
    nodes: tuple[str, ...] = ()
    image: str = ""
    tasks: tuple[TaskStatus, ...] = ()
    limits: Resources = NOTHING


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
    of_set: SetName | None = None
    type: str = ""
    zapp: str = ""
    origin: Origin | None = None
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ends_at: datetime | None = None
    ended_at: datetime | None = None
    attempt: int = 0
    attempts: int | None = None
    exit_code: int | None = None
    position: int | None = None
    next_try_at: datetime | None = None
    next_run_at: datetime | None = None
    refusals: tuple[str, ...] = ()
    components: tuple[ComponentStatus, ...] = ()
    endpoints: tuple[Endpoint, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def set_name(self) -> str:
        """What people call the set that it is a member of; "" if it is of none."""
        return "/".join(filter(None, self.of_set)) if self.of_set else ""


def document(status: Status) -> dict[str, Any]:
    """Return the whole status document as JSON data."""
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
            **_set(status.of_set),
        },
        "source": _source(status.origin) if status.origin else {},
        "status": {k: v for k, v in _body(status).items() if v not in (None, "", [])},
    }


def _set(of_set: SetName | None) -> dict[str, Any]:
    if of_set is None:
        return {}
    namespace, name = of_set
    whose = {"namespace": namespace} if namespace else {}
    return {"set": {**whose, "name": name}}


def set_of(whole: Mapping[str, Any]) -> SetName | None:
    """Return the set that a status document's execution is, or was, a member of."""
    told = whole.get("metadata", {}).get("set")
    return (told.get("namespace", ""), told["name"]) if told else None


def _source(origin: Origin) -> dict[str, Any]:
    return {
        "id": origin.source_id,
        "path": origin.path,
        "line": origin.line,
        "commit": origin.commit,
        "blob": origin.blob,
        "author": origin.author,
        "committedAt": _time(origin.committed_at),
    }


def _body(status: Status) -> dict[str, Any]:
    return {
        "phase": str(status.phase),
        "reason": status.reason,
        "message": status.message,
        "type": status.type,
        "zapp": status.zapp,
        "observedGeneration": status.generation,
        "queuedAt": _time(status.queued_at),
        "startedAt": _time(status.started_at),
        "endsAt": _time(status.ends_at),
        "endedAt": _time(status.ended_at),
        "attempt": status.attempt,
        "attempts": status.attempts,
        "exitCode": status.exit_code,
        "position": status.position,
        "nextTryAt": _time(status.next_try_at),
        "nextRunAt": _time(status.next_run_at),
        "dueAt": _time(time_of(status.run)) if is_scheduled(status.run) else None,
        "refusals": list(status.refusals),
        "components": [_component(part) for part in status.components],
        "endpoints": [_endpoint(endpoint) for endpoint in status.endpoints],
        "conditions": [_condition(condition) for condition in status.conditions],
    }


def _endpoint(endpoint: Endpoint) -> dict[str, Any]:
    told = {"component": endpoint.component, "name": endpoint.name, "url": endpoint.url}
    more = {"via": endpoint.via, "use": endpoint.use, "proxy": endpoint.proxy}
    return told | {key: value for key, value in more.items() if value}


def _component(part: ComponentStatus) -> dict[str, Any]:
    told = {
        "name": part.name,
        "core": part.core,
        "elastic": part.elastic,
        "granted": part.granted,
        "running": part.running,
        "restarts": part.restarts,
        "nodes": list(part.nodes),
        "image": part.image,
        "tasks": [_task(task) for task in part.tasks],
    }
    limits = {"cpu": part.limits.cpu_millis, "memory": part.limits.memory_bytes}
    return told | ({"limits": limits} if any(limits.values()) else {})


def _task(task: TaskStatus) -> dict[str, Any]:
    told = {
        "node": task.node,
        "state": task.state,
        "exitCode": task.exit_code,
        "error": task.error,
        "image": task.image,
    }
    return {key: value for key, value in told.items() if value not in (None, "")}


def _condition(condition: Condition) -> dict[str, Any]:
    return {
        "type": condition.type,
        "status": condition.status,
        "reason": condition.reason,
        "message": condition.message,
        "lastTransitionTime": _time(condition.last_transition_at),
    }


_VOLATILE = frozenset({"position", "nextTryAt", "endsAt", "refusals", "components", "message"})
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


def _time(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None

"""One run in a list: the same few fields wherever executions are listed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.converge.ledger import HELD_BY_OPERATOR
from reconciler.converge.status import SOCKS, Endpoint, best
from reconciler.view import encoding
from reconciler.view.words import grants

HOLDING = frozenset({"Starting", "Running", "Terminating"})
"""The states in which something is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """``state`` is the phase, ``reason`` its code, ``message`` a sentence, ``held`` who holds it.

    ``replicas`` says what it holds (``core 3, 2 of 5 elastic``). Of an ended or waiting one it is
    "". ``urls`` are where it can be reached now.
    """

    namespace: str
    name: str
    uid: str
    run: int
    state: str
    reason: str = ""
    message: str = ""
    type: str = ""
    zapp: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    replicas: str = ""
    urls: tuple[str, ...] = ()
    attempt: int = 0
    attempts: int | None = None
    held: str = ""
    queued_at: datetime | None = None
    started_at: datetime | None = None
    ends_at: datetime | None = None
    ended_at: datetime | None = None
    due_at: datetime | None = None

    @property
    def full_name(self) -> str:
        """NAMESPACE/NAME."""
        return f"{self.namespace}/{self.name}"


def of(document: Mapping[str, Any]) -> Line:
    """Return the line of a status document, whole or as it was published."""
    metadata, status = document["metadata"], document["status"]
    return Line(
        namespace=metadata["namespace"],
        name=metadata["name"],
        uid=metadata["uid"],
        run=metadata["run"],
        state=status["phase"],
        reason=status.get("reason", ""),
        message=status.get("message", ""),
        type=status.get("type", ""),
        zapp=status.get("zapp", ""),
        labels=metadata.get("labels", {}),
        replicas=_replicas(status),
        urls=_urls(status),
        attempt=status.get("attempt", 0),
        attempts=status.get("attempts"),
        held=held(status),
        queued_at=time(status, "queuedAt"),
        started_at=time(status, "startedAt"),
        ends_at=time(status, "endsAt"),
        ended_at=time(status, "endedAt"),
        due_at=time(status, "dueAt"),
    )


def of_name(document: Mapping[str, Any]) -> str:
    """Return a document's NAMESPACE/NAME."""
    return f"{document['metadata']['namespace']}/{document['metadata']['name']}"


def held(status: Mapping[str, Any]) -> str:
    """Return what to tell of an operator's hold; "" if there is none.

    The status branch doesn't tell whose it is.
    """
    for condition in status.get("conditions", ()):
        if condition["type"] == "Held" and condition["reason"] == HELD_BY_OPERATOR:
            return str(condition.get("message") or "held by an operator")
    return ""


def time(status: Mapping[str, Any], key: str) -> datetime | None:
    """Return a time of a status document, if it has that."""
    told = status.get(key)
    return datetime.fromisoformat(told) if told else None


def _urls(status: Mapping[str, Any]) -> tuple[str, ...]:
    """Return where it can be opened: SOCKS needs more than an address."""
    found = [encoding.from_json(Endpoint, one) for one in status.get("endpoints", ())]
    return tuple(endpoint.url for endpoint in best(found) if endpoint.via != SOCKS)


def _replicas(status: Mapping[str, Any]) -> str:
    components = status.get("components", ())
    granted = sum(part["granted"] for part in components)
    if not granted or status["phase"] not in HOLDING:
        return ""
    core = sum(min(part["core"], part["granted"]) for part in components)
    most = sum(part["elastic"] for part in components)
    return grants(core=core, elastic=granted - core, most=most)

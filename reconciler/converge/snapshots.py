"""The snapshot of a pass as a document: all that ``policy.decide`` needs, so that others can ask.

It goes into the database and onto the status branch. ``zoe queue``, ``zoe explain`` and the
preview decide on it again, far from the cluster and at another time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policy.model.cluster import Node, Snapshot
from policy.model.execution import Execution
from policy.model.reservation import Reservation
from policy.model.tenant import Tenant
from policy.settings import PolicySettings
from reconciler import canonical
from reconciler.converge.instants import epoch_ms, from_epoch_ms
from reconciler.manifest.platform import Platform, PriorityClass

SCHEMA = "zoe.snapshot/v1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A snapshot as it was taken, with the policy that was in force.

    ``priorities`` are the classes that an author may choose, but fillers. ``id`` is the digest of
    everything but the time.
    """

    id: str
    taken_at: datetime
    commit: str
    snapshot: Snapshot
    settings: PolicySettings
    priorities: Mapping[str, int] = field(default_factory=dict)


def document(
    snapshot: Snapshot, settings: PolicySettings, platform: Platform, *, commit: str
) -> dict[str, Any]:
    """Return what :func:`read` reads; ``id`` is the digest of everything but the time."""
    body: dict[str, Any] = {
        "apiVersion": SCHEMA,
        "commit": commit,
        "nodes": canonical.to_data(snapshot.nodes),
        "executions": canonical.to_data(snapshot.executions),
        "tenants": canonical.to_data(snapshot.tenants),
        "reservations": canonical.to_data(snapshot.reservations),
        "policy": canonical.to_data(settings),
        "priorities": canonical.to_data(platform.priority_classes),
    }
    taken = from_epoch_ms(snapshot.now_ms).isoformat(timespec="milliseconds")
    return {**body, "id": canonical.digest(body)[:16], "takenAt": taken}


def read(told: Mapping[str, Any]) -> Taken:
    """Return the snapshot of a document.

    Older documents hold neither quotas nor the policy: these are as if nothing was set.

    Raises:
        TypeError, ValueError, KeyError: It isn't such a document.
    """
    taken_at = datetime.fromisoformat(told["takenAt"])
    classes = canonical.from_data(tuple[PriorityClass, ...], told.get("priorities", ()))
    return Taken(
        id=told["id"],
        taken_at=taken_at,
        commit=told["commit"],
        snapshot=Snapshot(
            now_ms=epoch_ms(taken_at),
            nodes=canonical.from_data(tuple[Node, ...], told["nodes"]),
            executions=canonical.from_data(tuple[Execution, ...], told["executions"]),
            tenants=canonical.from_data(tuple[Tenant, ...], told.get("tenants", ())),
            reservations=canonical.from_data(tuple[Reservation, ...], told.get("reservations", ())),
        ),
        settings=canonical.from_data(PolicySettings, told.get("policy", {})),
        priorities={c.name: c.value for c in classes if not c.filler},
    )

"""The snapshot of a pass as a document: all that ``policy.decide`` needs, so that others can ask.

It goes into the database and onto the status branch. ``zoe queue``, ``zoe explain`` and the
preview decide on it again, far from the cluster and at another time.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policy.model.cluster import Node, Snapshot
from policy.model.execution import Execution, Uid
from policy.model.reservation import Reservation
from policy.model.tenant import Tenant
from policy.settings import PolicySettings
from reconciler import canonical
from reconciler.converge.instants import epoch_ms, from_epoch_ms
from reconciler.manifest.platform import Platform, PriorityClass

SCHEMA = "zoe.snapshot/v1"
_BY_TIME = re.compile(r',?"usage":\{[^{}]*\}|"(?:as_of_ms|rate|work)":\d+,?')


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


@dataclass(frozen=True, slots=True)
class Written:
    """A snapshot as text, and its id."""

    id: str
    text: str


class Writer:
    """Writes one snapshot after another, at the cost of what changed in between.

    The text is JSON, and so YAML, in lines: one for each node and each execution, in the order of
    the snapshot. What stays the same keeps its line, so that Git stores what changed.
    """

    def __init__(self) -> None:
        self._lines: dict[Uid, tuple[Execution, str]] = {}

    def write(
        self, snapshot: Snapshot, settings: PolicySettings, platform: Platform, *, commit: str
    ) -> Written:
        """Return what :func:`read` reads, parsed; the id is the digest of all but the time."""
        parts = {
            "nodes": list(map(canonical.dumps, snapshot.nodes)),
            "executions": self._executions(snapshot.executions),
            "tenants": list(map(canonical.dumps, snapshot.tenants)),
            "reservations": list(map(canonical.dumps, snapshot.reservations)),
        }
        whole = {
            "apiVersion": canonical.dumps(SCHEMA),
            "commit": canonical.dumps(commit),
            "policy": canonical.dumps(settings),
            "priorities": canonical.dumps(platform.priority_classes),
        }
        digest = _digest(whole, parts)
        taken = from_epoch_ms(snapshot.now_ms).isoformat(timespec="milliseconds")
        lines = [
            *(f'"{name}": {text}' for name, text in whole.items()),
            f'"id": "{digest}"',
            f'"takenAt": "{taken}"',
            *(f'"{name}": [{_listed(texts)}]' for name, texts in parts.items()),
        ]
        return Written(digest, "{\n" + ",\n".join(lines) + "\n}\n")

    def _executions(self, executions: Iterable[Execution]) -> list[str]:
        """Return the lines; those whose execution is still the same object aren't made again."""
        before, self._lines = self._lines, {}
        for execution in executions:
            known = before.get(execution.uid)
            if known is None or known[0] is not execution:
                known = (execution, canonical.dumps(execution))
            self._lines[execution.uid] = known
        return [line for _, line in self._lines.values()]


def content(text: str) -> list[str]:
    """Return the lines of a written snapshot without what time alone changes, and its commit."""
    apart = ('"commit": ', '"id": ', '"takenAt": ')
    return [_BY_TIME.sub("", line) for line in text.splitlines() if not line.startswith(apart)]


def _digest(whole: Mapping[str, str], parts: Mapping[str, Sequence[str]]) -> str:
    """Return the first digits of the digest of the body's canonical JSON, put together from parts.

    Equal to ``canonical.digest`` of the same as data, by which older snapshots got their ids.
    """
    texts = dict(whole) | {name: f"[{','.join(texts)}]" for name, texts in parts.items()}
    body = ",".join(f'"{name}":{texts[name]}' for name in sorted(texts))
    return hashlib.sha256(f"{{{body}}}".encode()).hexdigest()[:16]


def _listed(texts: Sequence[str]) -> str:
    return "\n" + ",\n".join(texts) + "\n" if texts else ""


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

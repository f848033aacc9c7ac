"""Small builders of the core's types, so that a test shows only what it is about."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from policy.model.execution import ApplicationType, NodeId, Uid
from policy.model.resources import Resources
from reconciler import canonical
from reconciler.converge.assess import assess
from reconciler.converge.history import Runtime, Runtimes
from reconciler.converge.host import Host, Storage
from reconciler.converge.ledger import Entry, fold
from reconciler.converge.plan import CreateService, RemoveService
from reconciler.converge.state import (
    LABEL_APPLIED_HASH,
    ObservedNetwork,
    ObservedNode,
    ObservedService,
    ObservedState,
    ObservedTask,
    ServiceSpec,
    TaskState,
)
from reconciler.converge.status import document
from reconciler.converge.status_document import StatusDocument
from reconciler.converge.world import Assessment, Identity, Memory, Wanted, World
from reconciler.manifest.platform import Namespace
from reconciler.manifest.spec import ExecutionSpec, Manifest, Origin, Service

NOW = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
MIB = 1024**2
GIB = 1024**3
HOST = Host(
    deployment="test",
    storages={"workspace": Storage()},
    security_profiles={"restricted": (), "baseline": ("CHOWN",)},
)


def resources(*, cpus: float = 0, memory: int = 0) -> Resources:
    return Resources(cpu_millis=int(cpus * 1000), memory_bytes=memory)


def service(name: str = "main", **fields: Any) -> Service:
    base = Service(name=name, image="busybox", reservations=resources(cpus=1, memory=64 * MIB))
    if "core" in fields and "maximum" not in fields:
        fields["maximum"] = fields["core"]
    return replace(base, **fields)


def batch(*services: Service, **fields: Any) -> ExecutionSpec:
    parts = services or (service(completes=True),)
    return ExecutionSpec(type=ApplicationType.BATCH, services=parts, **fields)


def interactive(*services: Service, **fields: Any) -> ExecutionSpec:
    return ExecutionSpec(
        type=ApplicationType.INTERACTIVE, services=services or (service(),), **fields
    )


def manifest(
    spec: ExecutionSpec | None,
    *,
    name: str = "job",
    namespace: str = "aml",
    run: int = 1,
    document_hash: str = "",
    **fields: Any,
) -> Manifest:
    return Manifest(
        uid=Uid(canonical.digest([namespace, name, run])[:16]),
        namespace=namespace,
        name=name,
        run=run,
        origin=Origin(
            source_id="platform",
            path=f"executions/{namespace}/{name}.yaml",
            line=1,
            blob="b" * 40,
            commit="c" * 40,
        ),
        document_hash=document_hash or canonical.digest(spec),
        spec=spec,
        spec_hash=canonical.digest(spec),
        **fields,
    )


def wanted(*manifests: Manifest, **fields: Any) -> Wanted:
    return Wanted(
        commit="c" * 40,
        manifests={m.uid: m for m in manifests},
        namespaces={m.namespace: Namespace(name=m.namespace) for m in manifests},
        **fields,
    )


def observed_node(
    name: str, *, cpus: int = 4, memory: int = 8 * GIB, **fields: Any
) -> ObservedNode:
    node = ObservedNode(
        id=NodeId(name),
        hostname=name,
        address="10.0.0.1",
        capacity=resources(cpus=cpus, memory=memory),
        labels={},
        engine_labels={},
        os="linux",
        architecture="x86_64",
        is_manager=False,
        is_ready=True,
        is_active=True,
        updated_at=NOW,
    )
    return replace(node, **fields)


def observed(*nodes: ObservedNode, **fields: Any) -> ObservedState:
    state = ObservedState(
        taken_at=NOW,
        nodes=nodes or (observed_node("n1"),),
        services=(),
        tasks=(),
        networks=(),
        configs=(),
        secrets=(),
    )
    return replace(state, **fields)


def task(service_id: str, state: TaskState = TaskState.RUNNING, **fields: Any) -> ObservedTask:
    desired = TaskState.SHUTDOWN if state in _DONE else TaskState.RUNNING
    base = ObservedTask(
        id=f"{service_id}-t",
        service_id=service_id,
        node=NodeId("n1"),
        slot=1,
        state=state,
        desired_state=desired,
        created_at=NOW,
        updated_at=NOW,
        reservations=resources(cpus=1, memory=64 * MIB),
    )
    return replace(base, **fields)


def there(spec: ServiceSpec, *, at: datetime = NOW) -> ObservedService:
    """A service as the cluster shows it once it was created."""
    labelled = replace(spec, labels={**spec.labels, LABEL_APPLIED_HASH: spec.applied_hash})
    return ObservedService(id=f"id-{spec.name}", version=1, spec=labelled, created_at=at)


def carried_out(found: Assessment, state: ObservedState, *, at: datetime = NOW) -> ObservedState:
    """The observation after a plan's removes and creates; every new task runs."""
    gone = {a.id for a in found.plan.actions if isinstance(a, RemoveService)}
    made = [there(a.spec, at=at) for a in found.plan.actions if isinstance(a, CreateService)]
    return replace(
        state,
        services=(*(s for s in state.services if s.id not in gone), *made),
        tasks=(
            *(t for t in state.tasks if t.service_id not in gone),
            *(task(s.id, node=s.spec.node) for s in made),
        ),
        networks=tuple(
            ObservedNetwork(id=name, name=name, labels=spec.labels, created_at=NOW)
            for name, spec in found.desired.networks.items()
        ),
    )


_DONE = {TaskState.COMPLETE, TaskState.FAILED, TaskState.REJECTED, TaskState.SHUTDOWN}


class Ledger:
    """A memory that takes over what an assessment wants committed, as the store would."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.now = NOW
        self.entries: list[Entry] = []
        self.last: Assessment | None = None

    def world(self, want: Wanted, state: ObservedState, **fields: Any) -> World:
        return World(
            wanted=want, memory=self.memory, observed=state, host=HOST, now=self.now, **fields
        )

    def assess(self, want: Wanted, state: ObservedState, **fields: Any) -> Assessment:
        """Assess and commit; what is taken over from the pass before may change nothing."""
        world = self.world(want, state, **fields)
        found = assess(replace(world, last=self.last))
        assert outcome(found) == outcome(assess(world))
        self.commit(want, found)
        self.last = found
        return found

    def commit(self, want: Wanted, found: Assessment) -> None:
        last = self.memory.last_seq
        entries = [
            replace(step.entry, seq=last + index) for index, step in enumerate(found.steps, 1)
        ]
        self.entries += entries
        records = dict(self.memory.records)
        for entry in entries:
            record = fold([entry], records.get(entry.uid))
            assert record is not None
            records[entry.uid] = record
        identities = dict(self.memory.identities) | {
            Uid(s.uid): Identity(namespace=s.namespace, name=s.name, run=s.run)
            for s in found.statuses
        }
        statuses = {Uid(s.uid): StatusDocument.of(document(s)) for s in found.statuses}
        progress = {**self.memory.progress, **found.books.progress}
        placements = {**self.memory.placements, **found.placements}
        gone = set(found.forgotten)
        self.memory = replace(
            self.memory,
            records={uid: r for uid, r in records.items() if uid not in gone},
            identities={uid: i for uid, i in identities.items() if uid not in gone},
            frozen={**self.memory.frozen, **found.frozen},
            placements={uid: g for uid, g in placements.items() if g},
            progress={uid: p for uid, p in progress.items() if p is not None},
            usage={**self.memory.usage, **found.books.usage},
            runtimes=_with(self.memory.runtimes, found.books.runtimes),
            statuses={
                uid: told
                for uid, told in {**self.memory.statuses, **statuses}.items()
                if uid not in gone
            },
            last_seq=last + len(entries),
            published_seq=last + len(entries),
        )

    def later(self, **delta: float) -> None:
        self.now += timedelta(**delta)

    def facts(self, uid: str) -> list[str]:
        """The facts of a uid, in short: ``attempt_ended:NonZeroExit``."""
        return [
            f"{e.fact}:{e.reason}" if e.reason else str(e.fact)
            for e in self.entries
            if e.uid == uid
        ]


def _with(known: Runtimes, added: Iterable[Runtime]) -> Runtimes:
    runtimes = dict(known)
    for runtime in added:
        for namespace in (runtime.namespace, ""):
            key = (namespace, runtime.application)
            runtimes[key] = (*runtimes.get(key, ()), runtime.runtime_ms)
    return runtimes


def outcome(found: Assessment) -> tuple[object, ...]:
    """What a pass does and tells."""
    told = [document(status) for status in found.statuses]
    did = (found.steps, found.placements, found.desired, found.plan, found.harvest)
    return (*did, told, found.forgotten, found.wake_at)


def status_of(found: Assessment, m: Manifest) -> Any:
    (status,) = [s for s in found.statuses if s.uid == m.uid]
    return status


def names(items: Iterable[Any]) -> list[str]:
    return [type(item).__name__ for item in items]

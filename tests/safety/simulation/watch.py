"""Writes down what really happened, from between the fault and the port: nothing gets past it."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from policy.model.execution import Allocation, Uid
from reconciler.cluster.fake import FakeCluster, VirtualClock
from reconciler.cluster.fake.agenda import to_ms
from reconciler.converge.ledger import Entry, Record, fold
from reconciler.converge.state import (
    LABEL_ATTEMPT,
    LABEL_COMPONENT,
    LABEL_DEPLOYMENT,
    LABEL_UID,
    RestartCondition,
    ServiceSpec,
    TaskState,
)
from reconciler.errors import ReconcilerError
from reconciler.stored import Changes
from tests.safety.history import Effect, Kind
from tests.safety.simulation.database import DEPLOYMENT

_BY_ITSELF = frozenset({TaskState.COMPLETE, TaskState.FAILED, TaskState.REJECTED})
_KINDS = {
    "create_service": Kind.CREATE,
    "update_service": Kind.UPDATE,
    "remove_service": Kind.REMOVE,
}
_INCARNATION = re.compile(r"-g(\d+)-a\d+-[0-9a-f]+$")


@dataclass
class Watch:
    """The history of one world, and what its ledger says meanwhile."""

    cluster: FakeCluster
    clock: VirtualClock
    effects: list[Effect] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    records: dict[Uid, Record] = field(default_factory=dict)
    placements: dict[Uid, tuple[Allocation, ...]] = field(default_factory=dict)
    judge: Callable[[Changes, tuple[Entry, ...]], None] = lambda _, __: None
    """Who else is told of what was committed, before it is taken over here."""
    note: Callable[[str], None] = lambda _: None
    _specs: dict[str, ServiceSpec] = field(default_factory=dict)
    _ended: set[str] = field(default_factory=set)

    def of_cluster(self, epoch: int) -> Callable[[str, tuple[Any, ...], Callable[[], Any]], Any]:
        """Return what sees the calls to the cluster that a leader of this epoch makes."""

        def seen(method: str, arguments: tuple[Any, ...], do: Callable[[], Any]) -> Any:
            if method not in _KINDS:
                return do()
            self.look()
            kind = _KINDS[method]
            id_ = "" if kind is Kind.CREATE else arguments[0]
            before = self._spec(id_)
            try:
                made = do()
            except ReconcilerError as error:
                self.note(f"   {kind} refused: {type(error).__name__}: {error}")
                raise
            spec = arguments[0] if kind is Kind.CREATE else before
            if spec is not None:
                self._enter(kind, made or id_, spec, epoch)
            return made

        return seen

    def of_store(self, method: str, arguments: tuple[Any, ...], do: Callable[[], Any]) -> Any:
        """See what a store is told, once it has taken it."""
        answer = do()
        if method == "commit":
            self._committed(arguments[0], answer)
        elif method == "acquire_lease" and answer is not None:
            self.leads(answer.epoch)
        return answer

    def leads(self, epoch: int) -> None:
        """Enter that a leader of this epoch begins."""
        self.effects.append(
            Effect(at=to_ms(self.clock.now()), epoch=epoch, kind=Kind.LEAD, id="lease")
        )

    def by_hand(self, id_: str) -> None:
        """Enter that somebody else removed a service."""
        self._enter(Kind.REMOVE, id_, self._specs[id_], 0)

    def look(self) -> None:
        """Enter which services have ended by themselves since the last look."""
        states: dict[str, dict[int, TaskState]] = defaultdict(dict)
        found = self.cluster.observe()
        for task in sorted(found.tasks, key=lambda task: (task.created_at, task.id)):
            states[task.service_id][task.slot] = task.state
        for service in found.services:
            self._specs[service.id] = service.spec
            latest = states[service.id].values()
            if not (_runs_once(service.spec) and latest and _BY_ITSELF.issuperset(latest)):
                continue
            if service.id not in self._ended:
                self._ended.add(service.id)
                self._enter(Kind.END, service.id, service.spec, 0)

    def _spec(self, id_: str) -> ServiceSpec | None:
        service = self.cluster._services.get(id_)
        return service.spec if service is not None else None

    def _enter(self, kind: Kind, id_: str, spec: ServiceSpec, epoch: int) -> None:
        labels = spec.labels
        if LABEL_UID not in labels and LABEL_DEPLOYMENT in labels:
            return  # what prepares nodes is for several, and has no attempts
        incarnation = _INCARNATION.search(spec.name)
        effect = Effect(
            at=to_ms(self.clock.now()),
            epoch=epoch,
            kind=kind,
            id=id_,
            uid=labels.get(LABEL_UID, ""),
            generation=int(incarnation[1]) if incarnation else 0,
            attempt=int(labels.get(LABEL_ATTEMPT, 0)),
            component=labels.get(LABEL_COMPONENT, ""),
            node=str(spec.node),
            ledger_seq=self.entries[-1].seq if self.entries else 0,
            is_held=kind is Kind.REMOVE and self._is_wanted(labels, spec),
            is_foreign=labels.get(LABEL_DEPLOYMENT) != DEPLOYMENT,
        )
        self.note(f"   {kind} {spec.name} ({id_}) by {epoch}")
        self.effects.append(effect)

    def _is_wanted(self, labels: Mapping[str, str], spec: ServiceSpec) -> bool:
        """Tell whether the ledger and the stored groups say that a service is to be there."""
        uid = Uid(labels.get(LABEL_UID, ""))
        record = self.records.get(uid)
        if record is None or not record.attempt_open:
            return False
        groups = {(group.component, group.node) for group in self.placements.get(uid, ())}
        is_current = str(record.attempt) == labels.get(LABEL_ATTEMPT)
        return is_current and (labels.get(LABEL_COMPONENT, ""), spec.node) in groups

    def _committed(self, changes: Changes, numbered: tuple[Entry, ...]) -> None:
        self.judge(changes, numbered)
        self.entries += numbered
        for entry in numbered:
            told = f"{entry.fact} {entry.attempt} {entry.reason}"
            self.note(f"   fact {entry.seq} {entry.uid} {told}")
            record = fold([entry], self.records.get(entry.uid))
            assert record is not None
            self.records[entry.uid] = record
        for uid in changes.forgotten:
            self.records.pop(uid, None)
        self.placements |= changes.placements
        if changes.harvests:
            self.look()
        for harvest in changes.harvests:
            self._stored(harvest.uid, str(harvest.attempt), harvest.component, harvest.node)

    def _stored(self, uid: str, attempt: str, component: str, host: str) -> None:
        for id_, spec in self._specs.items():
            labels = spec.labels
            mine = (labels.get(LABEL_UID), labels.get(LABEL_ATTEMPT), labels.get(LABEL_COMPONENT))
            if mine == (uid, attempt, component) and host in (spec.node, spec.node[3:]):
                self._enter(Kind.STORE, id_, spec, 0)


def _runs_once(spec: ServiceSpec) -> bool:
    return spec.restart.condition is RestartCondition.NONE

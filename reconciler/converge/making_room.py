"""What must wait until others have left: no replica is asked for in room that is still held.

A decision may give away room before it is free: that of preempted and ended executions, of
elastic replicas that are being revoked. Swarm would leave such tasks pending, and could place
half a gang. So creating and growing is held back here, group by group, until the tasks that are
on their way out are gone. Where nothing is leaving nothing is held back: then it is for Swarm to
say what is wrong.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from policy.model.execution import NodeId
from policy.model.resources import NOTHING, Resources
from reconciler.converge.desired_state import DesiredService, DesiredState
from reconciler.converge.state import (
    LABEL_ATTEMPT,
    LABEL_COMPONENT,
    LABEL_EXECUTION,
    LABEL_NAMESPACE,
    LABEL_UID,
    ObservedState,
    ObservedTask,
    RestartCondition,
)
from reconciler.converge.tasks import TERMINAL, Group, is_leaving, is_live

# The service is gone from the list while its tasks stop, and with it whose they are.
_NAMELESS = ""

Part = tuple[str, str, str]
"""Uid, attempt and component."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """How much of the desired state may be asked for now.

    ``replicas`` names only the services that get another number than desired; ``waits`` says by
    uid, in a sentence, what is waited for. Nothing may be taken from ``kept`` components: their
    core is there, but not where it should be next, and the room for that isn't free yet.
    """

    replicas: Mapping[str, int] = field(default_factory=dict)
    waits: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[Part] = frozenset()


def allowance(
    desired: DesiredState,
    observed: ObservedState,
    groups: Mapping[str, Group],
    staying: frozenset[str],
) -> Allowance:
    """Return what of the desired state has room now.

    Cores come first, each execution's whole or not at all; growth gets what they leave.

    Args:
        desired: All that should exist.
        observed: One complete reading.
        groups: Our services with their tasks, by name.
        staying: Names of services that aren't desired and stay nevertheless.
    """
    leaving = _leaving(desired, observed, groups, staying)
    if not leaving.by_node:
        return Allowance()
    return _Handout(desired, groups, leaving, _free(desired, observed, groups)).handed_out()


@dataclass(slots=True)
class _Leaving:
    """Tasks on their way out: how many of whom, and the host ports that they hold, by node."""

    by_node: dict[NodeId, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    parts: dict[NodeId, set[Part]] = field(default_factory=lambda: defaultdict(set))
    ports: dict[NodeId, set[tuple[int, str]]] = field(default_factory=lambda: defaultdict(set))
    hostnames: dict[NodeId, str] = field(default_factory=dict)

    def add(self, task: ObservedTask, labels: Mapping[str, str]) -> None:
        if task.node in self.hostnames:
            self.by_node[task.node][_owner_of(labels) if labels else _NAMELESS] += 1
            self.parts[task.node].add(part_of(labels))
            self.ports[task.node].update((p.published, p.protocol) for p in task.host_ports)

    def told(self, nodes: Sequence[NodeId]) -> str:
        """Return a sentence that names who must be gone from the nodes."""
        counts: Counter[str] = Counter()
        for node in nodes:
            counts += self.by_node[node]
        parts = [_counted(count, who) for who, count in sorted(counts.items())]
        hosts = ", ".join(self.hostnames[node] for node in nodes)
        are = "is" if counts.total() == 1 else "are"
        return f"waits until {' and '.join(parts)} {are} gone from {hosts}"


def _counted(count: int, who: str) -> str:
    if who:
        return f"{count} {'replica' if count == 1 else 'replicas'} of {who}"
    return "1 task that is being stopped" if count == 1 else f"{count} tasks that are being stopped"


def _leaving(
    desired: DesiredState,
    observed: ObservedState,
    groups: Mapping[str, Group],
    staying: frozenset[str],
) -> _Leaving:
    found = _Leaving(hostnames={n.id: n.hostname for n in observed.nodes if n.is_ready})
    ours = {group.service.id for group in groups.values()}
    for task in observed.tasks:
        if task.service_id not in ours and is_leaving(task):
            found.add(task, {})
    for name, group in groups.items():
        if name in staying:
            continue
        wanted = desired.services.get(name)
        live = [task for task in group.tasks if is_live(task)]
        surplus = len(live) - (wanted.spec.replicas if wanted else 0)
        surplus = max(surplus, sum(map(is_leaving, live)))
        for task in sorted(live, key=lambda t: not is_leaving(t))[: max(0, surplus)]:
            found.add(task, group.service.spec.labels)
    return found


def _cores_there(groups: Mapping[str, Group]) -> Counter[Part]:
    """Return the replicas there are."""
    found: Counter[Part] = Counter()
    for group in groups.values():
        found[part_of(group.service.spec.labels)] += group.service.spec.replicas
    return found


def part_of(labels: Mapping[str, str]) -> Part:
    """Return which component of which attempt a service is; of what isn't ours, nothing."""
    return (
        labels.get(LABEL_UID, ""),
        labels.get(LABEL_ATTEMPT, ""),
        labels.get(LABEL_COMPONENT, ""),
    )


def _owner_of(labels: Mapping[str, str]) -> str:
    return f"{labels.get(LABEL_NAMESPACE, '?')}/{labels.get(LABEL_EXECUTION, '?')}"


def _free(
    desired: DesiredState, observed: ObservedState, groups: Mapping[str, Group]
) -> dict[NodeId, Resources]:
    """Return what no live task holds, nor a task that Swarm is yet to make."""
    free = {node.id: node.capacity for node in observed.nodes}
    for task in observed.tasks:
        if is_live(task) and task.node in free:
            free[task.node] -= task.reservations
    for name, group in groups.items():
        spec = group.service.spec
        if name in desired.services and spec.node in free:
            free[spec.node] -= spec.reservations * _to_come(group, desired.services[name])
    return free


def _to_come(group: Group, wanted: DesiredService) -> int:
    """Return how many tasks Swarm is yet to place for a service as it is."""
    spec = group.service.spec
    live = sum(map(is_live, group.tasks))
    ended = 0
    if spec.restart.condition is RestartCondition.NONE:
        latest = {task.slot: task for task in group.tasks}
        ended = sum(task.state in TERMINAL for task in latest.values())
    return max(0, min(spec.replicas, wanted.spec.replicas) - live - ended)


class _Handout:
    """Hands the free room out: to the cores of one execution after the other, then to growth."""

    def __init__(
        self,
        desired: DesiredState,
        groups: Mapping[str, Group],
        leaving: _Leaving,
        free: dict[NodeId, Resources],
    ) -> None:
        self._leaving = leaving
        self._free = free
        self._present = {name: group.service.spec.replicas for name, group in groups.items()}
        self._cores = _cores_there(groups)
        self._short: dict[str, list[NodeId]] = {}
        self._lacking: dict[str, set[Part]] = {}
        self._kept: set[Part] = set()
        self._given: dict[str, int] = {}
        self._waits: dict[str, str] = {}
        self._executions: dict[str, list[DesiredService]] = defaultdict(list)
        for _, service in sorted(desired.services.items()):
            if service.spec.labels.get(LABEL_UID):  # not what several executions share
                self._executions[service.spec.labels[LABEL_UID]].append(service)

    def handed_out(self) -> Allowance:
        for uid, services in self._executions.items():
            self._core(uid, services)
        self._keep()
        for uid, services in self._executions.items():
            if uid not in self._waits:
                self._growth(uid, services)
        wanted = {s.spec.name: s.spec.replicas for mine in self._executions.values() for s in mine}
        other = {name: given for name, given in self._given.items() if given != wanted[name]}
        return Allowance(replicas=other, waits=self._waits, kept=frozenset(self._kept))

    def _core(self, uid: str, services: Sequence[DesiredService]) -> None:
        """Give an execution what its core lacks, or nothing while something leaves there."""
        short: set[NodeId] = set()
        lacking_parts: set[Part] = set()
        given: dict[str, int] = {}
        for parts in _by_component(services):
            lacking = parts[0].core - sum(map(self._there, parts))
            for service in parts:
                count = min(lacking, self._fits(service))
                if count > 0:
                    lacking -= count
                    given[service.spec.name] = count
                    self._charge(service, count)
            if lacking > 0:
                short |= {s.spec.node for s in parts if self._room_for(s, given) > 0}
                lacking_parts.add(part_of(parts[0].spec.labels))
                # Kept for it all the same, or growth of others would take what comes free.
                self._claim(parts, lacking, given)
        blockers = sorted(node for node in short if self._leaving.by_node.get(node))
        if blockers:
            self._waits[uid] = self._leaving.told(blockers)
            self._short[uid], self._lacking[uid] = blockers, lacking_parts
            given = {}
        for service in services:
            name = service.spec.name
            self._given[name] = self._there(service) + given.get(name, 0)

    def _keep(self) -> None:
        """Take nothing from a component whose core is there while it waits to have it elsewhere.

        Where all that leaves is such a core itself, two wait for each other's room: they go on.
        """
        movable = [uid for uid in self._short if self._has_core(uid)]
        cores = set().union(*(self._lacking[uid] for uid in movable))
        for uid in movable:
            if not any(self._leaving.parts[node] - cores for node in self._short[uid]):
                continue
            self._kept |= self._lacking[uid]
            for service in self._executions[uid]:
                if part_of(service.spec.labels) in self._kept:
                    name = service.spec.name
                    self._given[name] = max(self._given[name], self._present.get(name, 0))

    def _has_core(self, uid: str) -> bool:
        return all(
            self._cores[part_of(parts[0].spec.labels)] >= parts[0].core
            for parts in _by_component(self._executions[uid])
        )

    def _claim(self, parts: Sequence[DesiredService], lacking: int, given: dict[str, int]) -> None:
        for service in parts:
            count = min(lacking, self._room_for(service, given))
            if count > 0:
                lacking -= count
                given[service.spec.name] = given.get(service.spec.name, 0) + count
                self._charge(service, count)

    def _growth(self, uid: str, services: Sequence[DesiredService]) -> None:
        blockers: set[NodeId] = set()
        for service in services:
            name, node = service.spec.name, service.spec.node
            wish = service.spec.replicas - max(self._given[name], self._present.get(name, 0))
            if wish <= 0:
                continue
            count = wish
            if self._leaving.by_node.get(node):
                count = min(wish, self._fits(service))
                if count < wish:
                    blockers.add(node)
            self._given[name] += count
            self._charge(service, count)
        if blockers:
            self._waits[uid] = self._leaving.told(sorted(blockers))

    def _there(self, service: DesiredService) -> int:
        return min(self._present.get(service.spec.name, 0), service.spec.replicas)

    def _room_for(self, service: DesiredService, given: Mapping[str, int]) -> int:
        """Return how many replicas of a group are desired beyond those there and given."""
        return service.spec.replicas - self._there(service) - given.get(service.spec.name, 0)

    def _fits(self, service: DesiredService) -> int:
        spec = service.spec
        wish = spec.replicas - max(self._there(service), self._given.get(spec.name, 0))
        ports = {(p.published, p.protocol) for p in spec.ports if p.published and p.mode == "host"}
        if ports & self._leaving.ports.get(spec.node, set()):
            return 0
        room = spec.reservations.how_many(self._free.get(spec.node, NOTHING))
        return wish if room is None else min(wish, room)

    def _charge(self, service: DesiredService, count: int) -> None:
        node = service.spec.node
        if node in self._free:
            self._free[node] -= service.spec.reservations * count


def _by_component(services: Sequence[DesiredService]) -> Iterable[list[DesiredService]]:
    found: dict[str, list[DesiredService]] = defaultdict(list)
    for service in services:
        found[service.spec.labels.get(LABEL_COMPONENT, "")].append(service)
    return found.values()

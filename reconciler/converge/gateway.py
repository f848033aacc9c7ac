"""Which namespaces need a gateway, where it goes, and which ports it has.

A gateway is there while something of its namespace can be reached through it, and a little longer.
Its two ports are given once and remembered by the Swarm itself, on the config that holds what
Caddy is told: so addresses stay, whatever becomes of our database or of its node.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from policy.model.cluster import Node
from policy.model.execution import NodeId
from policy.model.resources import Resources
from policy.room import satisfies
from reconciler.converge.draft import Draft
from reconciler.converge.host import Gateways
from reconciler.converge.instants import is_within
from reconciler.converge.plan import Note
from reconciler.converge.state import (
    KIND_GATEWAY,
    LABEL_GATEWAY_PORT,
    LABEL_KIND,
    LABEL_NAMESPACE,
    ObservedState,
)
from reconciler.converge.tasks import is_live
from reconciler.manifest import routes
from reconciler.manifest.platform import Namespace
from reconciler.manifest.spec import ExecutionSpec

LINGER = timedelta(minutes=5)
"""How long a gateway stays after the last that needed it: whoever starts it again finds it."""

NODE_LABEL = "zoe.gateway"
"""Nodes with this label set to ``true`` carry the gateways, where there are any."""

REASONS = frozenset({"GatewayFailed", "GatewayNoPort", "GatewayNoRoom"})
"""What is told of gateways, and of no execution."""

RESERVED = Resources(cpu_millis=50, memory_bytes=64 * 1024**2)
"""What each part of a gateway is promised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What a namespace needs of its gateway."""

    http: bool = False
    socks: bool = False

    def __or__(self, other: Need) -> Need:
        return Need(http=self.http or other.http, socks=self.socks or other.socks)

    @property
    def reserved(self) -> Resources:
        """What all of it is promised."""
        return RESERVED * (self.http + self.socks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The gateway of a namespace: HTTP on ``port`` of its node, SOCKS on the next one."""

    namespace: str
    node: NodeId
    port: int
    need: Need


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """Which gateways there should be, and whose ``ports`` are remembered.

    ``until`` is when a clock alone ends one; ``notes`` say which can't be.
    """

    gateways: tuple[Gateway, ...] = ()
    ports: Mapping[str, int] = field(default_factory=dict)
    until: datetime | None = None
    notes: tuple[Note, ...] = ()


def planned(draft: Draft, nodes: Collection[Node]) -> Planned:
    """Return the gateways that there should be once what was admitted runs."""
    settings = draft.world.host.gateways
    if settings is None:
        return Planned()
    needs, until = _needs(draft)
    observed = draft.world.observed
    known = {
        ns: port for ns, port in _remembered(observed).items() if ns in draft.wanted.namespaces
    }
    ports = allotted(needs, known, settings, taken=_taken(observed))
    found: list[Gateway] = []
    notes: list[Note] = []
    places = _Places(draft, nodes)
    for namespace, need in sorted(needs.items()):
        if namespace not in ports:
            notes.append(_no_port(namespace, settings))
        elif (node := places.node_of(namespace, need, ports[namespace])) is None:
            notes.append(_no_room(namespace, need))
        else:
            port = ports[namespace]
            found.append(Gateway(namespace=namespace, node=node, port=port, need=need))
    return Planned(gateways=tuple(found), ports=ports, until=until, notes=tuple(notes))


def _needs(draft: Draft) -> tuple[dict[str, Need], datetime | None]:
    """Return what is needed by namespace, and when the first of that isn't any more."""
    now = draft.world.now
    needs: dict[str, Need] = {}
    alarms: list[datetime] = []
    for uid, record in draft.records.items():
        ended = record.last_end
        if not record.attempt_open and (ended is None or not is_within(LINGER, ended.at, now)):
            continue
        spec = draft.spec_of(uid, record)
        namespace = draft.identity(uid).namespace
        need = _need(spec, draft.owner(namespace)) if spec else Need()
        if need == Need():
            continue
        needs[namespace] = needs.get(namespace, Need()) | need
        if not record.attempt_open and ended is not None:
            alarms.append(ended.at + LINGER)
    return needs, min(alarms, default=None)


def _need(spec: ExecutionSpec, owner: Namespace) -> Need:
    ports = [port for service in spec.services for port in service.ports]
    return Need(
        http=owner.gateway_http and any(map(routes.is_by_path, ports)),
        socks=owner.gateway_socks and any(map(routes.is_by_socks, ports)),
    )


def _remembered(observed: ObservedState) -> dict[str, int]:
    """Return the port of each namespace that ever had a gateway."""
    found: dict[str, int] = {}
    for config in sorted(observed.configs, key=lambda c: (c.created_at, c.id)):
        port = config.labels.get(LABEL_GATEWAY_PORT, "")
        if config.labels.get(LABEL_KIND) == KIND_GATEWAY and port.isdecimal():
            found[config.labels.get(LABEL_NAMESPACE, "")] = int(port)
    return found


def allotted(
    wanting: Iterable[str],
    known: Mapping[str, int],
    settings: Gateways,
    *,
    taken: Collection[int],
) -> dict[str, int]:
    """Return the first port of each namespace; it keeps what it has, if that is still allowed.

    A new one gets the first free pair from a place that its name gives, so that it would get the
    same again. Whoever finds none isn't in the answer.
    """
    pairs = range(settings.first_port, settings.last_port, 2)
    found: dict[str, int] = {}
    for namespace, port in sorted(known.items()):
        if port in pairs and port not in found.values():
            found[namespace] = port
    held = {*found.values(), *taken}
    for namespace in sorted(set(wanting) - found.keys()):
        start = _digest(namespace) % len(pairs) if pairs else 0
        order = (*pairs[start:], *pairs[:start])
        free = next((p for p in order if p not in held and p + 1 not in held), None)
        if free is not None:
            found[namespace] = free
            held.add(free)
    return found


def _taken(observed: ObservedState) -> set[int]:
    """Return the host ports that anything but a gateway holds on any node."""
    ours = {s.id for s in observed.services if s.spec.labels.get(LABEL_KIND) == KIND_GATEWAY}
    return {
        port.published
        for task in observed.tasks
        if task.service_id not in ours and is_live(task)
        for port in task.host_ports
    }


class _Places:
    """The nodes for gateways: those with the label, else those that work may be placed on."""

    def __init__(self, draft: Draft, nodes: Collection[Node]) -> None:
        self._draft = draft
        selector = draft.wanted.platform.node_selector
        marked = [node for node in nodes if node.labels.get(NODE_LABEL) == "true"]
        able = [node for node in nodes if all(satisfies(node, c) for c in selector)]
        workers = [node for node in able if not node.is_manager]
        self._nodes = [n for n in marked or workers or able if n.is_ready and n.is_active]
        self._now = dict(_placed(draft.world.observed))
        self._free: dict[NodeId, Resources] | None = None

    def node_of(self, namespace: str, need: Need, port: int) -> NodeId | None:
        """Return the node that a gateway is on, if it may stay, else one that has room for it."""
        there = self._now.get(namespace)
        if there in {node.id for node in self._nodes}:
            return there
        free = self._room()
        fitting = [
            node.id
            for node in self._nodes
            if need.reserved.fits_in(free[node.id])
            and not {(port, "tcp"), (port + 1, "tcp")} & node.taken_ports
        ]
        # Whoever asks again gets the same one, and many namespaces are spread.
        chosen = max(fitting, key=lambda node: _digest(f"{namespace}|{node}"), default=None)
        if chosen is not None:
            free[chosen] -= need.reserved
        return chosen

    def _room(self) -> dict[NodeId, Resources]:
        """Return what neither others nor our own placements hold: those of this pass, too."""
        if self._free is None:
            free = {node.id: node.capacity - node.reserved for node in self._nodes}
            for uid, groups in self._draft.placements.items():
                spec = self._draft.spec_of(uid, self._draft.records.get(uid)) if groups else None
                demands = {s.name: s.reservations for s in spec.services} if spec else {}
                for group in groups:
                    if group.node in free and group.component in demands:
                        free[group.node] -= demands[group.component] * group.count
            self._free = free
        return self._free


def _placed(observed: ObservedState) -> Iterator[tuple[str, NodeId]]:
    for service in observed.services:
        if service.spec.labels.get(LABEL_KIND) == KIND_GATEWAY:
            yield service.spec.labels.get(LABEL_NAMESPACE, ""), service.spec.node


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def _no_port(namespace: str, settings: Gateways) -> Note:
    message = (
        f"no two ports are free for the gateway of {namespace} in "
        f"{settings.first_port}-{settings.last_port}: widen ports of [gateway] in zoe.toml"
    )
    return Note(uid="", name=namespace, reason="GatewayNoPort", message=message)


def _no_room(namespace: str, need: Need) -> Note:
    message = (
        f"no node has room for the gateway of {namespace}: its executions run, but can be reached "
        "at their nodes only; keep some room free with headroom in platform.yaml"
    )
    return Note(uid="", name=namespace, reason="GatewayNoRoom", message=message)

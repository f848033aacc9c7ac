"""The one fake cluster: ``ports.Cluster`` in memory, for the simulator and for tests.

With a :class:`VirtualClock` time passes by :meth:`FakeCluster.advance` (and while waiting for an
event); with any other clock it runs along with it. It copies the Swarm's behaviour as measured,
its oddities included; where the contract suite finds them different, this one is wrong. The
second half of the class is for tests: nodes, outcomes, other people's doings, failures.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from policy.model.execution import NodeId
from policy.model.resources import NOTHING, Resources
from reconciler.cluster.fake_room import FakeNode
from reconciler.cluster.fake_script import Effect, Outcome, Script, Timings
from reconciler.cluster.fake_tasks import FakeService, TaskEngine, logs_of
from reconciler.cluster.text import last_bytes
from reconciler.cluster.translate import Kind, to_service
from reconciler.cluster.virtual import Agenda, VirtualClock, from_ms, to_ms
from reconciler.converge.state import (
    LABEL_APPLIED_HASH,
    LABEL_DEPLOYMENT,
    LABEL_STACK,
    LABEL_UID,
    ConfigSpec,
    NetworkSpec,
    ObservedFile,
    ObservedNetwork,
    ObservedNode,
    ObservedService,
    ObservedState,
    ServiceSpec,
)
from reconciler.errors import ActionFailed, ConflictError, Missing, NameTaken, ReconcilerError
from reconciler.ports import Clock

__all__ = ["Effect", "FakeCluster", "Outcome", "Timings", "VirtualClock", "fake_node"]

_DNS_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_-]*[a-zA-Z0-9])?")
_FILE_NAME = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9_.-]*[a-zA-Z0-9])?")
_GIB = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failure:
    error: ReconcilerError
    is_reply_lost: bool


class FakeCluster:
    """A Swarm of ``nodes`` in which the objects labelled with ``deployment`` are ours.

    Safe for threads. ``effects`` lists every write call in order, also those that failed.
    """

    def __init__(
        self,
        nodes: Iterable[ObservedNode],
        *,
        clock: Clock,
        deployment: str = "zoe",
        timings: Timings | None = None,
    ) -> None:
        self.effects: list[Effect] = []
        self._deployment = deployment
        self._clock = clock
        self._timings = timings or Timings()
        self._lock = threading.RLock()
        self._woken = threading.Event()
        self._agenda = Agenda(to_ms(clock.now()))
        self._script = Script()
        self._engine = TaskEngine(self._agenda, self._script, self._timings, self._woken.set)
        self._services: dict[str, FakeService] = {}
        self._networks: dict[str, ObservedNetwork] = {}
        self._configs: dict[str, ObservedFile] = {}
        self._secrets: dict[str, ObservedFile] = {}
        self._failures: dict[str, list[_Failure]] = {}
        self._dead_names: dict[str, int] = {}
        self._written = 0
        for node in nodes:
            self._engine.add_node(node)
        self._woken.clear()

    # ports.Cluster

    def observe(self) -> ObservedState:
        """Return one complete reading."""
        with self._reading("observe"):
            services = self._services.values()
            others = [service.spec for service in services if not self._is_ours(service.spec)]
            return ObservedState(
                taken_at=self._clock.now(),
                nodes=tuple(node.seen for node in self._engine.nodes.values()),
                services=tuple(_observed(s) for s in services if self._is_ours(s.spec)),
                tasks=self._engine.observed(),
                networks=tuple(n for n in self._networks.values() if self._is_ours(n)),
                configs=tuple(c for c in self._configs.values() if self._is_ours(c)),
                secrets=tuple(self._secrets.values()),
                foreign_names=frozenset(spec.name for spec in others),
                foreign_stacks=frozenset(
                    spec.labels[LABEL_STACK] for spec in others if LABEL_STACK in spec.labels
                ),
            )

    def create_network(self, spec: NetworkSpec) -> str:
        """Create a network and return its id."""
        with self._writing("create_network", spec.name, spec):
            _check_name(spec.name, _DNS_NAME, 63)
            self._check_free(spec.name, (item.name for item in self._networks.values()))
            if self._dead_names.get(spec.name, 0) > self._agenda.now_ms:
                raise NameTaken(f"network with name {spec.name} already exists")
            id_ = self._new_id("net")
            self._networks[id_] = ObservedNetwork(
                id=id_, name=spec.name, labels=dict(spec.labels), created_at=self._now()
            )
            return id_

    def remove_network(self, network_id: str) -> None:
        """Remove a network by id; ConflictError while a service uses it."""
        network = self._networks.get(network_id)
        with self._writing("remove_network", network.name if network else network_id):
            if network is not None:
                self._check_unused(Kind.NETWORK, network.name)
                del self._networks[network_id]
                self._let_linger(network.name)

    def create_config(self, spec: ConfigSpec) -> str:
        """Create a config and return its id."""
        with self._writing("create_config", spec.name, spec):
            _check_name(spec.name, _FILE_NAME, 64)
            self._check_free(spec.name, (item.name for item in self._configs.values()))
            return self._add_file(self._configs, spec.name, spec.labels)

    def remove_config(self, config_id: str) -> None:
        """Remove a config by id; ConflictError while a service uses it."""
        config = self._configs.get(config_id)
        with self._writing("remove_config", config.name if config else config_id):
            if config is not None:
                self._check_unused(Kind.CONFIG, config.name)
                del self._configs[config_id]

    def create_service(self, spec: ServiceSpec) -> str:
        """Create a service and return its id."""
        with self._writing("create_service", spec.name, spec):
            to_service(spec, id_of=self._id_of)
            return self._add_service(_labelled(spec))

    def update_service(self, service_id: str, version: int, spec: ServiceSpec) -> None:
        """Replace a service's spec as read at ``version``."""
        with self._writing("update_service", spec.name, spec):
            service = self._service(service_id)
            if not self._is_ours(service.spec) or service.version != version:
                raise ConflictError(f"update service {spec.name}: changed since it was read")
            to_service(spec, id_of=self._id_of)
            if spec.name != service.spec.name:
                raise ActionFailed("renaming services is not supported")
            self._update(service, _labelled(spec))

    def remove_service(self, service_id: str, *, uid: str) -> None:
        """Remove a service by id if it still carries our ``uid`` label."""
        service = self._services.get(service_id)
        with self._writing("remove_service", service.spec.name if service else service_id):
            if service is None:
                return
            if not self._is_ours(service.spec) or service.spec.labels.get(LABEL_UID) != uid:
                raise ConflictError(f"service {service_id} isn't of {uid} (any more)")
            self._remove(service)

    def logs(self, service_id: str, *, tail: int, limit_bytes: int = 65_536) -> str:
        """Return the last lines of a service's tasks."""
        with self._reading("logs"):
            slots = self._service(service_id).slots.values()
            text = logs_of((task for tasks in slots for task in tasks), tail=tail)
            return last_bytes(text.encode(), limit=limit_bytes)

    def wait_for_event(self, timeout_s: float) -> bool:
        """Wait until something but a task changed; under a VirtualClock waiting makes time pass."""
        left_ms = int(timeout_s * 1000)
        while not self._take_event():
            if left_ms <= 0:
                return False
            due_ms = self._agenda.next_due_ms
            pause_ms = left_ms
            if due_ms is not None:
                pause_ms = max(1, min(left_ms, due_ms - to_ms(self._clock.now())))
            self._pause(pause_ms)
            left_ms -= pause_ms
        return True

    def close(self) -> None:
        """Wake whoever waits."""
        self._woken.set()

    # For tests: time, and how tasks go

    def advance(self, ms: int) -> None:
        """Let virtual time pass."""
        if not isinstance(self._clock, VirtualClock):
            raise TypeError("only a VirtualClock can be advanced")
        with self._lock:
            self._clock.advance(ms)
            self._catch_up()

    def script(self, key: str, *outcomes: Outcome) -> None:
        """Say how tasks go, one after the other, the last for all that follow.

        ``key`` is a service's name, a uid, a component or an image; the closest one counts.
        """
        with self._lock:
            self._script.set(key, outcomes)

    def script_default(self, outcome: Outcome) -> None:
        """Say how tasks go that no script names."""
        with self._lock:
            self._script.default = outcome

    def remove_image(self, image: str) -> None:
        """Take an image off all nodes; no registry has it either."""
        with self._doing():
            self._engine.missing_images.add(image)

    def add_image(self, image: str) -> None:
        """Bring a removed image back."""
        with self._doing():
            self._engine.missing_images.discard(image)

    # For tests: nodes

    def add_node(self, node: ObservedNode) -> None:
        """Let a node join, or change what is listed of one (labels, capacity)."""
        with self._doing():
            self._engine.add_node(node)

    def kill_node(self, node: str) -> None:
        """Cut the power of a node (id or hostname)."""
        with self._doing():
            self._engine.kill_node(self._node(node))

    def start_node(self, node: str) -> None:
        """Give a killed node its power back."""
        with self._doing():
            self._engine.start_node(self._node(node))

    def drain(self, node: str) -> None:
        """Take a node out of service, as `docker node update --availability drain`."""
        with self._doing():
            self._engine.set_active(self._node(node), is_active=False)

    def undrain(self, node: str) -> None:
        """Take a drained node back into service."""
        with self._doing():
            self._engine.set_active(self._node(node), is_active=True)

    # For tests: what other people do. Not in ``effects``.

    def add_foreign_service(
        self,
        name: str,
        *,
        node: str = "",
        replicas: int = 1,
        reservations: Resources = NOTHING,
        labels: Mapping[str, str] | None = None,
        image: str = "foreign",
    ) -> str:
        """Create a service that isn't ours; without ``node`` it runs wherever there is room."""
        node_id = self._node(node).seen.id if node else NodeId("")
        spec = ServiceSpec(
            name=name,
            image=image,
            labels=dict(labels or {}),
            node=node_id,
            replicas=replicas,
            reservations=reservations,
        )
        with self._doing():
            return self._add_service(spec)

    def add_secret(self, name: str, labels: Mapping[str, str] | None = None) -> str:
        """Create a secret and return its id."""
        with self._doing():
            return self._add_file(self._secrets, name, labels or {})

    def update_by_hand(self, name: str, change: Callable[[ServiceSpec], ServiceSpec]) -> None:
        """Change a service as somebody with the docker CLI would: the labels stay."""
        with self._doing():
            service = next(s for s in self._services.values() if s.spec.name == name)
            self._update(service, change(service.spec))

    def remove_by_hand(self, name: str) -> None:
        """Remove the service of that name, or else the network, config and secret."""
        with self._doing():
            for service in list(self._services.values()):
                if service.spec.name == name:
                    self._remove(service)
                    return
            for network in list(self._networks.values()):
                if network.name == name:
                    del self._networks[network.id]
            for files in (self._configs, self._secrets):
                for file in list(files.values()):
                    if file.name == name:
                        del files[file.id]

    def fail_next(
        self, method: str, error: ReconcilerError, *, times: int = 1, is_reply_lost: bool = False
    ) -> None:
        """Let the next calls of a method raise; with ``is_reply_lost`` after they took effect."""
        with self._lock:
            failure = _Failure(error=error, is_reply_lost=is_reply_lost)
            self._failures.setdefault(method, []).extend([failure] * times)

    # Inside

    @contextmanager
    def _doing(self) -> Iterator[None]:
        with self._lock:
            self._catch_up()
            yield

    @contextmanager
    def _reading(self, method: str) -> Iterator[None]:
        with self._doing():
            failures = self._failures.get(method)
            if failures:
                raise failures.pop(0).error
            yield

    @contextmanager
    def _writing(
        self, method: str, name: str, spec: ServiceSpec | NetworkSpec | ConfigSpec | None = None
    ) -> Iterator[None]:
        effect = Effect(method=method, name=name, spec=spec)
        with self._doing():
            failures = self._failures.get(method)
            failure = failures.pop(0) if failures else None
            try:
                if failure is not None and not failure.is_reply_lost:
                    raise failure.error
                yield
            except ReconcilerError as error:
                self.effects.append(replace(effect, error=type(error).__name__))
                raise
            if failure is None:
                self.effects.append(effect)
            else:
                word = type(failure.error).__name__
                self.effects.append(replace(effect, error=word, is_lost=True))
                raise failure.error

    def _catch_up(self) -> None:
        self._agenda.run_until(to_ms(self._clock.now()))

    def _take_event(self) -> bool:
        with self._doing():
            has_event = self._woken.is_set()
            self._woken.clear()
            return has_event

    def _pause(self, ms: int) -> None:
        if isinstance(self._clock, VirtualClock):
            self.advance(ms)
        else:
            self._woken.wait(ms / 1000)

    def _now(self) -> datetime:
        return from_ms(self._agenda.now_ms)

    def _new_id(self, prefix: str) -> str:
        self._written += 1
        self._woken.set()
        return f"{prefix}{self._written:08d}"

    def _is_ours(self, item: ServiceSpec | ObservedNetwork | ObservedFile) -> bool:
        return item.labels.get(LABEL_DEPLOYMENT) == self._deployment

    def _node(self, name: str) -> FakeNode:
        nodes = self._engine.nodes.values()
        return next(node for node in nodes if name in (node.seen.id, node.seen.hostname))

    def _service(self, service_id: str) -> FakeService:
        service = self._services.get(service_id)
        if service is None:
            raise Missing(f"service {service_id} not found")
        return service

    def _id_of(self, kind: Kind, name: str) -> str:
        match kind:
            case Kind.NETWORK:
                ids = {item.name: item.id for item in self._networks.values()}
            case Kind.CONFIG:
                ids = {item.name: item.id for item in self._configs.values()}
            case Kind.SECRET:
                ids = {item.name: item.id for item in self._secrets.values()}
        if name not in ids:
            raise Missing(f"no {kind} {name}")
        return ids[name]

    def _add_file(
        self, files: dict[str, ObservedFile], name: str, labels: Mapping[str, str]
    ) -> str:
        id_ = self._new_id("file")
        files[id_] = ObservedFile(id=id_, name=name, labels=dict(labels), created_at=self._now())
        return id_

    def _add_service(self, spec: ServiceSpec) -> str:
        _check_name(spec.name, _DNS_NAME, 63)
        self._check_free(spec.name, (item.spec.name for item in self._services.values()))
        id_ = self._new_id("svc")
        service = FakeService(
            id=id_, spec=spec, version=self._written, created_ms=self._agenda.now_ms
        )
        self._services[id_] = service
        self._engine.add_service(service)
        return id_

    def _update(self, service: FakeService, spec: ServiceSpec) -> None:
        self._written += 1
        service.version = self._written
        self._engine.update_service(service, spec)
        self._woken.set()

    def _remove(self, service: FakeService) -> None:
        del self._services[service.id]
        self._engine.remove_service(service)
        self._woken.set()

    def _check_free(self, name: str, taken: Iterable[str]) -> None:
        if name.lower() in (other.lower() for other in taken):
            raise NameTaken(f"name conflicts with an existing object: {name} already exists")

    def _check_unused(self, kind: Kind, name: str) -> None:
        for service in self._services.values():
            if name in _uses(service.spec, kind):
                raise ConflictError(f"{kind} {name} is in use by service {service.spec.name}")

    def _let_linger(self, name: str) -> None:
        """Keep a removed network's copies on the nodes that had tasks on it, for a while.

        On a manager the name can't be taken meanwhile; elsewhere a task on a new network of the
        same name is held up.
        """
        until_ms = self._agenda.now_ms + self._timings.network_lingers
        for task in self._engine.tasks.values():
            if task.node is not None and name in _uses(task.spec, Kind.NETWORK):
                task.node.lingering[name] = until_ms
                if task.node.seen.is_manager:
                    self._dead_names[name] = until_ms


def fake_node(
    hostname: str,
    *,
    cpu_millis: int = 4_000,
    memory_bytes: int = 8 * _GIB,
    generic: Iterable[tuple[str, int]] = (),
    labels: Mapping[str, str] | None = None,
    is_manager: bool = False,
) -> ObservedNode:
    """Return a node that is ready; its id is ``id-`` and the host name."""
    capacity = Resources.of(cpu_millis=cpu_millis, memory_bytes=memory_bytes, generic=generic)
    return ObservedNode(
        id=NodeId(f"id-{hostname}"),
        hostname=hostname,
        address=hostname,
        capacity=capacity,
        labels=dict(labels or {}),
        engine_labels={},
        os="linux",
        architecture="x86_64",
        is_manager=is_manager,
        is_ready=True,
        is_active=True,
        updated_at=from_ms(0),
        engine_version="fake",
    )


def _observed(service: FakeService) -> ObservedService:
    return ObservedService(
        id=service.id,
        version=service.version,
        spec=service.spec,
        created_at=from_ms(service.created_ms),
        update_state=service.update_state,
    )


def _labelled(spec: ServiceSpec) -> ServiceSpec:
    return replace(spec, labels={**spec.labels, LABEL_APPLIED_HASH: spec.applied_hash})


def _uses(spec: ServiceSpec, kind: Kind) -> frozenset[str]:
    match kind:
        case Kind.NETWORK:
            return frozenset(item.network for item in spec.networks)
        case Kind.CONFIG:
            return frozenset(item.name for item in spec.configs)
        case Kind.SECRET:
            return frozenset(item.name for item in spec.secrets)


def _check_name(name: str, pattern: re.Pattern[str], longest: int) -> None:
    if not pattern.fullmatch(name):
        raise ActionFailed(f"{name}: name must be valid as a DNS name component")
    if len(name) > longest:
        raise ActionFailed(f"{name}: name must be {longest} characters or fewer")

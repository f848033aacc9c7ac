"""``ports.Cluster`` in memory: names, versions, what is in use, and a record of every write.

It answers as the Swarm does, its oddities included; how tasks go is the manager's business.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from reconciler.cluster.dictionary import Kind
from reconciler.cluster.fake.agenda import Agenda, VirtualClock, from_ms, to_ms
from reconciler.cluster.fake.checks import (
    DNS_NAME,
    FILE_NAME,
    check_amounts,
    check_name,
    check_secret_size,
    labelled,
    meshed,
    uses,
)
from reconciler.cluster.fake.manager import Manager
from reconciler.cluster.fake.script import Effect, Script, Timings, Written
from reconciler.cluster.fake.shelf import Shelf
from reconciler.cluster.fake.state import FakeService, listed_service, logs_of
from reconciler.cluster.gate import Gate
from reconciler.cluster.text import last_bytes
from reconciler.cluster.translate import to_service
from reconciler.converge.state import (
    LABEL_DEPLOYMENT,
    LABEL_STACK,
    LABEL_UID,
    ConfigSpec,
    NetworkSpec,
    ObservedFile,
    ObservedNetwork,
    ObservedNode,
    ObservedState,
    SecretSpec,
    ServiceSpec,
)
from reconciler.errors import ActionFailed, ConflictError, Missing, NameTaken, ReconcilerError
from reconciler.ports import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """An error to raise, before a call takes effect or after."""

    error: ReconcilerError
    is_reply_lost: bool


class SimulatedSwarm:
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
        self._changes = 0
        self._gate = Gate(lambda: self._changes, lambda: to_ms(clock.now()) / 1000)
        self._agenda = Agenda(to_ms(clock.now()))
        self._script = Script()
        self._manager = Manager(self._agenda, self._script, self._timings, self._wake)
        self._services: Shelf[FakeService] = Shelf()
        self._networks: Shelf[ObservedNetwork] = Shelf()
        self._configs: Shelf[ObservedFile] = Shelf()
        self._secrets: Shelf[ObservedFile] = Shelf()
        self._failures: dict[str, list[Failure]] = {}
        self._dead_names: dict[str, int] = {}
        self._written = 0
        for node in nodes:
            self._manager.add_node(node)
        self._woken.clear()

    def observe(self) -> ObservedState:
        """Return one complete reading."""
        with self._reading("observe"):
            return self._gate.read(self._observed)

    def refresh(self, last: ObservedState, services: Collection[str]) -> ObservedState | None:
        """Return the last reading with the tasks of some services as they are now."""
        with self._reading("refresh"):
            return self._gate.reread(last, lambda: self._reread(last, services))

    def _observed(self) -> ObservedState:
        others = [s.spec for s in self._services if not self._is_ours(s.spec)]
        return ObservedState(
            taken_at=self._clock.now(),
            nodes=tuple(node.seen for node in self._manager.nodes.values()),
            services=tuple(listed_service(s) for s in self._services if self._is_ours(s.spec)),
            tasks=self._manager.observed(),
            networks=tuple(n for n in self._networks if self._is_ours(n)),
            configs=tuple(c for c in self._configs if self._is_ours(c)),
            secrets=tuple(self._secrets),
            foreign_names=frozenset(spec.name for spec in others),
            foreign_stacks=frozenset(
                spec.labels[LABEL_STACK] for spec in others if LABEL_STACK in spec.labels
            ),
        )

    def _reread(self, last: ObservedState, services: Collection[str]) -> ObservedState:
        others = [task for task in last.tasks if task.service_id not in services]
        mine = [task for task in self._manager.observed() if task.service_id in services]
        return replace(last, taken_at=self._clock.now(), tasks=(*others, *mine))

    def create_network(self, spec: NetworkSpec) -> str:
        """Create a network and return its id."""
        with self._writing("create_network", spec.name, spec):
            check_name(spec.name, DNS_NAME, 63)
            self._networks.check_free(spec.name)
            if self._dead_names.get(spec.name, 0) > self._agenda.now_ms:
                raise NameTaken(f"network with name {spec.name} already exists")
            network = ObservedNetwork(
                id=self._new_id("net"),
                name=spec.name,
                labels=dict(spec.labels),
                created_at=from_ms(self._agenda.now_ms),
            )
            self._networks.put(network)
            return network.id

    def remove_network(self, network_id: str) -> None:
        """Remove a network by id; ConflictError while a service uses it."""
        with self._writing("remove_network", self._networks.name_of(network_id)):
            network = self._networks.get(network_id)
            if network is not None:
                self._check_unused(Kind.NETWORK, network.name)
                self._networks.drop(network_id)
                self._wake()
                self._let_linger(network.name)

    def create_config(self, spec: ConfigSpec) -> str:
        """Create a config and return its id."""
        with self._writing("create_config", spec.name, spec):
            check_name(spec.name, FILE_NAME, 64)
            return self._add_file(self._configs, spec.name, spec.labels)

    def remove_config(self, config_id: str) -> None:
        """Remove a config by id; ConflictError while a service uses it."""
        with self._writing("remove_config", self._configs.name_of(config_id)):
            config = self._configs.get(config_id)
            if config is not None:
                self._check_unused(Kind.CONFIG, config.name)
                self._configs.drop(config_id)
                self._wake()

    def create_secret(self, spec: SecretSpec) -> str:
        """Create a secret and return its id. Its value is kept nowhere."""
        with self._writing("create_secret", spec.name, replace(spec, data=b"")):
            check_name(spec.name, FILE_NAME, 64)
            check_secret_size(spec)
            return self._add_file(self._secrets, spec.name, spec.labels)

    def remove_secret(self, secret_id: str) -> None:
        """Remove a secret of ours by id; ConflictError while a service uses it."""
        with self._writing("remove_secret", self._secrets.name_of(secret_id)):
            secret = self._secrets.get(secret_id)
            if secret is not None:
                if not self._is_ours(secret):
                    raise ConflictError(f"secret {secret_id} isn't of this deployment")
                self._check_unused(Kind.SECRET, secret.name)
                self._secrets.drop(secret_id)
                self._wake()

    def create_service(self, spec: ServiceSpec) -> str:
        """Create a service and return its id."""
        with self._writing("create_service", spec.name, spec):
            to_service(spec, id_of=self._id_of)
            return self._add_service(labelled(spec))

    def update_service(self, service_id: str, version: int, spec: ServiceSpec) -> None:
        """Replace a service's spec as read at ``version``."""
        with self._writing("update_service", spec.name, spec):
            service = self._service(service_id)
            if not self._is_ours(service.spec) or service.version != version:
                raise ConflictError(f"update service {spec.name}: changed since it was read")
            to_service(spec, id_of=self._id_of)
            if spec.name != service.spec.name:
                raise ActionFailed("renaming services is not supported")
            self._check(spec, but=service_id)
            self._update(service, labelled(spec))

    def remove_service(self, service_id: str, *, uid: str) -> None:
        """Remove a service by id if it still carries our ``uid`` label."""
        with self._writing("remove_service", self._services.name_of(service_id)):
            service = self._services.get(service_id)
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

    def advance(self, ms: int) -> None:
        """Let virtual time pass."""
        if not isinstance(self._clock, VirtualClock):
            raise TypeError("only a VirtualClock can be advanced")
        with self._lock:
            self._clock.advance(ms)
            self._catch_up()

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
    def _writing(self, method: str, name: str, spec: Written | None = None) -> Iterator[None]:
        effect = Effect(method=method, name=name, spec=spec)
        with self._doing():
            failures = self._failures.get(method)
            failure = failures.pop(0) if failures else None
            self._changes += 1  # whatever comes of it
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

    def _wake(self) -> None:
        self._changes += 1
        self._woken.set()

    def _pause(self, ms: int) -> None:
        if isinstance(self._clock, VirtualClock):
            self.advance(ms)
        else:
            self._woken.wait(ms / 1000)

    def _new_id(self, prefix: str) -> str:
        self._written += 1
        self._wake()
        return f"{prefix}{self._written:08d}"

    def _is_ours(self, item: ServiceSpec | ObservedNetwork | ObservedFile) -> bool:
        return item.labels.get(LABEL_DEPLOYMENT) == self._deployment

    def _service(self, service_id: str) -> FakeService:
        service = self._services.get(service_id)
        if service is None:
            raise Missing(f"service {service_id} not found")
        return service

    def _id_of(self, kind: Kind, name: str) -> str:
        shelf: Shelf[ObservedNetwork] | Shelf[ObservedFile]
        match kind:
            case Kind.NETWORK:
                shelf = self._networks
            case Kind.CONFIG:
                shelf = self._configs
            case Kind.SECRET:
                shelf = self._secrets
        item = shelf.named(name)
        if item is None:
            raise Missing(f"no {kind} {name}")
        return item.id

    def _add_file(self, files: Shelf[ObservedFile], name: str, labels: Mapping[str, str]) -> str:
        files.check_free(name)
        file = ObservedFile(
            id=self._new_id("file"),
            name=name,
            labels=dict(labels),
            created_at=from_ms(self._agenda.now_ms),
        )
        files.put(file)
        return file.id

    def _add_service(self, spec: ServiceSpec) -> str:
        self._check(spec)
        self._services.check_free(spec.name)
        service = FakeService(
            id=self._new_id("svc"),
            spec=spec,
            version=self._written,
            created_ms=self._agenda.now_ms,
        )
        self._services.put(service)
        self._manager.add_service(service)
        return service.id

    def _update(self, service: FakeService, spec: ServiceSpec) -> None:
        service.version += 1
        self._manager.update_service(service, spec)
        self._wake()

    def _remove(self, service: FakeService) -> None:
        self._services.drop(service.id)
        self._manager.remove_service(service)
        self._wake()

    def _check(self, spec: ServiceSpec, *, but: str = "") -> None:
        """Refuse what the Swarm itself refuses of a service; ``but`` is the id of its old self."""
        check_name(spec.name, DNS_NAME, 63)
        check_amounts(spec)
        mesh = meshed(spec)
        for other in self._services if mesh else ():
            if other.id != but and mesh & meshed(other.spec):
                raise ActionFailed(f"port is already in use by service {other.name}")

    def _check_unused(self, kind: Kind, name: str) -> None:
        for service in self._services:
            if name in uses(service.spec, kind):
                raise ConflictError(f"{kind} {name} is in use by service {service.spec.name}")

    def _let_linger(self, name: str) -> None:
        """Keep a removed network's copies on the nodes that had tasks on it, for a while.

        On a manager the name can't be taken meanwhile; elsewhere a task on a new network of the
        same name is held up.
        """
        until_ms = self._agenda.now_ms + self._timings.network_lingers
        for task in self._manager.tasks.values():
            if task.node is not None and name in uses(task.spec, Kind.NETWORK):
                task.node.lingering[name] = until_ms
                if task.node.seen.is_manager:
                    self._dead_names[name] = until_ms

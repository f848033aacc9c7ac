"""The two clusters that the contract holds for, driven by the same few verbs."""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from policy.model.execution import NodeId
from policy.model.resources import Resources
from reconciler.cluster.fake import FakeCluster, Outcome, VirtualClock, fake_node
from reconciler.cluster.swarm import SwarmCluster
from reconciler.converge.state import (
    LABEL_DEPLOYMENT,
    LABEL_UID,
    ObservedService,
    ObservedState,
    ObservedTask,
    ServiceSpec,
)
from reconciler.errors import ConflictError, Missing
from tests.fixtures.swarm import wait_for

T = TypeVar("T")
UID = "0123456789abcdef"
MISSING_IMAGE = "no.such.registry.invalid/nothing:1"
ENDED = frozenset({"complete", "failed", "rejected", "shutdown"})
_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What a container does: runs for ever, or exits after a while."""

    exit_code: int | None = None
    after_ms: int = 0
    log: str = ""
    is_sick: bool = False


FOREVER = Behaviour()
SUCCEEDS = Behaviour(exit_code=0)


class Driver(Protocol):
    """A cluster with three nodes, the first of them the manager, and a deployment of ours."""

    cluster: SwarmCluster | FakeCluster
    deployment: str

    def behave(self, name: str, behaviour: Behaviour) -> dict[str, object]: ...
    def pause(self) -> None: ...
    def seconds(self) -> float: ...
    def kill_node(self, number: int) -> None: ...
    def start_node(self, number: int) -> None: ...
    def drain(self, number: int) -> None: ...
    def undrain(self, number: int) -> None: ...
    def add_secret(self, name: str) -> None: ...
    def add_foreign_service(self, name: str, reservations: Resources, stack: str) -> None: ...
    def set_variable_by_hand(self, name: str) -> None: ...
    def remove_by_hand(self, name: str) -> None: ...
    def later(self, action: Callable[[], object]) -> None: ...
    def close(self) -> None: ...


class Stage:
    """What the tests speak to: a driver, and the questions that are the same for both."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.cluster = driver.cluster
        self.prefix = driver.deployment
        self.labels = {LABEL_DEPLOYMENT: driver.deployment, LABEL_UID: UID}

    def node(self, number: int) -> NodeId:
        """The node's id; any other number stands for a node that isn't there."""
        nodes = self.cluster.observe().nodes
        known = (node.id for node in nodes if node.hostname.endswith(str(number)))
        return next(known, NodeId("nowhere"))

    def name(self, name: str) -> str:
        """A name that no other test uses."""
        return f"{self.prefix}-{name}"

    def spec(
        self, name: str, behaviour: Behaviour = FOREVER, *, node: int = 2, **fields: object
    ) -> ServiceSpec:
        full = self.name(name)
        chosen = {"labels": self.labels, "node": self.node(node), "stop_grace_ms": 200}
        return ServiceSpec(name=full, **{**chosen, **self.driver.behave(full, behaviour), **fields})

    def until(self, holds: Callable[[ObservedState], T], what: str, *, timeout_s: float = 60) -> T:
        """Return the first answer that counts as true."""
        deadline = self.driver.seconds() + timeout_s
        while True:
            answer = holds(self.cluster.observe())
            if answer:
                return answer
            assert self.driver.seconds() < deadline, f"waited {timeout_s:g} s for {what}"
            self.driver.pause()

    def service(self, service_id: str) -> ObservedService:
        state = self.cluster.observe()
        return next(service for service in state.services if service.id == service_id)

    def tasks(self, service_id: str) -> list[ObservedTask]:
        return tasks_of(self.cluster.observe(), service_id)

    def until_states(self, service_id: str, *states: str) -> list[ObservedTask]:
        """Wait until the service's newest tasks by slot are in these states.

        Of tasks that have ended, until the manager too no longer wants them.
        """

        def newest(state: ObservedState) -> list[ObservedTask]:
            by_slot = {task.slot: task for task in tasks_of(state, service_id)}
            tasks = [by_slot[slot] for slot in sorted(by_slot)]
            is_settled = all(
                task.state not in ENDED or task.desired_state != "running" for task in tasks
            )
            return tasks if is_settled and [task.state for task in tasks] == list(states) else []

        return self.until(newest, f"tasks {', '.join(states)}")


def tasks_of(state: ObservedState, service_id: str) -> list[ObservedTask]:
    """Oldest first."""
    tasks = [task for task in state.tasks if task.service_id == service_id]
    return sorted(tasks, key=lambda task: (task.created_at, task.slot))


class FakeDriver:
    """The fake on virtual time."""

    def __init__(self) -> None:
        self.deployment = f"t{next(_numbers)}"
        self.clock = VirtualClock()
        nodes = [fake_node(f"node{n}", is_manager=n == 1) for n in (1, 2, 3)]
        self.cluster = FakeCluster(nodes, clock=self.clock, deployment=self.deployment)
        self.cluster.remove_image(MISSING_IMAGE)

    def behave(self, name: str, behaviour: Behaviour) -> dict[str, object]:
        if behaviour.is_sick:
            self.cluster.script(name, Outcome.never_healthy())
        elif behaviour.exit_code is None:
            self.cluster.script(name, Outcome(log=behaviour.log))
        else:
            outcome = Outcome.exits(
                behaviour.exit_code, after_ms=behaviour.after_ms, log=behaviour.log
            )
            self.cluster.script(name, outcome)
        return {"image": "anything"}

    def pause(self) -> None:
        self.cluster.advance(50)

    def seconds(self) -> float:
        return self.clock.now().timestamp()

    def kill_node(self, number: int) -> None:
        self.cluster.kill_node(f"node{number}")

    def start_node(self, number: int) -> None:
        self.cluster.start_node(f"node{number}")

    def drain(self, number: int) -> None:
        self.cluster.drain(f"node{number}")

    def undrain(self, number: int) -> None:
        self.cluster.undrain(f"node{number}")

    def add_secret(self, name: str) -> None:
        self.cluster.add_secret(name)

    def add_foreign_service(self, name: str, reservations: Resources, stack: str) -> None:
        labels = {"com.docker.stack.namespace": stack}
        self.cluster.add_foreign_service(
            name, node="node2", reservations=reservations, labels=labels
        )

    def set_variable_by_hand(self, name: str) -> None:
        self.cluster.update_by_hand(
            name, lambda spec: replace(spec, environment=(*spec.environment, ("BY", "hand")))
        )

    def remove_by_hand(self, name: str) -> None:
        self.cluster.remove_by_hand(name)

    def later(self, action: Callable[[], object]) -> None:
        action()  # nothing waits in virtual time: what happened before the wait is reported too

    def close(self) -> None:
        self.cluster.close()


class WallClock:
    """The time of day."""

    def now(self) -> datetime:
        now = datetime.now(UTC)  # noqa: TID251 - the real Swarm stamps with it too
        return now.replace(microsecond=now.microsecond // 1000 * 1000)


class SwarmDriver:
    """A real Swarm. Only what carries this test's deployment label or prefix is removed."""

    def __init__(self, swarm: object) -> None:
        self.deployment = f"t{os.getpid()}x{next(_numbers)}"
        self.swarm = swarm
        self.cluster = SwarmCluster(
            self.deployment, clock=WallClock(), docker_host=swarm.docker_host
        )
        self._pause = threading.Event()
        self._timers: list[threading.Timer] = []
        self._was_broken = False

    def behave(self, name: str, behaviour: Behaviour) -> dict[str, object]:
        if behaviour.exit_code is None:
            script = f"printf %s '{behaviour.log}'; exec sleep 1000"
        else:
            pause_s = behaviour.after_ms / 1000
            script = f"printf %s '{behaviour.log}'; sleep {pause_s}; exit {behaviour.exit_code}"
        return {"image": self.swarm.image, "entrypoint": ("sh",), "command": ("-c", script)}

    def pause(self) -> None:
        self._pause.wait(0.03)

    def seconds(self) -> float:
        return time.monotonic()

    def kill_node(self, number: int) -> None:
        self.swarm.kill_node(number)

    def start_node(self, number: int) -> None:
        self.swarm.start_node(number)
        self._was_broken = True

    def drain(self, number: int) -> None:
        self.swarm.docker("node", "update", "--availability", "drain", f"node{number}")

    def undrain(self, number: int) -> None:
        self.swarm.docker("node", "update", "--availability", "active", f"node{number}")

    def add_secret(self, name: str) -> None:
        import docker

        with contextlib.closing(docker.APIClient(self.swarm.docker_host)) as client:
            client.create_secret(name, b"hidden\n", labels={})

    def add_foreign_service(self, name: str, reservations: Resources, stack: str) -> None:
        self.swarm.docker(
            *("service", "create", "--detach", "--quiet", "--no-resolve-image", "--name", name),
            *("--label", f"com.docker.stack.namespace={stack}"),
            *("--constraint", "node.hostname==node2"),
            *("--reserve-cpu", str(reservations.cpu_millis / 1000)),
            *("--reserve-memory", str(reservations.memory_bytes)),
            *(self.swarm.image, "sleep", "1000"),
        )

    def set_variable_by_hand(self, name: str) -> None:
        self.swarm.docker(
            *("service", "update", "--detach", "--quiet", "--no-resolve-image"),
            *("--env-add", "BY=hand", name),
        )

    def remove_by_hand(self, name: str) -> None:
        self.swarm.docker("service", "rm", name)

    def later(self, action: Callable[[], object]) -> None:
        timer = threading.Timer(0.2, action)
        self._timers.append(timer)
        timer.start()

    def close(self) -> None:
        for timer in self._timers:
            timer.join()
        self._sweep()
        self.cluster.close()
        if self._was_broken:
            # Ready comes before the data path; the next test may need both.
            wait_for(self.swarm.lab.is_whole, what="the Swarm to be whole again")

    def _sweep(self) -> None:
        foreign = [
            name
            for name in self.cluster.observe().foreign_names
            if name.startswith(self.deployment)
        ]
        if foreign:
            self.swarm.docker("service", "rm", *foreign)
        state = self.cluster.observe()
        for service in state.services:
            with contextlib.suppress(ConflictError, Missing):
                self.cluster.remove_service(service.id, uid=service.spec.labels.get(LABEL_UID, ""))
        for network in state.networks:
            self.cluster.remove_network(network.id)
        for config in state.configs:
            self.cluster.remove_config(config.id)
        secrets = [item.name for item in state.secrets if item.name.startswith(self.deployment)]
        if secrets:
            self.swarm.docker("secret", "rm", *secrets)

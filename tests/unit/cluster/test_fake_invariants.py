"""Whatever is done to the fake, in whatever order: its books balance."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from policy.model.execution import NodeId
from policy.model.resources import NOTHING, Resources
from reconciler.cluster.fake import FakeCluster, Outcome, VirtualClock, fake_node
from reconciler.converge.state import (
    LABEL_DEPLOYMENT,
    LABEL_UID,
    ObservedService,
    ObservedState,
    PublishedPort,
    Restart,
    RestartCondition,
    ServiceSpec,
)

HOSTS = ("a", "b", "c")
ENDED = {"complete", "failed", "rejected", "shutdown"}

hosts = st.sampled_from(HOSTS)
indexes = st.integers(0, 7)
outcomes = st.sampled_from(
    [
        Outcome(),
        Outcome.exits(0, after_ms=700),
        Outcome.exits(1),
        Outcome.never_healthy(),
        Outcome(refusal="invalid mount config"),
    ]
)


class Cluster(RuleBasedStateMachine):
    """Random doings of ours, of others, and of the machines."""

    def __init__(self) -> None:
        super().__init__()
        nodes = [fake_node(host, cpu_millis=1_000, is_manager=host == "a") for host in HOSTS]
        self.fake = FakeCluster(nodes, clock=VirtualClock())
        self.up = set(HOSTS)
        self.created = 0

    def state(self) -> ObservedState:
        return self.fake.observe()

    def pick(self, index: int) -> ObservedService:
        self.fake.advance(400)  # far enough for a new task to run
        services = self.state().services
        return services[index % len(services)]

    @rule(
        host=hosts,
        replicas=st.integers(0, 3),
        cpus=st.sampled_from([0, 300, 600]),
        restarts=st.booleans(),
        attempts=st.integers(0, 2),
        port=st.sampled_from([None, 0, 8080]),
        outcome=outcomes,
    )
    def create(
        self,
        host: str,
        replicas: int,
        cpus: int,
        restarts: bool,
        attempts: int,
        port: int | None,
        outcome: Outcome,
    ) -> None:
        self.created += 1
        name = f"s{self.created}"
        self.fake.script(name, outcome)
        condition = RestartCondition.ANY if restarts else RestartCondition.NONE
        ports = () if port is None else (PublishedPort(name="p", target=80, published=port),)
        self.fake.create_service(
            ServiceSpec(
                name=name,
                image="i",
                labels={LABEL_DEPLOYMENT: "zoe", LABEL_UID: "u"},
                node=NodeId(f"id-{host}"),
                replicas=replicas,
                reservations=Resources(cpu_millis=cpus),
                restart=Restart(condition=condition, delay_ms=300, max_attempts=attempts),
                ports=ports,
            )
        )

    def change(self, index: int, **fields: Any) -> None:
        service = self.pick(index)
        spec = replace(service.spec, **fields)
        self.fake.update_service(service.id, service.version, spec)

    @precondition(lambda self: self.state().services)
    @rule(index=indexes, replicas=st.integers(0, 4))
    def scale(self, index: int, replicas: int) -> None:
        self.change(index, replicas=replicas)

    @precondition(lambda self: self.state().services)
    @rule(index=indexes, value=st.sampled_from("xyz"))
    def update(self, index: int, value: str) -> None:
        self.change(index, environment=(("A", value),))

    @precondition(lambda self: self.state().services)
    @rule(index=indexes)
    def remove(self, index: int) -> None:
        self.fake.remove_service(self.pick(index).id, uid="u")

    @rule(host=st.sampled_from(HOSTS[1:]))
    def kill(self, host: str) -> None:
        self.up.discard(host)
        self.fake.kill_node(host)

    @rule(host=hosts)
    def start(self, host: str) -> None:
        if host not in self.up:
            self.up.add(host)
            self.fake.start_node(host)

    @rule(host=st.sampled_from(HOSTS[1:]), away=st.booleans())
    def drain(self, host: str, away: bool) -> None:
        (self.fake.drain if away else self.fake.undrain)(host)

    @rule(ms=st.sampled_from([10, 60, 250, 1_000, 8_000]))
    def advance(self, ms: int) -> None:
        self.fake.advance(ms)

    @invariant()
    def no_node_is_overcommitted(self) -> None:
        state = self.state()
        for node in state.nodes:
            held = NOTHING
            for task in state.tasks:
                if task.node == node.id:
                    held += task.reservations
            assert held.fits_in(node.capacity)
            assert self.fake._manager.nodes[node.id].used == held

    @invariant()
    def no_more_tasks_run_than_replicas(self) -> None:
        state = self.state()
        wanted = {service.id: service.spec.replicas for service in state.services}
        running = Counter(
            task.service_id
            for task in state.tasks
            if task.state == "running" and task.desired_state == "running"
        )
        assert all(count <= wanted[service] for service, count in running.items())

    @invariant()
    def every_host_port_has_one_holder(self) -> None:
        held = Counter(
            (task.node, port.published, port.protocol)
            for task in self.state().tasks
            for port in task.host_ports
        )
        assert set(held.values()) <= {1}

    @invariant()
    def tasks_make_sense(self) -> None:
        tasks = self.state().tasks
        assert len({task.id for task in tasks}) == len(tasks)
        for task in tasks:
            assert task.node is not None or task.state in {"pending", "shutdown"}
            assert (task.exit_code is None) or task.state in ENDED
            assert task.state not in ENDED or task.reservations == NOTHING
        ended = Counter((t.service_id, t.slot) for t in tasks if t.state in ENDED)
        assert max(ended.values(), default=0) <= 5

    def teardown(self) -> None:
        """With all nodes back and time enough, what can run does, and nothing is left over."""
        for host in HOSTS:
            self.start(host)
            self.fake.undrain(host)
        for service in self.state().services:
            self.fake.remove_service(service.id, uid="u")
        self.fake.advance(60_000)
        assert self.state().tasks == ()
        for node in self.fake._manager.nodes.values():
            assert (node.used, node.ports) == (NOTHING, set())


TestCluster = Cluster.TestCase
TestCluster.settings = settings(max_examples=50, stateful_step_count=30, deadline=None)

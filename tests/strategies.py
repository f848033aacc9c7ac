"""Hypothesis strategies for the core's types."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from policy.model.cluster import Node, Snapshot
from policy.model.decision import Decision
from policy.model.execution import (
    ApplicationType,
    Component,
    Constraint,
    Execution,
    NodeId,
    Operator,
    Uid,
)
from policy.model.resources import Resources
from policy.scheduler import decide
from policy.settings import Policy, PolicySettings

GIB = 1024**3


def resources(*, most: int) -> st.SearchStrategy[Resources]:
    return st.builds(
        lambda cpus, memory, gpus: Resources.of(
            cpu_millis=cpus * 500, memory_bytes=memory * GIB, generic=[("gpu", gpus)]
        ),
        st.integers(0, most * 2),
        st.integers(0, most),
        st.sampled_from([0, 0, 0, 1]),
    )


def nodes() -> st.SearchStrategy[tuple[Node, ...]]:
    def build(shapes: list[tuple[Resources, Resources, bool, bool, bool, str]]) -> tuple[Node, ...]:
        return tuple(
            Node(
                id=NodeId(f"n{index}"),
                hostname=f"node{index}",
                capacity=capacity,
                reserved=reserved,
                labels={"tier": tier},
                is_manager=manager,
                is_ready=ready,
                is_active=active,
            )
            for index, (capacity, reserved, manager, ready, active, tier) in enumerate(shapes)
        )

    mostly = st.sampled_from([True, True, True, False])
    shape = st.tuples(
        resources(most=8),
        resources(most=2),
        st.booleans(),
        mostly,
        mostly,
        st.sampled_from(["a", "b"]),
    )
    return st.lists(shape, max_size=5).map(build)


def components() -> st.SearchStrategy[tuple[Component, ...]]:
    def build(shapes: list[tuple[int, int, Resources, bool, bool, int]]) -> tuple[Component, ...]:
        return tuple(
            Component(
                name=f"c{index}",
                core=core,
                maximum=max(1, core + elastic),
                demand=demand,
                constraints=(
                    (Constraint(attribute="node.labels.tier", operator=Operator.EQUAL, value="a"),)
                    if tied
                    else ()
                ),
                host_ports=((8080, "tcp"),) if port and index == 0 else (),
                max_per_node=per_node,
            )
            for index, (core, elastic, demand, tied, port, per_node) in enumerate(shapes)
        )

    rarely = st.sampled_from([False, False, False, True])
    shape = st.tuples(
        st.integers(0, 3),
        st.integers(0, 3),
        resources(most=3),
        rarely,
        rarely,
        st.sampled_from([0, 0, 1, 2]),
    )
    return (
        st.lists(shape, min_size=1, max_size=3)
        .map(build)
        .filter(lambda built: any(component.core for component in built))
    )


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    """A cluster with a queue, and with executions that an earlier decision admitted."""
    executions = tuple(
        Execution(
            uid=Uid(f"{index:016x}"),
            namespace=draw(st.sampled_from(["aml", "bio"])),
            name=f"e{index}",
            type=draw(st.sampled_from(list(ApplicationType))),
            components=draw(components()),
            queued_ms=draw(st.integers(0, 3)) * 1000,
            priority=draw(st.sampled_from([-10, 0, 0, 10])),
        )
        for index in range(draw(st.integers(0, 8)))
    )
    running = draw(st.integers(0, len(executions)))
    empty = Snapshot(now_ms=10_000, nodes=draw(nodes()), executions=executions[:running])
    admitted = apply(empty, decide(empty, PolicySettings(policy=Policy.FIFO_MALLEABLE)))
    return replace(
        admitted,
        executions=tuple(draw(st.permutations(admitted.executions + executions[running:]))),
    )


def apply(snapshot: Snapshot, decision: Decision) -> Snapshot:
    """The snapshot as it is once the decision was carried out."""
    groups = {start.uid: start.allocations for start in decision.starts}
    groups |= {resize.uid: resize.allocations for resize in decision.resizes}
    return replace(
        snapshot,
        executions=tuple(
            replace(e, allocations=groups.get(e.uid, e.allocations)) for e in snapshot.executions
        ),
    )

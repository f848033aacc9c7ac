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
    Estimate,
    EstimateBasis,
    Execution,
    NodeId,
    Operator,
    Uid,
)
from policy.model.reservation import Reservation
from policy.model.resources import Resources
from policy.model.tenant import Tenant, Usage
from policy.scheduler import decide
from policy.settings import Policy, PolicySettings, Score, SizeRule

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


PRIORITIES = {-100: (True, True), -10: (True, False), 0: (False, False), 10: (False, False)}
"""Value of a class -> whether it is preemptible, whether it is the filler."""


def settings(*, policies: tuple[Policy, ...] = tuple(Policy)) -> st.SearchStrategy[PolicySettings]:
    """A policy with parameters; hysteresis off, so that only room, rank and quota decide."""
    return st.builds(
        PolicySettings,
        policy=st.sampled_from(policies),
        size=st.sampled_from(list(SizeRule)),
        dimensions=st.integers(1, 3),
        preempts_elastic=st.booleans(),
        score=st.sampled_from(list(Score)),
        ageing_ms=st.sampled_from([5_000, 8_000, 10**9]),
        grant_ms=st.just(0),
        regrow_ms=st.just(0),
        slack_permille=st.just(0),
        gain_permille=st.just(0),
    )


def estimates() -> st.SearchStrategy[Estimate | None]:
    def build(runtime_s: int) -> Estimate:
        runtime_ms = runtime_s * 1000
        return Estimate(
            typical_ms=runtime_ms,
            low_ms=runtime_ms // 2,
            high_ms=runtime_ms * 2,
            basis=EstimateBasis.HISTORY,
        )

    return st.one_of(st.none(), st.integers(0, 5000).map(build))


def tenants() -> st.SearchStrategy[tuple[Tenant, ...]]:
    def build(quotas: list[tuple[int, int, int, int, int]]) -> tuple[Tenant, ...]:
        return tuple(
            Tenant(
                name=name,
                weight=weight,
                cohort="lab" if cohort else "",
                guaranteed=(("cpu", guaranteed * 1000),) if guaranteed else (),
                maximum=(("cpu", (guaranteed + more) * 1000),) if more else (),
                usage=Usage(as_of_ms=10_000, amounts=(("cpu", used * 10**9),)),
            )
            for name, (guaranteed, more, weight, cohort, used) in zip(
                ("aml", "bio"), quotas, strict=True
            )
        )

    quota = st.tuples(
        st.sampled_from([0, 2, 4]),
        st.sampled_from([0, 0, 3, 8]),
        st.integers(1, 3),
        st.integers(0, 1),
        st.integers(0, 100),
    )
    return st.one_of(st.just(()), st.lists(quota, min_size=2, max_size=2).map(build))


def reservations() -> st.SearchStrategy[tuple[Reservation, ...]]:
    def build(shape: tuple[int, int, int, Resources]) -> Reservation:
        index, starts_s, slots, slot = shape
        return Reservation(
            name=f"r{index}",
            starts_ms=starts_s * 1000,
            ends_ms=starts_s * 1000 + 3_600_000,
            slots=slots,
            slot=slot,
        )

    shape = st.tuples(
        st.just(0), st.sampled_from([5, 60, 100_000]), st.integers(0, 3), resources(most=2)
    )
    return st.lists(shape.map(build), max_size=1).map(tuple)


@st.composite
def executions(draw: st.DrawFn, index: int) -> Execution:
    priority = draw(st.sampled_from([-100, -10, 0, 0, 0, 10]))
    is_preemptible, is_filler = PRIORITIES[priority]
    return Execution(
        uid=Uid(f"{index:016x}"),
        namespace=draw(st.sampled_from(["aml", "bio"])),
        name=f"e{index}",
        type=draw(st.sampled_from(list(ApplicationType))),
        components=draw(components()),
        queued_ms=draw(st.integers(0, 3)) * 1000,
        priority=priority,
        is_preemptible=is_preemptible,
        is_filler=is_filler,
        estimate=draw(estimates()),
        lifetime_ms=draw(st.sampled_from([None, 30_000, 10**8])),
    )


@st.composite
def snapshots(draw: st.DrawFn, *, calendar: bool = False) -> Snapshot:
    """A cluster with a queue, and with executions that an earlier decision admitted."""
    count = draw(st.integers(0, 8))
    everybody = tuple(draw(executions(index)) for index in range(count))
    running = draw(st.integers(0, count))
    empty = Snapshot(
        now_ms=10_000,
        nodes=draw(nodes()),
        executions=everybody[:running],
        tenants=draw(tenants()),
    )
    earlier = draw(settings())
    admitted = apply(empty, decide(empty, earlier))
    return replace(
        admitted,
        executions=tuple(draw(st.permutations(admitted.executions + everybody[running:]))),
        reservations=draw(reservations()) if calendar else (),
    )


def apply(snapshot: Snapshot, decision: Decision) -> Snapshot:
    """The snapshot as it is once the decision was carried out."""
    groups = decision.carried_out(snapshot.executions)
    return replace(
        snapshot,
        executions=tuple(
            replace(e, allocations=groups.get(e.uid, ())) for e in snapshot.executions
        ),
    )

"""Small workloads by hand and by hypothesis, for the simulator's tests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hypothesis import strategies as st

from policy.model.execution import ApplicationType, Component, Execution, Uid
from policy.model.resources import Resources
from policy.simulator.application import Application
from policy.simulator.machines import Machines

SECOND = 1000


def pool(cpus: int) -> Machines:
    return Machines.equal(1, cpu(cpus), is_pooled=True)


def cpu(count: int) -> Resources:
    return Resources(cpu_millis=1000 * count)


def application(
    name: str,
    core: int,
    elastic: int,
    runtime_s: int,
    *,
    at_s: int = 0,
    speedup: tuple[int, ...] = (),
    namespace: str = "aml",
    type: ApplicationType = ApplicationType.BATCH,  # noqa: A002 - as in Execution
) -> Application:
    component = Component(
        name="worker", core=core, maximum=core + elastic, demand=cpu(1), speedup=speedup
    )
    execution = Execution(
        uid=Uid(name),
        namespace=namespace,
        name=name,
        type=type,
        components=(component,),
        queued_ms=at_s * SECOND,
    )
    return Application(execution=execution, runtime_ms=runtime_s * SECOND, stem=name[:1])


def workloads(*, cpus: int, is_rigid: bool = False) -> st.SearchStrategy[list[Application]]:
    """Applications of up to ``cpus`` replicas, some of length zero, some at the same instant."""

    def build(shapes: Sequence[tuple[int, int, int, int, str]]) -> list[Application]:
        return [
            application(
                f"a{index}",
                core,
                0 if is_rigid else min(elastic, cpus - core),
                runtime_s,
                at_s=at_s,
                namespace=namespace,
            )
            for index, (core, elastic, runtime_s, at_s, namespace) in enumerate(shapes)
        ]

    shape = st.tuples(
        st.integers(1, cpus),
        st.integers(0, cpus),
        st.sampled_from([0, 1, 7, 60, 1000, 4000]),
        st.sampled_from([0, 0, 0, 1, 5, 300]),
        st.sampled_from(["aml", "bio"]),
    )
    return st.lists(shape, min_size=1, max_size=9).map(build)


def with_classes(applications: list[Application]) -> st.SearchStrategy[list[Application]]:
    """The same with priority classes: some preemptible, some fillers, some above the others."""
    plain = {"priority": 0}
    classes = st.sampled_from(
        [
            plain,
            plain,
            {"priority": 10},
            {"priority": -10, "is_preemptible": True},
            {"priority": -100, "is_preemptible": True, "is_filler": True},
        ]
    )
    return st.tuples(*[classes for _ in applications]).map(
        lambda drawn: [
            replace(a, execution=replace(a.execution, **fields))
            for a, fields in zip(applications, drawn, strict=True)
        ]
    )

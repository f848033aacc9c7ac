"""Traces: what is read, and that what isn't is counted by reason."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policy.model.resources import Resources
from policy.simulator import swf
from policy.simulator.machines import Machines
from policy.simulator.swf import Dropped, Owner

GIB = 1024**3
CLUSTER = Machines.equal(4, Resources(cpu_millis=2000, memory_bytes=4 * GIB))


def line(
    number: int,
    submit: float = 0,
    run: float = 60,
    processors: int = 2,
    *,
    requested: int = -1,
    hint: int = -1,
    memory_kib: int = -1,
    status: int = 1,
    user: int = 7,
    program: int = -1,
) -> str:
    fields = [number, submit, -1, run, processors, -1, -1, requested, hint, memory_kib, status]
    return " ".join(map(str, [*fields, user, 3, program, 1, -1, -1, -1]))


def dropped(*lines: str) -> dict[str, int]:
    return dict(swf.workload(swf.read(lines), CLUSTER).dropped)


def test_a_job_becomes_an_application():
    trace = swf.read([";  MaxProcs: 8", "", line(1, 5, 60, 3, hint=900)])
    (a,) = swf.workload(trace, CLUSTER, core_permille=250).applications
    (component,) = a.execution.components
    assert (component.core, component.maximum) == (1, 3)
    assert component.demand == Resources(cpu_millis=1000, memory_bytes=2 * GIB)
    assert (a.execution.queued_ms, a.runtime_ms, a.hint_ms) == (5000, 60_000, 900_000)
    assert (a.execution.namespace, a.stem) == ("user7", "queue1-3x900")
    assert trace.header["MaxProcs"] == "8"


def test_core_is_rounded_up():
    trace = swf.read([line(n, processors=n) for n in range(1, 9)])
    found = swf.workload(trace, CLUSTER, core_permille=250).applications
    assert [a.execution.components[0].core for a in found] == [1, 1, 1, 1, 2, 2, 2, 2]


def test_requested_processors_stand_in_for_unknown_ones():
    (job,) = swf.read([line(1, processors=-1, requested=4)]).jobs
    assert job.processors == 4


def test_requested_memory_counts_where_it_is_known():
    (a,) = swf.workload(swf.read([line(1, memory_kib=1024**2)]), CLUSTER).applications
    assert a.execution.components[0].demand.memory_bytes == GIB


def test_a_job_of_no_length_is_kept():
    (a,) = swf.workload(swf.read([line(1, run=0)]), CLUSTER).applications
    assert a.runtime_ms == 0


def test_what_is_left_out_is_counted_by_reason():
    assert dropped(
        line(1),
        line(2, run=-1),
        line(3, processors=-1),
        line(4, submit=-1),
        line(5, status=3),
        line(6, run=0, status=5),
        line(7, processors=9),
        line(8, memory_kib=5 * 1024**2),
        "9 not a job",
        "1 2 3",
    ) == {
        Dropped.NO_RUNTIME: 1,
        Dropped.NO_PROCESSORS: 1,
        Dropped.NO_SUBMIT: 1,
        Dropped.PART: 1,
        Dropped.CANCELLED: 1,
        Dropped.TOO_LARGE: 2,
        Dropped.UNREADABLE: 2,
    }


def test_jobs_are_put_in_order_of_submission():
    trace = swf.read([line(1, submit=9), line(2, submit=3), line(3, submit=3)])
    assert [job.number for job in trace.jobs] == [2, 3, 1]


def test_owners_become_namespaces():
    trace = swf.read([line(1, user=-1)])
    names = [
        swf.workload(trace, CLUSTER, owner=owner).applications[0].execution.namespace
        for owner in Owner
    ]
    assert names == ["unknown", "group3", "all"]


def test_a_program_names_what_is_alike():
    (a,) = swf.workload(swf.read([line(1, program=12)]), CLUSTER).applications
    assert a.stem == "program12"


def test_only_the_first_are_kept_if_so_asked():
    trace = swf.read([line(n, submit=n) for n in range(5)])
    assert len(swf.workload(trace, CLUSTER, most=2).applications) == 2


values = st.one_of(
    st.integers(-2, 100), st.sampled_from(["nan", "inf", "-inf", "1e400", "x", "0.5", "-1.0"])
)


@given(st.lists(st.one_of(st.lists(values, max_size=20), st.text(max_size=20)), max_size=10))
def test_every_line_is_a_job_or_counted(rows: list[list[object] | str]):
    lines = [row if isinstance(row, str) else " ".join(map(str, row)) for row in rows]
    found = swf.workload(swf.read(lines), CLUSTER)
    jobs = [text for line in lines if (text := line.strip()) and not text.startswith(";")]
    assert len(found.applications) + sum(found.dropped.values()) == len(jobs)

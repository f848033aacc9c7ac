"""Workloads from traces in the Standard Workload Format (Feitelson's Parallel Workloads Archive).

One line a job, 18 fields, -1 where a value isn't known, comments after ``;``. How it is read:

- processors: those allocated, else those requested; a job with neither is left out.
- runtime: as recorded; 0 is a job that ends as it starts; without one it is left out.
- memory per processor: what was requested, else an even share of the cluster's.
- lines with status 2, 3 or 4 tell of a part of a job that has a line of its own: left out.
- status 5 without a runtime was cancelled before it started: left out.
- what the empty cluster couldn't hold is left out, since the rigid baselines would never start it.

What is left out is counted by reason and never silent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from policy.model.execution import ApplicationType, Component, Execution, Uid
from policy.model.resources import Resources
from policy.simulator.application import Application
from policy.simulator.machines import Machines

FIELDS = 18
KIB = 1024
_SUBMIT, _RUN, _ALLOCATED, _REQUESTED, _HINT, _MEMORY = 1, 3, 4, 7, 8, 9
_STATUS, _USER, _GROUP, _PROGRAM, _QUEUE = 10, 11, 12, 13, 14
_PARTS, _CANCELLED = (2, 3, 4), 5


class Owner(StrEnum):
    """What of a trace becomes a namespace."""

    USER = "user"
    GROUP = "group"
    ONE = "one"


class Dropped(StrEnum):
    """Why a line of a trace is left out."""

    UNREADABLE = "unreadable line"
    PART = "part of another job"
    CANCELLED = "cancelled before it started"
    NO_SUBMIT = "submit time unknown"
    NO_RUNTIME = "runtime unknown"
    NO_PROCESSORS = "processors unknown"
    TOO_LARGE = "larger than the cluster"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceJob:
    """A job of a trace: seconds, processors, bytes a processor; None where unknown."""

    number: int
    submit_s: int
    run_s: int
    processors: int
    hint_s: int | None
    memory_bytes: int | None
    user: int
    group: int
    program: int
    queue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The jobs of a trace by submit time, what was left out, and what its header says."""

    jobs: tuple[TraceJob, ...]
    dropped: Mapping[str, int]
    header: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """Applications, and what was left out of where they come from."""

    applications: tuple[Application, ...]
    dropped: Mapping[str, int]


def read(lines: Iterable[str]) -> Trace:
    """Return the jobs of a trace."""
    jobs: list[TraceJob] = []
    dropped: Counter[str] = Counter()
    header: dict[str, str] = {}
    for line in lines:
        text = line.strip()
        if text.startswith(";"):
            name, _, value = text.lstrip("; ").partition(":")
            header.setdefault(name.strip(), value.strip())
        elif text:
            job = _job(len(jobs) + sum(dropped.values()) + 1, text)
            if isinstance(job, TraceJob):
                jobs.append(job)
            else:
                dropped[job] += 1
    jobs.sort(key=lambda job: (job.submit_s, job.number))
    return Trace(jobs=tuple(jobs), dropped=dict(dropped), header=header)


def _job(number: int, text: str) -> TraceJob | Dropped:
    try:
        # Some traces have fractions of seconds; a millisecond more or less decides nothing here.
        values = [int(float(word)) for word in text.split()]
    except (ValueError, OverflowError):
        return Dropped.UNREADABLE
    if len(values) < FIELDS:
        return Dropped.UNREADABLE
    processors = values[_ALLOCATED] if values[_ALLOCATED] > 0 else values[_REQUESTED]
    if reason := _refusal(values, processors):
        return reason
    return TraceJob(
        number=number,
        submit_s=values[_SUBMIT],
        run_s=values[_RUN],
        processors=processors,
        hint_s=values[_HINT] if values[_HINT] > 0 else None,
        memory_bytes=values[_MEMORY] * KIB if values[_MEMORY] > 0 else None,
        user=values[_USER],
        group=values[_GROUP],
        program=values[_PROGRAM],
        queue=values[_QUEUE],
    )


def _refusal(values: list[int], processors: int) -> Dropped | None:
    if values[_STATUS] in _PARTS:
        return Dropped.PART
    if values[_STATUS] == _CANCELLED and values[_RUN] <= 0:
        return Dropped.CANCELLED
    if values[_SUBMIT] < 0:
        return Dropped.NO_SUBMIT
    if values[_RUN] < 0:
        return Dropped.NO_RUNTIME
    if processors <= 0:
        return Dropped.NO_PROCESSORS
    return None


def workload(
    trace: Trace,
    machines: Machines,
    *,
    core_permille: int = 1000,
    owner: Owner = Owner.USER,
    most: int | None = None,
) -> Workload:
    """Return a trace's jobs as applications for these machines.

    A processor becomes a replica with one CPU. ``core_permille`` of them, rounded up, are core;
    the rest is elastic. ``most`` keeps only the first that many jobs.
    """
    dropped = Counter(trace.dropped)
    applications: list[Application] = []
    for application in _applications(trace, machines, core_permille, owner):
        if most is not None and len(applications) >= most:
            break
        if machines.could_hold(application.execution):
            applications.append(application)
        else:
            dropped[Dropped.TOO_LARGE] += 1
    return Workload(applications=tuple(applications), dropped=dict(dropped))


def _applications(
    trace: Trace, machines: Machines, core_permille: int, owner: Owner
) -> Iterator[Application]:
    capacity = machines.capacity
    share = capacity.memory_bytes * 1000 // max(1000, capacity.cpu_millis)
    for job in trace.jobs:
        component = Component(
            name="worker",
            core=max(1, (job.processors * core_permille + 999) // 1000),
            maximum=job.processors,
            demand=Resources(
                cpu_millis=1000,
                memory_bytes=share if job.memory_bytes is None else job.memory_bytes,
            ),
        )
        stem = _stem(job)
        execution = Execution(
            uid=Uid(f"{job.number:016x}"),
            namespace=_namespace(job, owner),
            name=f"{stem}-{job.number}",
            type=ApplicationType.BATCH,
            components=(component,),
            queued_ms=job.submit_s * 1000,
        )
        yield Application(
            execution=execution,
            runtime_ms=job.run_s * 1000,
            stem=stem,
            hint_ms=None if job.hint_s is None else job.hint_s * 1000,
        )


def _namespace(job: TraceJob, owner: Owner) -> str:
    match owner:
        case Owner.USER:
            return f"user{job.user}" if job.user >= 0 else "unknown"
        case Owner.GROUP:
            return f"group{job.group}" if job.group >= 0 else "unknown"
        case Owner.ONE:
            return "all"


def _stem(job: TraceJob) -> str:
    """Return what an author would call this job and those like it.

    The program, where the trace tells it; else the request: who submits the same script again
    asks for the same.
    """
    if job.program > 0:
        return f"program{job.program}"
    return f"queue{max(0, job.queue)}-{job.processors}x{job.hint_s or 0}"

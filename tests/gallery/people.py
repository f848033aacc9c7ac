"""Who runs, waits and ended: the lines that several pages share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from reconciler.view.line import Line

NOW = datetime(2026, 11, 22, 14, 2, 14, tzinfo=UTC)
COMMIT = "4f9c2e71b8d03a65c1e2f4a7d9b06c3e5f81a2b4"


def ago(**kwargs: float) -> datetime:
    return NOW - timedelta(**kwargs)


def ahead(**kwargs: float) -> datetime:
    return NOW + timedelta(**kwargs)


def line(
    full_name: str,
    state: str,
    *,
    run: int = 1,
    message: str = "",
    reason: str = "",
    **kwargs: object,
) -> Line:
    namespace, _, name = full_name.partition("/")
    uid = f"{namespace}-{name}-{run}"
    return Line(
        namespace=namespace,
        name=name,
        uid=uid,
        run=run,
        state=state,
        reason=reason,
        message=message,
        **kwargs,  # type: ignore[arg-type]
    )


COURSE = {"course": "aml"}
RUNNING = (
    line(
        "aml/notebook",
        "Running",
        zapp="jupyter",
        type="interactive",
        labels=COURSE,
        replicas="core 1",
        urls=("http://node-1.lab.example:30001/lab",),
        queued_at=ago(hours=3, minutes=12),
        started_at=ago(hours=3, minutes=11),
        message="all core components are up",
    ),
    line(
        "aml/spark-lab-1",
        "Running",
        zapp="spark-jupyter",
        type="interactive",
        labels={**COURSE, "session": "1"},
        replicas="core 3, 3 of 3 elastic",
        urls=("http://node-2.lab.example:30004/lab", "http://node-2.lab.example:30005"),
        queued_at=ago(hours=2, minutes=40),
        started_at=ago(hours=2, minutes=38),
        message="all core components are up",
    ),
    line(
        "aml/spark-lab-2",
        "Running",
        zapp="spark-jupyter",
        type="interactive",
        labels={**COURSE, "session": "2"},
        replicas="core 3, 1 of 3 elastic",
        urls=("http://node-3.lab.example:30007/lab",),
        queued_at=ago(hours=1, minutes=2),
        started_at=ago(minutes=55),
        message="all core components are up",
    ),
    *(
        line(
            f"bio/align-{number:02}",
            "Running",
            zapp="mpi",
            type="batch",
            labels={"sample": f"s{number}"},
            replicas="core 4",
            queued_at=ago(hours=5 + number),
            started_at=ago(hours=4, minutes=7 * number),
            message="all core components are up",
        )
        for number in range(1, 6)
    ),
    line(
        "lab/web",
        "Running",
        type="streaming",
        replicas="core 1, 1 of 1 elastic",
        urls=("http://node-4.lab.example:30011/",),
        queued_at=ago(days=19),
        started_at=ago(days=19),
        message="all core components are up",
    ),
    line(
        "lab/charity",
        "Running",
        zapp="boinc",
        type="batch",
        replicas="core 1",
        queued_at=ago(days=2),
        started_at=ago(hours=9),
        message="all core components are up",
    ),
    line(
        "vision/train-resnet",
        "Running",
        type="batch",
        labels={"stage": "sweep"},
        replicas="core 1, 2 of 2 elastic",
        attempt=2,
        attempts=4,
        queued_at=ago(hours=20),
        started_at=ago(hours=6, minutes=31),
        message="all core components are up",
    ),
)
STARTING = (
    line(
        "vision/label-tool",
        "Starting",
        zapp="jupyter",
        type="interactive",
        replicas="core 1",
        reason="CoreMissing",
        message="notebook: preparing on node-4",
        queued_at=ago(minutes=1),
        started_at=None,
        attempt=1,
    ),
)
WAITING = (
    line(
        "aml/spark-lab-3",
        "Queued",
        zapp="spark-jupyter",
        type="interactive",
        labels={**COURSE, "session": "3"},
        reason="NoCapacity",
        message="waits for 3.5 CPUs, 7 GiB memory: worker: node-1 has 0.5 of 2 CPUs free, "
        "node-2 has 1 of 2 CPUs free, node-3 has 2 GiB of 4 GiB memory free, 1 more node refuses",
        queued_at=ago(minutes=41),
    ),
    line(
        "bio/align-06",
        "Queued",
        zapp="mpi",
        type="batch",
        labels={"sample": "s6"},
        reason="BehindInQueue",
        message="aml/spark-lab-3 is first in the queue and waits for room",
        queued_at=ago(minutes=38),
    ),
    line(
        "vision/whole-cluster",
        "Queued",
        type="batch",
        reason="NeverFits",
        message="doesn't fit even on the empty cluster: work: node-1 has 8 CPUs, 24 are asked for, "
        "node-2 has 8 CPUs, node-3 has 8 CPUs, 1 more node refuses",
        queued_at=ago(hours=26),
    ),
    line(
        "lab/sweep",
        "Pending",
        type="batch",
        reason="BackOff",
        message="attempt 2 of 4 ended with exit code 137; it is tried again at "
        "2026-11-22T14:07:30Z",
        attempt=2,
        attempts=4,
        queued_at=ago(hours=1),
    ),
)
ENDED = (
    line(
        "lab/hello",
        "Succeeded",
        run=7,
        zapp="hello-batch",
        type="batch",
        message="all completing services exited with 0",
        queued_at=ago(minutes=22),
        started_at=ago(minutes=21),
        ended_at=ago(minutes=19),
    ),
    line(
        "aml/exit-3",
        "Failed",
        zapp="hello-batch",
        type="batch",
        reason="RetriesUsedUp",
        message="hello ended with exit code 3 on node-2, and no retry is left",
        attempt=3,
        attempts=3,
        queued_at=ago(minutes=50),
        started_at=ago(minutes=36),
        ended_at=ago(minutes=35),
    ),
    line(
        "aml/prepare",
        "Succeeded",
        zapp="hello-batch",
        type="batch",
        message="all completing services exited with 0",
        queued_at=ago(hours=2),
        started_at=ago(hours=2),
        ended_at=ago(hours=1, minutes=58),
    ),
    line(
        "bio/browse",
        "Stopped",
        zapp="jupyter",
        type="interactive",
        reason="LifetimeReached",
        message="it reached its lifetime of 4 h",
        queued_at=ago(hours=6),
        started_at=ago(hours=6),
        ended_at=ago(hours=2),
    ),
)
SCHEDULED = (
    line(
        "lab/nightly",
        "Scheduled",
        run=0,
        zapp="hello-batch",
        type="batch",
        message="runs every day at 02:30 (Europe/Paris); the last one Succeeded",
    ),
)
INVALID = (
    line(
        "lab/typo",
        "Invalid",
        reason="ManifestInvalid",
        message='/spec/services/main/resources/reservations/memory: "512M" is ambiguous',
    ),
)
SUSPENDED = (
    line(
        "vision/old-sweep",
        "Suspended",
        type="batch",
        labels={"stage": "sweep"},
        reason="Suspended",
        message="its manifest says suspend: true",
        held="held by the operator: the disk of node-4 is being replaced",
        queued_at=ago(days=3),
    ),
)
EVERYBODY = tuple(
    sorted(
        (*RUNNING, *STARTING, *WAITING, *ENDED, *SCHEDULED, *INVALID, *SUSPENDED),
        key=lambda one: (one.namespace, one.name),
    )
)


def counted(*lines: Line) -> dict[str, int]:
    states: dict[str, int] = {}
    for one in lines:
        states[one.state] = states.get(one.state, 0) + 1
    return states

"""What is so now: the glance, the list, the queue, executions, the cluster."""

from __future__ import annotations

from dataclasses import replace

from reconciler.converge.status import GATEWAY, SOCKS, Endpoint, TaskStatus
from reconciler.view.cluster import Block, ClusterView, NodeView, Share
from reconciler.view.event import EventLine
from reconciler.view.execution import (
    Answer,
    ConditionLine,
    Detail,
    GitBox,
    Log,
    Part,
    Step,
)
from reconciler.view.glance import Alert, Freshness, Glance
from reconciler.view.listing import Listing
from reconciler.view.queue import Held, Holding, Queue, Start, Waiting
from reconciler.view.waiting import Asked, Explanation, NodeAnswer, Remedy
from reconciler.view.words import instant
from tests.gallery.people import (
    COMMIT,
    ENDED,
    EVERYBODY,
    NOW,
    RUNNING,
    SCHEDULED,
    STARTING,
    WAITING,
    ago,
    ahead,
    counted,
)

GIB = 1024**3
SNAPSHOT = "5b7e90aa1f3c"
FRESH = Freshness(read_at=NOW, pass_at=ago(seconds=3), commit=COMMIT)
STALE = replace(
    FRESH,
    told=f"The loop last ended a pass at {instant(ago(minutes=9))}: whatever happened since "
    "isn't shown.",
)

GLANCE = Glance(
    sentence="11 run, 4 wait (1 of them can never start as things are) and 1 manifest is invalid; "
    "71 % of the CPUs are reserved.",
    freshness=FRESH,
    alerts=(
        Alert(
            kind="invalid",
            name="lab/typo",
            place="executions/lab/typo.yaml:12",
            told='/spec/services/main/resources/reservations/memory: "512M" is ambiguous: '
            "write 512MiB",
            since=ago(minutes=26),
        ),
        Alert(
            kind="failed",
            name="aml/exit-3",
            told="hello ended with exit code 3 on node-2, and no retry is left",
            since=ago(minutes=35),
        ),
        Alert(
            kind="node",
            told="node-5 is down; nothing of ours ran there",
            since=ago(hours=1, minutes=3),
        ),
        Alert(
            kind="platform",
            told="service zx-3f2a-91c2ab07 (bio/align-00) carries our labels but nobody knows it; "
            "look at it, then: zoe orphans remove zx-3f2a-91c2ab07",
            since=ago(hours=2),
            code="Orphan",
        ),
        Alert(
            kind="held",
            name="vision/old-sweep",
            told="held by the operator: the disk of node-4 is being replaced",
            since=ago(days=1),
        ),
    ),
    running=(*STARTING, *RUNNING),
    waiting=WAITING,
    ended=ENDED,
    scheduled=SCHEDULED,
    states=counted(*EVERYBODY),
    more={"running": 0, "ended": 31},
)
LISTING = Listing(
    total=len(EVERYBODY), states=counted(*EVERYBODY), lines=EVERYBODY, next="WyJ2aXNpb24iLDFd"
)

START = Start(
    told=f"Starts at about {instant(ahead(minutes=48))}, when aml/notebook ends by its lifetime.",
    at=ahead(minutes=48),
    earliest=ahead(minutes=20),
    latest=ahead(hours=2),
    basis="lifetimes",
)
UNKNOWN = Start(
    told="When it starts can't be told: lab/web, which it waits for, has no lifetime.",
    because="lab/web has no lifetime",
)


def _waiting(number: int, position: int, needs: str, start: Start, ahead_of: str = "") -> Waiting:
    line = WAITING[number]
    return Waiting(
        position=position,
        uid=line.uid,
        namespace=line.namespace,
        name=line.name,
        queued_at=line.queued_at or NOW,
        needs=needs,
        amounts={"cpu": 3500, "memory": 7 * GIB},
        start=start,
        code=line.reason,
        why=line.reason,
        message=line.message,
        labels=line.labels,
        ahead=(ahead_of,) if ahead_of else (),
    )


QUEUE = Queue(
    snapshot=SNAPSHOT,
    taken_at=ago(seconds=3),
    policy="size-flexible",
    rule="the smallest first; elastic replicas yield to cores",
    waiting=(
        _waiting(0, 1, "3.5 CPUs, 7 GiB memory", START),
        _waiting(
            1, 2, "8 CPUs, 16 GiB memory", UNKNOWN, "aml/spark-lab-3, which asks for less than it"
        ),
    ),
    never=(
        _waiting(2, 3, "48 CPUs, 128 MiB memory", Start(told="It never starts as things are.")),
    ),
    running=tuple(
        Holding(
            uid=line.uid,
            namespace=line.namespace,
            name=line.name,
            replicas=line.replicas,
            nodes=("node-1", "node-2"),
            ends_at=ahead(hours=1) if line.type != "streaming" else None,
        )
        for line in RUNNING
    ),
    held=(
        Held(
            namespace="vision",
            name="old-sweep",
            why="held by the operator: the disk of node-4 is being replaced",
        ),
    ),
    notes=(
        "Starts are told by lifetimes; newcomers of a higher rank come first.",
        "lab/web has no lifetime, so what waits for its room can't be told.",
    ),
)

EXPLANATION = Explanation(
    uid="aml-spark-lab-3-1",
    namespace="aml",
    name="spark-lab-3",
    snapshot=SNAPSHOT,
    taken_at=ago(seconds=3),
    sentence="It is first in the queue and waits for room: its workers need 2 CPUs and 4 GiB each, "
    "and no node has that free.",
    start=START,
    position=1,
    waiting=3,
    policy="size-flexible",
    rule="the smallest first; elastic replicas yield to cores",
    code="NoCapacity",
    standing=(
        "It asks for 3.5 CPUs and 7 GiB, the least of those that wait.",
        "Behind it: bio/align-06, which asks for more.",
    ),
    asked=(
        Asked(
            component="notebook",
            told="1 with 1 CPU, 2 GiB memory",
            answers=(
                NodeAnswer(nodes=("node-2",), told="", takes=1),
                NodeAnswer(nodes=("node-3",), told="", takes=2),
                NodeAnswer(nodes=("node-1",), told="has 0.5 of 1 CPU free", rule="Resources"),
                NodeAnswer(nodes=("node-4",), told="is drained", rule="NodeState"),
            ),
        ),
        Asked(
            component="master",
            told="1 with 0.5 CPUs, 1 GiB memory",
            answers=(NodeAnswer(nodes=("node-1", "node-2", "node-3"), told="", takes=1),),
        ),
        Asked(
            component="worker",
            told="1 with 2 CPUs, 4 GiB memory",
            answers=(
                NodeAnswer(nodes=("node-1",), told="has 0.5 of 2 CPUs free", rule="Resources"),
                NodeAnswer(nodes=("node-2",), told="has 1 of 2 CPUs free", rule="Resources"),
                NodeAnswer(
                    nodes=("node-3",), told="has 2 GiB of 4 GiB memory free", rule="Resources"
                ),
                NodeAnswer(
                    nodes=("node-4",),
                    told="keeps 8 CPUs for the reservation aml-lab from 2026-11-22T15:00:00Z on",
                    rule="Reservation",
                ),
            ),
        ),
    ),
    remedies=(
        Remedy(told="ask for 2 GiB instead of 4 GiB for worker_memory, and 1 CPU for worker_cpus"),
        Remedy(told="wait until aml/notebook ends", about=ahead(minutes=48)),
    ),
)

GIT = GitBox(
    path="executions/aml/spark-lab-3.yaml",
    line=3,
    commit=COMMIT,
    author="Ada Okafor",
    committed_at=ago(minutes=44),
    signer="ada@lab.example (ssh)",
    pull=41,
    commit_url="https://git.example/lab/config/commit/4f9c2e71",
    file_url="https://git.example/lab/config/src/branch/main/executions/aml/spark-lab-3.yaml#L3",
    edit_url="https://git.example/lab/config/_edit/main/executions/aml/spark-lab-3.yaml",
    delete_url="https://git.example/lab/config/_delete/main/executions/aml/spark-lab-3.yaml",
    pull_url="https://git.example/lab/config/pulls/41",
)
EVENTS = (
    EventLine(
        id=912,
        at=ago(minutes=12),
        reason="BehindReservation",
        message="node-4 is kept for the reservation aml-lab from 2026-11-22T15:00:00Z on",
        namespace="aml",
        name="spark-lab-3",
        is_warning=True,
    ),
    EventLine(
        id=871,
        at=ago(minutes=41),
        reason="Queued",
        message="waits for 3.5 CPUs, 7 GiB memory",
        namespace="aml",
        name="spark-lab-3",
        commit=COMMIT,
    ),
)
WAITS = Detail(
    line=WAITING[0],
    answer=Answer(
        running="No. It waits in the queue, first of 3.",
        why="Its worker needs 2 CPUs and 4 GiB of memory, and no node has that free: node-1 has "
        "0.5 CPUs, node-2 1 CPU, node-3 2 GiB, and node-4 is kept for the reservation aml-lab.",
        when=f"It starts at about {instant(ahead(minutes=48))}, when aml/notebook ends by its "
        "lifetime.",
    ),
    generation=1,
    waiting=EXPLANATION,
    parts=(
        Part(name="notebook", core=1, elastic=0, granted=0, running=0, restarts=0),
        Part(name="master", core=1, elastic=0, granted=0, running=0, restarts=0),
        Part(name="worker", core=1, elastic=3, granted=0, running=0, restarts=0),
    ),
    conditions=(
        ConditionLine(
            type="Ready",
            status="False",
            reason="NoCapacity",
            message="waits for room",
            since=ago(minutes=41),
        ),
        ConditionLine(type="Validated", status="True", reason="Valid", since=ago(minutes=41)),
        ConditionLine(type="Admitted", status="False", reason="NoCapacity", since=ago(minutes=41)),
    ),
    git=GIT,
    timeline=(
        Step(
            at=ago(minutes=41),
            told="first seen in the repository",
            fact="first_seen",
            commit=COMMIT,
            by="Ada Okafor",
        ),
    ),
    events=EVENTS,
    logs_told="It hasn't started, so it has written nothing.",
)
RUNS = Detail(
    line=RUNNING[1],
    answer=Answer(
        running="Yes, since 2026-11-22T11:24:00Z: all 3 core components are up, and 3 of 3 elastic "
        "replicas.",
        when=f"It ends at {instant(ahead(hours=1, minutes=20))} at the latest, by its lifetime.",
    ),
    generation=2,
    parts=(
        Part(
            name="notebook",
            core=1,
            elastic=0,
            granted=1,
            running=1,
            restarts=0,
            nodes=("node-2",),
            image="quay.io/jupyter/pyspark-notebook@sha256:9a0b6c2f5e1d47c3b8f6a4c2e0d91b7f",
            tasks=(TaskStatus(node="node-2", state="running"),),
        ),
        Part(
            name="worker",
            core=1,
            elastic=3,
            granted=4,
            running=4,
            restarts=1,
            nodes=("node-1", "node-2", "node-3"),
            image="apache/spark@sha256:77c1d2a90be4",
            tasks=(
                TaskStatus(node="node-1", state="running"),
                TaskStatus(
                    node="node-3", state="failed", exit_code=137, error="task: non-zero exit (137)"
                ),
            ),
        ),
    ),
    reach=(
        Endpoint(
            component="notebook",
            name="jupyter",
            url="http://lab.example:30200/spark-lab-1/notebook/8888/lab",
            via=GATEWAY,
            use="this address stays while it moves between nodes and when it starts again",
        ),
        Endpoint(
            component="notebook",
            name="driver-ui",
            url="http://notebook.spark-lab-1:4040/",
            via=SOCKS,
            use="open it with: zoe open --socks aml/spark-lab-1",
            proxy="lab.example:30201",
        ),
        Endpoint(component="notebook", name="jupyter", url="http://node-2.lab.example:30004/lab"),
    ),
    conditions=(
        ConditionLine(
            type="Ready",
            status="True",
            reason="CoreUp",
            message="all core components are up",
            since=ago(hours=2, minutes=36),
        ),
        ConditionLine(type="ElasticSatisfied", status="True", reason="AtMax", since=ago(hours=1)),
        ConditionLine(
            type="Outdated",
            status="True",
            reason="ZAppChanged",
            message="spark-jupyter changed after it was admitted; zoe rerun takes the change over",
            since=ago(minutes=17),
        ),
    ),
    git=replace(GIT, path="executions/aml/spark-lab-1.yaml", edit_url="", delete_url="", pull=None),
    timeline=(
        Step(
            at=ago(hours=2, minutes=40),
            told="first seen in the repository",
            fact="first_seen",
            commit=COMMIT,
            by="Ada Okafor",
        ),
        Step(at=ago(hours=2, minutes=40), told="starts on node-1 and node-2", fact="admitted"),
        Step(
            at=ago(hours=2, minutes=38),
            told="all core components are up",
            fact="attempt_started",
        ),
    ),
    logs=(
        Log(
            component="notebook",
            node="node-2",
            text="[I 2026-11-22 11:24:02 ServerApp] Jupyter Server 2.14.2 is running at:\n"
            "[I 2026-11-22 11:24:02 ServerApp] http://notebook:8888/lab\n"
            "[W 2026-11-22 12:02:51 ServerApp] 404 GET /api/kernels (10.0.1.4) 2.05ms\n",
            at=ago(seconds=4),
        ),
    ),
    runs=(replace(ENDED[3], namespace="aml", name="spark-lab-1", run=1),),
)
FAILED = Detail(
    line=ENDED[1],
    answer=Answer(
        running="No. It failed at 2026-11-22T13:27:14Z.",
        why="hello ended with exit code 3 on node-2, and no retry is left.",
        when="It isn't tried again by itself: zoe rerun aml/exit-3 runs it again.",
    ),
    generation=1,
    exit_code=3,
    parts=(
        Part(
            name="hello",
            core=1,
            elastic=0,
            granted=0,
            running=0,
            restarts=0,
            tasks=(TaskStatus(node="node-2", state="failed", exit_code=3),),
        ),
    ),
    git=replace(GIT, path="executions/aml/exit-3.yaml"),
    timeline=(
        Step(at=ago(minutes=50), told="first seen", fact="first_seen"),
        Step(at=ago(minutes=49), told="starts on node-2", fact="admitted"),
        Step(at=ago(minutes=48), told="up", fact="attempt_started"),
        Step(at=ago(minutes=44), told="ended with exit code 3", fact="attempt_ended"),
        Step(at=ago(minutes=36), told="starts on node-2", fact="admitted"),
        Step(at=ago(minutes=36), told="up", fact="attempt_started"),
        Step(at=ago(minutes=35), told="failed: no retry is left", fact="finished"),
    ),
    logs=(
        Log(
            component="hello",
            node="node-2",
            text="Something is wrong\n",
            at=ago(minutes=35),
            attempt=3,
            exit_code=3,
        ),
    ),
)


def _node(number: int, blocks: tuple[Block, ...], *, state: str = "ready") -> NodeView:
    reserved_cpu = sum(block.cpu_millis for block in blocks)
    reserved = sum(block.memory_bytes for block in blocks)
    capacity = (32 if number != 3 else 64) * GIB
    return NodeView(
        id=f"id{number}",
        hostname=f"node-{number}",
        role="manager" if number == 1 else "worker",
        state=state,
        cpu=Share(
            capacity=8000,
            reserved=reserved_cpu,
            foreign=500 if number == 1 else 0,
            headroom=400,
            limit=7600,
        ),
        memory=Share(
            capacity=capacity,
            reserved=reserved,
            foreign=3 * GIB if number < 3 else 0,
            headroom=GIB,
            limit=capacity - GIB,
        ),
        generic={"gpu": Share(capacity=2, reserved=2, foreign=0)} if number == 3 else {},
        blocks=blocks,
        labels={"zone": "a", "ssd": "yes"} if number < 3 else {"zone": "b"},
    )


def _block(name: str, component: str, core: int, elastic: int, cpu: int, gib: int) -> Block:
    namespace, _, name = name.partition("/")
    return Block(
        namespace=namespace,
        name=name,
        component=component,
        core=core,
        elastic=elastic,
        cpu_millis=cpu,
        memory_bytes=gib * GIB,
    )


NODES = (
    _node(
        1,
        (
            _block("aml/notebook", "notebook", 1, 0, 2000, 2),
            _block("aml/spark-lab-1", "worker", 0, 2, 2000, 8),
            _block("bio/align-01", "rank", 2, 0, 2000, 8),
        ),
    ),
    _node(
        2,
        (
            _block("aml/spark-lab-1", "notebook", 1, 0, 1000, 2),
            _block("aml/spark-lab-1", "worker", 1, 1, 2000, 8),
            _block("aml/spark-lab-2", "master", 1, 0, 500, 1),
            _block("bio/align-02", "rank", 4, 0, 4000, 12),
        ),
    ),
    _node(
        3,
        (
            _block("vision/train-resnet", "trainer", 1, 2, 3000, 36),
            _block("aml/spark-lab-2", "worker", 1, 1, 2000, 8),
            _block("lab/charity", "worker", 1, 0, 650, 1),
        ),
    ),
    _node(4, (_block("lab/web", "httpd", 1, 1, 200, 1),), state="drained"),
    _node(5, (), state="down"),
)
CLUSTER = ClusterView(
    snapshot=SNAPSHOT,
    taken_at=ago(seconds=3),
    sentence="3 of 5 nodes are ready; 19.15 of 24 CPUs and 86 of 128 GiB memory are reserved.",
    cpu=Share(capacity=24000, reserved=19150, foreign=500, headroom=1200, limit=22800),
    memory=Share(
        capacity=128 * GIB, reserved=86 * GIB, foreign=6 * GIB, headroom=3 * GIB, limit=125 * GIB
    ),
    nodes=NODES,
)

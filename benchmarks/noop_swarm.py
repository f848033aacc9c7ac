"""A pass over 3,000 real services of which none changed, beside the bare listing of them.

The loop, its repository and its database are those of ``zoe run``; the services are a real
Swarm's, made by the loop from manifests. 200 of them have a container. The others have none: a
machine couldn't hold them, so between the loop and its Swarm stands :class:`Asleep`, which creates
them with 0 replicas, and tells the loop that each has the task that it asked for. In turns with the
passes, in the same process, the floor: GET /services, /tasks and /nodes over the engine's socket
with ``http.client``, and ``json.loads``.

A pass that reads all of the Swarm must not take longer than 1.5 times the floor, nor write. Beside
it one that reads nothing, since nothing was told of meanwhile, as between two whole readings.
"""

from __future__ import annotations

import cProfile
import gc
import http.client
import json
import pstats
import socket
import tempfile
import threading
from collections.abc import Callable, Collection
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

import docker

from benchmarks import bare_services
from benchmarks.on_swarm import HEAD, SLEEPS, Zoe, swarm, zoe
from benchmarks.report import Row, arguments, show
from policy.model.resources import Resources
from reconciler.converge.state import ObservedService, ObservedState, ObservedTask, ServiceSpec
from reconciler.ports import Cluster
from reconciler.sight import Sight

SERVICES, AWAKE, PER_NAMESPACE = 3000, 200, 100
BUDGET_RATIO = 1.5
_SETTLED_S = 900
_ROOM = Resources(cpu_millis=10**6, memory_bytes=10**13)


@dataclass
class Asleep:
    """A real Swarm in which only so many services get containers; its readings don't tell."""

    cluster: Any
    awake: int
    _created: int = 0
    _seen: dict[str, tuple[ObservedService, ObservedService]] = field(default_factory=dict)
    _tasks: dict[str, ObservedTask] = field(default_factory=dict)
    _last: tuple[ObservedState, ObservedState] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cluster, name)

    def create_service(self, spec: ServiceSpec) -> str:
        """Create a service, without replicas if enough others have some."""
        self._created += 1
        if self._created > self.awake:
            spec = replace(spec, replicas=0)
        return str(self.cluster.create_service(spec))

    def observe(self) -> ObservedState:
        """Return a reading in which all run, on nodes that have room for it."""
        read: ObservedState = self.cluster.observe()
        if self._last is not None and _is_the_same(read, self._last[0]):
            self._last = read, replace(self._last[1], taken_at=read.taken_at)
            return self._last[1]
        pattern = next((task for task in read.tasks if task.state == "running"), None)
        services = tuple(s if s.spec.replicas else self._woken(s, pattern) for s in read.services)
        told = replace(
            read,
            services=services,
            tasks=(*read.tasks, *self._tasks.values()),
            nodes=tuple(replace(node, capacity=_ROOM) for node in read.nodes),
        )
        self._last = read, told
        return told

    def refresh(self, last: ObservedState, services: Collection[str]) -> ObservedState | None:
        """Return the last reading again, as the Swarm's own adapter would."""
        if self._last is None or last is not self._last[1]:
            return None
        read = self.cluster.refresh(self._last[0], services)
        if read is None:
            return None
        told = replace(last, taken_at=read.taken_at, tasks=(*read.tasks, *self._tasks.values()))
        self._last = read, told
        return told

    def _woken(self, asleep: ObservedService, pattern: ObservedTask | None) -> ObservedService:
        """Return the same object for the same one, as the Swarm's own adapter does."""
        seen = self._seen.get(asleep.id)
        if seen is None or seen[0] is not asleep:
            woken = replace(asleep, spec=replace(asleep.spec, replicas=1))
            seen = self._seen[asleep.id] = (asleep, woken)
        if pattern is not None and asleep.id not in self._tasks:
            id_ = f"asleep-{asleep.id}"
            self._tasks[asleep.id] = replace(pattern, id=id_, service_id=asleep.id)
        return seen[1]


def _is_the_same(one: ObservedState, other: ObservedState) -> bool:
    """Tell whether the adapter handed over the same objects; what that costs isn't the loop's."""
    return one.services is other.services and one.tasks is other.tasks and one.nodes is other.nodes


class Bare:
    """The floor: one connection that is kept, and the standard library's parser."""

    def __init__(self, docker_host: str, api: str) -> None:
        self._connection = http.client.HTTPConnection("localhost")
        self._connection.sock = socket.socket(socket.AF_UNIX)
        self._connection.sock.connect(docker_host.removeprefix("unix://"))
        self._api = api
        self.size_bytes = 0

    def list(self) -> dict[str, bytes]:
        """Return the answers, not decoded."""
        return {what: self._get(f"/v{self._api}/{what}") for what in ("services", "tasks", "nodes")}

    def read(self) -> None:
        """List and parse, as a script would that has nothing else in its memory.

        Python's collector would walk through all that the loop holds while a list is decoded.
        """
        gc.disable()
        try:
            answers = self.list()
            self.size_bytes = sum(map(len, answers.values()))
            for body in answers.values():
                json.loads(body)
        finally:
            gc.enable()

    def close(self) -> None:
        """End the connection."""
        self._connection.close()

    def _get(self, path: str) -> bytes:
        self._connection.request("GET", path)
        answer = self._connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{path}: {body!r}")
        return body


def manifests(services: int) -> dict[str, str]:
    """Return path -> text of executions of one service each."""
    files = {}
    for number in range(services):
        namespace = f"ns{number // PER_NAMESPACE}"
        files[f"namespaces/{namespace}.yaml"] = HEAD.format("Namespace", namespace) + "spec: {}\n"
        name = f"e{number}"
        files[f"executions/{namespace}/{name}.yaml"] = HEAD.format("Execution", name) + SLEEPS
    return files


def settle(there: Zoe, services: int, awake: int) -> None:
    """Ask for all of it, and return once it runs and nothing is left to do or to tell."""
    there.repository.commit(manifests(services))
    label = f"zoe.deployment={there.deployment}"
    there.loop.reconcile()
    found = there.client.services(filters={"label": label})
    replicas = {s["ID"]: s["Spec"]["Mode"]["Replicated"].get("Replicas", 0) for s in found}
    running = [id_ for id_, count in replicas.items() if count]
    if (len(found), len(running)) != (services, awake):
        raise RuntimeError(f"{len(found)} services, {len(running)} of them with containers")
    pause, end = threading.Event(), perf_counter() + _SETTLED_S
    while there.loop.reconcile(fetch=False).is_moving:
        if perf_counter() > end:
            raise TimeoutError("they don't come to run")
        pause.wait(1)
    there.loop.publish(wait=True)
    there.loop.reconcile(fetch=False)


def clear(there: Zoe) -> None:
    """Remove what was made, for the next one on the same Swarm."""
    filters = {"label": f"zoe.deployment={there.deployment}"}
    ids = [service["ID"] for service in there.client.services(filters=filters)]
    for id_ in ids:
        there.client.remove_service(id_)
    bare_services.await_gone(there.client, ids)
    for network in there.client.networks(filters=filters):
        there.client.remove_network(network["Id"])


def timed(do: Callable[[], object]) -> tuple[float, float]:
    """Return how many ms something takes, and how many of them of this process's own work."""
    began, worked = perf_counter(), process_time()
    do()
    return (perf_counter() - began) * 1000, (process_time() - worked) * 1000


def measure(there: Zoe, bare: Bare, *, services: int, rounds: int, profile: bool) -> list[Row]:
    """Return the rows of passes and of the floor, in turns. The budget is that of 3,000."""
    loop = there.loop

    def a_pass() -> None:
        if loop.reconcile(fetch=False).outcomes:
            raise RuntimeError("a pass changed the Swarm")

    def a_whole_pass() -> None:
        loop._sight._read = None
        a_pass()

    def a_poll() -> None:
        assert loop.observed is not None
        if loop.cluster.refresh(loop.observed, [loop.observed.services[0].id]) is None:
            raise LookupError("the engine told of something in between")

    jobs: dict[str, Callable[[], object]] = {
        "a pass that reads all": a_whole_pass,
        "a pass between, while nothing is told": a_pass,
        "  the tasks of one service, between": a_poll,
        "  the reading of all": loop.cluster.observe,
        "list + parse": bare.read,
        "  of it, the listing": bare.list,
    }
    loop.cluster.wait_for_event(1)
    times: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    version = loop.store.state_version()
    for number in range(rounds + 1):
        for name, job in jobs.items():
            with suppress(LookupError):
                taken = timed(job)
                if number:  # the first round only warms up
                    times[name].append(taken)
    writes = loop.store.state_version() - version
    if profile:
        profiler = cProfile.Profile()
        profiler.runcall(a_pass)
        pstats.Stats(profiler).sort_stats("cumulative").print_stats(45)
    rows = []
    floor = median(ms for ms, _ in times["list + parse"])
    for name, taken in times.items():
        is_pass = name == "a pass that reads all"
        rounds_ms = tuple(ms for ms, _ in taken)
        note = f"{median(ms for _, ms in taken):.0f} ms of our own processor time"
        rows.append(
            Row(
                name=name,
                rounds_ms=rounds_ms,
                ratio=median(rounds_ms) / floor if is_pass else None,
                budget_ratio=BUDGET_RATIO if is_pass and services >= SERVICES else None,
                note=f"{note}, {writes} database writes, {bare.size_bytes / 1e6:.1f} MB of answers"
                if is_pass
                else note,
            )
        )
    return rows


def main() -> None:
    parser = arguments(__doc__, rounds=15)
    parser.add_argument("--docker-host", default="", help="A Swarm's; else a lab is made (root).")
    parser.add_argument("--services", type=int, default=SERVICES)
    parser.add_argument("--awake", type=int, default=AWAKE, help="How many have a container.")
    parser.add_argument("--profile", action="store_true", help="Print where a pass's time goes.")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="zb") as name,
        swarm(given.docker_host, Path(name)) as docker_host,
        closing(docker.APIClient(base_url=docker_host, version="auto", timeout=60)) as client,
        zoe(Path(name), docker_host, client) as there,
    ):
        asleep: Cluster = Asleep(there.loop.cluster, given.awake)
        there.loop.cluster, there.loop._sight = asleep, Sight(asleep)
        try:
            settle(there, given.services, given.awake)
            # Only now: the engine closes a connection that nothing was asked on for five minutes.
            with closing(Bare(docker_host, client.api_version)) as bare:
                rows = measure(
                    there,
                    bare,
                    services=given.services,
                    rounds=given.rounds,
                    profile=given.profile,
                )
        finally:
            clear(there)
    show(rows, output=given.output)


if __name__ == "__main__":
    main()

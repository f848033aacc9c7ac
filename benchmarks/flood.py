"""A flood: thousands of short batch executions in one push, on real engines.

Everything is real: the push and its hook, ``zoe run`` and ``zoe web`` as processes of their own,
their database, the containers. From the push on the Swarm's tasks are counted, pages are asked for
and deliveries made, each second, until all have ended or the time is over. Then a bare script keeps
the same room filled with the same containers for a minute: it looks ten times a second, and starts
the next one as soon as one has ended.

Told are how long it took until all were queued, how full the cluster was kept beside the script
(budget: 5 % of it less), how many ended a second, how pages and deliveries were answered, how much
the processes and the status branch grew.
"""

from __future__ import annotations

import hmac
import json
import os
import tempfile
import threading
import urllib.request
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from statistics import mean
from time import perf_counter
from typing import Any

import docker

from benchmarks import bare_services
from benchmarks.on_swarm import swarm
from benchmarks.push_to_swarm import SECRET, Installation, installation
from benchmarks.report import Row, arguments, show
from webhook.endpoint import derived_name

SLOTS_A_NODE = 20
"""As many fit on a node: each asks for that part of it."""
BUDGET_IDLE = 0.05
EVERY_S = 1.0
BARE_S, BARE_LOOK_S = 60.0, 0.1
_RUN = "sleep 5"
_BATCH = """\
apiVersion: zoe/v1
kind: Execution
metadata: {{name: flood{number}}}
spec:
  type: batch
  services:
    main:
      image: busybox
      command: [sh, -c, {run}]
      resources: {{reservations: {{cpus: {cpus:.3f}, memory: 8MiB}}}}
"""


@dataclass
class Watched:
    """What was seen each second."""

    running: list[int] = field(default_factory=list)
    ended: list[tuple[float, int]] = field(default_factory=list)
    pages_ms: list[float] = field(default_factory=list)
    deliveries_ms: list[float] = field(default_factory=list)
    run_mib: list[float] = field(default_factory=list)
    queued_s: float = 0.0


class Flood:
    """One flood through an installation."""

    def __init__(self, there: Installation, client: Any, count: int) -> None:
        self._there, self._client, self._count = there, client, count
        nodes = [n for n in client.nodes() if n["Status"]["State"] == "ready"]
        cpus = min(n["Description"]["Resources"]["NanoCPUs"] for n in nodes) / 10**9
        self.cpus = cpus / SLOTS_A_NODE
        self.slots = SLOTS_A_NODE * len(nodes)
        self.spec: Mapping[str, Any] = {}
        """What one of them was made of."""

    def watch(self, longest_s: float) -> Watched:
        """Push, and look each second until all have ended or the time is over."""
        files = {
            f"executions/aml/flood{number}.yaml": _BATCH.format(
                number=number, cpus=self.cpus, run=json.dumps(_RUN)
            )
            for number in range(self._count)
        }
        found, pause = Watched(), threading.Event()
        before = self._figures()
        self._there.push(files)
        began = perf_counter()
        while (elapsed_s := perf_counter() - began) < longest_s:
            figures = self._timed(found.pages_ms, self._figures)
            self._timed(found.deliveries_ms, self._deliver)
            self._timed(found.pages_ms, lambda: self._get("/queue"))
            told = sum(figures.values()) - figures.get("Invalid", 0) - sum(before.values())
            if not found.queued_s and told >= self._count:
                found.queued_s = elapsed_s
            found.running.append(_running(self._client))
            self.spec = self.spec or self._started()
            ended = figures.get("Succeeded", 0)
            found.ended.append((elapsed_s, ended))
            found.run_mib.append(_rss_mib(self._there.run.pid))
            if ended >= self._count:
                break
            pause.wait(max(0.0, EVERY_S - (perf_counter() - began - elapsed_s)))
        return found

    def _started(self) -> Mapping[str, Any]:
        services = self._client.services(filters={"label": "zoe.namespace=aml"})
        return next((s["Spec"] for s in services if "flood" in s["Spec"]["Name"]), {})

    def _figures(self) -> dict[str, int]:
        """Return phase -> how many, as metrics have it."""
        lines = self._get("/metrics").decode().splitlines()
        told = (line for line in lines if line.startswith("zoe_executions{"))
        return {line.split('"')[1]: int(float(line.split()[-1])) for line in told}

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(f"http://127.0.0.1:{self._there.port}{path}") as answer:
            return bytes(answer.read())

    def _deliver(self) -> None:
        body = json.dumps({"ref": "refs/heads/main", "nonce": os.urandom(8).hex()}).encode()
        signature = hmac.new(SECRET.encode(), body, "sha256").hexdigest()
        name = derived_name("platform", SECRET.encode())
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._there.port}/hooks/{name}",
            data=body,
            headers={
                "Content-Type": "application/json",
                "X-Signature": f"sha256={signature}",
            },
        )
        with urllib.request.urlopen(request) as answer:
            answer.read()

    @staticmethod
    def _timed(into: list[float], work: Any) -> Any:
        began = perf_counter()
        try:
            return work()
        finally:
            into.append((perf_counter() - began) * 1000)


def _running(client: Any) -> int:
    tasks = client.tasks(filters={"desired-state": ["running"]})
    return sum(t["Status"]["State"] == "running" for t in tasks)


def _rss_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line) / 1024


def bare(client: Any, spec: Mapping[str, Any], slots: int) -> tuple[list[int], float]:
    """Keep so many containers running for a minute; return the counts, and how many ended a s."""
    name = f"bare{os.getpid()}"
    ids, _ = bare_services.start(client, name, [spec] * slots, concurrency=4)
    network = next(n["Id"] for n in client.networks([name]))
    there, made, ended = set(ids), len(ids), 0
    counts: list[int] = []
    began = counted = perf_counter()
    while perf_counter() - began < BARE_S:
        tasks = client.tasks(filters={"service": sorted(there)})
        for task in tasks:
            if task["Status"]["State"] == "complete":
                client.remove_service(task["ServiceID"])
                there.discard(task["ServiceID"])
                body = bare_services.adapted(spec, name=f"{name}-{made}", network=network)
                there.add(bare_services.create(client, body))
                made, ended = made + 1, ended + 1
        if perf_counter() - counted >= EVERY_S:
            counted = perf_counter()
            counts.append(sum(task["Status"]["State"] == "running" for task in tasks))
        threading.Event().wait(BARE_LOOK_S)
    seconds = perf_counter() - began
    bare_services.remove(client, name, sorted(there))
    return counts, ended / seconds


def measure(docker_host: str, database: str, *, count: int, longest_s: float) -> list[Row]:
    """Return the rows."""
    with closing(docker.APIClient(base_url=docker_host, version="auto", timeout=60)) as client:
        with installation(docker_host, database) as there:
            flood = Flood(there, client, count)
            found = flood.watch(longest_s)
            grown = there.status_bytes()
        counts, rate = bare(client, flood.spec, flood.slots)
    if not (rate and found.ended[-1][1]):
        raise RuntimeError("not one container ended by itself: docker service ps says why")
    return _rows(found, flood, counts, rate, grown)


def _rows(
    found: Watched, flood: Flood, counts: Sequence[int], rate: float, status_bytes: int
) -> list[Row]:
    full = _steady(found.running, flood.slots)
    ended = found.ended[-1][1]
    seconds = found.ended[-1][0]
    ours, script = mean(full) / flood.slots, mean(_steady(counts, flood.slots)) / flood.slots
    pages, deliveries = sorted(found.pages_ms), sorted(found.deliveries_ms)
    memory = found.run_mib
    return [
        Row(name="flood: push -> all queued", rounds_ms=(found.queued_s * 1000,)),
        Row(
            name=f"flood: one execution, {flood.slots} at a time",
            rounds_ms=(seconds * 1000 / ended,),
            ratio=script / ours,
            budget_ratio=script / (script - BUDGET_IDLE),
            note=f"the ratio is of how full the cluster was: {ours:.1%}, with the script "
            f"{script:.1%}; {ended} ended in {seconds:.0f} s, {ended / seconds:.2f} a second, the "
            f"script {rate:.2f}; status branch {status_bytes / ended:.0f} bytes each",
        ),
        Row(
            name="flood: a page meanwhile, p95",
            rounds_ms=(pages[len(pages) * 95 // 100],),
            note=f"a delivery {deliveries[len(deliveries) * 95 // 100]:.0f} ms; zoe run "
            f"{memory[len(memory) // 4]:.0f} MiB after a quarter, {memory[-1]:.0f} at the end",
        ),
    ]


def _steady(counts: Sequence[int], slots: int) -> Sequence[int]:
    """Leave out the beginning, until it is half full, and the end, from when fewer are left."""
    half = [index for index, count in enumerate(counts) if count >= slots / 2]
    return counts[half[0] : half[-1] + 1] if half else [0]


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--docker-host", default="", help="A Swarm's; else a lab is made (root).")
    parser.add_argument("--database", default="", help="an empty one; default: SQLite")
    parser.add_argument("--executions", type=int, default=5000)
    parser.add_argument("--minutes", type=float, default=15, help="At most so long.")
    parser.add_argument("--nodes", type=int, default=1, help="Of the lab.")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="zb") as name,
        swarm(given.docker_host, Path(name), nodes=given.nodes) as docker_host,
    ):
        rows = measure(
            docker_host,
            given.database,
            count=given.executions,
            longest_s=given.minutes * 60,
        )
    show(rows, output=given.output)


if __name__ == "__main__":
    main()

"""What people's questions cost: pages and API over 10,000 executions, and the loop beside them.

A loop over real Git and SQLite with a simulated cluster is in this process, ``zoe web`` is one of
its own, and so is whoever asks. The loop looks after some hundreds; the others are copies of its
rows in the same store. Every timed request is of an address that nobody asked for before, so
nothing that is remembered is measured, but where it says so.

Budgets: each kind of page p95 50 ms (of one that waits 600 ms: it is held back for its
explanation), a page at most 60 kB; 500 requests a second cost a pass
less than 20 %; after a storm of streams all are told of a change; SIGTERM ends the server within
3 s with all of them open.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import noop_pass
from benchmarks.copied_rows import multiply
from benchmarks.noop_pass import NODES, PER_NAMESPACE, installation, settle
from benchmarks.report import Row, arguments, show
from reconciler.cluster.fake import FakeCluster
from reconciler.loop import Loop

CHECKOUT = Path(__file__).parents[1]
BUDGET_MS, BUDGET_BYTES, BUDGET_RATIO, BUDGET_END_MS = 50, 60_000, 1.2, 3000
BUDGET_WAITS_MS = 600
WAITS = "one that waits, with its explanation"
PER_SECOND = 500
STREAMS = 200
LOOPED = 500
"""How many executions the loop itself looks after."""
ROUNDS, PASSES = 3, 5


class Web:
    """``zoe web`` on the database of a folder."""

    def __init__(self, folder: Path) -> None:
        settings = f'database_url = "sqlite:///{folder}/zoe.db"\nstate_dir = "state-of-web"\n'
        (folder / "zoe.toml").write_text(settings)
        with (folder / "web.log").open("wb") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "reconciler", "web", "--port", "0", "--verbose"],
                cwd=folder,
                env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
                stdout=log,
                stderr=log,
            )
        wait_until(lambda: "listening" in (folder / "web.log").read_text())
        lines = (folder / "web.log").read_text().splitlines()
        self.port: int = next(json.loads(line)["port"] for line in lines if '"listening"' in line)
        for path in ("/api/v1/cluster", "/api/v1/queue"):
            wait_until(lambda path=path: asyncio.run(ask(self.port, [path]))[0][0] == 200)  # type: ignore[misc]

    def rss_mb(self) -> float:
        """Return how much memory it holds."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if "VmRSS" in line) / 1024

    def end(self) -> float:
        """Tell it to end; return how many milliseconds that takes."""
        began = perf_counter()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)
        return (perf_counter() - began) * 1000

    def close(self) -> None:
        """End it, if it is still there."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(30)


@contextmanager
def serving(folder: Path) -> Iterator[Web]:
    """Lend a server, and end it."""
    web = Web(folder)
    try:
        yield web
    finally:
        web.close()


def wait_until(condition: Callable[[], bool]) -> None:
    pause, end = threading.Event(), perf_counter() + 120
    while not condition():
        if perf_counter() > end:
            raise TimeoutError("the server doesn't come up")
        pause.wait(0.1)


Answer = tuple[int, float, int]


async def ask(port: int, paths: Sequence[str]) -> list[Answer]:
    """Ask one after the other over one connection: status, milliseconds, bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        return [await _answer(reader, writer, path, perf_counter()) for path in paths]
    finally:
        writer.close()


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, path: str, since: float
) -> Answer:
    writer.write(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).lower()
    size = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0])
    await reader.readexactly(size)
    return int(head[9:12]), (perf_counter() - since) * 1000, size


async def _flood(port: int, per_second: int, seconds: float) -> list[Answer]:
    """Ask when it is due, whether or not the answers before have come; as 20 readers do."""
    readers, gap, start = 20, 1 / per_second, perf_counter() + 0.2
    paths = ("/", "/api/v1/executions", "/executions", "/api/v1/glance")

    async def read(number: int) -> list[Answer]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        found = []
        for turn in range(number, int(per_second * seconds), readers):
            due = start + turn * gap
            await asyncio.sleep(max(0.0, due - perf_counter()))
            found.append(await _answer(reader, writer, paths[turn % len(paths)], due))
        writer.close()
        return found

    return [answer for part in await asyncio.gather(*map(read, range(readers))) for answer in part]


def flood(port: int, per_second: int, seconds: float, told: object) -> None:
    """Flood a server from a process of its own, and say what came of it."""
    told.put(asyncio.run(_flood(port, per_second, seconds)))  # type: ignore[attr-defined]


def p95(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[max(0, int(len(ordered) * 0.95) - 1)]


def name_of(number: int) -> str:
    """Return NAMESPACE/NAME of one of the first that the loop looks after."""
    number %= LOOPED
    return f"ns{number % max(1, LOOPED // PER_NAMESPACE)}/e{number}"


def measure_pages(web: Web, executions: int, requests: int) -> list[Row]:
    """Return the rows of pages that nobody saw before."""
    namespaces = max(1, executions // PER_NAMESPACE)
    kinds = {
        "list page": [f"/executions?text=e{number}" for number in range(requests)],
        "API page": [f"/api/v1/executions?text=e{number}" for number in range(requests)],
        "namespace": [f"/namespaces/ns{n}" for n in range(min(namespaces, requests))],
        "queue": [f"/queue?labels=!l{number}" for number in range(requests)],
        "queue, API": [f"/api/v1/queue?labels=!l{number}" for number in range(requests)],
        "cluster": [f"/cluster?limit={limit}" for limit in range(1, 11)],
        "one node, API": [f"/api/v1/cluster?node=n{n}&limit=500" for n in range(NODES)],
        "glance, remembered": ["/"] * requests,
        "one execution": [f"/executions/{name_of(n)}" for n in range(requests) if n % 10 != 2],
        WAITS: [f"/executions/{name_of(n)}" for n in range(2, requests, 10)],
    }
    rows = []
    for name, paths in kinds.items():
        answers = asyncio.run(ask(web.port, paths))
        bad = sorted({status for status, _, _ in answers} - {200})
        largest = max(size for _, _, size in answers)
        taken = [ms for _, ms, _ in answers]
        note = f"median {median(taken):.1f} ms; at most {largest / 1000:.1f} kB"
        if bad:
            note += f"; ANSWERS {bad}"
        elif largest > BUDGET_BYTES:
            note += "; TOO LARGE"
        rows.append(
            Row(
                name=f"{name}, p95",
                rounds_ms=(p95(taken),),
                budget_ms=BUDGET_WAITS_MS if name == WAITS else BUDGET_MS,
                note=note,
            )
        )
    return rows


def measure_loop(web: Web, loop: Loop, cluster: FakeCluster, seconds: float) -> Row:
    """Return what a flood of readers costs a pass: rounds alone and beside it take turns."""

    def passes(until: Callable[[], bool]) -> list[float]:
        taken = []
        while not until() or len(taken) < PASSES:
            start = perf_counter()
            loop.reconcile()
            taken.append((perf_counter() - start) * 1000)
            cluster.advance(1000)
            threading.Event().wait(0.5)
        return taken

    alone, beside, answers = [], [], []
    context = multiprocessing.get_context("spawn")
    for _ in range(ROUNDS):
        alone += passes(lambda: True)
        told = context.Queue()
        arguments = (web.port, PER_SECOND, seconds / ROUNDS, told)
        asking = context.Process(target=flood, args=arguments)
        asking.start()
        beside += passes(lambda told=told: not told.empty())  # type: ignore[misc]
        answers += told.get()
        asking.join()
    slow = p95([ms for _, ms, _ in answers])
    wrong = sum(status != 200 for status, _, _ in answers)
    return Row(
        name=f"a pass beside {PER_SECOND} requests/s for {seconds:g} s",
        rounds_ms=tuple(beside),
        ratio=median(beside) / median(alone),
        budget_ratio=BUDGET_RATIO,
        note=(
            f"alone {median(alone):.0f} ms; {len(answers)} answers, {wrong} not 200, "
            f"p95 {slow:.1f} ms; zoe web {web.rss_mb():.0f} MB"
        ),
    )


async def _storm(port: int, end: Callable[[], float]) -> tuple[float, int, float]:
    """Open all streams at once, twice; then let the server end with them open."""

    async def stream() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\nLast-Event-ID: gone\r\n\r\n")
        await reader.readuntil(b"everything")
        return reader, writer

    began = perf_counter()
    for _ in range(2):
        opened = await asyncio.gather(*(stream() for _ in range(STREAMS)), return_exceptions=True)
    there = [one for one in opened if not isinstance(one, BaseException)]
    taken = (perf_counter() - began) * 1000
    ended = asyncio.create_task(asyncio.to_thread(end))
    await asyncio.gather(*(reader.read() for reader, _ in there))
    return taken, len(there), await ended


def measure_streams(web: Web) -> list[Row]:
    """Return what two storms of streams take, and the end of the server beneath them."""
    taken, there, ended = asyncio.run(_storm(web.port, web.end))
    note = f"{there} of {STREAMS} told that everything changed"
    return [
        Row(name=f"{2 * STREAMS} streams at once", rounds_ms=(taken,), note=note),
        Row(name="SIGTERM with streams open", rounds_ms=(ended,), budget_ms=BUDGET_END_MS),
    ]


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--executions", type=int, default=10_000)
    parser.add_argument("--requests", type=int, default=200, help="of each kind of page")
    parser.add_argument("--seconds", type=float, default=60, help="how long the flood lasts")
    given = parser.parse_args()
    looped = min(LOOPED, given.executions)
    with (
        tempfile.TemporaryDirectory(prefix="zb") as name,
        installation(Path(name), noop_pass.manifests(looped)) as (loop, cluster, _),
    ):
        settle(loop, cluster)
        spaces = max(1, looped // PER_NAMESPACE)
        times = given.executions // looped
        multiply(Path(name) / "zoe.db", times, namespaces=spaces, executions=looped)
        with serving(Path(name)) as web:
            rows = measure_pages(web, given.executions, given.requests)
            rows.append(measure_loop(web, loop, cluster, given.seconds))
            rows += measure_streams(web)
    show(rows, output=given.output)


if __name__ == "__main__":
    main()

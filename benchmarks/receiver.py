"""What a flood of deliveries costs: 10,000 in a minute, rightly signed, and then as many forged.

``zoe web`` and ``zoe run`` are processes of their own, on a real database; the cluster is
simulated. Deliveries are sent when they are due, whether or not those before them are answered, and
their time counts from when they were due, so that a receiver that falls behind shows it.

Budgets: p99 100 ms; at most 12 fetches a minute; the receiver grows by at most 20 MB; what is
forged is neither stored nor fetched for.
"""

from __future__ import annotations

import asyncio
import gc
import hmac
import json
import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import pygit2

from benchmarks.report import Row, arguments, show
from reconciler.clock import SystemClock
from reconciler.pacing import SPACING_S
from reconciler.store.repository import SqlStore
from webhook.endpoint import derived_name

CHECKOUT = Path(__file__).parents[1]
SECRET = b"a secret that only this benchmark knows"
PER_MINUTE = 10_000
BUDGET_P99_MS, BUDGET_FETCHES, BUDGET_GROWTH_MB = 100, 12, 20
WARM_UP = 200
PLATFORM = "apiVersion: zoe/v1\nkind: Platform\nmetadata: {name: platform}\nspec: {}\n"


class Installation:
    """A repository, a database, and the two processes."""

    def __init__(self, folder: Path, database: str) -> None:
        self.folder = folder
        self.database = database or f"sqlite:///{folder}/zoe.db"
        self._processes: list[subprocess.Popen[bytes]] = []
        _make_repository(folder / "config.git")
        lines = [
            'deployment = "benchmark"',
            f'database_url = "{self.database}"',
            'cluster = "simulated"',
            'init_image = "init"',
            "interval_s = 30",
            "[[source]]",
            'id = "platform"',
            f'url = "{folder}/config.git"',
            "[source.webhook]",
            'provider = "github"',
            'secret_file = "secret"',
        ]
        (folder / "zoe.toml").write_text("\n".join(lines) + "\n")
        (folder / "secret").write_bytes(SECRET.replace(b" ", b"-"))
        self.secret = SECRET.replace(b" ", b"-")
        self.run = self._start("run", "--verbose")
        _wait_until(lambda: self.fetches() > 0)
        self.web = self._start("web", "--port", "0")
        _wait_until(lambda: bool(self._events("web", "listening")))
        self.port: int = self._events("web", "listening")[0]["port"]

    def fetches(self) -> int:
        """Return how often the loop has fetched."""
        return len(self._events("run", "fetched"))

    def rss_mb(self) -> float:
        """Return how much memory the receiver holds."""
        status = Path(f"/proc/{self.web.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if "VmRSS" in line) / 1024

    def is_wanted(self) -> bool:
        """Tell whether somebody asked for a fetch that wasn't made."""
        with SqlStore(
            self.database, deployment="benchmark", clock=SystemClock(), random=random.Random(1)
        ) as store:
            return store.wait_for_wanted(0)

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.terminate()
            process.wait(30)

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self.folder / f"{command[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "reconciler", *command],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process

    def _events(self, process: str, event: str) -> list[dict[str, int]]:
        lines = (self.folder / f"{process}.log").read_text().split("\n")[:-1]
        return [line for line in map(json.loads, lines) if line["event"] == event]


def _make_repository(path: Path) -> None:
    git = pygit2.init_repository(str(path), bare=True, initial_head="main")
    index = pygit2.Index()
    blob = git.create_blob(PLATFORM.encode())
    index.add(pygit2.IndexEntry("platform.yaml", blob, pygit2.enums.FileMode.BLOB))
    who = pygit2.Signature("Ada", "ada@example.org", 1_700_000_000, 0)
    git.create_commit("refs/heads/main", who, who, "first", index.write_tree(git), [])


def _wait_until(condition: Callable[[], bool]) -> None:
    pause, end = threading.Event(), perf_counter() + 60
    while not condition():
        if perf_counter() > end:
            raise TimeoutError("the installation doesn't come up")
        pause.wait(0.1)


@contextmanager
def installation(database: str) -> Iterator[Installation]:
    """Set one up, and take it down."""
    with tempfile.TemporaryDirectory(prefix="zb") as name:
        made = Installation(Path(name), database)
        try:
            yield made
        finally:
            made.close()


def request(name: str, secret: bytes, number: str) -> bytes:
    """Return a push as GitHub sends it, about as large as a small one is."""
    body = json.dumps(
        {"ref": "refs/heads/main", "before": "a" * 40, "after": "b" * 40, "filler": "x" * 6000}
    ).encode()
    lines = [
        f"POST /hooks/{name} HTTP/1.1",
        "Host: localhost",
        "Connection: close",
        "Content-Type: application/json",
        "X-GitHub-Event: push",
        f"X-GitHub-Delivery: {number}",
        f"X-Hub-Signature-256: sha256={hmac.new(secret, body, 'sha256').hexdigest()}",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def deliver(port: int, data: bytes, due: float) -> tuple[int, float]:
    """Send one when it is due; return the answer's status and milliseconds since it was due."""
    await asyncio.sleep(max(0.0, due - perf_counter()))
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return int(answer[9:12]), (perf_counter() - due) * 1000


async def flood(port: int, requests: list[bytes], seconds: float) -> list[tuple[int, float]]:
    """Spread the requests over the time."""
    start = perf_counter() + 0.1
    gap = seconds / len(requests)
    jobs = [deliver(port, data, start + gap * index) for index, data in enumerate(requests)]
    return await asyncio.gather(*jobs)


def measure(there: Installation, *, round_: int, seconds: float, is_forged: bool) -> Row:
    """Flood the receiver and say what came of it."""
    count = max(1, round(PER_MINUTE * seconds / 60))
    kind, secret = ("forged", b"guessed") if is_forged else ("signed", there.secret)
    name = derived_name("platform", there.secret)
    requests = [
        request(name, secret, f"{kind}-{round_}-{number}") for number in range(WARM_UP + count)
    ]
    asyncio.run(flood(there.port, requests[:WARM_UP], WARM_UP * 60 / PER_MINUTE))
    # What was asked for until now is fetched before the counting begins.
    threading.Event().wait(SPACING_S + 1)
    gc.freeze()  # a pause of this process would count as the receiver's
    memory, fetches = there.rss_mb(), there.fetches()
    answers = asyncio.run(flood(there.port, requests[WARM_UP:], seconds))
    statuses = {status for status, _ in answers}
    fetched, grown = there.fetches() - fetches, there.rss_mb() - memory
    expected = 401 if is_forged else 202
    budgets = "the timer's" if is_forged else f"budget {BUDGET_FETCHES} a minute"
    note = f"{fetched} fetches ({budgets}), {grown:+.1f} MB (budget {BUDGET_GROWTH_MB})"
    if statuses != {expected}:
        note += f", answers {sorted(statuses)} instead of {expected}"
    if is_forged and there.is_wanted():
        note += ", A FORGED DELIVERY WAS BELIEVED"
    times = sorted(ms for _, ms in answers)
    p99 = times[int(len(times) * 0.99) - 1]
    return Row(
        name=f"{count} {kind} in {seconds:g} s, p99",
        rounds_ms=(p99,),
        budget_ms=BUDGET_P99_MS,
        note=f"median {times[len(times) // 2]:.1f} ms; {note}",
    )


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--seconds", type=float, default=60, help="how long each flood lasts")
    parser.add_argument("--database", default="", help="an empty one; default: SQLite")
    given = parser.parse_args()
    rows = []
    with installation(given.database) as there:
        for number in range(given.rounds):
            rows += [
                measure(there, round_=number, seconds=given.seconds, is_forged=is_forged)
                for is_forged in (False, True)
            ]
    show(rows, output=given.output)


if __name__ == "__main__":
    main()

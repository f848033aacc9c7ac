"""Let a real ``zoe run`` and ``zoe web`` live on a lab Swarm, and see what grows.

    python -m tests.safety.soak --minutes 60 [--sqlite] [--every 4] [--docker-host URL]

A small change is pushed every few seconds; pages are read meanwhile. What is kept for days is
kept for minutes (``hurried``), so that memory comes to rest as it does in months. Every sample
goes to ``--samples``, a file of JSON lines. The last line has the figures; it ends with 1 if a
promise was broken. ``--record`` puts them into docs/reliability.json.
"""

from __future__ import annotations

import argparse
import json
import re
import signal
import sys
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from threading import Event
from time import monotonic

import psycopg
from docker.errors import DockerException
from requests.exceptions import RequestException

from reconciler.converge.state import LABEL_EXECUTION
from reconciler.errors import StoreUnavailable
from tests.e2e.installation import Installation, labels
from tests.e2e.process import ROOT, RunningZoe
from tests.safety.lent import Lent, lent_installation
from tests.safety.soak import figures, samples, work
from tests.safety.soak.figures import Figures
from tests.safety.soak.growth import later_half, per_hour

RECORD = ROOT / "docs" / "reliability.json"
SAMPLE_S = 15
STANDS_S = 180
GONE_S = 300
STUCK_S = 300
_ON_ITS_WAY = frozenset({"Pending", "Queued", "Starting", "Terminating", "Unknown"})
_PROGRAM = (sys.executable, "-m", "reconciler")
_HURRIED = (sys.executable, "-m", "tests.safety.soak.hurried")
_AWAY = (OSError, DockerException, RequestException, StoreUnavailable, psycopg.Error)
_TO_CONFIRM = re.compile(r"zoe confirm ([0-9a-f]+)")
_LEFT = ("services", "networks", "configs", "secrets", "containers")


class Soak:
    """What was seen so far."""

    def __init__(self, lent: Lent, work_: work.Work, told: Path | None) -> None:
        self.installation = lent.installation
        self.work = work_
        self.series: dict[str, list[tuple[float, float]]] = defaultdict(list)
        self.stuck: set[str] = set()
        self.pause = Event()
        """Never set: to wait on."""
        self._told = told
        self._since: dict[str, tuple[str, float]] = {}
        self._begun = monotonic()

    def sample(self, processes: dict[str, RunningZoe]) -> None:
        """Read everything once."""
        at = round(monotonic() - self._begun, 1)
        found = {name: samples.of_process(running) for name, running in processes.items()}
        found["store"] = samples.of_store(self.installation)
        found["branch"] = samples.of_branch(self.installation)
        found["engine"] = samples.of_engine(self.installation)
        for part, sample in found.items():
            for name, value in sample.items():
                self.series[f"{part}.{name}"].append((at, value))
        self._look_for_stuck(at)
        line = json.dumps(
            {"at": at, "changes": self.work.changes, "stuck": len(self.stuck), **found}
        )
        if self._told is not None:
            with self._told.open("a") as file:
                file.write(line + "\n")

    def _look_for_stuck(self, at: float) -> None:
        phases = self.installation.phases()
        for name, phase in phases.items():
            if self._since.get(name, ("", 0))[0] != phase:
                self._since[name] = (phase, at)
            elif phase in _ON_ITS_WAY and at - self._since[name][1] > STUCK_S:
                self.stuck.add(f"{name}: {phase}")

    def release(self) -> None:
        """Confirm, as an operator does, deletes that came together: else nothing goes any more."""
        bodies = [whole["status"] for whole in self.installation.statuses().values()]
        held = [c for b in bodies for c in b["conditions"] if c["reason"] == "MassDelete"]
        for commit in sorted({one for c in held for one in _TO_CONFIRM.findall(c["message"])}):
            self.installation.zoe("confirm", commit)

    def left(self, before: samples.Sample) -> dict[str, float]:
        """Return what is there beyond what was, once there was time to go."""
        ends_at = monotonic() + GONE_S
        while True:
            self.release()
            now = samples.of_engine(self.installation)
            found = {name: now[name] - before[name] for name in _LEFT if now[name] > before[name]}
            if not found or monotonic() > ends_at:
                return found
            self.pause.wait(2)

    def standing(self) -> dict[str, str]:
        """Return the ids of the services of what stands, by name, which no change may touch."""
        return {
            service["Spec"]["Name"]: f"{service['ID']} {service['Spec']['TaskTemplate']}"
            for service in self.installation.services()
            if labels(service).get(LABEL_EXECUTION, "").startswith("standing-")
        }


def main() -> int:
    given = _arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # what was started is ended
    with lent_installation("soak", docker_host=given.docker_host, is_sqlite=given.sqlite) as lent:
        found = _soak(lent, given)
    _say(str(found))
    if given.record:
        found.record(RECORD)
    for name in found.breaches:
        _say(f"breach: {name}={getattr(found, name)}")
    return int(bool(found.breaches))


def _soak(lent: Lent, given: argparse.Namespace) -> Figures:
    soak = Soak(lent, work.Work(Random(given.seed)), given.samples)
    installation = lent.installation
    # Not forked from others: its memory is its own.
    installation.program = _PROGRAM if given.in_time else _HURRIED
    installation.push(work.standing())
    with _started(installation, "run") as run, _started(installation, "web", "--port", "0") as web:
        processes = {"run": run, "web": web}
        standing = {f"{work.NAMESPACE}/standing-{n}": "Running" for n in range(work.STANDING)}
        installation.await_phases(standing, timeout_s=STANDS_S)
        before, as_made = samples.of_engine(installation), soak.standing()
        _go_on(soak, processes, given)
        installation.push(soak.work.end(), message="end")
        left = soak.left(before)
        touched = [n for n, what in as_made.items() if soak.standing().get(n) != what]
        for what in (*(f"left: {n} {c:g}" for n, c in left.items()), *sorted(soak.stuck), *touched):
            _say(what)
        for running in processes.values():
            running.stop()
    return _figures(soak, run, web, left=left, touched=touched, given=given)


def _go_on(soak: Soak, processes: dict[str, RunningZoe], given: argparse.Namespace) -> None:
    ends_at = monotonic() + given.minutes * 60
    sample_at = monotonic()
    while (now := monotonic()) < ends_at:
        soak.installation.push(soak.work.change())
        if now >= sample_at:
            with suppress(*_AWAY):  # a machine too busy to answer once
                _read_pages(processes["web"])
                soak.sample(processes)
                soak.release()
            sample_at += SAMPLE_S
        soak.pause.wait(given.every * soak.work.chance.uniform(0.5, 1.5))


def _read_pages(web: RunningZoe) -> None:
    """Read what people look at, as one of them."""
    (port,) = {line["port"] for line in web.events("listening")}
    for path in ("/", "/queue", "/history", "/api/v1/executions"):
        address = f"http://127.0.0.1:{port}{path}"
        with suppress(OSError), urllib.request.urlopen(address, timeout=30) as answer:
            answer.read()


def _figures(
    soak: Soak,
    run: RunningZoe,
    web: RunningZoe,
    *,
    left: dict[str, float],
    touched: list[str],
    given: argparse.Namespace,
) -> Figures:
    series = soak.series
    faults = [*run.faults(), *web.faults()]
    for line in faults:
        _say(line[:2000])
    log = run.log.stat().st_size
    return Figures(
        minutes=given.minutes,
        database="sqlite" if given.sqlite else "postgresql",
        changes=soak.work.changes,
        passes=len(run.events("pass")),
        runs=figures.last(series["store.runs"]),
        orphans=round(sum(left.values())),
        stuck=len(soak.stuck),
        faults=len(faults),
        touched=len(touched),
        **figures.of_process("run", series),
        **figures.of_process("web", series),
        runs_an_hour=round(per_hour(later_half(series["store.runs"]))),
        database_kib=figures.last(series["store.bytes"]) // 1024,
        database_growth_kib=round(per_hour(later_half(series["store.bytes"])) / 1024),
        mirrors_kib=figures.last(series["branch.mirrors"]) // 1024,
        mirrors_growth_kib=round(per_hour(later_half(series["branch.mirrors"])) / 1024),
        branch_commits=figures.last(series["branch.commits"]),
        log_bytes_a_change=log // max(1, soak.work.changes),
    )


@contextmanager
def _started(installation: Installation, *command: str) -> Iterator[RunningZoe]:
    running: RunningZoe = installation.start(*command)
    try:
        yield running
    finally:
        if running.is_alive:
            running.kill()


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - what it is for


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.safety.soak", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--minutes", type=int, default=60)
    parser.add_argument("--every", type=float, default=4, help="seconds from change to change")
    parser.add_argument("--sqlite", action="store_true", help="not PostgreSQL")
    parser.add_argument("--in-time", action="store_true", help="what is over is kept for 90 days")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--docker-host", default="", help="a Swarm that is there; default: a lab")
    parser.add_argument("--samples", type=Path, help="a file for each sample, in JSON lines")
    parser.add_argument("--record", action="store_true", help=f"put the figures into {RECORD.name}")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

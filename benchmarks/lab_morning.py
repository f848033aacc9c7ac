"""A lab begins: groups of students start five containers each, one group after the other.

Each group has a namespace, and so an overlay, of its own; all stay until the last one runs. Beside
Zoe a bare script starts services of the very same specs, group by group, on the same Swarm when it
is empty again. Told are the time of a group from the visible commit until all of it runs, how much
that grows from the first five groups to the last five, and the total against the script's. Budgets:
growth at most 1.15 (the upper end of a 90 % bootstrap over five rounds, ``--rounds 5``), total at
most 1.10 times the script's. ``--beside`` has the script's groups stay while Zoe's come.
"""

from __future__ import annotations

import random
import tempfile
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from statistics import mean, median
from time import perf_counter
from typing import Any

import docker

from benchmarks import bare_services
from benchmarks.five_services import execution
from benchmarks.on_swarm import Zoe, files_of, swarm, zoe
from benchmarks.report import Row, arguments, show

GROUPS, SERVICES, ENDS = 25, 5, 5
BUDGET_GROWTH, BUDGET_RATIO = 1.15, 1.10
BOOTSTRAPS = 2000
ENOUGH_ROUNDS = 5
"""Of fewer too little can be said of the growth to hold it against a budget."""


def ours(there: Zoe, number: int, groups: int) -> tuple[list[float], list[dict[str, Any]]]:
    """Return each group's ms from commit to running, and the specs of one group."""
    taken: list[float] = []
    files: dict[str, str] = {}
    ids: list[str] = []
    names = [f"g{number}x{group}" for group in range(groups)]
    specs: list[dict[str, Any]] = []
    for name in names:
        files |= files_of(name, execution(SERVICES))
        started = there.asked(name, files, services=SERVICES)
        running = bare_services.await_running(there.client, started.ids)
        taken.append((running - started.began) * 1000)
        ids += started.ids
        specs = [service["Spec"] for service in started.services]
        there.loop.reconcile()  # what runs is told
    there.stopped(names, ids)
    return taken, specs


class Bare:
    """The script's groups."""

    def __init__(self, client: Any, specs: list[dict[str, Any]], concurrency: int) -> None:
        self.client, self._specs, self._concurrency = client, specs, concurrency
        self._there: dict[str, list[str]] = {}

    def start(self, groups: int) -> list[float]:
        """Return each group's ms from nothing to running."""
        taken: list[float] = []
        for _ in range(groups):
            name, began = f"bare{random.randrange(10**9)}", perf_counter()
            ids, _ = bare_services.start(
                self.client, name, self._specs, concurrency=self._concurrency
            )
            taken.append((bare_services.await_running(self.client, ids) - began) * 1000)
            self._there[name] = ids
        return taken

    def stop(self) -> None:
        """End all of them."""
        for name, ids in self._there.items():
            bare_services.remove(self.client, name, ids)
        self._there = {}


def measure(
    docker_host: str, folder: Path, *, rounds: int, groups: int, where: str = "", beside: bool
) -> list[Row]:
    """Return the rows of rounds, Zoe's and the script's in turns."""
    mine: list[list[float]] = []
    bare: list[list[float]] = []
    with (
        closing(docker.APIClient(base_url=docker_host, version="auto", timeout=60)) as client,
        zoe(folder, docker_host, client) as there,
    ):
        _, specs = ours(there, 0, 1)
        script = Bare(client, specs, there.loop.concurrency)
        for number in range(1, rounds + 1):
            if beside:
                bare.append(script.start(groups))
                mine.append(ours(there, number, groups)[0])
            else:
                mine.append(ours(there, number, groups)[0])
                bare.append(script.start(groups))
            script.stop()
        left = client.services(filters={"label": f"zoe.deployment={there.deployment}"})
    if left:
        raise RuntimeError(f"{len(left)} services are left")
    where += ", beside as many of others" if beside else ""
    return _rows(f"{groups} groups of {SERVICES}{where}", mine, bare)


def _rows(name: str, mine: list[list[float]], bare: list[list[float]]) -> list[Row]:
    totals = [sum(taken) for taken in mine]
    totals_bare = [sum(taken) for taken in bare]
    return [
        Row(
            name=f"{name}: one group, commit -> running",
            rounds_ms=tuple(ms for taken in mine for ms in taken),
            ratio=bootstrapped(mine),
            budget_ratio=BUDGET_GROWTH if len(mine) >= ENOUGH_ROUNDS else None,
            note=f"growth {growth(mine):.2f}, with 95 % confidence at most the ratio; "
            f"the script's {growth(bare):.2f}, at most {bootstrapped(bare):.2f}",
        ),
        Row(
            name=f"{name}: all",
            rounds_ms=tuple(totals),
            ratio=median(totals) / median(totals_bare),
            budget_ratio=BUDGET_RATIO,
        ),
        Row(name="  bare script: all", rounds_ms=tuple(totals_bare)),
    ]


def growth(rounds: Sequence[Sequence[float]]) -> float:
    """Return how much longer the last five groups took than the first five."""
    return mean(median(r[-ENDS:]) for r in rounds) / mean(median(r[:ENDS]) for r in rounds)


def bootstrapped(rounds: Sequence[Sequence[float]]) -> float:
    """Return the upper end of a 90 % interval of the growth, rounds and groups drawn anew."""
    chance = random.Random(1)

    def again() -> float:
        drawn = chance.choices(rounds, k=len(rounds))
        parts = [
            (chance.choices(r[:ENDS], k=ENDS), chance.choices(r[-ENDS:], k=ENDS)) for r in drawn
        ]
        return growth([[*first, *last] for first, last in parts])

    return sorted(again() for _ in range(BOOTSTRAPS))[int(BOOTSTRAPS * 0.95)]


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--docker-host", default="", help="A Swarm's; else a lab is made (root).")
    parser.add_argument("--groups", type=int, default=GROUPS)
    parser.add_argument("--nodes", type=int, default=1, help="Of the lab.")
    parser.add_argument("--beside", action="store_true", help="The script's groups stay meanwhile.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="zb") as name:
        folder = Path(name)
        with swarm(given.docker_host, folder, nodes=given.nodes) as docker_host:
            rows = measure(
                docker_host,
                folder,
                rounds=given.rounds,
                groups=given.groups,
                where=f" on {given.nodes} nodes" if given.nodes > 1 else "",
                beside=given.beside,
            )
    show(rows, output=given.output)


if __name__ == "__main__":
    main()

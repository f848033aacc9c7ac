"""Plays several policies on the same workloads, side by side, on as many processors as given."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from policy.settings import PolicySettings
from policy.simulator import metrics
from policy.simulator.application import Application
from policy.simulator.engine import Engine
from policy.simulator.knowledge import Estimates, Knowledge
from policy.simulator.load import offered_permille, window_ms
from policy.simulator.machines import Machines
from policy.simulator.record import Record, Run
from reconciler.simulate.workloads import Source

Told = Callable[[str], None]

CURVE_POINTS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is played: a workload for each seed, on a cluster, with what policy may know of it."""

    source: Source
    machines: Machines
    estimates: Estimates
    learns: bool
    seeds: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """The figures of one policy on one workload, and its distributions for the chart (seconds)."""

    figures: metrics.Figures
    turnaround_s: tuple[float, ...]
    wait_s: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came out: of the workloads, and of each policy for each seed."""

    workload: Mapping[str, Any]
    played: Mapping[str, tuple[Played, ...]]

    def figures(self, name: str) -> metrics.Figures:
        """Return the figures of a policy over all seeds."""
        return metrics.combined([p.figures for p in self.played[name]], random.Random(0))


def compare(
    scenario: Scenario, policies: Mapping[str, PolicySettings], *, jobs: int, tell: Told
) -> Comparison:
    """Play every policy on the workload of every seed."""
    workloads = [scenario.source.workload(scenario.machines, seed) for seed in scenario.seeds]
    first = workloads[0]
    with _executor(jobs) as executor:
        tasks = {
            name: [_submit(executor, w.applications, settings, scenario) for w in workloads]
            for name, settings in policies.items()
        }
        played: dict[str, tuple[Played, ...]] = {}
        for name, futures in tasks.items():
            tell(f"playing {name}")
            played[name] = tuple(future() for future in futures)
    loads = [offered_permille(w.applications, scenario.machines.capacity) for w in workloads]
    known = [load for load in loads if load is not None]
    told = {
        "applications": len(first.applications),
        "dropped": dict(first.dropped),
        "offered_load": sum(known) / len(known) / 1000 if known else None,
        "window_s": window_ms(first.applications) / 1000,
        "seeds": list(scenario.seeds),
    }
    return Comparison(workload=told, played=played)


def play(
    applications: Sequence[Application], settings: PolicySettings, scenario: Scenario
) -> Played:
    """Play one policy on one workload."""
    knowledge = Knowledge(scenario.estimates, learns=scenario.learns)
    run = Engine(settings, scenario.machines.nodes()).run(applications, knowledge=knowledge)
    return Played(
        figures=metrics.summary(run),
        turnaround_s=_sampled(run, lambda r: r.turnaround_ms),
        wait_s=_sampled(run, lambda r: r.waited_ms),
    )


def _sampled(run: Run, of: Callable[[Record], int | None]) -> tuple[float, ...]:
    """Return evenly spaced quantiles, in seconds: enough for a curve, few enough to send."""
    ended = (record for record in run.records.values() if record.ended_ms is not None)
    values = sorted(value for record in ended if (value := of(record)) is not None)
    return tuple(
        metrics.percentile(values, 1000 * step // CURVE_POINTS) / 1000
        for step in range(CURVE_POINTS + 1)
    )


Playing = Callable[[], Played]


def _submit(
    executor: Executor | None,
    applications: Sequence[Application],
    settings: PolicySettings,
    scenario: Scenario,
) -> Playing:
    if executor is None:
        return partial(play, applications, settings, scenario)
    return executor.submit(play, applications, settings, scenario).result


@contextmanager
def _executor(jobs: int) -> Iterator[Executor | None]:
    """Lend processes, or nothing where one is enough."""
    if jobs == 1:
        yield None
        return
    with ProcessPoolExecutor(jobs) as executor:
        yield executor

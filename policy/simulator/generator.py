"""A synthetic workload after the evaluation of the Zoe paper, rebuilt from published summaries.

The authors drew from files of Google's 2011 cluster trace that aren't public. Here runtimes and
counts are log-normal, shapes are interpolated between published quantiles, and the core of an
elastic application is drawn as theirs was (docs/simulation.md tells each difference). Lengths of
time are drawn in seconds and kept in milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, log

from policy.model.execution import ApplicationType, Component, Execution, Uid
from policy.model.resources import Resources
from policy.simulator.application import Application, Kind
from policy.simulator.chance import Chance

GIB = 1024**3
DAY_S = 86_400

CPU_QUANTILES = ((0.0, 0.001), (0.5, 0.025), (0.9, 0.78), (0.99, 3.8), (1.0, 10.0))
"""(quantile, cores) that one task used in the trace; the outer two are bounds."""

MEMORY_QUANTILES = ((0.0, 0.01), (0.5, 0.17), (0.9, 2.4), (0.99, 8.7), (1.0, 40.0))
"""(quantile, GiB) that one task used."""

SCALE = 0.7
"""What the authors multiplied both with."""

MOST_CORES, MOST_GIB = 6.4, 25.6
"""A component below both fits five times on a node; others are drawn again."""

LONGEST_S = 9 * DAY_S
MOST_REPLICAS = 2000
BURST = 5
NAMESPACES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """Permille of the applications that are of a kind; the rest is interactive."""

    elastic: int = 640
    rigid: int = 160


def generate(count: int, chance: Chance, mix: Mix) -> list[Application]:
    """Return ``count`` applications that arrive in bursts, a burst every 1,000 seconds on average.

    How fast they are to arrive is for ``load.at_load`` to say, once it is known what fits.
    """
    applications: list[Application] = []
    now_s = 0.0
    for number in range(count):
        if number and number % BURST == 0:
            now_s += chance.expovariate(1.0)
        applications.append(_application(number, int(now_s * 1_000_000), chance, mix))
    return applications


def _application(number: int, queued_ms: int, chance: Chance, mix: Mix) -> Application:
    kind = _kind(chance, mix)
    runtime_s = _interactive_s(chance) if kind is Kind.INTERACTIVE else _batch_s(chance)
    runtime_ms = max(1, round(runtime_s * 1000))
    core, elastic = _replicas(kind, chance)
    execution = Execution(
        uid=Uid(f"{number:016x}"),
        namespace=f"group{chance.randrange(NAMESPACES)}",
        name=f"app-{number}",
        type=(ApplicationType.INTERACTIVE if kind is Kind.INTERACTIVE else ApplicationType.BATCH),
        components=(
            Component(name="worker", core=core, maximum=core + elastic, demand=_shape(chance)),
        ),
        queued_ms=queued_ms,
    )
    # People know roughly how long their work takes: within a factor of e, two times of three.
    hint_ms = max(1, round(runtime_ms * chance.lognormvariate(0.0, 1.0)))
    return Application(execution=execution, runtime_ms=runtime_ms, hint_ms=hint_ms)


def _kind(chance: Chance, mix: Mix) -> Kind:
    drawn = chance.randrange(1000)
    if drawn < mix.elastic:
        return Kind.ELASTIC
    return Kind.RIGID if drawn < mix.elastic + mix.rigid else Kind.INTERACTIVE


def _batch_s(chance: Chance) -> float:
    while (drawn := 30 * chance.lognormvariate(log(200), 1.6)) >= LONGEST_S:
        pass
    return drawn


def _interactive_s(chance: Chance) -> float:
    drawn = chance.random()
    if drawn < 0.05:
        return chance.uniform(0, 30)
    if drawn < 0.95:
        return chance.uniform(30, 50_430)
    return chance.uniform(50_430, 50_460)


def _replicas(kind: Kind, chance: Chance) -> tuple[int, int]:
    """Return how many replicas are core, and how many elastic."""
    drawn = 1 if chance.random() < 0.7 else max(1, round(chance.lognormvariate(2.0, 1.5)))
    match kind:
        case Kind.ELASTIC:
            return max(1, chance.randrange(5)), min(drawn * 10, MOST_REPLICAS)
        case Kind.RIGID:
            return min(drawn, MOST_REPLICAS), 0
        case Kind.INTERACTIVE:
            return 1, min(drawn, MOST_REPLICAS) - 1


def _shape(chance: Chance) -> Resources:
    while True:
        cores = SCALE * _interpolated(chance.random(), CPU_QUANTILES)
        gib = SCALE * _interpolated(chance.random(), MEMORY_QUANTILES)
        if cores < MOST_CORES and gib < MOST_GIB:
            break
    return Resources(cpu_millis=max(1, round(cores * 1000)), memory_bytes=round(gib * GIB))


def _interpolated(rank: float, quantiles: Sequence[tuple[float, float]]) -> float:
    """Return the value at a quantile; between two known ones its logarithm is a straight line."""
    for (below, low), (above, high) in pairwise(quantiles):
        if rank <= above:
            part = (rank - below) / (above - below)
            return exp(log(low) + part * (log(high) - log(low)))
    return quantiles[-1][1]

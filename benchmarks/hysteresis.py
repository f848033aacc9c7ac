"""What it costs to take fewer elastic replicas back: the curve behind the defaults of ``fair``.

Each setting of minimum grant, pause before growing again, and minimum gain is played on the same
workloads; told are revocations per application and what is lost of the median turnaround against
no hysteresis at all.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from statistics import fmean

from benchmarks.report import arguments, machine
from policy.model.resources import Resources
from policy.settings import MINUTE_MS, PolicySettings
from policy.simulator.generator import Mix
from policy.simulator.knowledge import Estimates
from policy.simulator.machines import Machines
from reconciler.simulate.compare import Scenario, play
from reconciler.simulate.workloads import SyntheticSource

MACHINES = Machines.equal(
    100, Resources(cpu_millis=32_000, memory_bytes=128 * 1024**3), is_pooled=True
)
NONE = (0, 0, 0)
SETTINGS = (
    NONE,
    (1, 5, 0),
    (5, 5, 0),
    (15, 15, 0),
    (60, 60, 0),
    (0, 30, 0),
    (0, 120, 0),
    (1, 5, 50),
    (1, 5, 200),
    (15, 60, 50),
)
"""(minimum grant in minutes, pause before growing again in minutes, minimum gain in permille)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One setting, and its figures over all seeds."""

    setting: tuple[int, int, int]
    revocations: float
    median_turnaround_s: float
    p95_wait_s: float

    def told(self, base: Point) -> str:
        """Return the row, with the loss against ``base``."""
        grant, regrow, gain = self.setting
        lost = 100 * (self.median_turnaround_s / base.median_turnaround_s - 1)
        return (
            f"grant {grant:3} min  regrow {regrow:3} min  gain {gain / 10:4.1f} %  "
            f"{self.revocations:8.2f} revocations/application  "
            f"median {self.median_turnaround_s:9.0f} s ({lost:+.1f} %)  "
            f"p95 wait {self.p95_wait_s:7.0f} s"
        )


def measure(setting: tuple[int, int, int], count: int, load: float, seeds: int) -> Point:
    """Play one setting."""
    grant, regrow, gain = setting
    settings = replace(
        PolicySettings(),
        grant_ms=grant * MINUTE_MS,
        regrow_ms=regrow * MINUTE_MS,
        gain_permille=gain,
    )
    scenario = Scenario(
        source=SyntheticSource(count=count, load_permille=round(load * 1000), mix=Mix()),
        machines=MACHINES,
        estimates=Estimates.USER,
        learns=True,
        seeds=tuple(range(1, seeds + 1)),
    )
    found = [
        play(scenario.source.workload(MACHINES, seed).applications, settings, scenario).figures
        for seed in scenario.seeds
    ]
    return Point(
        setting=setting,
        revocations=fmean(f["revocations_per_application"] for f in found),
        median_turnaround_s=fmean(f["median_turnaround_s"] for f in found),
        p95_wait_s=fmean(f["p95_wait_s"] for f in found),
    )


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--applications", type=int, default=8000)
    parser.add_argument("--load", type=float, default=0.9)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    points: list[Point] = []
    if given.output == "text":
        print(machine())
    for setting in SETTINGS:
        points.append(measure(setting, given.applications, given.load, given.seeds))
        if given.output == "text":
            print(points[-1].told(points[0]), flush=True)
    if given.output == "json":
        rows = [
            {name: getattr(point, name) for name in Point.__dataclass_fields__} for point in points
        ]
        print(json.dumps({"machine": machine(), "results": rows}, indent=2))


if __name__ == "__main__":
    main()

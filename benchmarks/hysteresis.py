"""What it costs to take fewer elastic replicas back: the curve behind the defaults of ``fair``.

Each setting of minimum grant, pause before growing again, and minimum gain is played on the same
workloads, one for each seed. The rounds are the median turnarounds; the ratio is to no hysteresis
at all. Budget of the defaults: 3 % of the turnaround. Eight revocations for each application were
hoped for, and aren't reached: ``docs/scheduling.md`` says which they are.
"""

from __future__ import annotations

from dataclasses import replace
from statistics import fmean

from benchmarks.report import Row, arguments, show
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
_DEFAULTS = PolicySettings()
DEFAULTS = (
    _DEFAULTS.grant_ms // MINUTE_MS,
    _DEFAULTS.regrow_ms // MINUTE_MS,
    _DEFAULTS.gain_permille,
)
SETTINGS = (
    (0, 0, 0),
    DEFAULTS,
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

BUDGET_RATIO = 1.03


def measure(setting: tuple[int, int, int], count: int, load: float, seeds: int) -> Row:
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
    revocations = fmean(f["revocations_per_application"] for f in found)
    wait_s = fmean(f["p95_wait_s"] for f in found)
    return Row(
        name=f"grant {grant} min, regrow {regrow} min, gain {gain / 10:g} %: turnaround",
        rounds_ms=tuple(f["median_turnaround_s"] * 1000 for f in found),
        note=f"{revocations:.2f} revocations an application; p95 of the wait {wait_s:.0f} s",
    )


def main() -> None:
    parser = arguments(__doc__, rounds=1)
    parser.add_argument("--applications", type=int, default=8000)
    parser.add_argument("--load", type=float, default=0.9)
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    rows: list[Row] = []
    for setting in SETTINGS:
        row = measure(setting, given.applications, given.load, given.seeds)
        ratio = row.median_ms / rows[0].median_ms if rows else None
        budget = BUDGET_RATIO if setting == DEFAULTS else None
        rows.append(replace(row, ratio=ratio, budget_ratio=budget))
    show(rows, output=given.output)


if __name__ == "__main__":
    main()

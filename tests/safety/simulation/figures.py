"""What seeds added up to, and the file in which long runs add up: each seed counts once."""

from __future__ import annotations

import fcntl
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.safety.simulation.world import Result

RECORD = Path(__file__).parents[3] / "docs" / "reliability.json"
_SECTION = "simulation"


@dataclass
class Figures:
    """Counts of a run."""

    seeds: int = 0
    passes: int = 0
    calls: int = 0
    effects: int = 0
    faults: int = 0
    breaches: int = 0
    failed: list[int] = field(default_factory=list)

    def add(self, result: Result) -> None:
        """Count one seed."""
        self.seeds += 1
        self.passes += result.passes
        self.calls += result.calls
        self.effects += result.effects
        self.faults += result.faults
        self.breaches += len(result.breaches)
        self.failed += [result.seed] if result.breaches else []

    def line(self, cpu_s: float) -> str:
        """Return the last line."""
        return (
            f"seeds={self.seeds} passes={self.passes} calls={self.calls} effects={self.effects}"
            f" faults={self.faults} breaches={self.breaches} failed={self.failed[:20]}"
            f" cpu_seconds={cpu_s:.1f}"
        )

    def add_to(self, path: Path, seeds: range) -> None:
        """Add them to the file's section; the other sections stay. Several may do so at once."""
        with path.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            whole = json.load(file)
            section = whole.get(_SECTION, {})
            counts = ("seeds", "passes", "calls", "effects", "faults", "breaches")
            added = {name: section.get(name, 0) + getattr(self, name) for name in counts}
            ranges = _merged([*section.get("ranges", []), [seeds.start, seeds.stop - 1]])
            whole[_SECTION] = {**added, "ranges": ranges}
            file.seek(0)
            file.truncate()
            file.write(json.dumps(whole, indent=2, sort_keys=True) + "\n")


def resident_kib() -> int:
    """Return the memory of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def left(path: Path, seeds: range, *, at_once: int) -> Iterator[range]:
    """Yield what hasn't been recorded of some seeds, so many at a time."""
    ranges = json.loads(path.read_text()).get(_SECTION, {}).get("ranges", [])
    done = {seed for first, last in ranges for seed in range(first, last + 1)}
    start = None
    for seed in (*seeds, None):
        is_new = seed is not None and seed not in done
        if start is not None and (not is_new or seed == start + at_once):
            yield range(start, seed if seed is not None else seeds.stop)
            start = None
        if is_new and start is None:
            start = seed


def _merged(ranges: Iterable[list[int]]) -> list[list[int]]:
    """Return ranges of first and last seed in order, without gaps of nothing."""
    found: list[list[int]] = []
    for first, last in sorted(ranges):
        if found and first <= found[-1][1] + 1:
            found[-1][1] = max(found[-1][1], last)
        else:
            found.append([first, last])
    return found

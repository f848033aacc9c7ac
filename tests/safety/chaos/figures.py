"""What rounds added up to, and the file in which long runs add up."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

BREACHES = ("lost", "doubled", "rerun", "orphans", "stale", "untold", "late", "faults")


@dataclass(slots=True)
class Figures:
    """Counts of a run. All of ``BREACHES`` must stay 0."""

    rounds: dict[str, int] = field(default_factory=dict)
    executions: int = 0
    lost: int = 0
    doubled: int = 0
    rerun: int = 0
    tried_again: int = 0
    """Attempts that the engine couldn't start, so that another followed: no breach."""
    orphans: int = 0
    stale: int = 0
    untold: int = 0
    """Executions of which the status branch said something else in the end."""
    late: int = 0
    """Rounds that needed more passes, or seconds, than promised."""
    faults: int = 0
    """Lines of logs that nobody expected."""
    most_passes: int = 0
    longest_return_ms: int = 0

    @property
    def is_breached(self) -> bool:
        """Whether a promise was broken."""
        return any(getattr(self, name) for name in BREACHES)

    def __str__(self) -> str:
        """Return one line."""
        rounds = " ".join(f"{kind}={count}" for kind, count in sorted(self.rounds.items()))
        counts = {k: v for k, v in asdict(self).items() if k != "rounds"}
        return f"chaos: {rounds} " + " ".join(f"{k}={v}" for k, v in counts.items())

    def add_to(self, path: Path) -> None:
        """Add this run to the file's ``chaos``; the other sections stay."""
        told = json.loads(path.read_text()) if path.exists() else {}
        before = told.get("chaos", {})
        now = asdict(self)
        for name, value in now.items():
            if isinstance(value, dict):
                was = before.get(name, {})
                now[name] = {k: value.get(k, 0) + was.get(k, 0) for k in sorted({*value, *was})}
            elif name.startswith(("most_", "longest_")):
                now[name] = max(value, before.get(name, 0))
            else:
                now[name] = value + before.get(name, 0)
        path.write_text(json.dumps({**told, "chaos": now}, indent=2, sort_keys=True) + "\n")

"""Judges every hostile file once, and counts.

    python -m tests.safety.hostile.figures [--record]

The last line has the figures; a file of which something else came than must ends it with 1. With
``--record`` they are written to ``docs/reliability.json``. What comes of the repositories, the
tests judge: here they are counted only.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.safety.hostile.corpus import CASES
from tests.safety.hostile.judging import judge
from tests.safety.hostile.repositories import attacks

RECORD = Path(__file__).parents[3] / "docs" / "reliability.json"


def judged() -> dict[str, Any]:
    """Return the figures; prints what came otherwise."""
    longest_ms, breaches = 0, 0
    for case in CASES:
        started = time.process_time()
        found = judge(case)
        longest_ms = max(longest_ms, round((time.process_time() - started) * 1000))
        breaches += bool(found)
        for breach in found:
            print(f"{case.name}: {breach}", file=sys.stderr)  # noqa: T201 - a program's result
    pushed = tuple(attacks())
    refused = sum(case.is_refused for case in CASES)
    return {
        "files": {
            "accepted": len(CASES) - refused,
            "breaches": breaches,
            "judged": len(CASES),
            "longest_ms": longest_ms,
            "refused": refused,
        },
        "repositories": {
            "held": sum(bool(attack.hold) for attack in pushed),
            "judged": len(pushed),
            "read": sum(not (attack.hold or attack.unread) for attack in pushed),
            "unread": sum(bool(attack.unread) and not attack.hold for attack in pushed),
        },
    }


def main(arguments: Sequence[str]) -> int:
    """Return the exit code."""
    figures = judged()
    if "--record" in arguments:
        kept = json.loads(RECORD.read_text()) if RECORD.exists() else {}
        RECORD.write_text(json.dumps({**kept, "hostile": figures}, indent=2, sort_keys=True) + "\n")
    print(json.dumps(figures, sort_keys=True))  # noqa: T201
    return 1 if figures["files"]["breaches"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

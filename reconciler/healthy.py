"""``python -m reconciler.healthy``: whether a restart would help ``zoe run``. For an engine to ask.

A part that is away is none of its faults: only a loop that stands still while the database answers
is. So whoever can't tell says that it is well.
"""

from __future__ import annotations

import sys
from datetime import datetime, timedelta

from reconciler import config, wire
from reconciler.clock import SystemClock
from reconciler.errors import ConfigError, StoreUnavailable
from reconciler.reporting.records import Pulse

LONGEST = timedelta(minutes=15)
"""Without a try of a pass. Twice what a pass may take by default, and the longest pause between."""


def stands_still(pulse: Pulse | None, now: datetime) -> bool:
    """Tell whether a loop that once tried to make a pass hasn't for too long."""
    tried_at = pulse.tried_at if pulse is not None else None
    return tried_at is not None and now - tried_at > LONGEST


def main() -> int:
    """Return 1 if the loop stands still, else 0."""
    try:
        with wire.archive(config.load()) as archive:
            pulse = archive.pulse()
    except (ConfigError, StoreUnavailable):
        return 0
    if not stands_still(pulse, SystemClock().now()):
        return 0
    sys.stderr.write(f"no pass was tried for more than {LONGEST}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())

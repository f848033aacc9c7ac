"""A run's course: how long it waited, started and ran, from the facts of its timeline. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

from reconciler.view.execution import Step
from webhook.page.svg import Stretch

_AFTER = {
    "first_seen": "waiting",
    "admitted": "starting",
    "attempt_intended": "starting",
    "attempt_started": "running",
    "attempt_ended": "waiting",
    "finished": "",
    "cancelled": "",
}


def stretches(steps: Sequence[Step], until: datetime) -> list[Stretch]:
    """Return the parts of a run's course, oldest first; what isn't over lasts ``until`` then.

    The steps are of one run, oldest first; those that change nothing about it are passed over.
    """
    turns = [(step.at, _AFTER[step.fact]) for step in steps if step.fact in _AFTER]
    found: list[Stretch] = []
    for (start, kind), (end, _) in pairwise([*turns, (until, "")]):
        length_ms = int((end - start).total_seconds() * 1000)
        if not kind or length_ms <= 0:
            continue
        if found and found[-1].kind == kind:
            length_ms += found.pop().length_ms
        found.append(Stretch(kind=kind, length_ms=length_ms))
    return found

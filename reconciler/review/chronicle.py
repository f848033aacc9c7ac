"""What happened to an execution: the facts of all its runs as people read them, the newest last."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from policy.model.execution import Uid
from reconciler.converge.ledger import HELD_BY_OPERATOR, Entry, Fact
from reconciler.converge.runs import SCHEDULE, is_scheduled, time_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """One fact, with its sentence."""

    entry: Entry
    told: str


def chronicle(entries: Iterable[Entry]) -> tuple[Happening, ...]:
    """Return what the facts of a name tell, in the order in which they were entered."""
    seen: set[Uid] = set()
    found: list[Happening] = []
    for entry in sorted(entries, key=lambda e: e.seq):
        found.append(Happening(entry=entry, told=_told(entry, is_back=entry.uid in seen)))
        seen.add(entry.uid)
    return tuple(found)


def run_told(run: int) -> str:
    """Return what a run is called: by its number, or by the time that it was due."""
    if run == SCHEDULE:
        return "schedule"
    if is_scheduled(run):
        return f"run of {time_of(run).strftime('%Y-%m-%d %H:%M')}"
    return f"run {run}"


def _told(entry: Entry, *, is_back: bool) -> str:
    attempt, reason = f"attempt {entry.attempt}", entry.reason
    match entry.fact:
        case Fact.FIRST_SEEN:
            return "seen again" if is_back else "first seen"
        case Fact.GENERATION:
            return f"generation {entry.generation}"
        case Fact.ADMITTED:
            return f"admitted with generation {entry.generation}"
        case Fact.ATTEMPT_INTENDED:
            return f"{attempt} starts"
        case Fact.ATTEMPT_STARTED:
            return f"{attempt} is up"
        case Fact.ATTEMPT_ENDED:
            return f"{attempt} ended: {reason}{_exit(entry)}"
        case Fact.FINISHED:
            return f"finished: {reason}{_exit(entry)}"
        case Fact.CANCELLED:
            return f"cancelled: {reason}"
        case Fact.CONFIRMED:
            return "confirmed"
        case Fact.HELD if reason == HELD_BY_OPERATOR:
            return f"held by {entry.by}: {entry.told}"
        case Fact.HELD:
            return f"held: generation {entry.generation}, {reason}"
        case Fact.RELEASED:
            return f"released by {entry.by or 'nobody known'}" + (
                f": {entry.told}" if entry.told else ""
            )


def _exit(entry: Entry) -> str:
    return "" if entry.code is None else f", exit code {entry.code}"

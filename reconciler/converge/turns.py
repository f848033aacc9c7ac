"""Whose turn it is within a set: how many at a time, how long apart, and when it is enough.

What the set's document says of its executions together is kept here, before the queue: whoever
has to wait for others of the set isn't asked for yet. All of it follows from the ledger.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from policy.model.execution import Uid
from reconciler.converge.blocked import Blocked
from reconciler.converge.draft import Draft
from reconciler.converge.ledger import Record, phase_of_ending
from reconciler.converge.queue import Candidate
from reconciler.manifest.spec import Manifest, SetSpec

Name = tuple[str, str]

_KEEPS_NOBODY_WAITING = frozenset({"NeverFits", "NeverWithinQuota", "NoReservation"})
"""Why a member waits that can't start as things are: others of its set aren't kept back by it."""


@dataclass(slots=True)
class _Tally:
    """What became of a set's members so far."""

    total: int = 0
    failed: int = 0
    under_way: int = 0
    last_start: datetime | None = None
    waiting: list[Candidate] = field(default_factory=list)


def take_turns(draft: Draft, queued: Sequence[Candidate]) -> list[Candidate]:
    """Return those of the queue whose set has nothing against it; note why others wait."""
    sets = {s.full_name: s for c in queued if (s := bounded(c.manifest)) is not None}
    if not sets:
        return list(queued)
    tallies = _tallies(draft, sets)
    for candidate in queued:
        if (found := bounded(candidate.manifest)) is not None:
            tallies[found.full_name].waiting.append(candidate)
    blocked: dict[Uid, Blocked] = {}
    for name, tally in tallies.items():
        blocked |= _held_back(draft, sets[name], tally)
    draft.blocked |= blocked
    return [candidate for candidate in queued if candidate.record.uid not in blocked]


def bounded(manifest: Manifest) -> SetSpec | None:
    """Return the set of a member, if that lets not all of them start at once."""
    found = manifest.item.set if manifest.item else None
    if found is None or (not found.parallel and found.max_failed is None and not found.stagger_ms):
        return None
    return found


def _tallies(draft: Draft, sets: Mapping[str, SetSpec]) -> Mapping[str, _Tally]:
    tallies: dict[str, _Tally] = defaultdict(_Tally)
    for uid, manifest in draft.wanted.manifests.items():
        found = bounded(manifest)
        if found is None or found.full_name not in sets:
            continue
        tally, record = tallies[found.full_name], draft.records.get(uid)
        tally.total += 1
        if record is not None:
            _count(tally, record, is_free=manifest.suspend and not record.attempt_open)
    return tallies


def _count(tally: _Tally, record: Record, *, is_free: bool) -> None:
    if record.ended is not None:
        tally.failed += phase_of_ending(record.ended.reason) == "Failed"
    elif record.attempt and not is_free:
        tally.under_way += 1
    if record.intended_at is not None:
        tally.last_start = max(tally.last_start or record.intended_at, record.intended_at)


def _held_back(draft: Draft, rules: SetSpec, tally: _Tally) -> Iterator[tuple[Uid, Blocked]]:
    """Yield who has to wait, and why. Whoever has begun before goes first, then by item."""
    ordered = sorted((c for c in tally.waiting if not _stands_aside(draft, c)), key=_order)
    begun = [candidate for candidate in ordered if candidate.record.attempt]
    fresh = [candidate for candidate in ordered if not candidate.record.attempt]
    if rules.max_failed is not None and tally.failed > rules.max_failed:
        why = Blocked(reason="SetFailed", message=_told_failed(rules, tally))
        aside = [c for c in tally.waiting if _stands_aside(draft, c) and not c.record.attempt]
        yield from ((candidate.record.uid, why) for candidate in (*fresh, *aside))
        fresh = []
    if rules.parallel:
        room = max(0, rules.parallel - tally.under_way)
        yield from _in_turn(rules, tally, fresh[:room], fresh[room:])
        fresh = fresh[:room]
    if rules.stagger_ms:
        yield from _staggered(draft, rules, tally.last_start, [*begun, *fresh])


def _stands_aside(draft: Draft, candidate: Candidate) -> bool:
    told = draft.memory.statuses.get(candidate.record.uid)
    return told is not None and told.reason in _KEEPS_NOBODY_WAITING


def _order(candidate: Candidate) -> tuple[int, int]:
    """By run first: of those that are repeated, who has waited longest is next."""
    item = candidate.manifest.item
    return (candidate.record.run if candidate.manifest.repeats else 0, item.index if item else 0)


def _in_turn(
    rules: SetSpec, tally: _Tally, going: Sequence[Candidate], waiting: Sequence[Candidate]
) -> Iterator[tuple[Uid, Blocked]]:
    """Say after whom each one comes: that changes for one of them when another starts."""
    for before, candidate in _after(going, waiting):
        if before is None:
            told = f"{tally.under_way} of {rules.parallel} are under way; it is next"
        else:
            told = f"at most {rules.parallel} are under way at a time; it comes after {before}"
        yield candidate.record.uid, Blocked(reason="SetParallel", message=told)


def _staggered(
    draft: Draft, rules: SetSpec, last: datetime | None, line: Sequence[Candidate]
) -> Iterator[tuple[Uid, Blocked]]:
    """Keep back all but the first, and that one too until it is time."""
    apart = timedelta(milliseconds=rules.stagger_ms)
    until = last + apart if last is not None else draft.world.now
    is_time = until <= draft.world.now
    told = f"{rules.stagger_ms / 1000:g} s"
    for before, candidate in _after(line[:1] if is_time else (), line[1:] if is_time else line):
        if before is None:
            message = f"starts {told} after the one before it"
            yield candidate.record.uid, Blocked(reason="SetStagger", message=message, until=until)
        else:
            message = f"starts {told} after {before}"
            yield candidate.record.uid, Blocked(reason="SetStagger", message=message)


def _after(
    going: Sequence[Candidate], waiting: Sequence[Candidate]
) -> Iterator[tuple[str | None, Candidate]]:
    """Yield each that waits with the name of the one before it; None for the very first."""
    whole: Iterable[Candidate | None] = (None, *going, *waiting)
    pairs = list(pairwise(whole))[len(going) :]
    for before, candidate in pairs:
        if candidate is not None:
            yield before.manifest.name if before else None, candidate


def _told_failed(rules: SetSpec, tally: _Tally) -> str:
    return (
        f"{tally.failed} of {tally.total} failed, more than maxFailed {rules.max_failed}: no "
        "further one starts; correct the template and raise run, or raise maxFailed"
    )

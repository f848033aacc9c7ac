"""What to tell about every execution: one status each, made anew only where its facts changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from policy.model.decision import Decision, Wait
from policy.model.execution import Uid
from reconciler.converge import idleness, listening
from reconciler.converge.blocked import Blocked
from reconciler.converge.describe import invalid_status, status_of
from reconciler.converge.draft import Draft
from reconciler.converge.instants import epoch_ms
from reconciler.converge.ledger import HELD_BY_OPERATOR, Record
from reconciler.converge.moves import Moves, moves
from reconciler.converge.phases import Facts
from reconciler.converge.plan import Note, Plan
from reconciler.converge.reach import Reach, of_gateways
from reconciler.converge.status import Phase, Status
from reconciler.converge.tasks import is_live
from reconciler.converge.world import Identity


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Every status that was told, and by uid what the executions' were made from."""

    statuses: tuple[Status, ...]
    by_uid: Mapping[Uid, tuple[Facts, Status]]
    moves: Moves


def tell(draft: Draft, decision: Decision, planned: Plan) -> Told:
    """Return the status of all who are asked for, but for those told for the last time."""
    last = draft.world.last.told if draft.world.last is not None else {}
    moved = moves(
        {wait.uid: wait for wait in decision.waits},
        {uid: facts.wait for uid, (facts, _) in last.items() if facts.wait is not None},
        told_at=draft.world.moves_told_at,
        now=draft.world.now,
    )
    if not draft.world.may_start:
        message = "would start now, but mode is observe"
        would = Blocked(reason="ObserveOnly", message=message)
        draft.blocked |= {start.uid: would for start in decision.starts}
    notes: dict[str, list[Note]] = {}
    for note in planned.notes:
        notes.setdefault(note.uid, []).append(note)
    asked = draft.records.keys() if draft.world.tells is None else draft.world.tells
    reached = of_gateways(draft.world.observed, draft.world.host.gateways)
    told: dict[Uid, tuple[Facts, Status]] = {}
    for uid in sorted(asked):
        record = draft.records.get(uid)
        if record is None or _is_settled(draft, uid, record):
            continue
        wait, mine = moved.waits.get(uid), notes.get(uid, [])
        before = _as_before(draft, uid, wait, mine, reached)
        told[uid] = before or _status(draft, uid, record, wait, mine, reached)
    sets = {
        (namespace, name): (found.spec.namespace, found.spec.name)
        for found in draft.wanted.sets
        for namespace, name, _ in found.refused
    }
    invalid = [
        invalid_status(
            identity,
            uid,
            message,
            previous=_previous(draft, uid),
            now=draft.world.now,
            of_set=sets.get((identity.namespace, identity.name)),
        )
        for identity, uid, message in (*draft.wanted.invalid, *_gone(draft))
        if uid not in draft.records
    ]
    statuses = (*(status for _, status in told.values()), *invalid)
    return Told(statuses=statuses, by_uid=told, moves=moved)


def _gone(draft: Draft) -> Iterator[tuple[Identity, Uid, str]]:
    """Yield what was told to be invalid and isn't there any more."""
    now = {uid for _, uid, _ in draft.wanted.invalid}
    for uid, told in draft.memory.statuses.items():
        if told.phase == Phase.INVALID and uid not in now:
            yield draft.memory.identities[uid], uid, ""


def _is_settled(draft: Draft, uid: Uid, record: Record) -> bool:
    """Tell whether a run that nobody wants any more has been told about for the last time."""
    told = draft.memory.statuses.get(uid)
    return (
        record.is_final
        and record is draft.memory.records.get(uid)
        and draft.manifest_of(uid) is None
        and not draft.groups.get(uid)
        and told is not None
        and told.phase != Phase.TERMINATING
    )


def _as_before(
    draft: Draft,
    uid: Uid,
    wait: Wait | None,
    notes: Sequence[Note],
    reached: Mapping[str, Reach],
) -> tuple[Facts, Status] | None:
    """Return what was told of one who is calm, if what others say of it is the same, too."""
    if uid in draft.lively or draft.world.last is None:
        return None
    before = draft.world.last.told.get(uid)
    if before is None:
        return None
    facts = before[0]
    is_plain = not (
        notes or facts.notes or facts.unpublished or facts.silent or draft.world.push_error
    )
    is_same = (
        is_plain
        and facts.wait == wait
        and facts.failures == draft.world.failures.get(uid, ())
        and facts.reach == (reached.get(facts.namespace) if facts.groups else None)
        and uid not in draft.blocked
        and uid not in draft.world.silent
    )
    return before if is_same else None


def _status(
    draft: Draft,
    uid: Uid,
    record: Record,
    wait: Wait | None,
    notes: Iterable[Note],
    reached: Mapping[str, Reach],
) -> tuple[Facts, Status]:
    identity = draft.identity(uid)
    groups = draft.groups.get(uid, ())
    growth, use = _growth(draft, uid), draft.activity_of(uid)
    if record.is_final:  # what lingers for its logs isn't being stopped
        groups = tuple(g for g in groups if any(is_live(task) for task in g.tasks))
    facts = Facts(
        namespace=identity.namespace,
        name=identity.name,
        record=record,
        manifest=draft.manifest_of(uid),
        recurrence=draft.wanted.recurrences.get(uid),
        spec=draft.spec_of(uid, record) or draft.wanted_spec(uid),
        groups=groups,
        placements=draft.placements.get(uid, ()),
        wait=wait,
        blocked=draft.blocked.get(uid),
        held=draft.held.get(uid),
        hold=draft.hold_of(uid),
        notes=tuple((note.reason, note.message) for note in notes),
        failures=draft.world.failures.get(uid, ()),
        unpublished=_unpublished(draft, uid, record),
        growth=growth,
        reach=reached.get(identity.namespace) if groups else None,
        unprepared=draft.unprepared(uid, draft.spec_of(uid, record)),
        idle_soon=idleness.soon(*use, now=draft.world.now) if use else None,
        idle_unknown=idleness.unknown_for(*use, now=draft.world.now) if use else "",
        silent=listening.sentences(draft.world.silent.get(uid, ()), groups),
    )
    before = draft.world.last.told.get(uid) if draft.world.last else None
    if before is not None and before[0] == facts:
        return before
    return facts, status_of(facts, previous=_previous(draft, uid), now=draft.world.now)


def _previous(draft: Draft, uid: Uid) -> Mapping[str, Any] | None:
    """Return what was told of a run last."""
    told = draft.memory.statuses.get(uid)
    return told.whole() if told is not None else None


def _growth(draft: Draft, uid: Uid) -> str:
    """Return why an execution doesn't grow, if it doesn't."""
    if uid in draft.kept:
        return HELD_BY_OPERATOR
    if uid in draft.ending:
        return "EndsSoon"
    progress = draft.memory.progress.get(uid)
    if progress is None or progress.shrunk_ms is None:
        return "NoRoom"
    regrows_ms = progress.shrunk_ms + draft.wanted.platform.policy.regrow_ms
    return "CoolingDown" if epoch_ms(draft.world.now) < regrows_ms else "NoRoom"


def _unpublished(draft: Draft, uid: Uid, record: Record) -> str:
    is_news = record is not draft.memory.records.get(uid)
    waits = is_news or record.last_seq > draft.memory.published_seq
    return draft.world.push_error if waits else ""

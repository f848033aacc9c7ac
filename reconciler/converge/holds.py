"""An operator's hold: a name stays as it is, whatever Git asks for, until it is released.

It is for when Git can't be asked. Of what is held no attempt begins and none is edited, grown,
shrunk or ended; it ends by itself, and by its lifetime. What an attempt needs is kept up: services
that somebody changed or removed are put back.

A hold is for all runs of a name, those that Git brings later too. Operators ask in the database,
where the newest request of a name counts; the next pass enters that in the ledger, from which it is
known when the database is lost.
"""

from __future__ import annotations

from collections import defaultdict

from policy.model.execution import Uid
from reconciler.converge.blocked import Blocked
from reconciler.converge.draft import Draft
from reconciler.converge.edits import would_change
from reconciler.converge.ledger import HELD_BY_OPERATOR, Hold, Record
from reconciler.converge.runs import is_scheduled
from reconciler.converge.steps import held, released

Name = tuple[str, str]


def enter(draft: Draft) -> None:
    """Enter in the ledger what operators have asked for since it was last done."""
    bearers: dict[Name, list[Record]] = defaultdict(list)
    for uid, record in draft.records.items():
        if record.hold is not None and (identity := draft.memory.identities.get(uid)) is not None:
            bearers[identity.namespace, identity.name].append(record)
    for name in sorted(bearers.keys() | draft.holds.keys()):
        hold, now = draft.holds.get(name), draft.world.now
        if hold is None:
            asked = draft.memory.hold_requests[name]
            draft.enter(released(r, asked.by, asked.told, at=now) for r in bearers[name])
        elif all(record.hold != hold for record in bearers[name]):
            # Since when it is held is when it was asked for: so the fact says what was asked.
            draft.enter(held(r, hold) for r in _bearer(draft, name))
    _release_unknown(draft)


def _release_unknown(draft: Draft) -> None:
    """Let go of what may have run, where an operator has said so since."""
    for name, asked in draft.memory.hold_requests.items():
        if not asked.is_release:
            continue
        records = (draft.records.get(uid) for uid in draft.roll.runs.get(name, {}).values())
        waiting = [r for r in records if r and r.held_at is not None and r.held_at < asked.at]
        draft.enter(released(r, asked.by, asked.told, at=draft.world.now) for r in waiting)


def _bearer(draft: Draft, name: Name) -> list[Record]:
    """Return the record to enter a hold in; none where the name was never seen.

    Of a schedule its own: those of its runs are forgotten some day.
    """
    records = [
        draft.records[uid] for uid in draft.roll.runs.get(name, {}).values() if uid in draft.records
    ]
    return sorted(records, key=lambda r: (not r.is_final, not is_scheduled(r.run), r.run))[-1:]


def keep_back(draft: Draft) -> None:
    """Say of what is held why it doesn't start, and of what Git asks for why that waits."""
    for uid in draft.kept & draft.records.keys():
        record, hold = draft.records[uid], draft.hold_of(uid)
        if hold is None or record.is_final or uid in draft.wanted.recurrences:
            continue
        if not record.attempt_open:
            draft.blocked[uid] = Blocked(reason=HELD_BY_OPERATOR, message=hold.sentence)
        if _is_asked_to_change(draft, uid, record):
            draft.held[uid] = why(hold)


def _is_asked_to_change(draft: Draft, uid: Uid, record: Record) -> bool:
    manifest = draft.wanted.manifests.get(uid)
    if manifest is None:
        return True
    if record.attempt_open:
        newest = draft.newest_spec_of(uid, record)
        return would_change(record, manifest, draft.spec_of(uid, record), newest=newest)
    return manifest.document_hash != record.document_hash


def why(hold: Hold) -> tuple[str, str]:
    """Return the code and the sentence of what Git asks for and doesn't get."""
    return HELD_BY_OPERATOR, f"waits for zoe release: {hold.sentence}"

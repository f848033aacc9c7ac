"""Recurring executions: a manifest with a schedule is a template, and each due time one run of it.

So is a member of a set that repeats: there a run is due when the one before has ended.

The runs are expanded before anything else in a pass looks at manifests; from there on they are
executions like all others. What must be remembered is in the ledger: the template's record says
since when its times count (``queued_at``), and the record of a run that its time was dealt with,
also where it was left out. So a restart, a second pass or a clock that stands still begins nothing
twice.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from policy.model.execution import Uid
from reconciler import canonical
from reconciler.converge import calendar, holds, repeating
from reconciler.converge.draft import Draft
from reconciler.converge.ledger import LEFT_OUT, EndReason, Fact, Record
from reconciler.converge.runs import SCHEDULE, Recurrence, is_scheduled, run_at, time_of
from reconciler.converge.steps import Step, first_seen
from reconciler.converge.world import Memory, Wanted
from reconciler.manifest.identity import uid_of
from reconciler.manifest.spec import Manifest, Overlap, Schedule

_TOLD = {
    EndReason.SKIPPED: "left out: the run before hasn't ended",
    EndReason.MISSED: "left out: its time was too long ago",
}


def expand(wanted: Wanted, memory: Memory, *, now: datetime, deployment: str) -> Wanted:
    """Return what is wanted now: in the place of each template, its runs. Twice is as once."""
    templates = [m for m in wanted.manifests.values() if m.recurs and not is_scheduled(m.run)]
    if not templates:
        return wanted
    names = {(m.namespace, m.name): wanted.source(m.origin.source_id) for m in templates}
    known = _known_runs(wanted, memory, names)
    held = memory.holds()
    manifests = {
        uid: manifest
        for uid, manifest in wanted.manifests.items()
        if not manifest.recurs or is_scheduled(manifest.run)
    }
    recurrences: dict[Uid, Recurrence] = {}
    for manifest in templates:
        template = _as_run(manifest, SCHEDULE, deployment)
        records = known[manifest.namespace, manifest.name]
        found = _recurrence(
            template,
            memory.records.get(template.uid),
            records,
            now,
            deployment,
            begins_none=template.suspend or (manifest.namespace, manifest.name) in held,
        )
        recurrences[template.uid] = found
        manifests |= {run.uid: run for run in _runs(found, records)}
    return replace(wanted, manifests=manifests, recurrences=recurrences)


def note(draft: Draft) -> None:
    """Enter what the ledger must know: since when a schedule is in force, and what is left out."""
    for uid, recurrence in sorted(draft.wanted.recurrences.items()):
        template, record = recurrence.template, draft.records.get(uid)
        hold = draft.hold_of(uid)
        if not _is_in_force(record, template):
            if hold is not None:
                draft.held[uid] = holds.why(hold)
                continue
            draft.enter(_in_force_from_now(record, recurrence, draft.world.now))
        if recurrence.due is not None and recurrence.left_out is not None:
            draft.enter(_left_out(recurrence.due, recurrence.left_out, draft.world.now))


def tidied(draft: Draft) -> tuple[Uid, ...]:
    """Return the runs that needn't be told any more: all but the newest that ``keep`` says.

    Those that were left out are counted apart. The newest run of all stays in any case: with it
    the schedule knows which times were dealt with.
    """
    found: list[Uid] = []
    for recurrence in draft.wanted.recurrences.values():
        schedule = recurrence.template.schedule
        keep = schedule.keep if schedule else repeating.KEEP
        of_kind: dict[bool, int] = defaultdict(int)
        for uid in recurrence.ended:
            is_left_out = _was_left_out(draft.records[uid])
            of_kind[is_left_out] += 1
            is_last = uid == recurrence.ended[0]
            if of_kind[is_left_out] > keep and not is_last and not draft.groups.get(uid):
                found.append(uid)
    return tuple(found)


def _known_runs(
    wanted: Wanted, memory: Memory, names: Mapping[tuple[str, str], str]
) -> Mapping[tuple[str, str], Sequence[Record]]:
    """Return the scheduled runs of each name that its source has begun, oldest first."""
    found: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for uid, identity in memory.identities.items():
        name = (identity.namespace, identity.name)
        if not (is_scheduled(identity.run) and name in names and uid in memory.records):
            continue
        if wanted.source(identity.source_id) == names[name]:
            found[name].append(memory.records[uid])
    for records in found.values():
        records.sort(key=lambda record: record.run)
    return found


def _recurrence(
    template: Manifest,
    record: Record | None,
    known: Sequence[Record],
    now: datetime,
    deployment: str,
    *,
    begins_none: bool,
) -> Recurrence:
    since = record.queued_at if record and _is_in_force(record, template) else now
    due, next_at = _next(template, known, since, now, deployment)
    left_out = None
    if begins_none or template.spec is None:
        due = None
    if due is not None and template.schedule is not None:
        left_out = _why_left_out(template.schedule, time_of(due.run), known, now)
    took_place = [r.uid for r in known if not _was_left_out(r)]
    if due is not None and left_out is None:
        took_place.append(due.uid)
    return Recurrence(
        template=template,
        due=due,
        left_out=left_out,
        ended=tuple(r.uid for r in reversed(known) if r.is_final),
        newest=took_place[-1] if took_place else None,
        next_at=None if begins_none else next_at,
    )


def _next(
    template: Manifest,
    known: Sequence[Record],
    since: datetime,
    now: datetime,
    deployment: str,
) -> tuple[Manifest | None, datetime | None]:
    """Return the run that is due now, and when the one after it is, where that is known."""
    schedule = template.schedule
    if schedule is not None:
        at = _due(schedule, [since, *(time_of(r.run) for r in known)], now)
        upcoming = calendar.upcoming(schedule.cron, schedule.timezone, now=now)
        return (_as_run(template, run_at(at), deployment) if at else None), upcoming
    following = repeating.following(known, since=since)
    if following is None:
        return None, None
    if following.at > now:
        return None, following.at
    return _as_run(template, following.run, deployment), None


def _due(schedule: Schedule, dealt_with: Iterable[datetime], now: datetime) -> datetime | None:
    """Return the newest time that hasn't been dealt with; those missed before it are let go."""
    latest = calendar.latest(schedule.cron, schedule.timezone, now=now)
    return latest if latest is not None and latest > max(dealt_with) else None


def _why_left_out(
    schedule: Schedule, at: datetime, known: Iterable[Record], now: datetime
) -> EndReason | None:
    deadline = schedule.start_deadline_ms
    if deadline is not None and now - at > timedelta(milliseconds=deadline):
        return EndReason.MISSED
    is_forbidden = schedule.overlap is Overlap.FORBID and not all(r.is_final for r in known)
    return EndReason.SKIPPED if is_forbidden else None


def _runs(recurrence: Recurrence, known: Iterable[Record]) -> Iterable[Manifest]:
    """Yield the runs that are wanted: what hasn't ended, and what is due."""
    template, due = recurrence.template, recurrence.due
    is_begun = due is not None and recurrence.left_out is None
    replaces = template.schedule is not None and template.schedule.overlap is Overlap.REPLACE
    if not (is_begun and replaces):
        yield from (_continued(template, r) for r in known if not r.is_final)
    if due is not None:
        yield due


def _continued(template: Manifest, record: Record) -> Manifest:
    """Return a run under way: once admitted it keeps what it was made from; edits are the next's.

    A schedule that is suspended begins nothing; what it has begun goes on. What repeats stops.
    """
    document = record.document_hash if record.incarnation else template.document_hash
    return replace(
        template,
        uid=record.uid,
        run=record.run,
        document_hash=document,
        suspend=template.suspend and template.repeats,
    )


def _as_run(manifest: Manifest, run: int, deployment: str) -> Manifest:
    uid = uid_of(
        deployment=deployment,
        source_id=manifest.origin.source_id,
        namespace=manifest.namespace,
        name=manifest.name,
        run=run,
    )
    return replace(manifest, uid=uid, run=run)


def _is_in_force(record: Record | None, template: Manifest) -> bool:
    return (
        record is not None and not record.is_final and record.document_hash == _times_hash(template)
    )


def _times_hash(template: Manifest) -> str:
    """Return the digest of what says when. After a change of it no earlier time is made up for."""
    schedule = template.schedule
    times = [schedule.cron, schedule.timezone] if schedule else ["always"]
    return canonical.digest([*times, template.suspend])


def _in_force_from_now(
    record: Record | None, recurrence: Recurrence, now: datetime
) -> Iterable[Step]:
    template = recurrence.template
    told = "suspended: no run begins"
    if template.repeats and not template.suspend:
        told = "started again from now on whenever it has ended"
    if template.schedule and recurrence.next_at:
        first = calendar.on_the_wall(template.schedule, recurrence.next_at)
        told = f"its schedule is in force, first at {first}"
    seen = first_seen(template, told, at=now)
    number = (record.generation if record else 0) + 1
    generation = replace(
        seen.entry, fact=Fact.GENERATION, generation=number, spec_hash=_times_hash(template)
    )
    return [seen, Step(entry=generation, message=f"generation {number}")]


def _left_out(due: Manifest, reason: EndReason, now: datetime) -> Iterable[Step]:
    told = (
        f"due at {calendar.on_the_wall(due.schedule, time_of(due.run))}" if due.schedule else "due"
    )
    seen = first_seen(due, told, at=now)
    final = replace(seen.entry, fact=Fact.FINISHED, reason=str(reason))
    return [seen, Step(entry=final, message=_TOLD[reason], is_warning=True)]


def _was_left_out(record: Record) -> bool:
    return record.ended is not None and record.ended.reason in LEFT_OUT

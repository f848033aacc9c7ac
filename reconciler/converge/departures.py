"""Who left: live runs that no manifest asks for any more, judged together by the guard."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping

from policy.model.execution import Uid
from reconciler.converge import guard
from reconciler.converge.draft import Draft
from reconciler.converge.ledger import EndReason
from reconciler.converge.runs import SCHEDULE, is_scheduled
from reconciler.converge.status import SetName
from reconciler.manifest.spec import Manifest

Name = tuple[str, str, str]
"""Source, namespace, name."""


def depart(draft: Draft) -> Mapping[Uid, EndReason]:
    """Find live runs that no manifest asks for, and let the guard judge them together."""
    if not any(_is_left(draft, uid) for uid in draft.lively):
        return {}
    wanted = _wanted_runs(draft)
    departed: dict[Uid, EndReason] = {}
    left: dict[Name, list[Uid]] = defaultdict(list)
    live: dict[Name, Uid] = {}
    for uid, record in sorted(draft.records.items()):
        if record.is_final:
            continue
        identity = draft.memory.identities.get(uid) or draft.identity(uid)
        source = draft.wanted.source(identity.source_id)
        name = (source, identity.namespace, identity.name)
        live[name] = uid
        if draft.manifest_of(uid) is not None or uid in draft.kept:
            continue
        run = wanted.get(name)
        if run is None:
            left[name].append(uid)
        elif _takes_over(run, record.run):
            departed[uid] = EndReason.SUPERSEDED
        else:
            told = f"run went back from {record.run} to {run}; it goes on until run rises"
            draft.held[uid] = ("RunWentBack", told)
    departed |= dict.fromkeys(_allowed(draft, left, live), EndReason.DELETED)
    if draft.closed is None:
        return departed
    waiting = {uid for uid in departed if _waits_for_window(draft, uid)}
    draft.held |= dict.fromkeys(waiting, draft.closed.why)
    return {uid: why for uid, why in departed.items() if uid not in waiting}


def _is_left(draft: Draft, uid: Uid) -> bool:
    record = draft.records.get(uid)
    is_kept = draft.manifest_of(uid) is not None or uid in draft.kept
    return record is not None and not record.is_final and not is_kept


def _waits_for_window(draft: Draft, uid: Uid) -> bool:
    """Tell whether it runs and leaves by an edit, not by its own schedule."""
    record, identity = draft.records[uid], draft.identity(uid)
    is_replaced = is_scheduled(record.run) and any(
        (r.template.namespace, r.template.name) == (identity.namespace, identity.name)
        for r in draft.wanted.recurrences.values()
    )
    return record.attempt_open and not is_replaced


def _wanted_runs(draft: Draft) -> Mapping[Name, int]:
    """Return the run that each name asks for; of a schedule, the schedule itself."""
    wanted = draft.wanted
    runs = {_name(draft, manifest): manifest.run for manifest in wanted.manifests.values()}
    templates = [recurrence.template for recurrence in wanted.recurrences.values()]
    return runs | {_name(draft, manifest): SCHEDULE for manifest in templates}


def _name(draft: Draft, manifest: Manifest) -> Name:
    source = draft.wanted.source(manifest.origin.source_id)
    return source, manifest.namespace, manifest.name


def _takes_over(wanted: int, run: int) -> bool:
    """Tell whether the run that is asked for takes the other one's place.

    Where an execution gets a schedule or loses it, what it ran before has no rank to defend.
    """
    return wanted > run or SCHEDULE in (wanted, run) or is_scheduled(run)


def _allowed(draft: Draft, left: Mapping[Name, list[Uid]], live: Mapping[Name, Uid]) -> list[Uid]:
    """Let the guard judge what left each source: a bad one holds its own, and nobody else's."""
    allowed: list[Uid] = []
    for source in sorted({source for source, _, _ in left}):
        of_source = {name: runs for name, runs in left.items() if name[0] == source}
        lived = {name: uid for name, uid in live.items() if name[0] == source}
        allowed += _judged(draft, source, of_source, lived)
    return allowed


def _judged(
    draft: Draft, source: str, left: Mapping[Name, list[Uid]], live: Mapping[Name, Uid]
) -> list[Uid]:
    """Return the runs that may go: a document counts once, whatever runs or members it has."""
    first = {runs[0]: runs for runs in left.values()}
    reading = draft.wanted.reading(source)
    sets = {name: draft.set_of(uid) for name, uid in live.items()}
    departures = [
        guard.Departure(uid=runs[0], namespace=name[1], name=name[2], set=sets[name])
        for name, runs in left.items()
    ]
    of_live = {(name[1], ("set", *of_set) if of_set else name) for name, of_set in sets.items()}
    verdict = guard.judge(
        departures,
        live=Counter(namespace for namespace, _ in of_live),
        tree_is_empty=reading.tree_is_empty,
        unparsed_namespaces=reading.unparsed_namespaces,
        unparsed_sets=reading.unparsed_sets,
        is_confirmed=reading.is_confirmed,
        commit=reading.commit,
        message=reading.message,
        agreed=reading.agreed_deletes,
        sets=_that_stay(draft, sets.values()),
        missing=reading.missing,
    )
    for uid, why in verdict.held.items():
        draft.held |= dict.fromkeys(first[uid], why)
    return [run for uid in verdict.allowed for run in first[uid]]


def _that_stay(draft: Draft, live: Iterable[SetName | None]) -> Mapping[SetName, int]:
    """Return the sets that are still asked for, with how many live executions each has."""
    wanted = {(m.item.set.namespace, m.item.set.name) for m in _manifests(draft) if m.item}
    counts = Counter(of_set for of_set in live if of_set is not None)
    return {of_set: count for of_set, count in counts.items() if of_set in wanted}


def _manifests(draft: Draft) -> Iterator[Manifest]:
    yield from draft.wanted.manifests.values()
    yield from (found.template for found in draft.wanted.recurrences.values())

"""Which runs every name has, wanted or remembered, and which of them it stands for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from policy.model.execution import Uid
from reconciler.converge.basis import Name, Roll
from reconciler.converge.ledger import Record
from reconciler.converge.runs import is_scheduled
from reconciler.converge.world import Identity, Wanted


def call(
    wanted: Wanted,
    records: Mapping[Uid, Record],
    identities: Mapping[Uid, Identity],
    last: Roll | None,
) -> Roll:
    """Return the roll; it is the ``last`` one where the same are wanted and remembered.

    A uid says whose run it is: what else a manifest or a record says changes no name.
    """
    newest = {uid: found.newest for uid, found in wanted.recurrences.items()}
    if last is not None and _has_called(last, wanted, records, newest):
        return last
    runs = _runs(wanted, records, identities)
    return Roll(
        wanted=_wanted(wanted),
        runs=runs,
        newest=_newest(runs),
        # Of their own: what is remembered is changed between two passes.
        uids=(frozenset(wanted.manifests), frozenset(records), newest),
    )


def _has_called(
    last: Roll,
    wanted: Wanted,
    records: Mapping[Uid, Record],
    newest: Mapping[Uid, Uid | None],
) -> bool:
    manifests, known, runs = last.uids
    return manifests == wanted.manifests.keys() and known == records.keys() and runs == newest


def _wanted(wanted: Wanted) -> Mapping[Name, Uid]:
    found = {(m.namespace, m.name): uid for uid, m in wanted.manifests.items()}
    for recurrence in wanted.recurrences.values():
        name = (recurrence.template.namespace, recurrence.template.name)
        found.pop(name, None)
        if recurrence.newest is not None:
            found[name] = recurrence.newest
    return found


def _runs(
    wanted: Wanted, records: Mapping[Uid, Record], identities: Mapping[Uid, Identity]
) -> Mapping[Name, Mapping[tuple[str, int], Uid]]:
    runs: dict[Name, dict[tuple[str, int], Uid]] = defaultdict(dict)
    source_of = wanted.source
    for uid in records:
        identity = identities.get(uid)
        if identity is not None:
            key = (source_of(identity.source_id), identity.run)
            runs[identity.namespace, identity.name][key] = uid
    for manifest in wanted.manifests.values():
        key = (source_of(manifest.origin.source_id), manifest.run)
        runs[manifest.namespace, manifest.name][key] = manifest.uid
    return runs


def _newest(
    runs: Mapping[Name, Mapping[tuple[str, int], Uid]],
) -> Mapping[tuple[str, str, str], int]:
    newest: dict[tuple[str, str, str], int] = {}
    for (namespace, name), mine in runs.items():
        for source, run in mine:
            key = (source, namespace, name)
            newest[key] = max(newest.get(key, 0), 0 if is_scheduled(run) else run)
    return newest

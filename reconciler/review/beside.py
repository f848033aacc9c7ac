"""Executions of other sources, in the preview of one: they go on as they are.

A preview reads one repository. What came from others is known by what was frozen of it; it holds
its room and its name, and nothing of it changes.
"""

from __future__ import annotations

from collections import defaultdict

from policy.model.execution import Uid
from reconciler import canonical
from reconciler.converge import union
from reconciler.converge.ledger import EndReason, Record
from reconciler.converge.union import Part, Union
from reconciler.converge.world import Identity, Memory, Reading, Wanted
from reconciler.manifest.spec import Manifest, Origin


def with_others(wanted: Wanted, memory: Memory) -> Union:
    """Return what a source wants beside that which others run."""
    others: dict[str, dict[Uid, Manifest]] = defaultdict(dict)
    for uid, record in memory.records.items():
        identity = memory.identities.get(uid)
        if record.is_final or identity is None or not wanted.source(identity.source_id):
            continue
        others[identity.source_id][uid] = _as_it_is(uid, record, identity, memory)
    if not others:
        return Union(wanted=wanted)
    parts = [
        Part(
            source_id=source,
            wanted=Wanted(source_id=source, manifests=manifests),
            reading=Reading(),
        )
        for source, manifests in sorted(others.items())
    ]
    contested = union.contested(wanted, parts, memory)
    return union.unite(wanted, parts, union.holders(contested, wanted, parts, memory))


def _as_it_is(uid: Uid, record: Record, identity: Identity, memory: Memory) -> Manifest:
    spec = memory.frozen.get((uid, record.generation_in_force))
    return Manifest(
        uid=uid,
        namespace=identity.namespace,
        name=identity.name,
        run=identity.run,
        origin=Origin(source_id=identity.source_id, path="", line=0, blob="", commit=""),
        document_hash=record.document_hash,
        spec=spec,
        spec_hash=canonical.digest(spec) if spec else "",
        suspend=_is_suspended(record),
    )


def _is_suspended(record: Record) -> bool:
    """Tell whether its manifest suspends it, as far as its last attempt tells."""
    end = record.last_end
    return not record.attempt_open and end is not None and end.reason is EndReason.SUSPENDED

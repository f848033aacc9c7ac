"""What runs although nobody knows any more what it was made from: it stays as it is until it ends.

That is so after the database was lost and the frozen spec was found nowhere else. The spec that
stands in for it says how the attempt is judged; nothing is ever made from it.
"""

from __future__ import annotations

from dataclasses import replace

from policy.model.execution import Uid
from reconciler.converge import secret_access, storage
from reconciler.converge.desired_state import DesiredState
from reconciler.converge.draft import Draft
from reconciler.converge.edits import would_change
from reconciler.converge.ledger import ADOPTED_AS_IS, Record
from reconciler.manifest.spec import ExecutionSpec, Manifest

_TOLD = (
    "what it was made from isn't known since the database was rebuilt, so it stays as it is until "
    "it ends; edits are its next run's: zoe rerun"
)


def as_it_is(draft: Draft, uid: Uid, record: Record, spec: ExecutionSpec) -> DesiredState | None:
    """Return what is there as what should be, where that can't be worked out."""
    if record.is_adopted:
        return draft.attempt_as_it_is(uid, record)
    why = storage.withdrawn(spec, draft.world.host.storages)
    if why is not None:
        draft.held[uid] = why
        return draft.attempt_as_it_is(uid, record)
    return secret_access.left_alone(draft, uid, record, spec)


def held_back(
    draft: Draft, uid: Uid, record: Record | None, manifest: Manifest | None
) -> Manifest | None:
    """Return the manifest without an edit of what was adopted, and say why that waits."""
    if record is None or manifest is None or not (record.is_adopted and record.attempt_open):
        return manifest
    if would_change(record, manifest, draft.spec_of(uid, record)) and not manifest.suspend:
        draft.held[uid] = (ADOPTED_AS_IS, _TOLD)
    return replace(manifest, spec=None)

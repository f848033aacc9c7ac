"""What an edit takes of an execution that was seen before: nothing, a restart, a higher run.

Edits are of the document itself, or of the ZApp and the Platform that it builds on.
"""

from __future__ import annotations

from enum import StrEnum

from policy.model.execution import ApplicationType
from reconciler.converge.ledger import Record
from reconciler.converge.render import component_hash
from reconciler.manifest.spec import ExecutionSpec, Manifest, Service, UpdateMode


class Edit(StrEnum):
    """What an edit of a live execution takes."""

    NONE = "none"
    IN_PLACE = "in place"
    ROLLING = "rolling"
    REPLACE = "replace"


def classify(old: ExecutionSpec, new: ExecutionSpec) -> Edit:
    """Return what it takes to bring a live execution from one spec to another."""
    if old == new:
        return Edit.NONE
    before = {service.name: service for service in old.services}
    after = {service.name: service for service in new.services}
    if old.type is not new.type or before.keys() != after.keys():
        return Edit.REPLACE
    if any(_where(before[name]) != _where(after[name]) for name in after):
        return Edit.REPLACE
    if any(component_hash(before[name]) != component_hash(after[name]) for name in after):
        return Edit.ROLLING
    return Edit.IN_PLACE


def is_refused(record: Record, manifest: Manifest, spec: ExecutionSpec | None) -> bool:
    """Tell whether an edit needs a higher run: what ended, or is an admitted batch, stays so."""
    if manifest.spec is None or record.document_hash == manifest.document_hash:
        return False
    if record.is_final:
        return True
    if spec is None or spec.type is not ApplicationType.BATCH or not record.incarnation:
        return False
    return classify(spec, manifest.spec) in (Edit.ROLLING, Edit.REPLACE)


def would_change(
    record: Record,
    manifest: Manifest,
    spec: ExecutionSpec | None,
    *,
    newest: ExecutionSpec | None = None,
) -> bool:
    """Tell whether an edit asks for a change of what runs; ``newest`` as :func:`follows` has it."""
    if not record.attempt_open or manifest.spec is None:
        return False
    if manifest.suspend or follows(record, manifest, newest or spec):
        return True
    is_edited = manifest.document_hash != record.document_hash
    return is_edited and not is_refused(record, manifest, spec)


def is_outdated(record: Record, manifest: Manifest, spec: ExecutionSpec | None) -> bool:
    """Tell whether its ZApp or Platform changed since a live execution was frozen."""
    return (
        record.attempt_open
        and spec is not None
        and manifest.spec is not None
        and record.document_hash == manifest.document_hash
        and classify(spec, manifest.spec) is not Edit.NONE
    )


def follows(record: Record, manifest: Manifest, newest: ExecutionSpec | None) -> bool:
    """Tell whether, with ``update: auto``, it is edited by its ZApp or Platform.

    ``newest`` is what was frozen for its newest generation, also where that failed and an earlier
    one goes on: what failed isn't tried again.
    """
    if manifest.update is not UpdateMode.AUTO or newest is None:
        return False
    return is_outdated(record, manifest, newest) and newest.type is not ApplicationType.BATCH


def _where(service: Service) -> tuple[object, ...]:
    return (service.constraints, service.spread, service.max_per_node, service.completes)

"""From the working set to the ledger's copy on the status branch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from policy.model.execution import Uid
from reconciler import canonical
from reconciler.converge import letters
from reconciler.converge.ledger import Record
from reconciler.converge.mirror import Head, RunFile
from reconciler.working_set import WorkingSet

UNSURE = "?"
"""In place of a digest: the path was about to be pushed, and may or may not have been."""


def run_of(known: WorkingSet, uid: Uid) -> RunFile:
    """Return what the branch is to know of a run that has facts."""
    identity, record = known.identities[uid], known.records[uid]
    is_starting = record.attempt_open and record.started_at is None
    return RunFile(
        uid=uid,
        namespace=identity.namespace,
        name=identity.name,
        run=identity.run,
        source_id=identity.source_id,
        type=known.statuses[uid]["status"].get("type", ""),
        facts=tuple(known.entries[uid]),
        frozen=_frozen(known, record),
        groups=known.placements.get(uid, ()) if is_starting else (),
    )


def _frozen(known: WorkingSet, record: Record) -> Mapping[str, str]:
    """Return the digests of what edits have frozen; an admission's is in its fact."""
    if not record.attempt_open:
        return {}
    edited = {record.generation_in_force, record.generation} - {record.incarnation}
    specs = {number: known.frozen.get((record.uid, number)) for number in sorted(edited)}
    return {str(number): canonical.digest(spec) for number, spec in specs.items() if spec}


def foreign(there: Mapping[str, bytes], published: Mapping[str, str]) -> tuple[str, ...]:
    """Return the paths whose files aren't as they were published, by what each is known by.

    Letters are known by marks: of them it is only told whether they are there.
    """
    return tuple(
        path
        for path, known_by in sorted(published.items())
        if known_by != UNSURE
        and (path not in there or (not _is_letter(path) and digest(there[path]) != known_by))
    )


def digest(data: bytes) -> str:
    """Return what a file's content is told apart by."""
    return hashlib.sha256(data).hexdigest()[:32]


def _is_letter(path: str) -> bool:
    return path.startswith(f"{letters.FOLDER}/")


def head_of(known: WorkingSet, folders: Mapping[str, str], *, deployment: str) -> Head:
    """Return the head of what is committed now, with the digests of the ledger's folders."""
    return Head(
        deployment=deployment,
        last=known.last,
        accepted=dict(sorted(known.accepted.items())),
        confirmed=tuple(sorted(known.confirmed)),
        holds=tuple(known.hold_requests),
        folders=dict(sorted(folders.items())),
    )

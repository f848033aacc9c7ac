"""What must be true once the faults have stopped and nothing moves any more."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reconciler.converge.state import LABEL_DEPLOYMENT, LABEL_UID
from reconciler.manifest.identity import uid_of
from reconciler.working_set import WorkingSet
from tests.safety.simulation.database import DEPLOYMENT
from tests.safety.simulation.desk import names_of
from tests.safety.simulation.people import Repository

if TYPE_CHECKING:
    from tests.safety.simulation.world import World

_AT_REST = {
    "interactive": {"Running"},
    "streaming": {"Running"},
    "batch": {"Succeeded", "Failed", "Running", "Stopped"},
}


def problems(world: World) -> list[str]:
    """Return what isn't as it should be."""
    known = WorkingSet(world.store.load())
    return [
        *_phases(world, known),
        *_services(world, known),
        *_branch(world, known),
        *_watched(world, known),
    ]


def _phases(world: World, known: WorkingSet) -> Iterator[str]:
    for where in world.repositories:
        for path in where.desk.documents:
            for name in names_of(path, where.desk.files[path]):
                yield from _phase(world, known, where, path, name)


def _phase(
    world: World, known: WorkingSet, where: Repository, path: str, full_name: str
) -> Iterator[str]:
    text, (namespace, name) = where.desk.files[path], full_name.split("/")
    run = 0 if "schedule:" in text else where.desk.runs[path] if "run:" in text else 1
    uid = uid_of(
        deployment=DEPLOYMENT, source_id=where.source.id, namespace=namespace, name=name, run=run
    )
    status = known.statuses.get(uid)
    if status is None:
        yield f"{full_name} (run {run}) has no status"
        return
    phase, type_ = status["status"]["phase"], text.partition("type: ")[2].split()[0]
    ended = known.records[uid].ended if uid in known.records else None
    if "suspend: true" in text or ended is not None:
        return  # what has ended, as whatever it was then, stays so until its run rises
    if phase not in _AT_REST[type_]:
        reason = status["status"].get("reason")
        yield f"{full_name} (run {run}, {type_}) came to rest as {phase}: {reason}"


def _services(world: World, known: WorkingSet) -> Iterator[str]:
    observed = world.cluster.observe()
    there = set()
    for service in observed.services:
        labels = service.spec.labels
        if LABEL_UID not in labels:
            continue
        uid = labels.get(LABEL_UID, "")
        record = known.records.get(uid)
        if record is None or not record.attempt_open:
            yield f"{service.spec.name} is left over"
        there.add((uid, service.spec.node))
    for uid, record in known.records.items():
        for group in known.placements.get(uid, ()) if record.attempt_open else ():
            if (uid, group.node) not in there and group.count:
                yield f"{uid} has no service on {group.node}"
    theirs = world.cluster._services.get(world.foreign)
    if theirs is None or LABEL_DEPLOYMENT in theirs.spec.labels:
        yield "somebody else's service was touched"


def _branch(world: World, known: WorkingSet) -> Iterator[str]:
    """Yield what the status branch tells otherwise than it was told to."""
    files = world.branch.files
    for path, digest in known.published.items():
        if path.startswith("cluster/"):
            continue  # put there with other files, whenever that is
        if path not in files:
            yield f"{path} isn't on the branch"
        elif hashlib.sha256(files[path]).hexdigest()[:32] != digest:
            yield f"{path} is another one on the branch"
    for path in sorted(files.keys() - known.published.keys()):
        if path.startswith("cluster/"):
            continue  # as above: it is overwritten with the next push
        yield f"{path} is on the branch, and nobody knows"


def _watched(world: World, known: WorkingSet) -> Iterator[str]:
    """Yield where the ledger isn't what was seen to be committed."""
    if known.records != world.watch.records:
        yield "the ledger isn't what was committed"

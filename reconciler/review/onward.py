"""The passes that follow a commit, one assessed after the other for as long as attempts end.

What stops frees room, and what was waiting for its end (the next run, the moved one, whoever is
next in the queue) is decided on by the pass after. A preview that looked at one pass alone would
have to call all of that unknown.
"""

from __future__ import annotations

from dataclasses import replace

from policy.model.execution import Uid
from reconciler.converge.assess import assess
from reconciler.converge.world import Assessment, Identity, Memory, World

MOST_PASSES = 4
"""An attempt ends in the first pass, its room is given away in the second; a third is for those
who are stopped by the second. Who preempts whom is bounded by the priority classes."""


def assess_onward(world: World) -> Assessment:
    """Return the last of the passes to come, with what was started and stopped in all of them.

    Its snapshot is the one that the last pass decides on; carried out on that, its decision
    leaves everybody with what they have in the end.
    """
    found = assess(world)
    for _ in range(1, MOST_PASSES):
        if not _has_ended(found, world.memory):
            break
        world = replace(world, memory=_remembering(world.memory, found))
        found = _joined(found, assess(world))
    return found


def _has_ended(found: Assessment, memory: Memory) -> bool:
    """Tell whether an attempt that was open when the pass began isn't any more."""
    return any(
        record.attempt_open and not found.records[uid].attempt_open
        for uid, record in memory.records.items()
        if uid in found.records
    )


def _remembering(memory: Memory, found: Assessment) -> Memory:
    """Return the memory with what a pass would have committed."""
    identities = {
        Uid(status.uid): Identity(namespace=status.namespace, name=status.name, run=status.run)
        for status in found.statuses
    }
    progress = {**memory.progress, **found.books.progress}
    placements = {**memory.placements, **found.placements}
    return replace(
        memory,
        records=found.records,
        identities={**memory.identities, **identities},
        frozen={**memory.frozen, **found.frozen},
        placements={uid: groups for uid, groups in placements.items() if groups},
        progress={uid: row for uid, row in progress.items() if row is not None},
        usage={**memory.usage, **found.books.usage},
    )


def _joined(before: Assessment, after: Assessment) -> Assessment:
    """Return the later pass with what the earlier one has started, where that wasn't undone."""
    stopped = {preemption.uid for preemption in after.decision.preemptions}
    starts = [start for start in before.decision.starts if start.uid not in stopped]
    decision = replace(after.decision, starts=(*starts, *after.decision.starts))
    return replace(after, steps=(*before.steps, *after.steps), decision=decision)

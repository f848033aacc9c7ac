"""What is long over and asked for by nobody: who isn't published any more, and who isn't known.

A result that is asked for is told for as long as it is. What isn't leaves the status branch after
``PUBLISHED``; after ``KNOWN`` its facts go too, and a manifest that comes back begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from policy.model.execution import Uid
from reconciler.converge.draft import Draft
from reconciler.converge.ledger import Record
from reconciler.converge.runs import is_scheduled
from reconciler.converge.world import Past

PUBLISHED = timedelta(days=7)
KNOWN = timedelta(days=90)
"""How long after its end; it is also how long history is kept (``store/retention``)."""


def past(draft: Draft) -> Past | None:
    """Return what is past its time; None where it isn't the time to ask (``World.tidies``)."""
    if not draft.world.tidies:
        return None
    now = draft.world.now
    over = [
        record
        for uid, record in draft.records.items()
        if record.ended is not None
        and record.ended.at <= now - PUBLISHED
        and draft.manifest_of(uid) is None
    ]
    return Past(
        untold=frozenset(record.uid for record in over),
        expired=tuple(sorted(_expired(draft, over))),
    )


def _expired(draft: Draft, over: list[Record]) -> Iterator[Uid]:
    """Yield those whose facts nobody needs: no reading was wanting, and nothing rests on them."""
    wanted, memory = draft.wanted, draft.memory
    if not draft.world.may_delete:  # what there is of them may not have been seen
        return
    needed = {
        (manifest.namespace, before.name)
        for manifest in wanted.manifests.values()
        if manifest.spec is not None
        for before in manifest.spec.after
    }
    needed |= {(r.template.namespace, r.template.name) for r in wanted.recurrences.values()}
    asked = {(m.namespace, m.name): m.run for m in wanted.manifests.values()}
    invalid = {uid for _, uid, _ in wanted.invalid}
    for record in over:
        uid, identity = record.uid, memory.identities.get(record.uid)
        if identity is None or record.ended is None:
            continue
        name = (identity.namespace, identity.name)
        reading = wanted.reading(wanted.source(identity.source_id))
        is_whole = reading.commit and reading.missing is None and not reading.tree_is_empty
        # What can't be read may ask for it under another path; somebody's bad file isn't for ever.
        kept = KNOWN * 2 if identity.namespace in reading.unparsed_namespaces else KNOWN
        if (
            is_whole
            and record.ended.at <= draft.world.now - kept
            and name not in needed
            # A lower run is held for as long as the higher one is known.
            and (is_scheduled(record.run) or record.run < asked.get(name, record.run + 1))
            and uid not in invalid
            and uid not in draft.kept
            and not (record.held or record.hold)
            and not draft.groups.get(uid)
            and uid not in draft.placements
            and record.last_seq <= memory.published_seq
            # The newest fact of all tells how much this database knows.
            and record.last_seq < memory.last_seq
        ):
            yield uid

"""``zoe orphans adopt``: what runs and nobody knows becomes known, as it is. Touches nothing.

It is the rebuild of single runs. What Git doesn't ask for is held, or the next pass would stop it.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from policy.model.execution import Uid
from reconciler.converge.recovery import Evidence, Recovered, recover
from reconciler.converge.state import ObservedState
from reconciler.converge.world import HoldRequest, Wanted
from reconciler.errors import ConfigError
from reconciler.ports import Lease
from reconciler.recovery.rebuilding import Parts, earlier_than, refrozen, wanted_by
from reconciler.recovery.restoration import Restoration
from reconciler.recovery.rewriting import Writing
from reconciler.stored import Changes, Stored
from reconciler.working_set import WorkingSet

HELD = "adopted, but Git doesn't ask for this run: commit its manifest, or let it end, by a release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopted:
    """What became known: names of executions. ``held`` are those that Git doesn't ask for.

    ``as_is`` are those of which it isn't known what they were made from.
    """

    names: tuple[str, ...]
    held: tuple[str, ...]
    as_is: tuple[str, ...]


def adopt(
    parts: Parts, lease: Lease, uids: Collection[Uid], *, sources: Collection[str]
) -> tuple[Adopted, Lease]:
    """Enter the attempts that the Swarm shows of some runs; return what that was, and the lease.

    Args:
        parts: From what, and with what.
        lease: That of the database: nobody else leads.
        uids: The runs; all services of each are taken together.
        sources: The ids of all declared sources: of which one a run is, no label says.

    Raises:
        ConfigError: The labels of one don't name a run of these sources; nothing was written.
        SourceUnavailable, ClusterUnavailable, StoreUnavailable: A part can't be read whole.
    """
    stored, observed = parts.store.load(), parts.cluster.observe()
    known = WorkingSet(stored)
    tip = parts.reader.source.fetch()
    wanted, _ = wanted_by(parts, known, known.accepted, tip)
    recovered = _recovered(parts, stored, known, wanted, observed, uids, sources)
    if strange := sorted(set(uids) - recovered.records.keys()):
        raise ConfigError(
            f"the labels of what belongs to {', '.join(strange)} don't name a run of a declared "
            "source, so nobody can say whose it is: it stays as it is (zoe orphans remove)"
        )
    restoration, adopted = _restoration(parts, recovered, known, wanted, observed)
    return adopted, parts.store.restore(restoration, lease)


def _recovered(
    parts: Parts,
    stored: Stored,
    known: WorkingSet,
    wanted: Wanted,
    observed: ObservedState,
    uids: Collection[Uid],
    sources: Collection[str],
) -> Recovered:
    evidence = Evidence(
        stored=stored.entries,
        owners=known.identities,
        wanted=wanted.manifests,
        observed=observed,
        now=parts.clock.now(),
        sources=sources,
    )
    return recover(evidence, only=uids)


def _restoration(
    parts: Parts,
    recovered: Recovered,
    known: WorkingSet,
    wanted: Wanted,
    observed: ObservedState,
) -> tuple[Restoration, Adopted]:
    now = parts.clock.now()
    earlier = earlier_than(parts, known.accepted, wanted.commit)
    specs, stand_ins = refrozen(recovered, wanted, {}, earlier, observed)
    names = {u: f"{i.namespace}/{i.name}" for u, i in recovered.identities.items()}
    told = f"adopted from the Swarm: {', '.join(sorted(names.values()))}"
    work = Writing(recovered, wanted, last_seq=known.last_seq, now=now, by=parts.by, told=told)
    facts = work.numbered(stand_ins)
    unasked = sorted(names.keys() - wanted.manifests.keys())
    holds = tuple(
        HoldRequest(
            namespace=recovered.identities[uid].namespace,
            name=recovered.identities[uid].name,
            by=parts.by,
            at=now,
            told=HELD,
        )
        for uid in unasked
    )
    rest = Changes(
        frozen=work.frozen({**specs, **stand_ins}),
        placements=recovered.placements,
        executions=work.rows({**specs, **stand_ins}, observed),
    )
    adopted = Adopted(
        names=tuple(sorted(names.values())),
        held=tuple(names[uid] for uid in unasked),
        as_is=tuple(sorted(names[uid] for uid in stand_ins)),
    )
    return Restoration(facts=facts, epoch=0, rest=rest, holds=holds, by=parts.by), adopted

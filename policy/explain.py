"""Why does it wait, and what would change that? Everything that is known of one execution's turn.

Where ``decide`` gives each execution one reason, this works out the rest for a single one: where
it stands and behind whom, what every node says to every component, and what would let it start.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from policy.model.cluster import Snapshot
from policy.model.decision import NEVER, Reason, Wait
from policy.model.execution import Uid
from policy.remedy.candidates import Case
from policy.remedy.of_others import full_name
from policy.remedy.search import Fix, fixes
from policy.remedy.trial import Trial
from policy.round import Round
from policy.scheduler import eligible_nodes
from policy.serve import Service
from policy.settings import PolicySettings
from policy.standing import Ahead, Factor, ahead_because, factors
from policy.verdicts import Verdict, verdicts


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What there is to say about an execution that waits.

    ``position`` counts from 1 at the head of ``waiting`` many who may start some day, those who
    can't come after them; 0: it starts with the next decision. ``factors`` are what ranks it, in
    the order in which they count. ``table`` has every node's answer to every component, as the
    nodes are when all those before it were served.
    """

    uid: Uid
    position: int = 0
    waiting: int = 0
    factors: tuple[Factor, ...] = ()
    ahead: tuple[Ahead, ...] = ()
    reason: Reason | None = None
    table: tuple[Verdict, ...] = ()
    fixes: tuple[Fix, ...] = ()


def explain(
    snapshot: Snapshot,
    settings: PolicySettings,
    uid: Uid,
    *,
    priorities: Mapping[str, int] = MappingProxyType({}),
) -> Explanation:
    """Return why a waiting execution waits.

    Args:
        snapshot: What decisions are made on.
        settings: The policy.
        uid: Who waits.
        priorities: The priority classes that it could have, by name.

    Raises:
        KeyError: Nobody of that uid waits.
    """
    round_ = Round(snapshot, eligible_nodes(snapshot.nodes, settings.node_selector), settings)
    service = Service(round_)
    service.serve()
    keys, by_uid = {}, {}
    for key, execution in round_.queue.ranked():
        keys[execution.uid], by_uid[execution.uid] = key, execution
    execution, waits = by_uid[uid], service.waits()
    told = Explanation(
        uid=uid,
        waiting=sum(other.reason.code not in NEVER for other in waits),
        factors=factors(execution, keys[uid], snapshot, settings, round_.capacity),
    )
    wait = next((wait for wait in waits if wait.uid == uid), None)
    if wait is None:
        return told
    ahead = [by_uid[other.uid] for other in waits if other.position < wait.position]
    asked = round_.asked(execution)
    case = Case(
        trial=Trial(snapshot=snapshot, settings=settings, uid=uid),
        execution=execution,
        asked=asked,
        reason=wait.reason,
        table=verdicts(asked, round_.room, snapshot.nodes, settings.node_selector),
        ahead=tuple(ahead),
        quotas=round_.quotas,
        priorities=priorities,
    )
    return replace(
        told,
        position=wait.position,
        reason=wait.reason,
        ahead=tuple(
            Ahead(
                uid=e.uid,
                name=full_name(e),
                because=ahead_because(keys[uid], keys[e.uid], settings),
            )
            for e in ahead
        ),
        table=case.table,
        fixes=fixes(case),
    )


def just_ahead(
    waits: Sequence[Wait], snapshot: Snapshot, settings: PolicySettings, *, most: int
) -> Mapping[Uid, tuple[Ahead, ...]]:
    """Return who is served just before each that waits, nearest first, at most so many.

    ``waits`` is the queue that was decided on this snapshot, in its order.
    """
    round_ = Round(snapshot, eligible_nodes(snapshot.nodes, settings.node_selector), settings)
    ranked = {execution.uid: (key, execution) for key, execution in round_.queue.ranked()}
    found: dict[Uid, tuple[Ahead, ...]] = {}
    for index, wait in enumerate(waits):
        mine, _ = ranked[wait.uid]
        nearest = [ranked[other.uid] for other in reversed(waits[max(0, index - most) : index])]
        found[wait.uid] = tuple(
            Ahead(uid=e.uid, name=full_name(e), because=ahead_because(mine, key, settings))
            for key, e in nearest
        )
    return found

"""The one question of the scheduler: ``decide(snapshot, settings) -> Decision``.

Pure and total. Everybody is served in the order of rank (``rank``): who runs grows, who waits
starts if its core fits (``serve``, ``grow``, ``admit``), each on the nodes that take it
(``place``), at the cost of those whom the policy lets it take from (``assignment``), within
quotas (``quota``) and beside what is kept for later (``reserve``, ``windows``). Deciding again on
an unchanged snapshot changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from policy.assignment import Holding
from policy.model.cluster import Node, Snapshot
from policy.model.decision import Decision, Preemption, Resize, Start
from policy.model.execution import Constraint
from policy.room import satisfies
from policy.round import Round
from policy.serve import Service
from policy.settings import PolicySettings


def decide(snapshot: Snapshot, settings: PolicySettings) -> Decision:
    """Return who is stopped, starts, grows, shrinks, and waits."""
    round_ = Round(snapshot, eligible_nodes(snapshot.nodes, settings.node_selector), settings)
    service = Service(round_)
    service.serve()
    running = {holding.execution.uid for holding in round_.holdings}
    return Decision(
        preemptions=tuple(
            Preemption(uid=uid, by=by or None)
            for uid, by in sorted(round_.assignment.preempted.items())
            if uid in running
        ),
        starts=tuple(
            Start(uid=holding.execution.uid, allocations=holding.allocations)
            for holding in service.started
        ),
        resizes=_resizes(round_.holdings),
        wake_ms=min((at for at in round_.wakes if at > snapshot.now_ms), default=None),
        explain=service.waits,
    )


def eligible_nodes(nodes: Sequence[Node], selector: Sequence[Constraint]) -> tuple[Node, ...]:
    """Return the nodes that the platform gives to executions, by id."""
    matching = [n for n in nodes if all(satisfies(n, constraint) for constraint in selector)]
    return tuple(sorted(matching, key=lambda n: n.id))


def _resizes(holdings: Iterable[Holding]) -> tuple[Resize, ...]:
    changed = [h for h in holdings if not h.is_stopped and h.is_changed]
    return tuple(
        Resize(uid=holding.execution.uid, allocations=holding.allocations)
        for holding in sorted(changed, key=lambda h: h.execution.uid)
    )

"""Plays applications through ``decide``, event by event.

An event is an arrival, an end, or a time at which the scheduler asked to be woken. All that
happens in the same millisecond is one decision. Decisions are carried out at once and whole: what
starting and stopping cost in a real cluster is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from policy.model.cluster import Node, Snapshot
from policy.model.decision import Decision
from policy.model.reservation import Reservation
from policy.model.tenant import Tenant
from policy.scheduler import decide
from policy.settings import PolicySettings
from policy.simulator.application import Application
from policy.simulator.holdings import Accounts
from policy.simulator.knowledge import Knowledge
from policy.simulator.record import Run
from policy.simulator.world import World

Decider = Callable[[Snapshot, PolicySettings], Decision]
"""``policy.scheduler.decide``, or something around it that measures it."""

Observer = Callable[[Snapshot, Decision], None]
"""Sees every snapshot with what was decided on it."""

MAX_IDLE_WAKES = 1000
"""How often the scheduler may ask to be woken, to no effect, while nothing runs or arrives."""


class Engine:
    """A cluster and a policy, ready to play workloads. Two runs don't know of each other.

    Attributes:
        settings: The policy and its parameters.
        nodes: The cluster; their ``reserved`` counts as held by others all the time.
        tenants: Quotas and weights; namespaces without one have none.
        reservations: Windows of the calendar.
        quantum_permille: Ends that lie within this fraction of the time looked ahead are handled
            together, at the middle of them; that bounds the number of decisions at the price of
            starts that are off by as much. For forecasts; 0 is exact.
        quantum_ms: The least time in which ends are handled together.
        observe: Sees every decision. It may keep what it sees, at the price of slower runs.
        decider: Decides.
    """

    def __init__(
        self,
        settings: PolicySettings,
        nodes: Sequence[Node],
        *,
        tenants: Sequence[Tenant] = (),
        reservations: Sequence[Reservation] = (),
        quantum_permille: int = 0,
        quantum_ms: int = 0,
        observe: Observer | None = None,
        decider: Decider = decide,
    ) -> None:
        self.settings = settings
        self.nodes = tuple(nodes)
        self.tenants = tuple(tenants)
        self.reservations = tuple(reservations)
        self.quantum_permille = quantum_permille
        self.quantum_ms = quantum_ms
        self.observe = observe
        self.decider = decider

    def run(
        self,
        applications: Iterable[Application],
        *,
        knowledge: Knowledge | None = None,
        from_ms: int | None = None,
        until_ms: int | None = None,
        until_started: bool = False,
    ) -> Run:
        """Play applications until all have ended, or nothing more can happen.

        Args:
            applications: In any order; uids are unique. Those with allocations run already.
            knowledge: Makes their estimates; None leaves them as they are.
            from_ms: When it begins; with the first arrival by default.
            until_ms: The last time that is looked at.
            until_started: Stop as soon as nothing waits or is still to come.
        """
        world = World(
            applications,
            nodes=self.nodes,
            reservations=self.reservations,
            accounts=Accounts(
                self.tenants,
                half_life_ms=self.settings.half_life_ms,
                entry_penalty_ms=self.settings.entry_penalty_ms,
            ),
            knowledge=knowledge,
            from_ms=from_ms,
        )
        decision: Decision | None = None
        idle_wakes = 0
        while (next_ms := world.next_ms()) is not None:
            if until_ms is not None and next_ms > until_ms:
                break
            decision = self._step(world, next_ms)
            idle_wakes = idle_wakes + 1 if world.is_idle and decision.changes_nothing else 0
            if idle_wakes > MAX_IDLE_WAKES or (until_started and world.all_started):
                break
        return world.result(decision)

    def _step(self, world: World, next_ms: int) -> Decision:
        """Advance to the next event, decide, and carry it out."""
        looked_ahead_ms = next_ms - world.begin_ms
        window_ms = max(self.quantum_ms, looked_ahead_ms * self.quantum_permille // 1000)
        # What is there at the beginning is decided on at once, whatever ends soon after.
        world.advance(next_ms, window_ms=window_ms if looked_ahead_ms else 0)
        snapshot = world.snapshot()
        decision = self.decider(snapshot, self.settings)
        if self.observe is not None:
            self.observe(snapshot, decision)
        world.apply(decision)
        return decision

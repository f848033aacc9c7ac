"""Finding what would let a waiting execution start; nothing is offered that wasn't tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from policy.model.cluster import Node
from policy.model.execution import Component, Execution, NodeId, Operator
from policy.model.resources import Resources
from policy.remedy.candidates import Case, author, calendar, operator, others
from policy.remedy.change import Change
from policy.remedy.of_author import DropConstraint, LeaveReservation
from policy.remedy.of_operator import AddNodes, CancelReservation, OpenNode, ShareStorage
from policy.remedy.of_others import Withdraw
from policy.room import satisfies
from policy.share import amounts_of

MOST = 8

_SEARCHES: tuple[Callable[[Case], Iterator[Change]], ...] = (
    others.patience,
    calendar.around_windows,
    author.less,
    author.manifest,
    author.priority,
    others.leaving,
    operator.closed_nodes,
    operator.unlabelled,
    operator.quota,
    operator.more_nodes,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """Changes that, made together, let the execution start at once: tried by deciding."""

    changes: tuple[Change, ...]

    @property
    def told(self) -> str:
        """What to do, in words."""
        return ", and ".join(change.told for change in self.changes)


def fixes(case: Case, *, most: int = MOST) -> tuple[Fix, ...]:
    """Return what would let it start, what its author can do first.

    Several changes together are offered only where no single one is enough. On a cluster with
    nodes something is always found.
    """
    found = [Fix(changes=(change,)) for search in _SEARCHES for change in search(case)]
    if not found:
        found = list(_together(case))
    return tuple(found[:most])


def _together(case: Case) -> Iterator[Fix]:
    """Make every change that could matter, then leave out what isn't needed."""
    needed = list(_all_changes(case))
    if not case.trial.starts(*needed):
        return
    for change in list(needed):
        left = [other for other in needed if other is not change]
        if case.trial.starts(*left):
            needed = left
    fewer = list(needed)
    for index, change in enumerate(fewer):
        if isinstance(change, AddNodes):
            fewer[index] = _as_few(case, change, fewer[:index] + fewer[index + 1 :])
    # Packing isn't monotone: what fits beside more of one kind needn't fit beside fewer.
    yield Fix(changes=tuple(fewer if case.trial.starts(*fewer) else needed))


def _as_few(case: Case, change: AddNodes, rest: list[Change]) -> AddNodes:
    """Return the change with no more nodes than it takes beside the rest."""

    def add(count: int) -> AddNodes:
        return replace(change, count=count)

    low, high = 1, change.count
    while low < high:
        middle = (low + high) // 2
        if case.trial.starts(*rest, add(middle)):
            high = middle
        else:
            low = middle + 1
    return add(high)


def _all_changes(case: Case) -> Iterator[Change]:
    """Yield all that together leave nothing in the way; what is worst to do comes first."""
    snapshot, asked = case.trial.snapshot, case.asked
    rest = [e for e in snapshot.executions if e.uid != asked.uid]
    if running := [e for e in rest if e.is_admitted]:
        yield Withdraw.of(running, is_running=True)
    if waiting := [e for e in rest if not e.is_admitted]:
        yield Withdraw.of(waiting)
    for name in sorted({reservation.name for reservation in snapshot.reservations}):
        yield CancelReservation(reservation=name)
    if asked.reservation:
        yield LeaveReservation(reservation=asked.reservation)
    yield from _freed(asked, case)
    yield from _nodes(asked, case)
    yield from (
        OpenNode(node=node.id, hostname=node.hostname, is_down=not node.is_ready)
        for node in snapshot.nodes
        if not (node.is_ready and node.is_active)
    )
    yield from operator.quotas_needed(case)


def _freed(asked: Execution, case: Case) -> Iterator[Change]:
    """Yield what frees components of rules that no new node can meet, or no single one."""
    for component in asked.components:
        if component.only_nodes is not None or component.is_colocated:
            yield ShareStorage(component=component.name)
        node = _node_for(component, case)
        for constraint in component.constraints:
            if not satisfies(node, constraint):
                yield DropConstraint(component=component.name, constraint=constraint)


def _nodes(asked: Execution, case: Case) -> Iterator[Change]:
    """Yield nodes enough for every replica of the core to have one to itself.

    Each kind is enough for all: those that may stand anywhere can't take the last from others.
    """
    count = sum(component.core for component in asked.components)
    kinds: list[Node] = []
    for component in asked.components:
        node = _node_for(component, case)
        if component.core and node not in kinds:
            kinds.append(node)
    yield from (AddNodes(node=node, count=count) for node in kinds)


def _node_for(component: Component, case: Case) -> Node:
    """Return a node that holds a replica of any component and meets what this one asks of it."""
    known: dict[str, str] = {}
    for constraint in (*case.trial.settings.node_selector, *component.constraints):
        if constraint.operator is Operator.EQUAL:
            known.setdefault(constraint.attribute, constraint.value)
    return Node(
        id=NodeId("new"),
        hostname=known.get("node.hostname", ""),
        capacity=_largest(case.asked) + case.trial.settings.headroom,
        labels=_of(known, "node.labels."),
        engine_labels=_of(known, "engine.labels."),
        os=known.get("node.platform.os", "linux"),
        architecture=known.get("node.platform.arch", ""),
        is_manager=known.get("node.role", "worker").lower() == "manager",
    )


def _largest(asked: Execution) -> Resources:
    """Return the most that any component's replica asks for, in each dimension."""
    most: dict[str, int] = {}
    for component in asked.components:
        for name, amount in amounts_of(component.demand):
            most[name] = max(amount, most.get(name, 0))
    return Resources.of(
        cpu_millis=most.pop("cpu", 0), memory_bytes=most.pop("memory", 0), generic=most.items()
    )


def _of(known: dict[str, str], prefix: str) -> dict[str, str]:
    return {name.removeprefix(prefix): v for name, v in known.items() if name.startswith(prefix)}

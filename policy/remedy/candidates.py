"""Which single changes may be worth trying for a waiting execution, by who could make them.

Each search yields changes that were tried and let it start, the smallest that do.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from policy.model.cluster import Node
from policy.model.decision import Reason, ReasonCode
from policy.model.execution import Component, Constraint, Execution, Operator
from policy.model.resources import Resources
from policy.quota import Quotas
from policy.rank import rules_of
from policy.remedy.change import Change
from policy.remedy.of_author import (
    AskForLess,
    AskForReplicas,
    DropConstraint,
    DropPorts,
    LeaveReservation,
    RaisePerNode,
    RaisePriority,
    ShortenLifetime,
)
from policy.remedy.of_operator import (
    AddNodes,
    CancelReservation,
    LabelNode,
    OpenNode,
    RaiseQuota,
    ShareStorage,
)
from policy.remedy.of_others import Wait, Withdraw, full_name
from policy.remedy.trial import Trial
from policy.reserve import expected_end
from policy.room import satisfies
from policy.settings import MINUTE_MS
from policy.share import amounts_of
from policy.verdicts import Verdict

MOST_NODES = 64
MOST_OWN = 10
MOST_AHEAD = 25
_LABEL = "node.labels."


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A waiting execution with what is known of why.

    ``ahead`` are those who wait and come first; ``asked`` is it with all that it has to start
    with as its core; ``quotas`` are charged with what everybody holds after the decision.
    ``priorities`` are the classes that there are, by name, but fillers.
    """

    trial: Trial
    execution: Execution
    asked: Execution
    reason: Reason
    table: tuple[Verdict, ...]
    ahead: tuple[Execution, ...]
    quotas: Quotas
    priorities: Mapping[str, int]

    def says_no(self, filter_: str) -> list[Component]:
        """Return the components to which some node said no by a filter."""
        names = {verdict.component for verdict in self.table if verdict.filter == filter_}
        return [component for component in self.asked.components if component.name in names]


# -- the author's manifest ----------------------------------------------------------------------


def less(case: Case) -> Iterator[Change]:
    """Fewer or smaller replicas, where room or quota is what lacks."""
    for component in (c for c in case.asked.components if c.core):
        if component.core > 1:
            yield from _fewer(case, component)
        for dimension, amount in amounts_of(component.demand):
            yield from _smaller(case, component, dimension, amount)


def _fewer(case: Case, component: Component) -> Iterator[Change]:
    is_rigid = rules_of(case.trial.settings).is_rigid

    def fewer(by: int) -> Change:
        count = component.core - by
        return AskForReplicas(component=component.name, replicas=count, is_total=is_rigid)

    found = case.trial.least(fewer, 1, component.core - 1)
    if found is not None:
        yield found


def _smaller(case: Case, component: Component, dimension: str, amount: int) -> Iterator[Change]:
    """Try the amounts that nodes have for one replica, or for several, the largest first."""
    amounts = sorted(_sizes(case, component, dimension, amount), reverse=True)

    def smaller(index: int) -> Change:
        return AskForLess(component=component.name, dimension=dimension, amount=amounts[index])

    found = case.trial.least(smaller, 0, len(amounts) - 1) if amounts else None
    if found is not None:
        yield found


def _sizes(case: Case, component: Component, dimension: str, amount: int) -> set[int]:
    headroom = dict(amounts_of(case.trial.settings.headroom))
    held = _held(case.trial.snapshot.executions)
    sizes = set()
    for node in case.trial.snapshot.nodes:
        whole = dict(amounts_of(node.capacity - node.reserved)).get(dimension, 0)
        most = whole - headroom.get(dimension, 0)
        for free in (most, most - held.get((node.id, dimension), 0)):
            for share in range(1, min(component.core, 8) + 1):
                sizes.add(_rounded(dimension, free // share))
    if case.reason.shortfall:
        missing = dict(case.reason.shortfall).get(dimension, 0)
        sizes.add(_rounded(dimension, amount - -(-missing // component.core)))
    return {size for size in sizes if 0 < size < amount}


def _held(executions: Iterable[Execution]) -> dict[tuple[str, str], int]:
    held: dict[tuple[str, str], int] = {}
    for execution in executions:
        for node, demand in execution.load:
            for dimension, amount in amounts_of(demand):
                held[node, dimension] = held.get((node, dimension), 0) + amount
    return held


def _rounded(dimension: str, amount: int) -> int:
    """Round down to what people write: tenths of a CPU, 64 MiB."""
    step = {"cpu": 100, "memory": 64 * 1024**2}.get(dimension, 1)
    return amount // step * step


def priority(case: Case) -> Iterator[Change]:
    """The lowest class that is high enough."""
    higher = [n for n, v in case.priorities.items() if v > case.execution.priority]
    for name in sorted(higher, key=lambda n: (case.priorities[n], n)):
        change = RaisePriority(priority=case.priorities[name], name=name)
        if case.trial.starts(change):
            yield change
            return


def manifest(case: Case) -> Iterator[Change]:
    """Other rules: constraints, ports, storage, replicas per node."""
    found: list[Change] = [
        DropConstraint(component=c.name, constraint=constraint)
        for c in case.says_no("constraints")
        for constraint in c.constraints
    ]
    found += [DropPorts(component=c.name, ports=c.host_ports) for c in case.says_no("ports")]
    found += [RaisePerNode(component=c.name, count=c.core) for c in case.says_no("max-per-node")]
    found += [ShareStorage(component=c.name) for c in case.says_no("storage")]
    yield from (change for change in found if case.trial.starts(change))


def calendar(case: Case) -> Iterator[Change]:
    """Waiting for a window, doing without it, or being gone before it begins."""
    found: list[Change] = []
    now_ms, until_ms = case.trial.snapshot.now_ms, case.reason.until_ms
    if case.reason.code is ReasonCode.OUTSIDE_RESERVATION and until_ms is not None:
        found.append(Wait(until_ms=until_ms, for_=f"the window of {case.reason.blocks}"))
    if case.execution.reservation:
        found.append(LeaveReservation(reservation=case.execution.reservation))
    left_ms = ((until_ms or now_ms) - now_ms) // MINUTE_MS * MINUTE_MS
    if case.reason.code is ReasonCode.RESERVED and left_ms > 0:
        found.append(ShortenLifetime(lifetime_ms=left_ms))
    windows = sorted(case.trial.snapshot.reservations, key=lambda r: (r.ends_ms, r.name))
    found += [Wait(until_ms=r.ends_ms, for_=f"the end of {r.name}'s window") for r in windows[:1]]
    names = sorted({reservation.name for reservation in windows})
    found += [CancelReservation(reservation=name) for name in names]
    yield from (change for change in found if case.trial.starts(change))


# -- patience, and others -----------------------------------------------------------------------


def patience(case: Case) -> Iterator[Change]:
    """The end of what runs, the first that are enough, as far as ends are known."""
    snapshot = case.trial.snapshot
    ends = sorted(
        (max(end_ms, snapshot.now_ms + 1), e.uid, e)
        for e in snapshot.executions
        if e.is_admitted and (end_ms := expected_end(e, snapshot.now_ms)) is not None
    )

    def until(count: int) -> Change:
        gone = [execution for _, _, execution in ends[:count]]
        return Wait(
            until_ms=ends[count - 1][0],
            uids=tuple(e.uid for e in gone),
            names=tuple(full_name(e) for e in reversed(gone)),
        )

    found = case.trial.least(until, 1, len(ends))
    if found is not None:
        yield found


def others(case: Case) -> Iterator[Change]:
    """One of one's own stopped, or as few as possible of those ahead withdrawn."""
    own = [
        e
        for e in case.trial.snapshot.executions
        if e.is_admitted and e.namespace == case.execution.namespace
    ]
    for execution in sorted(own, key=lambda e: (e.priority, e.arrival))[:MOST_OWN]:
        change = gone([execution], is_running=True)
        if case.trial.starts(change):
            yield change
            break
    yield from _ahead(case)


def _ahead(case: Case) -> Iterator[Change]:
    """Withdraw from those ahead: one alone if that is enough, else as many as it takes."""
    nearest = case.ahead[::-1]
    if not nearest or not case.trial.starts(gone(case.ahead)):
        return
    for execution in (case.ahead[0], *nearest[:3]):
        if case.trial.starts(alone := gone([execution])):
            yield alone
            return
    needed = list(case.ahead)
    if len(needed) <= MOST_AHEAD:
        for execution in case.ahead:
            left = [e for e in needed if e is not execution]
            if left and case.trial.starts(gone(left)):
                needed = left
    yield gone(needed)


def gone(executions: Sequence[Execution], *, is_running: bool = False) -> Withdraw:
    """Return the change in which these are away."""
    return Withdraw(
        uids=tuple(e.uid for e in executions),
        names=tuple(full_name(e) for e in executions),
        is_running=is_running,
    )


# -- the operator's cluster ---------------------------------------------------------------------


def closed_nodes(case: Case) -> Iterator[Change]:
    """A drained or lost node taken back."""
    for node in case.trial.snapshot.nodes:
        if not (node.is_ready and node.is_active):
            change = OpenNode(node=node.id, hostname=node.hostname, is_down=not node.is_ready)
            if case.trial.starts(change):
                yield change
                return


def unlabelled(case: Case) -> Iterator[Change]:
    """The labels that constraints, or the platform's selector, miss on one node."""
    wanted = list(case.trial.settings.node_selector)
    for component in case.asked.components:
        wanted += component.constraints
    for node in case.trial.snapshot.nodes:
        change = labelled(node, wanted)
        if change is not None and case.trial.starts(change):
            yield change
            return


def labelled(node: Node, wanted: Iterable[Constraint]) -> LabelNode | None:
    """Return the labels that let a node meet constraints; None if labels can't, or all are met."""
    found: dict[str, str] = {}
    for constraint in wanted:
        if satisfies(node, constraint):
            continue
        if not constraint.attribute.startswith(_LABEL):
            return None
        is_equal = constraint.operator is Operator.EQUAL
        name = constraint.attribute.removeprefix(_LABEL)
        value = constraint.value if is_equal else ""
        if found.setdefault(name, value) != value:
            return None
    if not found:
        return None
    return LabelNode(node=node.id, hostname=node.hostname, labels=tuple(sorted(found.items())))


def quota(case: Case) -> Iterator[Change]:
    """The quota that binds, raised by just what lacks."""
    needed = quotas_needed(case)
    if len(needed) == 1 and case.trial.starts(*needed):
        yield from needed


def quotas_needed(case: Case) -> list[Change]:
    """Return every raise of quota that the core needs beside what its namespace uses."""
    asked = case.asked
    tenant = next((t for t in case.trial.snapshot.tenants if t.name == asked.namespace), None)
    if tenant is None:
        return []
    lacks = case.quotas.lacks(asked)
    maximum, guaranteed = dict(tenant.maximum), dict(tenant.guaranteed)
    found = [("maximum", name, maximum.get(name, 0) + missing) for name, missing in lacks.own]
    found += [
        ("guaranteed", name, guaranteed.get(name, 0) + missing) for name, missing in lacks.cohort
    ]
    if lacks.executions:
        found.append(("executions", "", tenant.maximum_executions + lacks.executions))
    return [
        RaiseQuota(namespace=tenant.name, bound=bound, dimension=name, amount=amount)
        for bound, name, amount in found
    ]


def more_nodes(case: Case) -> Iterator[Change]:
    """As few more nodes as possible, like one that is there."""
    shapes: dict[tuple[object, ...], Node] = {}
    for node in sorted(case.trial.snapshot.nodes, key=lambda n: n.id):
        labels = tuple(sorted(node.labels.items()))
        shapes.setdefault((node.capacity, labels, node.is_manager), node)
    best: AddNodes | None = None
    for node in sorted(shapes.values(), key=_by_size)[:4]:
        most = best.count - 1 if best else MOST_NODES
        found = _as_few(case, node, most)
        best = found or best
    if best is not None:
        yield best


def _as_few(case: Case, node: Node, most: int) -> AddNodes | None:
    fresh = replace(
        node,
        hostname="",
        reserved=Resources(),
        taken_ports=frozenset(),
        is_ready=True,
        is_active=True,
    )

    def add(count: int) -> AddNodes:
        return AddNodes(node=fresh, count=count, like=node.hostname)

    count = 1
    while count <= most:
        if case.trial.starts(add(count)):
            found = case.trial.least(add, count // 2 + 1, count)
            return found if isinstance(found, AddNodes) else None
        count *= 2
    return None


def _by_size(node: Node) -> tuple[bool, int, int, str]:
    return (node.is_manager, node.capacity.memory_bytes, node.capacity.cpu_millis, node.id)

"""What of the things that the operator could change for a waiting execution is worth trying."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from policy.model.cluster import Node
from policy.model.execution import Constraint, Operator
from policy.model.resources import Resources
from policy.remedy.candidates import Case
from policy.remedy.change import Change
from policy.remedy.of_operator import AddNodes, LabelNode, OpenNode, RaiseQuota
from policy.room import satisfies

MOST_NODES = 64
_LABEL = "node.labels."


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

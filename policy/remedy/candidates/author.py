"""What of the things that the author of a waiting execution could change is worth trying."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from policy.model.execution import Component, Execution
from policy.rank import rules_of
from policy.remedy.candidates import Case
from policy.remedy.change import Change
from policy.remedy.of_author import (
    AskForLess,
    AskForReplicas,
    DropConstraint,
    DropPorts,
    RaisePerNode,
    RaisePriority,
)
from policy.remedy.of_operator import ShareStorage
from policy.share import amounts_of


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

"""How an open attempt stands, as its groups show: up, complete, or why it can't go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from policy.model.execution import Allocation, ApplicationType
from reconciler.converge.ledger import EndReason, Record
from reconciler.converge.tasks import Failure, Group
from reconciler.manifest.spec import ExecutionSpec


def is_complete(
    spec: ExecutionSpec, groups: Sequence[Group], placements: Sequence[Allocation]
) -> bool:
    """Tell whether all that completes has done so; only a batch ever does."""
    if spec.type is not ApplicationType.BATCH:
        return False
    completing = {service.name for service in spec.services if service.completes}
    placed = [group for group in placements if group.component in completing]
    there = {(group.component, group.service.spec.node) for group in groups}
    # A group that is to come, elastic as it is, isn't waited for: it would have nothing to do.
    needed = sum(p.count for p in placed if (p.component, p.node) in there)
    core = sum(service.core for service in spec.services if service.completes)
    done = sum(group.complete for group in groups if group.component in completing)
    return 0 < max(needed, core) <= done


def is_up(spec: ExecutionSpec, groups: Sequence[Group]) -> bool:
    """Tell whether every core component is up, or done."""
    parts = _by_component(groups)
    return all(
        sum(group.running + group.complete for group in parts.get(service.name, [])) >= service.core
        for service in spec.services
    )


def failure_of(
    record: Record, spec: ExecutionSpec, groups: Sequence[Group], placements: Sequence[Allocation]
) -> Failure | None:
    """Return why the gang can't go on; elastic replicas may come and go."""
    parts = _by_component(groups)
    for service in spec.services:
        runs_once = spec.type is ApplicationType.BATCH and service.completes
        mine = parts.get(service.name, [])
        bad = [(g, f) for g in mine if (f := _group_failure(g, runs_once=runs_once)) is not None]
        placed = [p for p in placements if p.component == service.name]
        lost = sum(g.service.spec.replicas for g, _ in bad)
        if bad and (runs_once or sum(p.count for p in placed) - lost < service.core):
            return bad[0][1]
        nodes = {group.service.spec.node for group in mine}
        there = sum(p.count for p in placed if p.node in nodes)
        if runs_once and record.started_at is not None and there < service.core:
            return Failure(
                reason=EndReason.REMOVED,
                message=f"{service.name}: its service was removed by somebody else",
            )
    return None


def _group_failure(group: Group, *, runs_once: bool) -> Failure | None:
    host = group.node.hostname if group.node else group.service.spec.node
    if group.is_stranded:
        told = (
            f"{group.component}: its node {host} is {'lost' if group.is_node_lost else 'drained'}"
        )
        return Failure(reason=EndReason.NODE_LOST, message=told)
    failure = group.failure(runs_once=runs_once)
    if failure is None:
        return None
    return replace(failure, message=f"{group.component} on {host}: {failure.message}")


def why_not_started(groups: Sequence[Group]) -> str:
    """Return what to tell of an attempt whose time to start is over."""
    for group in groups:
        if error := group.pending_error():
            return f"didn't start in time: {group.component}: {error}"
    return "didn't start in time"


def _by_component(groups: Sequence[Group]) -> Mapping[str, list[Group]]:
    found: dict[str, list[Group]] = {}
    for group in groups:
        found.setdefault(group.component, []).append(group)
    return found

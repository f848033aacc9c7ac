"""What a service waits for before it is started."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.converge.desired_state import DesiredService, Requirement
from reconciler.converge.tasks import Group
from reconciler.manifest.spec import DependsCondition


def unmet(wanted: DesiredService, groups: Mapping[str, Group]) -> Requirement | None:
    """Return the first requirement that what is there doesn't meet; ``groups`` by service name."""
    return next((r for r in wanted.requires if not _is_met(r, groups)), None)


def _is_met(requirement: Requirement, groups: Mapping[str, Group]) -> bool:
    found = [groups[name] for name in requirement.services if name in groups]
    if requirement.condition is DependsCondition.COMPLETED:
        return sum(group.complete for group in found) >= requirement.needed
    if requirement.condition is DependsCondition.STARTED:
        return sum(group.service.spec.replicas for group in found) >= requirement.needed
    return sum(group.running + group.complete for group in found) >= requirement.needed

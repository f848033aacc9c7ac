"""A plan as lines for people: the rules first, then who is touched, then what that does."""

from __future__ import annotations

from collections.abc import Iterator

from policy.forecast import FITS_NOW
from reconciler.cli import when
from reconciler.clock import SystemClock
from reconciler.planning import Planned
from reconciler.review.preview import ActionKind, ExecutionPreview
from reconciler.review.rehearsal import Rehearsal
from reconciler.review.sets import Group, grouped

_WHOLE = (ActionKind.CREATE, ActionKind.STOP)
"""Of these every field is new or gone."""

_MARKS = {"create": "+", "stop": "-", "refused": "x", "held": "!", "outdated": "~"}


def to_text(planned: Planned) -> str:
    """Return the plan but for its errors and warnings."""
    return "\n".join(_lines(planned))


def _lines(planned: Planned) -> Iterator[str]:
    found = planned.preview
    if found.rules.told:
        yield f"rules: {found.rules.told}"
    for change in found.sets:
        yield f"set {change.name}: {change.told}"
    for group in grouped(found.lines):
        yield from _group(group)
    for effect in found.effects:
        yield f"  {effect.namespace}/{effect.name} {effect.told}"
    for quota in found.quotas:
        yield f"  namespace {quota.namespace}: {quota.told}"
    if found.rehearsal is not None:
        yield from _rehearsal(found.rehearsal)
    if planned.base == planned.head:
        yield f"{planned.head[:12]} is compared with itself: commit the change, or name a --base"
    told = f"{len(found.lines)} execution(s) change, {len(planned.errors)} error(s)"
    yield f"{told}; snapshot {found.snapshot}"


def _group(group: Group) -> Iterator[str]:
    line, where = group.first, ""
    if group.positions is not None:
        first, last = group.positions
        where = f", number {first}{f' to {last}' if last > first else ''} in the queue"
    reason = f": {group.reason}" if group.reason else ""
    mark = _MARKS.get(str(line.action), "~")
    yield f"{mark} {group.name} {line.action}{where}{_when(line)}{reason}"
    for change in line.changes if line.action not in _WHOLE else ():
        yield f"    {change.told}"


def _rehearsal(found: Rehearsal) -> Iterator[str]:
    yield f"the new rules, {found.told}"
    for moved in found.moved:
        whose = f"namespace {moved.namespace}" if moved.namespace else "all"
        yield f"  {whose}: {moved.told}"


def _when(line: ExecutionPreview) -> str:
    if line.start_at is None or line.start_basis == FITS_NOW:
        return f" [{line.start_basis}]" if line.start_basis else ""
    at = when.at(line.start_at, now=SystemClock().now())
    return f" [starts about {at}, by {line.start_basis}]"

"""PURE: what became of a plan when it was merged: as planned, or what differs and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

from policy.model.execution import Uid
from reconciler.converge.ledger import EndReason, Entry, Fact
from reconciler.converge.world import Assessment, Memory
from reconciler.posted import PlannedLine, PostedPlan
from reconciler.review.preview import ActionKind

AS_PLANNED = "as planned"
_SHOWN = 20
_LEFT = frozenset({str(EndReason.DELETED), str(EndReason.SUPERSEDED)})
_CHANGES = frozenset({ActionKind.IN_PLACE, ActionKind.ROLLING, ActionKind.REPLACE})


def differences(
    plan: PostedPlan, planned: Iterable[PlannedLine], memory: Memory, found: Assessment
) -> tuple[str, ...]:
    """Return what came out otherwise than one plan showed, by name; nothing = as planned.

    Args:
        plan: What was merged.
        planned: The lines of all that was merged with it, its own included: others' are theirs.
        memory: What was known before the pass that found the merge.
        found: What that pass decided.
    """
    done = _Done(memory, found)
    told = [
        f"{line.full_name}: {difference}"
        for line in sorted(plan.lines, key=lambda line: (line.position, line.full_name))
        if (difference := done.differs(line))
    ]
    told += done.unplanned({line.uid for line in planned})
    if len(told) > _SHOWN:
        told = [*told[:_SHOWN], f"and {len(told) - _SHOWN} more"]
    return tuple(told)


def section(commit: str, told: Sequence[str]) -> str:
    """Return what a comment says of its merge; ``told`` are names and words of our own."""
    head = f"**After the merge** (`{commit[:12]}`): "
    if not told:
        return f"{head}{AS_PLANNED}.\n"
    lines = "\n".join(f"- {_plain(difference)}" for difference in told)
    return f"{head}not as planned.\n\n{lines}\n"


def remark(plans: Sequence[PostedPlan]) -> str:
    """Return what a commit's status says of the plans that came true with it; "" without any."""
    pulls = [plan for plan in plans if plan.pull is not None]
    others = [f"#{plan.pull}" for plan in pulls if plan.differences]
    if others:
        count = sum(len(plan.differences) for plan in pulls)
        return f"not as planned in {', '.join(others)}: {count} difference(s), see its comment"
    return f"{AS_PLANNED} in {', '.join(f'#{plan.pull}' for plan in pulls)}" if pulls else ""


class _Done:
    """What a pass did to each execution."""

    def __init__(self, memory: Memory, found: Assessment) -> None:
        self._memory, self._found = memory, found
        self._entries: Mapping[Uid, list[Entry]] = defaultdict(list)
        for step in found.steps:
            self._entries[step.entry.uid].append(step.entry)
        self._starts = {start.uid for start in found.decision.starts}
        self._waits = {wait.uid: wait for wait in found.decision.waits}

    def differs(self, line: PlannedLine) -> str:
        """Return how an execution's fate differs from its line; "" = as planned."""
        held = self._found.held.get(line.uid)
        match line.action:
            case ActionKind.CREATE:
                return held[1] if held else self._created(line)
            case ActionKind.STOP:
                return held[1] if held else self._stopped(line)
            case ActionKind.HELD:
                return "" if held or line.leaves else "it isn't held any more"
            case action if action in _CHANGES:
                return held[1] if held else self._changed(line)
            case _:
                return ""

    def _created(self, line: PlannedLine) -> str:
        record = self._found.records.get(line.uid)
        if record is None or record.is_final:
            return "it wasn't created"
        wait = self._waits.get(line.uid)
        if line.starts_now and wait is not None:
            return f"it was to start at once, and waits: {wait.reason.message}"
        if line.position and line.uid in self._starts:
            return f"it starts at once; it was to wait as number {line.position}"
        if line.position and wait is not None and wait.position != line.position:
            return f"it is number {wait.position} in the queue, not {line.position}"
        return ""

    def _stopped(self, line: PlannedLine) -> str:
        if self._has_left(line.uid):
            return ""
        before = self._memory.records.get(line.uid)
        if before is None or before.is_final:
            return "it had ended before"
        return "it goes on"

    def _changed(self, line: PlannedLine) -> str:
        before = self._memory.records.get(line.uid)
        if before is not None and before.is_final:
            return "it had ended before"
        return "it was stopped" if self._has_left(line.uid) else ""

    def unplanned(self, planned: set[Uid]) -> Iterator[str]:
        """Yield what happened to executions that no plan named."""
        for uid in sorted(self._entries.keys() - planned):
            facts = {entry.fact for entry in self._entries[uid]}
            if Fact.FIRST_SEEN in facts:
                told = "it is new"
            elif self._has_left(uid):
                told = "it was stopped"
            elif Fact.GENERATION in facts:
                told = "it was changed"
            else:
                continue  # its life goes on, whatever was merged
            yield f"{self._name(uid)}: {told}, and no plan showed that"

    def _has_left(self, uid: Uid) -> bool:
        return any(entry.reason in _LEFT for entry in self._entries.get(uid, ()))

    def _name(self, uid: Uid) -> str:
        statuses = {Uid(status.uid): status for status in self._found.statuses}
        if uid in statuses:
            return f"{statuses[uid].namespace}/{statuses[uid].name}"
        identity = self._memory.identities.get(uid)
        return f"{identity.namespace}/{identity.name}" if identity else str(uid)


def _plain(told: str) -> str:
    """Return words that can make no markup: names within reasons were chosen by authors."""
    return f"`{told.replace('`', chr(39))}`"

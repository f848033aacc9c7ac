"""What would happen if a revision became desired now.

Both revisions are assessed on the same remembered state and the same cluster snapshot, with the
code that the loop runs, pass after pass until nothing ends any more (``onward``); what differs
between the two answers is the preview. Deterministic for (base, head, snapshot id). Attempts under
way are taken as they were last recorded.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from policy.model.execution import Allocation, Uid
from reconciler.converge import schedule
from reconciler.converge.assess import settings_of
from reconciler.converge.change_window import OUTSIDE
from reconciler.converge.edits import Edit, classify, is_refused
from reconciler.converge.host import Host
from reconciler.converge.ledger import HELD_BY_OPERATOR, Record
from reconciler.converge.runs import SCHEDULE, is_scheduled
from reconciler.converge.world import Assessment, Memory, Wanted, World
from reconciler.manifest.diagnostic import Diagnostic
from reconciler.manifest.spec import ExecutionSpec, Manifest
from reconciler.review.advice import advice
from reconciler.review.cluster import Cluster
from reconciler.review.diff import Change, changes
from reconciler.review.effects import Effect, effects
from reconciler.review.expectation import Expectation
from reconciler.review.images import images, to_ask
from reconciler.review.onward import assess_onward
from reconciler.review.quotas import QuotaChange, quota_changes
from reconciler.review.rehearsal import Rehearsal
from reconciler.review.renewal import renewed
from reconciler.review.rules import NO_CHANGES, RuleChanges
from reconciler.review.sets import SetChange, set_changes


class ActionKind(StrEnum):
    """What happens to an execution."""

    CREATE = "create"
    IN_PLACE = "in place"
    ROLLING = "rolling"
    REPLACE = "replace"
    STOP = "stop"
    REFUSED = "refused"
    HELD = "held"
    OUTDATED = "outdated"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionPreview:
    """One execution's line. ``start_at`` None = not now; ``start_basis`` says what it rests on.

    ``leaves``: nothing asks for it any more, so it is stopped, or would be if that weren't held.
    """

    uid: Uid
    namespace: str
    name: str
    action: ActionKind
    generation: int
    core: int
    elastic: int
    position: int | None
    start_at: datetime | None
    start_basis: str
    reason: str
    changes: tuple[Change, ...] = ()
    leaves: bool = False
    of_set: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What a revision would do.

    ``lines`` are the executions that it changes, by name, what stops first; ``effects`` what that
    does to others; ``quotas`` the namespaces whose use changes; ``warnings`` what a reviewer should
    know; ``rules`` what else it is judged by than its own, and ``rehearsal`` what its own would do;
    ``images`` those that it brings and whose registry may be asked. ``sets`` is what changes about
    sets as such.
    """

    snapshot: str
    lines: tuple[ExecutionPreview, ...]
    effects: tuple[Effect, ...]
    quotas: tuple[QuotaChange, ...]
    warnings: tuple[Diagnostic, ...] = ()
    rules: RuleChanges = NO_CHANGES
    rehearsal: Rehearsal | None = None
    images: tuple[str, ...] = ()
    sets: tuple[SetChange, ...] = ()


def preview(
    base: Wanted,
    head: Wanted,
    *,
    memory: Memory,
    cluster: Cluster,
    host: Host,
    rules: RuleChanges = NO_CHANGES,
    missing: Collection[str] = (),
) -> Preview:
    """Return what would happen if ``head``, read under ``base``'s rules, were desired instead.

    ``rules`` are the changes that were left out of it, ``missing`` images that registries don't
    have.
    """
    base, head = (_expanded(wanted, memory, cluster, host) for wanted in (base, head))
    touched = _touched(base, head, memory)
    before = _assess(base, memory, cluster, host, touched)
    after = _assess(head, memory, cluster, host, touched, last=before)
    comparison = _Comparison(base, head, before, after, memory, cluster)
    lines = [line for uid in touched if (line := comparison.line(uid)) is not None]
    return Preview(
        snapshot=cluster.id,
        lines=tuple(sorted(lines, key=_in_order)),
        effects=effects(
            before,
            after,
            comparison.started_before,
            comparison.starts,
            touched=frozenset(line.uid for line in lines),
        ),
        quotas=quota_changes(before, after, head.namespaces),
        warnings=tuple(sorted(set(comparison.warnings((line.uid for line in lines), missing)))),
        rules=rules,
        sets=tuple(set_changes(base.sets, head.sets)),
        images=to_ask(comparison.images(line.uid for line in lines), head.platform),
    )


def _in_order(line: ExecutionPreview) -> tuple[str, str, bool, Uid]:
    """By name; a run stops before the next one takes its place."""
    return line.namespace, line.name, line.action is not ActionKind.STOP, line.uid


def _expanded(wanted: Wanted, memory: Memory, cluster: Cluster, host: Host) -> Wanted:
    now = cluster.observed.taken_at
    return schedule.expand(wanted, memory, now=now, deployment=host.deployment)


def _all(wanted: Wanted) -> Mapping[Uid, Manifest]:
    """Return every manifest that is wanted, schedules too."""
    templates = {uid: found.template for uid, found in wanted.recurrences.items()}
    return {**wanted.manifests, **templates}


def _touched(base: Wanted, head: Wanted, memory: Memory) -> frozenset[Uid]:
    """Return whom the change may have anything to say about: the rest is what it was."""
    old, new = _all(base), _all(head)
    edited = {uid for uid in {*old, *new} if old.get(uid) != new.get(uid)}
    leaving = {uid for uid, r in memory.records.items() if uid not in new and not r.is_final}
    return frozenset(edited | leaving)


def _assess(
    wanted: Wanted,
    memory: Memory,
    cluster: Cluster,
    host: Host,
    tells: frozenset[Uid],
    *,
    last: Assessment | None = None,
) -> Assessment:
    return assess_onward(
        World(
            wanted=wanted,
            memory=memory,
            observed=cluster.observed,
            host=host,
            now=cluster.observed.taken_at,
            attempts_are_as_recorded=True,
            tells=tells,
            last=last,
        )
    )


class _Comparison:
    """Two assessments side by side.

    Attributes:
        started_before: When everybody starts as things are.
        starts: When everybody starts with the change.
    """

    def __init__(
        self,
        base: Wanted,
        head: Wanted,
        before: Assessment,
        after: Assessment,
        memory: Memory,
        cluster: Cluster,
    ) -> None:
        self._base, self._head = _all(base), _all(head)
        self._before, self._after = before, after
        self._frozen = {**memory.frozen, **before.frozen}
        self.started_before = Expectation(before, cluster, settings_of(base.platform))
        self.starts = Expectation(after, cluster, settings_of(head.platform))
        self._executions = {e.uid: e for e in after.snapshot.executions}
        self._groups = after.decision.carried_out(after.snapshot.executions)
        self._statuses = {Uid(status.uid): status for status in after.statuses}

    def line(self, uid: Uid) -> ExecutionPreview | None:
        """Return the line of one execution, or None where the head changes nothing about it."""
        kind, reason = self._kind(uid)
        if kind is None:
            return None
        status = self._statuses.get(uid)
        manifest = self._head.get(uid) or self._base.get(uid)
        namespace = status.namespace if status else manifest.namespace if manifest else ""
        name = status.name if status else manifest.name if manifest else ""
        record = self._after.records.get(uid)
        core, elastic = self._size(uid)
        wait = self.starts.wait(uid)
        return ExecutionPreview(
            uid=uid,
            namespace=namespace,
            name=name,
            action=kind,
            generation=record.generation if record else 0,
            core=core,
            elastic=elastic,
            position=wait.position if wait else None,
            start_at=self.starts.at(uid),
            start_basis=self.starts.basis(uid),
            reason=reason or (wait.reason.message if wait else ""),
            changes=self._changes(uid, kind),
            leaves=uid not in self._head,
            of_set=status.set_name if status else "",
        )

    def _kind(self, uid: Uid) -> tuple[ActionKind | None, str]:
        base, head = self._base.get(uid), self._head.get(uid)
        record = self._before.records.get(uid)
        held = self._after.held.get(uid)
        if held is not None and held[0] in _WAITS and _meaning(base) != _meaning(head):
            return ActionKind.HELD, held[1]
        if head is None:
            if base is None and (record is None or record.is_final):
                return None, ""
            return self._stop(uid)
        if base is None:
            return self._create(uid, head)
        if record is not None and is_refused(record, head, self._spec(uid, base)):
            told = "what has started or ended changes only with a higher run"
            if head.suspend and not base.suspend and not record.is_final:
                return ActionKind.IN_PLACE, f"{_SUSPENDED}; {told}"
            return ActionKind.REFUSED, told
        if is_scheduled(head.run):
            # What becomes of a schedule is told once, and not at each of its runs; but one that
            # runs and follows its ZApp changes now.
            is_told = self._follows_now(record, base, head)
            return self._edit(uid, base, head) if is_told else (None, "")
        if head.run == SCHEDULE:
            return self._reschedule(uid, base, head)
        if base.suspend != head.suspend:
            return ActionKind.IN_PLACE, _SUSPENDED if head.suspend else "is resumed"
        return self._edit(uid, base, head)

    def _follows_now(self, record: Record | None, base: Manifest, head: Manifest) -> bool:
        is_of_zapp = base.document_hash == head.document_hash
        return record is not None and record.attempt_open and is_of_zapp and head.update == "auto"

    def _reschedule(
        self, uid: Uid, base: Manifest, head: Manifest
    ) -> tuple[ActionKind | None, str]:
        if (base.schedule, base.suspend) != (head.schedule, head.suspend):
            return ActionKind.IN_PLACE, self._statuses[uid].message
        if base.spec_hash != head.spec_hash:
            return ActionKind.IN_PLACE, f"the next run follows: {self._statuses[uid].message}"
        return None, ""

    def _stop(self, uid: Uid) -> tuple[ActionKind | None, str]:
        held = self._after.held.get(uid)
        if held is not None:
            return ActionKind.HELD, held[1]
        was = self._before.records.get(uid)
        if was is None or was.is_final:
            return None, ""
        status = self._statuses.get(uid)
        return ActionKind.STOP, status.message if status else "its file was deleted"

    def _create(self, uid: Uid, head: Manifest) -> tuple[ActionKind | None, str]:
        record = self._after.records.get(uid)
        if record is None:
            return ActionKind.HELD, "a higher run was seen before; raise run above it"
        if record.is_final:
            return ActionKind.REFUSED, "this run has ended before; raise run to start it again"
        status = self._statuses.get(uid)
        if status is not None and status.reason == HELD_BY_OPERATOR:
            return ActionKind.HELD, status.message
        blocked = status.message if status else ""
        is_in_queue = uid in self.starts.starts or uid in self.starts.waits
        told = "" if is_in_queue else blocked
        return ActionKind.CREATE, told or (f"run {head.run}" if head.run > 1 else "")

    def _edit(self, uid: Uid, base: Manifest, head: Manifest) -> tuple[ActionKind | None, str]:
        old, new = self._spec(uid, base), head.spec
        if old is None or new is None or base.spec_hash == head.spec_hash:
            return None, ""
        record = self._before.records.get(uid)
        if record is None or not record.attempt_open:
            return ActionKind.IN_PLACE, ""  # nothing of it is there yet
        edit = classify(old, new)
        if edit is Edit.NONE:
            return None, ""
        if self._after.records[uid].is_final:
            return ActionKind.STOP, self._statuses[uid].message
        if base.document_hash == head.document_hash and head.update != "auto":
            return ActionKind.OUTDATED, "its ZApp or Platform changes; the next run follows"
        kind = {
            Edit.IN_PLACE: ActionKind.IN_PLACE,
            Edit.ROLLING: ActionKind.ROLLING,
            Edit.REPLACE: ActionKind.REPLACE,
        }[edit]
        return kind, renewed(old, new) if edit is Edit.ROLLING else ""

    def _spec(self, uid: Uid, base: Manifest) -> ExecutionSpec | None:
        """Return what runs, which may be older than what the base resolves to; else the latter."""
        record = self._before.records.get(uid)
        if record is None or not record.attempt_open:
            return base.spec
        return self._frozen.get((uid, record.generation_in_force)) or base.spec

    def warnings(self, uids: Iterable[Uid], missing: Collection[str]) -> Iterator[Diagnostic]:
        """Yield what a reviewer should know of those that are desired with the change."""
        told: set[tuple[str, str]] = set()
        for uid in uids:
            manifest = self._head.get(uid)
            if manifest is not None:
                advised = advice(manifest, missing=missing)
                yield from (d for d in advised if _is_news(d, manifest, told))

    def images(self, uids: Iterable[Uid]) -> Iterator[str]:
        """Yield the images that executions have with the change and not without it."""
        for uid in uids:
            base, head = self._base.get(uid), self._head.get(uid)
            if head is not None:
                yield from images(head.spec) - images(base.spec if base else None)

    def _changes(self, uid: Uid, kind: ActionKind) -> tuple[Change, ...]:
        base, head = self._base.get(uid), self._head.get(uid)
        if kind is ActionKind.STOP:
            return ()
        old, new = self._spec(uid, base) if base else None, head.spec if head else None
        return changes(old, new, for_anybody=True)

    def _size(self, uid: Uid) -> tuple[int, int]:
        execution = self._executions.get(uid)
        if execution is None:
            return 0, 0
        core = sum(component.core for component in execution.components)
        return core, max(0, _replicas(self._groups.get(uid, ())) - core)


def _is_news(found: Diagnostic, manifest: Manifest, told: set[tuple[str, str]]) -> bool:
    """Tell whether a warning of a set's member says what none of the set said before it."""
    if manifest.item is None:
        return True
    words = found.message.replace(manifest.name, "").replace(manifest.namespace, "")
    key = (manifest.item.set.full_name, words)
    is_news = key not in told
    told.add(key)
    return is_news


_SUSPENDED = "is suspended: everything it holds is freed"
_WAITS = frozenset({OUTSIDE, HELD_BY_OPERATOR})
"""Why an edit is carried out later, just as it is."""


def _meaning(manifest: Manifest | None) -> tuple[object, ...]:
    if manifest is None:
        return ()
    return (manifest.document_hash, manifest.spec_hash, manifest.suspend)


def _replicas(groups: tuple[Allocation, ...]) -> int:
    return sum(group.count for group in groups)

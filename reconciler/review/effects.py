"""What a change does to executions that it doesn't touch: who gives room, who starts later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from policy.model.execution import Allocation, Execution, Uid
from policy.words import format_duration
from reconciler.converge.instants import epoch_ms
from reconciler.converge.ledger import EndReason
from reconciler.converge.world import Assessment
from reconciler.review.expectation import Expectation

NOTICEABLE = timedelta(minutes=1)
"""A start that moves by less isn't told."""

ROUGHLY_PERMILLE = 350
"""Where a forecast looks coarsely, a start may be off by so much of the wait."""


class EffectKind(StrEnum):
    """What becomes of an execution because of others."""

    REVOKED = "revoked"
    STOPPED = "stopped"
    DELAYED = "delayed"
    EARLIER = "earlier"
    GRANTED = "granted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One execution that the change doesn't touch.

    ``replicas`` are those that it gives back or gets; ``before`` and ``after`` its expected
    starts, None where nobody can know.
    """

    uid: Uid
    namespace: str
    name: str
    kind: EffectKind
    replicas: int = 0
    before: datetime | None = None
    after: datetime | None = None

    @property
    def told(self) -> str:
        """In words."""
        match self.kind:
            case EffectKind.REVOKED:
                return f"gives back {_counted(self.replicas, 'elastic replica')}"
            case EffectKind.GRANTED:
                return f"gets {_counted(self.replicas, 'elastic replica')} more"
            case EffectKind.STOPPED:
                return "is stopped whole for one of a higher class, and queues again"
            case EffectKind.DELAYED if self.before and self.after:
                return f"starts {_apart(self.before, self.after)} later"
            case EffectKind.DELAYED:
                return "nobody can say any more when it starts"
            case EffectKind.EARLIER if self.before and self.after:
                return f"starts {_apart(self.after, self.before)} earlier"
            case _:
                return "starts sooner than could be known"


def effects(
    before: Assessment,
    after: Assessment,
    starts_before: Expectation,
    starts_after: Expectation,
    *,
    touched: frozenset[Uid],
) -> tuple[Effect, ...]:
    """Return what becomes of those who aren't ``touched``, worst first, then by name."""
    known = {e.uid: e for e in after.snapshot.executions if e.uid not in touched}
    found = [
        *_resized(before, after, known),
        *_moved(starts_before, starts_after, known.values()),
    ]
    order = list(EffectKind)
    by_weight = sorted(found, key=lambda e: (order.index(e.kind), e.namespace, e.name, e.uid))
    return tuple(by_weight)


def _resized(
    before: Assessment, after: Assessment, known: Mapping[Uid, Execution]
) -> Iterator[Effect]:
    stopped = _preempted(after) - _preempted(before)
    held_before, held_after = (
        found.decision.carried_out(found.snapshot.executions) for found in (before, after)
    )
    for uid, execution in known.items():
        if uid in stopped:
            yield _effect(execution, EffectKind.STOPPED)
        elif execution.is_admitted and uid in held_before:
            groups = held_before[uid], held_after.get(uid, ())
            if groups[0] == groups[1]:
                continue
            old, new = map(_replicas, groups)
            if lost := (old - new).total():
                yield _effect(execution, EffectKind.REVOKED, replicas=lost)
            if gained := (new - old).total():  # also of who gives one back elsewhere
                yield _effect(execution, EffectKind.GRANTED, replicas=gained)


def _preempted(found: Assessment) -> frozenset[Uid]:
    """Return who is stopped whole, also if it starts again in another place."""
    entries = (step.entry for step in found.steps)
    return frozenset(entry.uid for entry in entries if entry.reason == EndReason.PREEMPTED)


def _replicas(groups: Iterable[Allocation]) -> Counter[tuple[str, str]]:
    """Return how many there are, by component and node."""
    return Counter({(group.component, group.node): group.count for group in groups})


def _moved(
    before: Expectation, after: Expectation, executions: Iterable[Execution]
) -> Iterator[Effect]:
    for execution in executions:
        uid = execution.uid
        waited = uid in before.waits or uid in before.starts
        waits = uid in after.waits or uid in after.starts
        if not (waited and waits):
            continue
        old, new = before.at(uid), after.at(uid)
        if old == new:
            continue
        is_later = new is None or (old is not None and new > old)
        if _is_noticeable(
            old, new, execution, is_rough=before.is_rough(uid) or after.is_rough(uid)
        ):
            kind = EffectKind.DELAYED if is_later else EffectKind.EARLIER
            yield _effect(execution, kind, before=old, after=new)


def _is_noticeable(
    old: datetime | None, new: datetime | None, execution: Execution, *, is_rough: bool
) -> bool:
    if old is None or new is None:
        return True
    moved_ms = abs(epoch_ms(new) - epoch_ms(old))
    if moved_ms < NOTICEABLE // timedelta(milliseconds=1):
        return False
    waited_ms = max(epoch_ms(new), epoch_ms(old)) - execution.queued_ms
    return not is_rough or moved_ms * 1000 > waited_ms * ROUGHLY_PERMILLE


def _effect(
    execution: Execution,
    kind: EffectKind,
    *,
    replicas: int = 0,
    before: datetime | None = None,
    after: datetime | None = None,
) -> Effect:
    return Effect(
        uid=execution.uid,
        namespace=execution.namespace,
        name=execution.name,
        kind=kind,
        replicas=replicas,
        before=before,
        after=after,
    )


def _apart(earlier: datetime, later: datetime) -> str:
    return format_duration(epoch_ms(later) - epoch_ms(earlier))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"

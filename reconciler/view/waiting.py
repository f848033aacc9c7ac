"""Why one execution waits: where it stands, what every node says, what would let it start."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from policy import explain
from policy.forecast import forecast
from policy.model.decision import NEVER
from policy.model.execution import Component, Execution, Uid
from policy.model.resources import format_resources
from policy.remedy.change import Change
from policy.remedy.of_others import Wait
from policy.remedy.search import Fix
from policy.standing import RULES
from policy.verdicts import Verdict
from reconciler import canonical
from reconciler.converge.instants import from_epoch_ms
from reconciler.converge.snapshots import Taken
from reconciler.view.queue import NEAREST, Start, sentence, start


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeAnswer:
    """Nodes with one answer: ``takes`` so many replicas there, or the ``rule`` that says no."""

    nodes: tuple[str, ...]
    told: str
    takes: int = 0
    rule: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a component asks for (``3 with 2 CPUs, 4 GiB each``), and what the nodes say."""

    component: str
    told: str
    answers: tuple[NodeAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """A change that was tried and would let it start now; ``about`` when it will be so.

    ``changes`` are the same for machines: each has a ``kind``, and what that needs.
    """

    told: str
    about: datetime | None = None
    changes: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Everything about one that waits. ``standing`` says behind whom and by what it ranks.

    ``ahead`` is who is served just before it, nearest first, with what puts them there.
    """

    uid: str
    namespace: str
    name: str
    snapshot: str
    taken_at: datetime
    sentence: str
    start: Start
    is_hopeless: bool = False
    position: int = 0
    waiting: int = 0
    policy: str = ""
    rule: str = ""
    code: str = ""
    standing: tuple[str, ...] = ()
    ahead: tuple[str, ...] = ()
    asked: tuple[Asked, ...] = ()
    remedies: tuple[Remedy, ...] = ()


def of(taken: Taken, uid: str) -> Explanation:
    """Return why one waits, as decided on a snapshot.

    Whatever is named as a remedy was tried: decided on, with that change made.

    Raises:
        KeyError: Nobody of that uid waits.
    """
    settings = taken.settings
    told = explain.explain(taken.snapshot, settings, Uid(uid), priorities=taken.priorities)
    execution = next(e for e in taken.snapshot.executions if e.uid == uid)
    expected = next(e for e in forecast(taken.snapshot, settings) if e.uid == uid)
    reason = told.reason
    return Explanation(
        uid=uid,
        namespace=execution.namespace,
        name=execution.name,
        snapshot=taken.id,
        taken_at=taken.taken_at,
        sentence=f"{execution.namespace}/{execution.name} {sentence(reason, execution)}",
        start=start(expected, taken_at=taken.taken_at),
        is_hopeless=reason is not None and reason.code in NEVER,
        position=told.position,
        waiting=told.waiting,
        policy=str(settings.policy),
        rule=RULES[settings.policy],
        code=str(reason.code) if reason else "",
        standing=tuple(_standing(told)) if reason and reason.code not in NEVER else (),
        ahead=tuple(f"{a.name}: {a.because}" for a in told.ahead[: -NEAREST - 1 : -1]),
        asked=tuple(_asked(execution, told.table)),
        remedies=tuple(map(_remedy, told.fixes)),
    )


def waits(taken: Taken, namespace: str, name: str) -> str:
    """Return the uid of the run of a name that waits; "" if none does."""
    mine = [
        e
        for e in taken.snapshot.executions
        if (e.namespace, e.name) == (namespace, name) and not e.is_admitted
    ]
    newest = max(mine, key=lambda e: e.queued_ms, default=None)
    return str(newest.uid) if newest else ""


def _standing(told: explain.Explanation) -> Iterator[str]:
    first = f"number {told.position} of {told.waiting}"
    yield first + ("" if told.ahead else ": nobody waits ahead of it")
    nearest = told.ahead[: -NEAREST - 1 : -1]
    yield from (f"behind {ahead.name}: {ahead.because}" for ahead in nearest)
    if len(told.ahead) > len(nearest):
        yield f"behind {len(told.ahead) - len(nearest)} more"
    yield from (factor.told for factor in told.factors)


def _asked(execution: Execution, table: Sequence[Verdict]) -> Iterator[Asked]:
    for component in execution.components:
        verdicts = [verdict for verdict in table if verdict.component == component.name]
        if verdicts:
            yield Asked(
                component=component.name,
                told=_demand(component),
                answers=tuple(_answers(verdicts)),
            )


def _demand(component: Component) -> str:
    each = format_resources(component.demand)
    return f"{component.core} with {each}{' each' if component.core > 1 else ''}"


def _answers(verdicts: Sequence[Verdict]) -> Iterator[NodeAnswer]:
    """Yield nodes with one answer together."""
    nodes: dict[tuple[str, int, str], list[str]] = {}
    for verdict in verdicts:
        key = (_told(verdict), verdict.takes, verdict.filter)
        nodes.setdefault(key, []).append(verdict.hostname)
    for (told, takes, rule), hostnames in nodes.items():
        yield NodeAnswer(nodes=tuple(hostnames), told=told, takes=takes, rule=rule)


def _told(verdict: Verdict) -> str:
    takes = f"takes {verdict.takes}" if verdict.takes else ""
    return "; ".join(part for part in (takes, verdict.message) if part) or "isn't needed"


def _remedy(fix: Fix) -> Remedy:
    until = next((c.until_ms for c in fix.changes if isinstance(c, Wait)), None)
    return Remedy(
        told=fix.told,
        about=None if until is None else from_epoch_ms(until),
        changes=tuple(_change(change) for change in fix.changes),
    )


def _change(change: Change) -> Mapping[str, Any]:
    return {"kind": change.kind, "told": change.told, **canonical.to_data(change)}

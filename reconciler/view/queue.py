"""Who waits, in which order, why, who is ahead, and when each is expected to start."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policy.explain import just_ahead
from policy.forecast import FITS_NOW, Expected, forecast
from policy.model.cluster import Snapshot
from policy.model.decision import NEVER, Reason, ReasonCode, Wait
from policy.model.execution import Execution, Uid
from policy.model.resources import format_resources
from policy.reasons import brief
from policy.scheduler import decide
from policy.share import amounts_of
from policy.standing import RULES, Ahead
from reconciler.converge.instants import from_epoch_ms
from reconciler.converge.newest import newest
from reconciler.converge.snapshots import Taken
from reconciler.view.line import held
from reconciler.view.words import grants, instant

NEAREST = 3
MOST_NOTES = 5
HAS_ITS_TURN = "has its turn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """An expected start. ``told`` says it in a sentence: about when, by what, or why unknown."""

    told: str
    at: datetime | None = None
    earliest: datetime | None = None
    latest: datetime | None = None
    basis: str = ""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One that waits. ``position`` 0: it starts with the next pass. ``needs`` its core's sum.

    ``code``, ``why``, ``sentence`` and ``message`` are the reason: for machines, brief, as it goes
    on after the name, and with each node's no. ``ahead`` is who is served just before it, nearest
    first, with what puts them there.
    """

    position: int
    uid: str
    namespace: str
    name: str
    queued_at: datetime
    needs: str
    amounts: Mapping[str, int]
    start: Start
    code: str = ""
    why: str = ""
    sentence: str = ""
    message: str = ""
    shortfall: Mapping[str, int] = field(default_factory=dict)
    blocks: str = ""
    until: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    ahead: tuple[str, ...] = ()

    @property
    def full_name(self) -> str:
        """NAMESPACE/NAME."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One that runs, with what it holds: ``replicas`` in words, nodes by host name."""

    uid: str
    namespace: str
    name: str
    replicas: str
    nodes: tuple[str, ...]
    ends_at: datetime | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One that an operator keeps as it is, and why."""

    namespace: str
    name: str
    why: str
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def full_name(self) -> str:
        """NAMESPACE/NAME."""
        return f"{self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """``waiting`` in the order of the queue; ``never`` can't start as things are, whoever leaves.

    ``notes`` are what estimates rest on, and why some are unknown. A page of it (``queue_page``)
    has ``totals`` of each list by its name, and the cursor of the page that follows.
    """

    snapshot: str
    taken_at: datetime
    policy: str
    rule: str
    waiting: tuple[Waiting, ...] = ()
    never: tuple[Waiting, ...] = ()
    running: tuple[Holding, ...] = ()
    held: tuple[Held, ...] = ()
    notes: tuple[str, ...] = ()
    totals: Mapping[str, int] = field(default_factory=dict)
    next: str = ""


def of(taken: Taken, documents: Iterable[Mapping[str, Any]]) -> Queue:
    """Return the queue that was decided on a snapshot, with starts as they are expected.

    ``documents`` are status documents: for labels, and for what operators hold.
    """
    snapshot, settings = taken.snapshot, taken.settings
    told = list(documents)
    waits = decide(snapshot, settings).waits
    hopeless = {wait.uid for wait in waits if wait.reason.code in NEVER}
    hopeful = [wait for wait in waits if wait.uid not in hopeless]
    expected = forecast(snapshot, settings)
    known = _Known(
        taken=taken,
        executions={e.uid: e for e in snapshot.executions},
        waits={wait.uid: wait for wait in waits},
        ahead=just_ahead(hopeful, snapshot, settings, most=NEAREST),
        labels={d["metadata"]["uid"]: d["metadata"].get("labels", {}) for d in told},
    )
    lines = [known.waiting(each) for each in expected]
    return Queue(
        snapshot=taken.id,
        taken_at=taken.taken_at,
        policy=str(settings.policy),
        rule=RULES[settings.policy],
        waiting=tuple(line for line in lines if line.uid not in hopeless),
        never=tuple(line for line in lines if line.uid in hopeless),
        running=tuple(_running(snapshot, known.labels)),
        held=tuple(_held(told)),
        notes=tuple(_notes([e for e in expected if e.uid not in hopeless])),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the lines are made from."""

    taken: Taken
    executions: Mapping[Uid, Execution]
    waits: Mapping[Uid, Wait]
    ahead: Mapping[Uid, tuple[Ahead, ...]]
    labels: Mapping[str, Mapping[str, str]]

    def waiting(self, expected: Expected) -> Waiting:
        execution, wait = self.executions[expected.uid], self.waits.get(expected.uid)
        reason = wait.reason if wait else None
        until_ms = reason.until_ms if reason else None
        return Waiting(
            position=wait.position if wait else 0,
            uid=execution.uid,
            namespace=execution.namespace,
            name=execution.name,
            queued_at=from_epoch_ms(execution.queued_ms),
            needs=format_resources(execution.core_demand),
            amounts=dict(amounts_of(execution.core_demand)),
            start=start(expected, taken_at=self.taken.taken_at),
            code=str(reason.code) if reason else "",
            why=brief(reason) if reason else HAS_ITS_TURN,
            sentence=sentence(reason, execution),
            message=reason.message if reason else "it starts with the next pass",
            shortfall=dict(reason.shortfall) if reason else {},
            blocks=reason.blocks if reason else "",
            until=None if until_ms is None else from_epoch_ms(until_ms),
            labels=self.labels.get(execution.uid, {}),
            ahead=tuple(f"{a.name}: {a.because}" for a in self.ahead.get(execution.uid, ())),
        )


def sentence(why: Reason | None, execution: Execution) -> str:
    """Return why one waits, as it goes on after its name."""
    if why is None:
        return f"{HAS_ITS_TURN}: it starts with the next pass"
    if why.code in NEVER:
        return f"can't start as things are: {why.message}"
    if why.code is ReasonCode.NO_CAPACITY:
        return f"waits for {format_resources(execution.core_demand)}: {brief(why)}"
    return why.message if why.message.startswith("waits for") else f"waits: {why.message}"


def start(expected: Expected, *, taken_at: datetime) -> Start:
    """Return an expected start with its sentence."""
    at, low, high = (
        None if ms is None else from_epoch_ms(ms)
        for ms in (expected.at_ms, expected.low_ms, expected.high_ms)
    )
    if at is None:
        told = expected.because or "nobody can know when it starts"
    elif expected.basis == FITS_NOW:
        told = "starts with the next pass"
    else:
        # Nothing starts in the past, however old the snapshot is.
        low = None if low is None else max(low, taken_at)
        told = f"starts about {instant(at)}{_between(at, low, high)}, by {expected.basis}"
    return Start(
        told=told,
        at=at,
        earliest=low,
        latest=high,
        basis=expected.basis,
        because=expected.because,
    )


def _between(at: datetime, low: datetime | None, high: datetime | None) -> str:
    if low is None or low == high:
        return ""
    if high is None:
        return f" ({instant(low)} or later)"
    if instant(low) == instant(at) == instant(high):
        return ""
    return f" ({instant(low)} to {instant(high)})"


def _running(snapshot: Snapshot, labels: Mapping[str, Mapping[str, str]]) -> Iterable[Holding]:
    hostnames = {node.id: node.hostname for node in snapshot.nodes}
    admitted = [e for e in snapshot.executions if e.is_admitted]
    for execution in sorted(admitted, key=lambda e: (e.namespace, e.name, e.uid)):
        ends_ms = execution.ends_ms
        yield Holding(
            uid=execution.uid,
            namespace=execution.namespace,
            name=execution.name,
            replicas=holds(execution),
            nodes=tuple(sorted(hostnames.get(id_, str(id_)) for id_ in execution.nodes)),
            ends_at=None if ends_ms is None else from_epoch_ms(ends_ms),
            labels=labels.get(execution.uid, {}),
        )


def holds(execution: Execution) -> str:
    """Return what an execution holds in words."""
    core = sum(min(c.core, execution.held.get(c.name, 0)) for c in execution.components)
    most = sum(component.elastic for component in execution.components)
    return grants(core=core, elastic=sum(execution.held.values()) - core, most=most)


def _held(documents: Iterable[Mapping[str, Any]]) -> Iterable[Held]:
    for document in newest(documents):
        if told := held(document["status"]):
            metadata = document["metadata"]
            yield Held(
                namespace=metadata["namespace"],
                name=metadata["name"],
                why=told,
                labels=metadata.get("labels", {}),
            )


def _notes(hopeful: Sequence[Expected]) -> Iterable[str]:
    """Yield what estimates rest on, and why some are unknown, each once."""
    bases = sorted({expected.basis for expected in hopeful} - {"", FITS_NOW})
    if bases:
        yield f"starts by {', or by '.join(bases)}; newcomers of a higher rank come first"
    unknown = sorted({expected.because for expected in hopeful} - {""})
    yield from unknown[:MOST_NOTES]
    if len(unknown) > MOST_NOTES:
        yield f"and {len(unknown) - MOST_NOTES} more that are unknown in the same way"

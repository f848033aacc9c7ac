"""Asks interactive executions whether they are used, beside the loop: it never waits for them.

What is learned is kept as the pass needs it (``converge.idleness``), and in the database, so that
a restart neither forgets nor invents. Nothing is decided here.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from time import monotonic

from policy.model.execution import Uid
from reconciler.converge.idleness import (
    Activity,
    Answer,
    NoAnswer,
    Stage,
    announced_at,
    ends_at,
    interval,
    noted,
    stage,
)
from reconciler.converge.probing import Target
from reconciler.errors import StoreUnavailable
from reconciler.manifest.probed import USAGE
from reconciler.ports import Clock
from reconciler.probes import jupyter, page
from reconciler.probes.activities import Activities
from reconciler.probes.agents import Agents
from reconciler.probes.asking import NotUnderstood, asking
from reconciler.probes.traffic import Gateways, ReadLog

log = logging.getLogger(__name__)

LOOK_S = 0.5
CLOSE_S = 5.0
AT_ONCE = 8
STEADY = timedelta(seconds=2)
"""The two clocks may drift apart so far from one answer to the next."""

_NEAR = frozenset({Stage.SOON, Stage.OVER})


@dataclass(slots=True)
class Prober:
    """A thread that asks whoever it is time to ask.

    ``targets`` returns whom the last pass found to ask, None before the first. ``token_of`` is
    what to send where a probe names a secret, ``read_log`` reads the log of a gateway. ``wake``
    asks for a pass: somebody's end is near, due, or off again.
    """

    store: Activities
    clock: Clock
    targets: Callable[[], Sequence[Target] | None]
    token_of: Callable[[Target], str]
    wake: Callable[[], None]
    read_log: ReadLog
    agents: Agents = field(default_factory=Agents)
    elapsed_s: Callable[[], float] = monotonic
    _known: dict[Uid, Activity] | None = None
    _due: dict[Uid, float] = field(default_factory=dict)
    _answered: dict[Uid, tuple[datetime, float]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None
    _gateways: Gateways = field(init=False)

    def __post_init__(self) -> None:
        """Know nothing yet of what the gateways tell."""
        self._gateways = Gateways(self.read_log, self.elapsed_s)

    def start(self) -> None:
        """Begin; once."""
        self._thread = threading.Thread(target=self._run, name="prober", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End; a question that hangs isn't waited for."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def known(self) -> Mapping[Uid, Activity]:
        """Return what is known of all that are asked. Any thread."""
        with self._lock:
            return dict(self._known or {})

    def round(self) -> None:
        """Ask whoever it is time to ask, once, and store what came of it.

        Raises:
            StoreUnavailable: It couldn't be stored; in memory it is kept.
        """
        known, targets = self._loaded(), self.targets()
        if targets is None:
            return
        gone = known.keys() - {target.uid for target in targets}
        found = self._ask_all(self._turns(targets))
        if not found and not gone:
            return
        learned = {t.uid: noted(self._before(t), what, t.idle) for t, what in found}
        is_news = any(self._is_news(target, learned[target.uid]) for target, _ in found)
        with self._lock:
            for uid in gone:
                known.pop(uid)
            known.update(learned)
        for uid in gone:
            self._due.pop(uid, None)
            self._answered.pop(uid, None)
        self.agents.forget(gone)
        if is_news:
            self.wake()
        self.store.write_activities(list(learned.values()), gone=gone)

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                self.round()
            except StoreUnavailable as error:
                log.debug("use not stored", extra={"error": type(error).__name__})
            except Exception:
                # Whoever asks applications must never end what makes the passes.
                log.exception("a fault in asking who is used")

    def _loaded(self) -> dict[Uid, Activity]:
        if self._known is None:
            stored = {activity.uid: activity for activity in self.store.activities()}
            with self._lock:
                self._known = stored
        return self._known

    def _before(self, target: Target) -> Activity:
        """Return what was known before; a new attempt begins anew."""
        before = self._loaded().get(target.uid)
        if before is None or before.attempt != target.attempt:
            return Activity(uid=target.uid, attempt=target.attempt)
        return before

    def _turns(self, targets: Sequence[Target]) -> list[Target]:
        """Return whose turn it is, the longest waiting first."""
        now_s = self.elapsed_s()
        due = [target for target in targets if self._due.get(target.uid, 0.0) <= now_s]
        return sorted(due, key=lambda target: self._due.get(target.uid, 0.0))

    def _ask_all(self, targets: Sequence[Target]) -> list[tuple[Target, Answer | NoAnswer]]:
        if not targets:
            return []
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="probe") as pool:
            answers = list(pool.map(self._ask, targets))
        return list(zip(targets, answers, strict=True))

    def _ask(self, target: Target) -> Answer | NoAnswer:
        at, asked_s = self.clock.now(), self.elapsed_s()
        self._due[target.uid] = asked_s + self._pause(target, at).total_seconds()
        try:
            ago = self._last_use(target)
        except NotUnderstood as error:
            return NoAnswer(at=at, why=str(error))
        except Exception:
            log.exception("a fault in a probe", extra={"execution": target.uid})
            return NoAnswer(at=at, why="a fault in Zoe itself; its log says more")
        # What was just now, was until the answer came.
        active_at = None if ago is None else self.clock.now() - ago
        return Answer(at=at, active_at=active_at, is_steady=self._is_steady(target, at, asked_s))

    def _last_use(self, target: Target) -> timedelta | None:
        probe = target.idle.probe
        if probe.type == USAGE:
            return self.agents.last_use(target.uid, target.containers)
        if target.traffic is not None:
            answered_at = self._before(target).answered_at
            return self._gateways.last_use(
                target.traffic, now=self.clock.now(), answered_at=answered_at
            )
        if not target.port or not target.address:
            raise NotUnderstood(f"{probe.service} has no running task with the port {probe.port}")
        token = self.token_of(target) if probe.token else ""
        ask = asking(target.address, target.port, token=token)
        if probe.type == "jupyter":
            return jupyter.last_use(ask, target.base + probe.path)
        return page.last_use(ask, target.base + probe.path, probe.active)

    def _is_steady(self, target: Target, at: datetime, asked_s: float) -> bool:
        """Tell whether the wall clock went as far as a clock that nobody sets."""
        before = self._answered.get(target.uid)
        self._answered[target.uid] = (at, asked_s)
        if before is None:
            return True
        return abs((at - before[0]) - timedelta(seconds=asked_s - before[1])) <= STEADY

    def _pause(self, target: Target, now: datetime) -> timedelta:
        """Return when to ask again: also just when its end would be announced, or come."""
        before = self._before(target)
        times = (announced_at(before, target.idle), ends_at(before, target.idle))
        ahead = [at - now for at in times if at is not None and at > now]
        return min([interval(target.idle), *ahead])

    def _is_news(self, target: Target, after: Activity) -> bool:
        """Tell whether a pass should look at once."""
        now = self.clock.now()
        was = stage(self._before(target), target.idle, now=now)
        becomes = stage(after, target.idle, now=now)
        return becomes is Stage.OVER or (was is not becomes and bool({was, becomes} & _NEAR))

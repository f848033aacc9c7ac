"""Finds declared http ports that nothing listens on, beside the loop: it never waits for them.

Each port of each task is tried once it has had time to come up. Who answers is left alone from
then on; who doesn't is tried again, less and less often. What is found is only told.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from time import monotonic

from policy.model.execution import Uid
from reconciler.converge.listening import Door, doors
from reconciler.converge.world import Assessment
from reconciler.probes.knock import is_answered

log = logging.getLogger(__name__)

LOOK_S = 5.0
CLOSE_S = 5.0
AT_ONCE = 8
MOST = 64
"""So many are tried in one round: after a start all are new."""

COMES_UP_S = 60.0
AGAIN_FIRST_S, AGAIN_MOST_S = 10.0, 600.0
SURE = 2
"""So many times in a row nobody listened before it is told."""


@dataclass(slots=True)
class _Tries:
    """What came of trying one port: how often it was tried, and in vain since it last wasn't."""

    due_s: float
    count: int = 0
    in_vain: int = 0


@dataclass(slots=True)
class PortChecker:
    """A thread that tries the ports of what the last pass found to run.

    ``last`` returns what that pass found, None before the first; ``wake`` asks for a pass.
    """

    last: Callable[[], Assessment | None]
    wake: Callable[[], None]
    try_port: Callable[[str, int], bool | None] = is_answered
    elapsed_s: Callable[[], float] = monotonic
    _found: Assessment | None = None
    _tries: dict[Door, _Tries] = field(default_factory=dict)
    _silent: Mapping[Uid, tuple[Door, ...]] = field(default_factory=dict)
    _stop: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; once."""
        self._thread = threading.Thread(target=self._run, name="ports", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End; a connection that hangs isn't waited for."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(CLOSE_S)

    def silent(self) -> Mapping[Uid, tuple[Door, ...]]:
        """Return the ports that nothing listens on, by execution. Any thread."""
        return self._silent

    def round(self) -> None:
        """Try whoever it is time to try, once."""
        self._look()
        now_s = self.elapsed_s()
        due = [door for door, tries in self._tries.items() if tries.due_s <= now_s]
        self._try(sorted(due, key=lambda door: self._tries[door].due_s)[:MOST])
        silent: dict[Uid, tuple[Door, ...]] = {}
        for door, tries in self._tries.items():
            if tries.in_vain >= SURE:
                silent[door.uid] = (*silent.get(door.uid, ()), door)
        if silent != self._silent:
            self._silent = silent
            self.wake()

    def _run(self) -> None:
        while not self._stop.wait(LOOK_S):
            try:
                self.round()
            except Exception:
                # Whoever tries ports must never end what makes the passes.
                log.exception("a fault in trying ports")

    def _look(self) -> None:
        """Take over what the last pass found; nothing to do where there was none since."""
        found = self.last()
        if found is None or found is self._found:
            return
        self._found, told = found, (facts for facts, _ in found.told.values())
        due_s = self.elapsed_s() + COMES_UP_S
        self._tries = {door: self._tries.get(door) or _Tries(due_s) for door in doors(told)}

    def _try(self, due: Sequence[Door]) -> None:
        if not due:
            return
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="port") as pool:
            answers = list(pool.map(lambda d: self.try_port(d.address, d.published), due))
        now_s = self.elapsed_s()
        for door, is_answered_now in zip(due, answers, strict=True):
            tries = self._tries[door]
            tries.count += 1
            tries.in_vain = tries.in_vain + 1 if is_answered_now is False else 0
            pause_s = min(AGAIN_MOST_S, AGAIN_FIRST_S * 2 ** min(tries.count - 1, 10))
            tries.due_s = float("inf") if is_answered_now else now_s + pause_s

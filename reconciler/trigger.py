"""When the next pass runs: wanted, timer, cluster event, something in motion. Never what it does.

Every source only sets one flag, so a burst is one pass. The timer is the guarantee, the others
only the speed. How soon a flag may lead to a fetch, ``pacing`` says.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from time import monotonic

from apscheduler.schedulers.background import BackgroundScheduler

from reconciler.pacing import Pace, Poll

log = logging.getLogger(__name__)

WATCH_S = 5.0
# A flood of deliveries wakes us this often, and not for each.
REST_S = 0.2


class Trigger:
    """Waits for the next reason to make a pass."""

    def __init__(
        self,
        *,
        interval_s: int,
        jitter_s: int,
        wait_for_event: Callable[[float], bool],
        wait_for_wanted: Callable[[float], bool],
        pace: Pace | None = None,
    ) -> None:
        self._wake = threading.Event()
        self._is_seen = False
        self._stop = threading.Event()
        self._pace = pace or Pace()
        self._poll = Poll()
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_job(self._tick, "interval", seconds=interval_s, jitter=jitter_s or None)
        self._watchers = [
            threading.Thread(
                target=self._watch, args=(wait_for_event, self.look, 0.0), daemon=True
            ),
            threading.Thread(
                target=self._watch, args=(wait_for_wanted, self.want_fetch, REST_S), daemon=True
            ),
        ]

    @property
    def is_stopped(self) -> bool:
        """Whether :meth:`stop` was called."""
        return self._stop.is_set()

    def every(self, seconds: float, job: Callable[[], None]) -> None:
        """Run ``job`` regularly beside the loop (renewing the lease)."""
        self._scheduler.add_job(job, "interval", seconds=seconds)

    def start(self) -> None:
        """Start the timer and the watchers."""
        self._scheduler.start()
        for watcher in self._watchers:
            watcher.start()

    def stop(self) -> None:
        """End the wait under way and all that follow. May be called from a signal handler."""
        self._stop.set()
        self._wake.set()

    def close(self) -> None:
        """Stop and release the timer."""
        self.stop()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def want_fetch(self) -> None:
        """Ask for a pass that looks at the source too: at once, or when it may be fetched again."""
        self._pace.tell()
        self._wake.set()

    def look(self) -> None:
        """Ask for a pass soon, that fetches nothing: something beside the loop has changed."""
        self._is_seen = True
        self._wake.set()

    def wait(
        self, *, is_moving: bool, is_changing: bool, took_s: float, at_most_s: float | None
    ) -> bool:
        """Wait for a reason; return whether the next pass should fetch.

        Args:
            is_moving: Something starts, stops or may end without an event: poll.
            is_changing: Something has changed in the pass before: poll soon.
            took_s: How long that pass took.
            at_most_s: A clock changes something then.
        """
        timeouts = [] if at_most_s is None else [at_most_s]
        if is_moving:
            timeouts.append(self._poll.after(is_changing=is_changing, took_s=took_s))
        timeout_s = min(timeouts, default=None)
        self._await_reason(None if timeout_s is None else monotonic() + timeout_s)
        return self._pace.take(monotonic())

    def pause(self, seconds: float) -> None:
        """Wait before trying again after a failure; ends early when stopped."""
        self._stop.wait(seconds)

    def _await_reason(self, deadline: float | None) -> None:
        """Return at the deadline, at an event, or when a fetch is due: not when one is held."""
        while True:
            times = [] if deadline is None else [deadline - monotonic()]
            if (held_s := self._pace.wait_s(monotonic())) is not None:
                times.append(held_s)
            left_s = min(times, default=None)
            if left_s is not None and left_s <= 0:
                return
            self._wake.wait(left_s)
            self._wake.clear()
            is_seen, self._is_seen = self._is_seen, False
            if is_seen or self.is_stopped:
                return

    def _tick(self) -> None:
        self._pace.tick()
        self._wake.set()

    def _watch(
        self, wait: Callable[[float], bool], wake: Callable[[], None], rest_s: float
    ) -> None:
        while not self._stop.is_set():
            try:
                if wait(WATCH_S):
                    wake()
                    self._stop.wait(rest_s)
            except Exception:  # a hint that fails must not end the hints
                log.exception("a hint failed")
                self._stop.wait(WATCH_S)

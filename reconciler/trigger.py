"""When the next pass runs: wanted, timer, cluster event, something in motion. Never what it does.

Every source only sets one flag, so a burst is one pass. The timer is the guarantee, the others
only the speed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from apscheduler.schedulers.background import BackgroundScheduler

log = logging.getLogger(__name__)

# Tasks send no events, so what is in motion is polled: soon at first, then less often.
POLL_FIRST_S = 0.1
POLL_MOST_S = 1.0
WATCH_S = 5.0


class Trigger:
    """Waits for the next reason to make a pass."""

    def __init__(
        self,
        *,
        interval_s: int,
        jitter_s: int,
        wait_for_event: Callable[[float], bool],
        wait_for_wanted: Callable[[float], bool],
    ) -> None:
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._fetch = True
        self._poll_s = POLL_FIRST_S
        self._scheduler = BackgroundScheduler(
            timezone="UTC",
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        self._scheduler.add_job(
            self.want_fetch, "interval", seconds=interval_s, jitter=jitter_s or None
        )
        self._watchers = [
            threading.Thread(
                target=self._watch, args=(wait_for_event, self._wake.set), daemon=True
            ),
            threading.Thread(
                target=self._watch, args=(wait_for_wanted, self.want_fetch), daemon=True
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
        """Ask for a pass that looks at the source too."""
        self._fetch = True
        self._wake.set()

    def wait(self, *, is_moving: bool, runs_batch: bool, at_most_s: float | None) -> bool:
        """Wait for a reason; return whether the next pass should fetch.

        Args:
            is_moving: Something starts or stops: poll, with growing intervals.
            runs_batch: A batch runs: its end sends no event, so poll each second.
            at_most_s: A clock changes something then.
        """
        timeout_s = at_most_s
        if is_moving:
            timeout_s = self._poll_s
            self._poll_s = min(POLL_MOST_S, self._poll_s * 1.5)
        elif runs_batch:
            timeout_s = POLL_MOST_S
        if not is_moving:
            self._poll_s = POLL_FIRST_S
        self._wake.wait(timeout_s)
        self._wake.clear()
        fetch, self._fetch = self._fetch, False
        return fetch

    def pause(self, seconds: float) -> None:
        """Wait before trying again after a failure; ends early when stopped."""
        self._stop.wait(seconds)

    def _watch(self, wait: Callable[[float], bool], wake: Callable[[], None]) -> None:
        while not self._stop.is_set():
            try:
                if wait(WATCH_S):
                    wake()
            except Exception:  # a hint that fails must not end the hints
                log.exception("a hint failed")
                self._stop.wait(WATCH_S)

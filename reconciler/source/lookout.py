"""Looks at sources beside the loop: a slow or dead remote of a tenant never delays a pass.

Each source is fetched by at most one thread at a time; the pass takes what was found last. How
soon one is fetched again, ``pacing`` says: the timer looks at all of them, a delivery at one.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Protocol

from reconciler.errors import SourceUnavailable
from reconciler.pacing import Pace

log = logging.getLogger(__name__)

SIDE_BY_SIDE = 4


class Remote(Protocol):
    """What is fetched."""

    def fetch(self) -> str:
        """Return the branch's tip. Raises SourceUnavailable."""

    def fetch_anew(self) -> str:
        """Return it after cloning all of it again. Raises SourceUnavailable."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What the last look found: the tip, or why there is none."""

    tip: str = ""
    error: SourceUnavailable | None = None

    def is_news_to(self, other: Finding | None) -> bool:
        """Tell whether a pass would see something else."""
        return other is None or (self.tip, str(self.error)) != (other.tip, str(other.error))


@dataclass(slots=True)
class _Watched:
    remote: Remote
    pace: Pace = field(default_factory=Pace)
    finding: Finding | None = None
    is_damaged: bool = False
    is_busy: bool = False


class Lookout:
    """Fetches the sources that it is given. Its methods may be called from any thread."""

    def __init__(
        self, remotes: Mapping[str, Remote], *, clock: Callable[[], float] = monotonic
    ) -> None:
        self._watched = {id_: _Watched(remote) for id_, remote in remotes.items()}
        self._clock = clock
        self._changed = threading.Condition()
        self._is_closing = False
        self._thread: threading.Thread | None = None
        self._due: deque[str] = deque()
        self._under_way = 0
        self._told: Callable[[], None] = lambda: None

    @property
    def ids(self) -> Collection[str]:
        """Return the ids of the sources."""
        return self._watched.keys()

    def finding(self, source_id: str) -> Finding | None:
        """Return what the last look found; None before the first one ended."""
        return self._watched[source_id].finding

    def start(self, told: Callable[[], None]) -> None:
        """Look now and whenever it is asked for; ``told`` is called when something was found."""
        if not self._watched:
            return
        self._told = told
        self._thread = threading.Thread(target=self._watch, name="lookout", daemon=True)
        self.look()
        self._thread.start()

    def look(self) -> None:
        """Ask for a look at every source, as the timer does."""
        with self._changed:
            for watched in self._watched.values():
                watched.pace.tick()
            self._changed.notify_all()

    def look_at(self, source_ids: Collection[str]) -> None:
        """Ask for a look at some, since their forges told of something."""
        with self._changed:
            for source_id in source_ids:
                self._watched[source_id].pace.tell()
            self._changed.notify_all()

    def mend(self, source_id: str) -> None:
        """Have a damaged mirror cloned anew at the next look, which is asked for, too."""
        with self._changed:
            self._watched[source_id].is_damaged = True
        self.look_at([source_id])

    def look_now(self) -> None:
        """Look at every source, and wait until all looks have ended: each is bounded in time."""
        with self._changed:
            self._begin(self._watched)
            self._changed.wait_for(
                lambda: self._is_closing or not any(w.is_busy for w in self._watched.values())
            )

    def close(self) -> None:
        """Begin no more looks. Those under way end by themselves, and tell nobody."""
        with self._changed:
            self._is_closing = True
            self._told = lambda: None
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        with self._changed:
            while not self._is_closing:
                now = self._clock()
                idle = [(id_, w) for id_, w in self._watched.items() if not w.is_busy]
                self._begin([id_ for id_, watched in idle if watched.pace.take(now)])
                waits = [w.pace.wait_s(now) for _, w in idle if not w.is_busy]
                self._changed.wait(min((s for s in waits if s is not None), default=None))

    def _begin(self, source_ids: Iterable[str]) -> None:
        """Fetch those that aren't being fetched, some at a time. Under the lock."""
        for source_id in source_ids:
            if not self._watched[source_id].is_busy:
                self._watched[source_id].is_busy = True
                self._due.append(source_id)
        while self._due and self._under_way < SIDE_BY_SIDE and not self._is_closing:
            source_id = self._due.popleft()
            self._under_way += 1
            # A daemon: a remote that doesn't answer mustn't keep the process from ending.
            name = f"fetch {source_id}"
            threading.Thread(target=self._fetch, args=(source_id,), name=name, daemon=True).start()

    def _fetch(self, source_id: str) -> None:
        watched = self._watched[source_id]
        found = _looked(source_id, watched)
        with self._changed:
            is_news = found.is_news_to(watched.finding)
            watched.finding, watched.is_busy = found, False
            self._under_way -= 1
            self._begin(())
            self._changed.notify_all()
            told = self._told
        if is_news:
            told()


def _looked(source_id: str, watched: _Watched) -> Finding:
    try:
        if watched.is_damaged:
            tip = watched.remote.fetch_anew()
            watched.is_damaged = False
        else:
            tip = watched.remote.fetch()
    except SourceUnavailable as error:
        log.warning("not fetched", extra={"source": source_id, "error": str(error)})
        return Finding(error=error)
    except Exception as error:
        # A fault of ours with one source mustn't end the looks at all others.
        log.exception("a fault in fetching", extra={"source": source_id})
        told = f"a fault in zoe itself ({type(error).__name__}); its log says more"
        return Finding(error=SourceUnavailable(told))
    log.debug("fetched", extra={"source": source_id, "tip": tip})
    return Finding(tip=tip)

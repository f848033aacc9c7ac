"""The newest picture, kept by a thread of its own; while the database is away, the last one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Protocol

from reconciler.errors import ReconcilerError
from reconciler.view.picture import Picture

log = logging.getLogger(__name__)

WAIT_S = 1.0
RETRY_FIRST_S, RETRY_MOST_S = 0.5, 5.0
MOST_NAMED = 100


class Watched(Protocol):
    """What the keeper needs of an archive."""

    def picture(self, last: Picture | None) -> Picture:
        """Return what is known now; what didn't change since ``last`` is taken from it."""

    def wait(self, timeout_s: float, *, known: int) -> bool:
        """Return as soon as the version may be another than ``known``, or after the time-out."""


class Memory(Protocol):
    """Where the last picture outlives the process."""

    def load(self) -> Picture | None:
        """Return what was saved last."""

    def save(self, picture: Picture) -> None:
        """Save it; whoever calls again soon pays for what changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is new. ``names`` (NAMESPACE/NAME) are None where they are too many to tell.

    ``is_state``: more than the loop's sign of life is new.
    """

    picture: Picture
    names: tuple[str, ...] | None = ()
    is_state: bool = True


class Keeper:
    """Reads in its own thread; any thread may take :attr:`picture`.

    ``told`` hears of each change, ``looked`` of each look, about one a second.
    """

    def __init__(
        self,
        archive: Watched,
        *,
        memory: Memory | None = None,
        told: Callable[[Change], None] = lambda _: None,
        looked: Callable[[Picture], None] = lambda _: None,
        random: Random,
    ) -> None:
        self._archive = archive
        self._memory = memory
        self._told = told
        self._looked = looked
        self._random = random
        self._picture: Picture | None = None
        self._base: Picture | None = None  # what this process read itself
        self._failures = 0
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="keeper", daemon=True)

    @property
    def picture(self) -> Picture | None:
        """The newest picture; None before anything was ever seen."""
        return self._picture

    def start(self) -> None:
        """Begin with what was saved last, and read."""
        if self._memory is not None and (saved := self._memory.load()) is not None:
            self._picture = replace(saved, is_stale=True)
            self._told(Change(picture=self._picture, names=None))
        self._thread.start()

    def close(self) -> None:
        """End the thread, at the latest when the archive is closed; it isn't waited for."""
        self._closed.set()

    def look(self) -> bool:
        """Read once; tell whether the database answered."""
        try:
            found = self._read()
        except ReconcilerError:
            self._be_stale()
            return False
        except Exception:  # whatever it is: pages must not stand still without saying so
            log.exception("the picture can't be read")
            self._be_stale()
            return False
        if self._failures:
            log.info("the database is back")
        self._failures = 0
        self._take(found)
        return True

    def _read(self) -> Picture:
        found = self._archive.picture(self._base)
        if self._base is not None and found.version < self._base.version:
            # An older copy of the database was put in its place: nothing that we have is in it.
            found = self._archive.picture(None)
        return found

    def _take(self, found: Picture) -> None:
        before, self._base, self._picture = self._picture, found, found
        if before is not None and _is_same(before, found):
            if before.pulse != found.pulse:
                self._told(Change(picture=found, is_state=False))
            return
        self._told(Change(picture=found, names=changed_names(before, found)))
        if self._memory is not None:
            self._memory.save(found)

    def _be_stale(self) -> None:
        self._failures += 1
        if self._failures == 1:
            log.warning("the database is away: pages show what was read last")
        last = self._picture
        if last is not None and not last.is_stale:
            self._picture = replace(last, is_stale=True)
            self._told(Change(picture=self._picture))

    def _run(self) -> None:
        while not self._closed.is_set():
            is_answered = self.look()
            if self._picture is not None:
                self._looked(self._picture)
            if not is_answered:
                self._closed.wait(self._pause_s())
            else:
                known = self._base.version if self._base is not None else -1
                self._archive.wait(WAIT_S, known=known)

    def _pause_s(self) -> float:
        longest: float = min(RETRY_MOST_S, RETRY_FIRST_S * 2 ** min(self._failures, 10))
        return longest * (0.5 + self._random.random() / 2)


def changed_names(before: Picture | None, now: Picture) -> tuple[str, ...] | None:
    """Return whose documents are new, other or gone, sorted; None for more than a hundred."""
    if before is None:
        return None
    names: set[str] = set()
    for ours, others in ((now.documents, before.documents), (before.documents, now.documents)):
        for uid, document in ours.items():
            if others.get(uid) is not document:
                metadata = document.get("metadata", {})
                names.add(f"{metadata.get('namespace', '')}/{metadata.get('name', '')}")
                if len(names) > MOST_NAMED:
                    return None
    return tuple(sorted(names))


def _is_same(before: Picture, now: Picture) -> bool:
    return (
        before.version == now.version
        and before.is_stale == now.is_stale
        and before.snapshot_id == now.snapshot_id
    )

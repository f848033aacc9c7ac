"""Content that was never treated before is tried as one tries what may explode: counted first.

Whatever ends the process, or a pass, while a commit is read, resolved, planned and committed must
not end it again for ever. So what is new in a pass is written down before anything is done with
it, and struck out after the pass was committed, or when it failed for reasons outside. What is
found written down at a start was in hand when somebody died or failed.

A kill by chance is much more likely than a poisonous file, and one cause takes many with it: all
that was in hand together is tried together once more; after a second death in parts, which get
smaller with each; and what has died twice alone is in quarantine until its content, or the version
of Zoe, is another one. Nothing is written for content that was good before.
"""

from __future__ import annotations

import faulthandler
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import Protocol

from reconciler.errors import ConfigError, LeaseLost, StoreUnavailable, TransientError
from reconciler.manifest.diagnostic import Complaint

PARTS = 16
"""In how many parts what died together twice is tried."""
DEATHS = 2

Key = tuple[str, str]
"""Source and blob."""

_OUTSIDE = (TransientError, LeaseLost, ConfigError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Content in hand. ``tries`` counts this one, too; ``alone`` those with nothing beside it.

    ``together`` is how many are in hand at the same time; ``by`` the process, "" once it has
    owned up to a failure; ``version`` is that of the program.
    """

    source_id: str
    blob: str
    tries: int = 0
    alone: int = 0
    together: int = 0
    by: str = ""
    version: str = ""

    @property
    def key(self) -> Key:
        """What it is of."""
        return self.source_id, self.blob

    @property
    def is_poison(self) -> bool:
        """Tell whether it isn't tried any more."""
        return self.alone >= DEATHS

    def begun(self, together: int, by: str, version: str) -> Trial:
        """Return it as it is written down before the next try."""
        return replace(
            self,
            tries=self.tries + 1,
            alone=self.alone + (together == 1),
            together=together,
            by=by,
            version=version,
        )

    def joined(self, *, together: int) -> Trial:
        """Return it with more in hand than when it was begun."""
        return replace(self, alone=self.alone - (self.together == 1), together=together)

    def taken_back(self) -> Trial:
        """Return it without the last try, which failed for reasons outside."""
        return replace(self, tries=self.tries - 1, alone=self.alone - (self.together == 1))


class Trials(Protocol):
    """Where trials are kept. Each method is a transaction, and raises StoreUnavailable."""

    def trials(self) -> Sequence[Trial]:
        """Return all that are written down."""

    def write_trials(self, found: Sequence[Trial], *, gone: Iterable[Key]) -> None:
        """Insert or replace some, and remove others."""


def part(suspects: Sequence[Trial]) -> Sequence[Trial]:
    """Return those of the suspects that are tried together next. Pure."""
    if all(trial.tries < DEATHS and trial.together > 1 for trial in suspects):
        return suspects
    least = min(trial.together for trial in suspects)
    first = [trial for trial in suspects if trial.together == least]
    return first[: max(1, least // PARTS)]


@dataclass(slots=True)
class Probation:
    """The trials of one leader. Belongs to the loop's thread; all its sources share it.

    ``process`` is who we are; ``most_s`` ends the process where a trial doesn't end (0: never).
    """

    store: Trials
    process: str
    version: str
    most_s: int = 0
    is_waiting: bool = False
    """Something is left for the next pass."""
    _known: dict[Key, Trial] = field(init=False)
    _in_hand: dict[Key, Trial] = field(default_factory=dict)
    _again: tuple[Trial, ...] = ()
    _passed: set[Key] = field(default_factory=set)
    _is_test: bool = False

    def __post_init__(self) -> None:
        """Read what was in hand when somebody ended; of another version nothing counts."""
        found = [t for t in self.store.trials() if t.version == self.version]
        ours = (t.taken_back() if t.by == self.process else t for t in found)
        self._known = {t.key: t for t in ours if t.tries}

    @contextmanager
    def over_a_pass(self) -> Iterator[None]:
        """Lend a pass, up to its commit: what it admits is struck out, or blamed, at its end."""
        self.is_waiting = self._is_test = False
        again, self._again = self._again, ()
        self._begin(again)
        try:
            yield
        except _OUTSIDE:
            self._interrupted()
            raise
        except Exception:
            self._failed()
            raise
        except BaseException:
            self._interrupted()
            raise
        self._passed |= self._in_hand.keys()
        self._strike_out()

    def admit(self, source_id: str, blobs: Iterable[str]) -> Mapping[str, Complaint]:
        """Write down what is about to be treated for the first time; return what isn't, and why.

        Raises:
            StoreUnavailable: Nothing may be treated.
        """
        asked = {(source_id, blob) for blob in blobs}
        self._passed -= {key for key in self._passed - asked if key[0] == source_id}
        new = sorted(asked - self._passed - self._in_hand.keys())
        known = [self._known[key] for key in new if key in self._known]
        suspects = [trial for trial in known if not trial.is_poison]
        fresh = [
            Trial(source_id=of, blob=blob) for of, blob in new if (of, blob) not in self._known
        ]
        chosen: Sequence[Trial] = fresh
        if suspects or self._is_test:
            # Nothing is in hand beside those that are tested, or it would be blamed with them.
            chosen = part(suspects) if suspects and not self._in_hand else ()
            self._is_test = True
        self._begin(chosen)
        waiting = {t.key for t in (*suspects, *fresh)} - self._in_hand.keys()
        self.is_waiting = self.is_waiting or bool(waiting)
        poison = {trial.blob: _quarantined() for trial in known if trial.is_poison}
        return poison | {blob: _later() for _, blob in waiting}

    def _begin(self, chosen: Sequence[Trial]) -> None:
        if not chosen:
            return
        together = len(self._in_hand) + len(chosen)
        others = [trial.joined(together=together) for trial in self._in_hand.values()]
        begun = [trial.begun(together, self.process, self.version) for trial in chosen]
        self.store.write_trials([*others, *begun], gone=())
        self._in_hand = {trial.key: trial for trial in (*others, *begun)}
        if self.most_s and not others:
            # A thread of C's: it needs no interpreter, which may be what hangs.
            faulthandler.dump_traceback_later(self.most_s, exit=True)

    def _interrupted(self) -> None:
        """Take the last try back: what failed is outside. The next pass begins it again."""
        self._again = tuple(trial.taken_back() for trial in self._in_hand.values())
        with suppress(StoreUnavailable):  # if it stays there, we know that it is our own
            self._strike_out()
        self._in_hand = {}

    def _failed(self) -> None:
        """Own up to a fault of ours with what is in hand: it counts like a death."""
        self._disarm()
        blamed = [replace(trial, by="") for trial in self._in_hand.values()]
        if blamed:
            with suppress(StoreUnavailable):
                self.store.write_trials(blamed, gone=())

    def _strike_out(self) -> None:
        self._disarm()
        if not self._in_hand:
            return
        self.store.write_trials((), gone=self._in_hand)
        self._known = {k: t for k, t in self._known.items() if k not in self._in_hand}
        self._in_hand = {}

    def _disarm(self) -> None:
        if self.most_s and self._in_hand:
            faulthandler.cancel_dump_traceback_later()


def over_a_pass(probation: Probation | None) -> AbstractContextManager[None]:
    """Lend a pass where anything is written down at all."""
    return nullcontext() if probation is None else probation.over_a_pass()


def _quarantined() -> Complaint:
    return Complaint(
        "Quarantined",
        f"zoe has ended {DEATHS} times with only this content in hand",
        "write it in another way, and report it: this is tried again by another version only",
    )


def _later() -> Complaint:
    message = "zoe ended while it read this commit, and tries its files in small parts"
    return Complaint("TriedLater", message, "wait: its turn is within a few passes")

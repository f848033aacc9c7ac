"""What is read only when somebody asks for it, a bounded piece at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry
from reconciler.posted import PostedPlan
from reconciler.reporting.records import CommitRow, Event, Harvest, Interval, PassRow, Tail
from reconciler.view.picture import Picture


class Archive(Protocol):
    """The database as pages read it. Every method raises StoreUnavailable while it is away."""

    def picture(self, last: Picture | None) -> Picture:
        """Return what is known now; what didn't change since ``last`` is taken from it."""

    def events(
        self, *, namespace: str = "", name: str = "", before: int = 0, after: int = 0, limit: int
    ) -> tuple[Event, ...]:
        """Return the newest events older than id ``before`` (0: of all), the newest first.

        With ``after`` the oldest of those that came later, the oldest first.
        """

    def entries(self, uids: Sequence[Uid]) -> tuple[Entry, ...]:
        """Return the facts of these runs, as they were entered."""

    def entries_of(self, commit: str, *, limit: int) -> tuple[Entry, ...]:
        """Return the facts that a commit brought about, as they were entered."""

    def ends(self, *, since: datetime) -> tuple[Entry, ...]:
        """Return the facts from which waits and ends are counted, as they were entered."""

    def harvests(self, uid: Uid) -> tuple[Harvest, ...]:
        """Return what was harvested of a run, oldest first."""

    def tails(self, uid: Uid) -> tuple[Tail, ...]:
        """Return what was read last of a run that is looked at."""

    def look_at(self, uid: Uid) -> None:
        """Ask the loop to read the logs of a run for the next half minute."""

    def passes(self, *, since: datetime, limit: int) -> tuple[PassRow, ...]:
        """Return the newest passes since then, oldest first."""

    def commits(self, *, before: int = 0, limit: int) -> tuple[tuple[int, CommitRow], ...]:
        """Return the newest commits (older than number ``before``), each with its number."""

    def commit(self, revision: str) -> tuple[int, CommitRow] | None:
        """Return the commit of an id or of the beginning of one (7 digits or more)."""

    def commits_until(self, number: int) -> tuple[CommitRow, ...]:
        """Return all accepted commits up to one, oldest first."""

    def plans(self, *, limit: int) -> tuple[PostedPlan, ...]:
        """Return the plans that pull requests were shown, the newest first."""

    def plan(self, subject: str) -> PostedPlan | None:
        """Return what one (``pull/7``) was shown last."""

    def intervals(
        self, *, since: datetime, until: datetime, namespace: str = ""
    ) -> tuple[Interval, ...]:
        """Return what was held at any time between the two, as it was (not cut to them).

        By everybody, or by one namespace.
        """

    def used(self, *, since: datetime, until: datetime) -> Mapping[str, int]:
        """Return the CPUs that each namespace held between the two, in milli-CPU seconds."""

"""Executions whose actions the engine refuses: tried again later and later, the others at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from policy.model.execution import Uid
from reconciler.apply import Outcome, uid_of
from reconciler.converge.backoff import backoff
from reconciler.converge.instants import is_within
from reconciler.converge.ledger import Record
from reconciler.converge.plan import Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failing:
    generation: int
    tries: int
    since: datetime
    delay: timedelta
    messages: tuple[str, ...]


@dataclass(slots=True)
class BackingOff:
    """Who waits how long. A new generation waits for nothing: it may be the remedy."""

    _failing: dict[Uid, _Failing] = field(default_factory=dict)

    @property
    def messages(self) -> Mapping[Uid, tuple[str, ...]]:
        """What the engine said, by execution."""
        return {uid: failing.messages for uid, failing in self._failing.items()}

    def due(self, plan: Plan, records: Mapping[Uid, Record], now: datetime) -> Plan:
        """Return the plan without the actions of those whose time hasn't come.

        Who asks for nothing any more has nothing that fails.
        """
        asking = {uid_of(action) for action in plan.actions}
        self._failing = {uid: one for uid, one in self._failing.items() if uid in asking}
        waiting = {
            uid
            for uid, failing in self._failing.items()
            if is_within(failing.delay, failing.since, now)
            and uid in records
            and records[uid].generation == failing.generation
        }
        return replace(plan, actions=tuple(a for a in plan.actions if uid_of(a) not in waiting))

    def note(
        self, outcomes: Sequence[Outcome], records: Mapping[Uid, Record], now: datetime
    ) -> None:
        """Learn from outcomes who waits from now on, and who doesn't any more."""
        failed: dict[Uid, list[str]] = {}
        for outcome in outcomes:
            uid = Uid(uid_of(outcome.action))
            if outcome.error and not outcome.is_stale:
                failed.setdefault(uid, []).append(outcome.error)
            elif not outcome.error:
                self._failing.pop(uid, None)
        for uid, messages in failed.items():
            known = self._failing.get(uid)
            tries = known.tries + 1 if known else 1
            record = records.get(uid)
            self._failing[uid] = _Failing(
                generation=record.generation if record else 0,
                tries=tries,
                since=now,
                delay=backoff(tries, uid),
                messages=tuple(messages),
            )

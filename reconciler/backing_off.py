"""What the engine refuses is tried again later and later, everything else at once.

An execution waits as a whole. What is for several waits by itself, and so does what somebody else
is in the way of: a changed service, a network that is in use.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from policy.model.execution import Uid
from reconciler.apply import Outcome, uid_of
from reconciler.converge.backoff import backoff
from reconciler.converge.instants import is_within
from reconciler.converge.ledger import Record
from reconciler.converge.plan import (
    Action,
    CreateConfig,
    CreateNetwork,
    CreateService,
    Plan,
    UpdateService,
)
from reconciler.converge.secret_plan import CreateSecret
from reconciler.converge.state import LABEL_NAMESPACE

AT_ONCE = 2
"""So often what somebody else was in the way of is tried again without waiting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Failing:
    generation: int
    tries: int
    since: datetime
    delay: timedelta
    messages: tuple[str, ...] = ()


@dataclass(slots=True)
class BackingOff:
    """Who waits how long. A new generation waits for nothing: it may be the remedy."""

    _failing: dict[Uid, _Failing] = field(default_factory=dict)
    _alone: dict[str, _Failing] = field(default_factory=dict)
    """Single actions."""

    @property
    def messages(self) -> Mapping[Uid, tuple[str, ...]]:
        """What the engine said, by execution."""
        return {uid: failing.messages for uid, failing in self._failing.items()}

    def due(self, plan: Plan, records: Mapping[Uid, Record], now: datetime) -> Plan:
        """Return the plan without the actions of those whose time hasn't come.

        Who asks for nothing any more has nothing that fails.
        """
        if not (self._failing or self._alone):
            return plan
        asking = {uid_of(action) for action in plan.actions}
        self._failing = {uid: one for uid, one in self._failing.items() if uid in asking}
        asked = {_key(action) for action in plan.actions}
        self._alone = {key: one for key, one in self._alone.items() if key in asked}

        def waits(failing: _Failing, uid: Uid) -> bool:
            is_same = failing.generation == _generation(records, uid)
            return is_same and is_within(failing.delay, failing.since, now)

        def is_held(action: Action) -> bool:
            uid = Uid(uid_of(action))
            found = (self._failing.get(uid), self._alone.get(_key(action)))
            return any(one is not None and waits(one, uid) for one in found)

        return replace(plan, actions=tuple(a for a in plan.actions if not is_held(a)))

    def note(
        self, outcomes: Sequence[Outcome], records: Mapping[Uid, Record], now: datetime
    ) -> None:
        """Learn from outcomes who waits from now on, and who doesn't any more."""
        failed: dict[Uid, list[str]] = {}
        for outcome in outcomes:
            uid, key = Uid(uid_of(outcome.action)), _key(outcome.action)
            if not outcome.error:
                self._failing.pop(uid, None)
                self._alone.pop(key, None)
            elif outcome.is_stale or not uid:
                known, at_once = self._alone.get(key), AT_ONCE if outcome.is_stale else 0
                self._alone[key] = _again(
                    known, key, now, generation=_generation(records, uid), at_once=at_once
                )
            else:
                failed.setdefault(uid, []).append(outcome.error)
        for uid, messages in failed.items():
            known, generation = self._failing.get(uid), _generation(records, uid)
            found = _again(known, uid, now, generation=generation)
            self._failing[uid] = replace(found, messages=tuple(messages))


def _generation(records: Mapping[Uid, Record], uid: Uid) -> int:
    """Return whose generation is acted on; 0 of what is for several."""
    record = records.get(uid)
    return record.generation if record else 0


def _again(
    known: _Failing | None, key: str, now: datetime, *, generation: int, at_once: int = 0
) -> _Failing:
    tries = known.tries + 1 if known else 1
    late = tries - at_once
    delay = backoff(late, key) if late > 0 else timedelta()
    return _Failing(generation=generation, tries=tries, since=now, delay=delay)


def _key(action: Action) -> str:
    """Return what an action is known by from pass to pass."""
    match action:
        case CreateNetwork(spec=spec):
            # Its own name is another one after each fact.
            name = spec.labels[LABEL_NAMESPACE]
        case CreateService(spec=spec) | UpdateService(spec=spec):
            name = spec.name
        case CreateConfig(config=config):
            name = config.name
        case CreateSecret(secret=secret):
            name = secret.name
        case _:
            name = action.id
    return f"{type(action).__name__} {name}"

"""How long nobody has used an execution, as far as the answers of its probe prove it.

Time counts as idle between two answers that follow closely, if the later one tells of no use since
the earlier. What isn't known never counts: a question without an answer, a gap between answers, a
clock that jumped. So an execution is ended only after answers without a gap said for the whole of
``after`` that nobody used it, the newest of them just now.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from policy.model.execution import Uid
from reconciler.manifest.idle import Idle

ASKED_EVERY = timedelta(seconds=60)
"""The longest time from one question to the next."""

SLACK = timedelta(seconds=2)
"""Moments nearer than this are the same: servers tell theirs in whole seconds."""

SOON = timedelta(minutes=10)
"""So long before the end it is announced, at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a probe learned. ``active_at`` is the last use that it tells of; None: of none.

    ``is_steady``: the clock went on evenly since the answer before.
    """

    at: datetime
    active_at: datetime | None = None
    is_steady: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NoAnswer:
    """Why a question has no answer that can be understood, in words that stay the same."""

    at: datetime
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """What the answers of one attempt come to.

    From ``idle_since`` to ``answered_at`` nobody used it, as far as every answer between tells.
    ``why`` says why the newest question has no answer, and ``unknown_since`` since when there is
    none; both are empty while there are answers.
    """

    uid: Uid
    attempt: int
    idle_since: datetime | None = None
    answered_at: datetime | None = None
    unknown_since: datetime | None = None
    why: str = ""


class Stage(StrEnum):
    """Where an execution is on its way to being ended for idleness."""

    UNKNOWN = "unknown"
    USED = "used"
    SOON = "soon"
    OVER = "over"


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleSoon:
    """An end for idleness that is near: since when nobody uses it, and when it comes."""

    since: datetime
    announced_at: datetime
    ends_at: datetime

    @property
    def sentence(self) -> str:
        """What to tell people of it."""
        return (
            f"nobody has used it since {_told(self.since)}, so it ends at {_told(self.ends_at)}: "
            "use it, or raise idle.after in its file"
        )


def interval(idle: Idle) -> timedelta:
    """Return how often is asked."""
    return min(ASKED_EVERY, _after(idle) / 10)


def longest_gap(idle: Idle) -> timedelta:
    """Return how far apart two answers may be for the time between them to count."""
    return 5 * interval(idle)


def ends_at(activity: Activity, idle: Idle) -> datetime | None:
    """Return when it ends if nobody uses it until then; None while nothing is known."""
    if activity.idle_since is None:
        return None
    # The slack on top, since the last use may have been that much later than was taken down.
    return activity.idle_since + _after(idle) + SLACK


def announced_at(activity: Activity, idle: Idle) -> datetime | None:
    """Return from when on its end is announced."""
    end = ends_at(activity, idle)
    return None if end is None else end - min(SOON, _after(idle) / 4)


def noted(activity: Activity, found: Answer | NoAnswer, idle: Idle) -> Activity:
    """Return what is known after one more question."""
    if isinstance(found, NoAnswer):
        since = activity.unknown_since or found.at
        return replace(activity, why=found.why, unknown_since=since)
    return replace(
        activity,
        idle_since=_idle_since(activity, found, idle),
        answered_at=found.at,
        unknown_since=None,
        why="",
    )


def stage(activity: Activity, idle: Idle, *, now: datetime) -> Stage:
    """Return where an execution is: by its answers alone, if the newest is fresh."""
    if activity.answered_at is None or activity.why:
        return Stage.UNKNOWN
    if abs(now - activity.answered_at) > longest_gap(idle):
        return Stage.UNKNOWN
    end, announced = ends_at(activity, idle), announced_at(activity, idle)
    if end is None or announced is None:
        return Stage.UNKNOWN
    if activity.answered_at >= end:
        return Stage.OVER
    return Stage.SOON if activity.answered_at >= announced else Stage.USED


def soon(activity: Activity, idle: Idle, *, now: datetime) -> IdleSoon | None:
    """Return the end to announce, if it is near."""
    if stage(activity, idle, now=now) is not Stage.SOON:
        return None
    since, end = activity.idle_since, ends_at(activity, idle)
    at = announced_at(activity, idle)
    return IdleSoon(since=since, announced_at=at, ends_at=end) if since and at and end else None


def unknown_for(activity: Activity, idle: Idle, *, now: datetime) -> str:
    """Return why nothing has been known for so long that its author should hear of it; else ""."""
    if activity.unknown_since is None:
        return ""
    return activity.why if now - activity.unknown_since > longest_gap(idle) else ""


def ending(activity: Activity, idle: Idle, *, now: datetime) -> str:
    """Return what to tell of an end for idleness that is due; "" while it isn't."""
    if stage(activity, idle, now=now) is not Stage.OVER:
        return ""
    return f"nobody used it since {_told(activity.idle_since or now)}"


def alarms(activity: Activity, idle: Idle, *, now: datetime) -> tuple[datetime, ...]:
    """Return the times to come at which a clock alone moves it on."""
    if activity.why:
        return ()
    found = (announced_at(activity, idle), ends_at(activity, idle))
    return tuple(at for at in found if at is not None and at > now)


def _idle_since(activity: Activity, found: Answer, idle: Idle) -> datetime:
    """Return since when nobody has used it: at the earliest since the first answer in a row."""
    since, last = activity.idle_since, activity.answered_at
    is_in_a_row = (
        since is not None
        and last is not None
        and found.is_steady
        and last <= found.at <= last + longest_gap(idle)
    )
    if since is None or not is_in_a_row:
        return max(found.at, found.active_at or found.at)
    if found.active_at is not None and found.active_at > since + SLACK:
        return found.active_at
    return since


def _told(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S UTC")


def _after(idle: Idle) -> timedelta:
    return timedelta(milliseconds=idle.after_ms)

"""Pull requests: what each was shown, and whether it came so after the merge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from policy.words import listed
from reconciler.posted import PostedPlan
from reconciler.review.markdown import summary

OPEN, AS_PLANNED, OTHERWISE = "open", "merged as planned", "merged with differences"
MOST = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PullLine:
    """``state``: ``open``, ``merged as planned``, or ``merged with differences``.

    A pull request that was closed without a merge stays open here: Zoe isn't told.
    """

    subject: str
    number: int | None
    head: str
    base: str
    at: datetime
    state: str
    sentence: str
    merged_as: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulls:
    """The newest first."""

    lines: tuple[PullLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PullView:
    """``comment`` is the Markdown that was posted; ``plan`` the same for machines."""

    line: PullLine
    comment: str
    differences: tuple[str, ...] = ()
    plan: Mapping[str, Any] = field(default_factory=dict)


def nowhere(_: int) -> str:
    """Stand in for a forge whose pages aren't known."""
    return ""


def of(plans: Iterable[PostedPlan], *, url_of: Callable[[int], str] = nowhere) -> Pulls:
    """Return the plans that pull requests were shown last, in the order in which they come.

    ``url_of`` gives the forge's page of a pull request.
    """
    return Pulls(lines=tuple(line(plan, url_of=url_of) for plan in plans))


def one(plan: PostedPlan, *, url_of: Callable[[int], str] = nowhere) -> PullView:
    """Return all of what a pull request was shown, and what came out otherwise."""
    return PullView(
        line=line(plan, url_of=url_of),
        comment=plan.body,
        differences=plan.differences,
        plan=plan.plan,
    )


def line(plan: PostedPlan, *, url_of: Callable[[int], str] = nowhere) -> PullLine:
    """Return a plan in brief."""
    return PullLine(
        subject=plan.subject,
        number=plan.pull,
        head=plan.head,
        base=plan.base,
        at=plan.at,
        state=_state(plan),
        sentence=_sentence(plan),
        merged_as=plan.merged_as,
        url="" if plan.pull is None else url_of(plan.pull),
    )


def _state(plan: PostedPlan) -> str:
    if not plan.merged_as:
        return OPEN
    return OTHERWISE if plan.differences else AS_PLANNED


def _sentence(plan: PostedPlan) -> str:
    """Return what the plan comes to, as the comment's title says it, and what came otherwise."""
    told = plan.plan
    actions = [str(action.get("action", "")) for action in told.get("actions", ())]
    disturbed = {effect.get("uid") for effect in told.get("effects", ())}
    sentence = summary(actions, len(told.get("errors", ())), len(disturbed))
    if plan.differences:
        sentence += f"; otherwise came {listed(plan.differences)}"
    return sentence

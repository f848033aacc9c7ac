"""PURE: what the status ``zoe/apply`` says of a commit: was it accepted and acted on?

It doesn't wait for executions to finish, and its text holds nothing that changes by itself: no
counts of what runs, no durations. So a commit gets few statuses, and each of them is news.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from reconciler.converge import change_window
from reconciler.converge.ledger import HELD_BY_OPERATOR
from reconciler.outbound.outbox import CommitStatus, State

CONTEXT = "zoe/apply"
PREVIEW_CONTEXT = "zoe/plan"
_SHOWN = 3
# What is carried out later without another commit.
_WAITS = frozenset({change_window.OUTSIDE, HELD_BY_OPERATOR})


@dataclass(frozen=True, slots=True, kw_only=True)
class Acted:
    """What a pass made of a commit.

    ``invalid`` are files with errors; ``held`` says with (reason, sentence) what isn't
    carried out;
    ``refused`` is what the Swarm said; ``observes`` tells that nothing may be changed;
    ``remark`` is added where all went well.
    """

    commit: str
    invalid: Collection[str] = ()
    held: Collection[tuple[str, str]] = ()
    refused: Collection[str] = ()
    observes: bool = False
    remark: str = ""


def apply_status(acted: Acted, *, url: str) -> CommitStatus:
    """Return what to tell of a commit after a pass over it."""
    state, text = _verdict(acted)
    return CommitStatus(sha=acted.commit, context=CONTEXT, state=state, description=text, url=url)


def not_accepted(tip: str, message: str, *, url: str) -> CommitStatus:
    """Return what to tell of a tip that isn't followed until somebody confirms it."""
    return CommitStatus(sha=tip, context=CONTEXT, state=State.FAILURE, description=message, url=url)


def superseded(told: CommitStatus, by: str) -> CommitStatus | None:
    """Return how a status that was never settled ends when a newer commit takes over."""
    if told.state is not State.PENDING or told.sha == by:
        return None
    text = f"{by[:12]} took its place before it was acted on whole"
    return CommitStatus(
        sha=told.sha, context=told.context, state=State.ERROR, description=text, url=told.url
    )


def _verdict(acted: Acted) -> tuple[State, str]:
    if acted.observes:
        return State.PENDING, "accepted; mode is observe, so nothing is changed"
    if acted.invalid:
        return State.FAILURE, _invalid(acted.invalid)
    waits = sorted(acted.held)
    lasting = [message for reason, message in waits if reason not in _WAITS]
    if lasting:
        return State.FAILURE, f"held: {lasting[0]}"
    if waits:
        return State.PENDING, waits[0][1]
    if acted.refused:
        return State.PENDING, f"the Swarm refused: {min(acted.refused)}; tried again"
    return State.SUCCESS, "accepted and acted on" + (f", {acted.remark}" if acted.remark else "")


def _invalid(files: Collection[str]) -> str:
    shown = ", ".join(sorted(files)[:_SHOWN])
    more = f" and {len(files) - _SHOWN} more" if len(files) > _SHOWN else ""
    verb = "is" if len(files) == 1 else "are"
    return f"{shown}{more} {verb} invalid; what was valid before stays in force"

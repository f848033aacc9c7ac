"""What ``zoe/apply`` says of a commit."""

from __future__ import annotations

import pytest

from reconciler.converge.change_window import OUTSIDE
from reconciler.converge.ledger import HELD_BY_OPERATOR
from reconciler.outbound.outbox import State
from reconciler.outbound.verdict import Acted, apply_status, superseded

COMMIT, NEXT = "a" * 40, "b" * 40


@pytest.mark.parametrize(
    ("acted", "state", "text"),
    [
        (Acted(commit=COMMIT), State.SUCCESS, "accepted and acted on"),
        (
            Acted(commit=COMMIT, observes=True),
            State.PENDING,
            "accepted; mode is observe, so nothing is changed",
        ),
        (
            Acted(commit=COMMIT, invalid={"d", "c", "b", "a"}, refused=["no"]),
            State.FAILURE,
            "a, b, c and 1 more are invalid; what was valid before stays in force",
        ),
        (
            Acted(commit=COMMIT, held=[("MassDelete", "6 of 7 go"), (OUTSIDE, "waits")]),
            State.FAILURE,
            "held: 6 of 7 go",
        ),
        (Acted(commit=COMMIT, held=[(OUTSIDE, "waits for")]), State.PENDING, "waits for"),
        (Acted(commit=COMMIT, held=[(HELD_BY_OPERATOR, "held by")]), State.PENDING, "held by"),
        (
            Acted(commit=COMMIT, refused=["no such image", "busy"]),
            State.PENDING,
            "the Swarm refused: busy; tried again",
        ),
    ],
)
def test_the_worst_of_a_commit_is_told(acted: Acted, state: State, text: str) -> None:
    status = apply_status(acted, url="https://zoe/commits")
    assert (status.sha, status.state, status.description) == (COMMIT, state, text)


def test_only_a_status_that_was_never_settled_is_superseded() -> None:
    pending = apply_status(Acted(commit=COMMIT, observes=True), url="")
    done = apply_status(Acted(commit=COMMIT), url="")
    ended = superseded(pending, NEXT)
    assert ended is not None
    assert (ended.key, ended.state) == (pending.key, State.ERROR)
    assert superseded(done, NEXT) is None
    assert superseded(pending, COMMIT) is None

"""A database that knows less than was done with it is found out by what others know."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from policy.model.execution import Uid
from reconciler.converge import continuity
from reconciler.converge.continuity import Published
from reconciler.converge.ledger import Entry, Fact
from reconciler.converge.mirror import Head
from reconciler.converge.state import (
    LABEL_EPOCH,
    LABEL_UID,
    ObservedService,
    ObservedState,
    ServiceSpec,
)
from tests.builders import observed

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LAST = Entry(uid=Uid("u"), run=1, fact=Fact.FIRST_SEEN, at=NOW, seq=7, epoch=3)


def swarm(labels: dict[str, str]) -> ObservedState:
    spec = ServiceSpec(name="s", image="i", labels=labels, node="n")  # type: ignore[arg-type]
    return observed(
        services=(ObservedService(id="s", version=1, spec=spec, created_at=NOW),),
    )


def breach(
    *, observed_as: ObservedState | None = None, head: Entry | None = LAST, last_seq: int = 7
) -> str:
    return continuity.breach(
        {LAST.seq: LAST} if last_seq else {},
        last_seq=last_seq,
        epoch=3,
        published=Published(head=head and Head(deployment="d", last=head), is_there=bool(head)),
        observed=observed_as or observed(),
    )


def test_one_that_knows_all_is_trusted() -> None:
    assert breach() == ""
    assert breach(observed_as=swarm({LABEL_UID: "u", LABEL_EPOCH: "3"})) == ""
    assert breach(head=None, last_seq=0) == ""


def test_services_of_a_later_leader_show_that_it_is_older() -> None:
    assert "epoch 4" in breach(observed_as=swarm({LABEL_UID: "u", LABEL_EPOCH: "4"}))
    assert "epoch 4" in breach(observed_as=swarm({LABEL_UID: "u", LABEL_EPOCH: "4"}), head=None)


@pytest.mark.parametrize("labels", [{LABEL_EPOCH: "9"}, {LABEL_UID: "u", LABEL_EPOCH: "\uff19"}])
def test_what_isnt_an_executions_or_no_number_shows_nothing(labels: dict[str, str]) -> None:
    assert breach(observed_as=swarm(labels)) == ""


def test_a_newer_fact_on_the_branch_shows_that_it_is_older() -> None:
    assert "fact 7" in breach(head=replace(LAST, seq=8))


def test_another_fact_of_the_same_number_shows_that_it_is_another() -> None:
    assert "isn't the one" in breach(head=replace(LAST, uid=Uid("v")))


def test_an_empty_one_is_trusted_only_where_nothing_was_ever_done() -> None:
    assert "holds a ledger" in breach(last_seq=0)
    assert "1 services" in breach(last_seq=0, head=None, observed_as=swarm({LABEL_UID: "u"}))

"""What a leader does when a part fails under it."""

from __future__ import annotations

import random

import pytest

from reconciler import lead
from reconciler.errors import StoreUnavailable
from reconciler.trigger import Trigger
from tests.fixtures.site import Site, execution_file


def test_a_commit_of_unknown_outcome_ends_the_lead_so_that_all_is_read_again(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Going on with what was remembered would enter the same facts twice."""
    site.push({"executions/aml/book.yaml": execution_file("book")})
    write = site.store.commit

    def loses_the_answer(*arguments: object) -> None:
        write(*arguments)
        raise StoreUnavailable("the connection broke")

    monkeypatch.setattr(site.store, "commit", loses_the_answer)
    trigger = Trigger(
        interval_s=60,
        jitter_s=0,
        wait_for_event=lambda _: False,
        wait_for_wanted=lambda _: False,
    )
    with pytest.raises(StoreUnavailable):
        lead._passes(site.loop, site.store, trigger, random.Random(1))
    trigger.close()
    monkeypatch.undo()
    site.restart()
    site.reconcile(passes=8)
    facts = [entry.fact for entry in site.store.load().entries]
    assert facts.count("first_seen") == 1
    assert site.phases() == {"aml/book": "Running"}

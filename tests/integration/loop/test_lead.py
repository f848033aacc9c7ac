"""What a leader does when a part fails under it."""

from __future__ import annotations

import random
import threading

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


def test_a_lead_that_ended_leaves_no_thread_that_would_keep_its_memory() -> None:
    """Each outage of the database ends a lead, and there may be many before the process ends."""
    trigger = Trigger(
        interval_s=60,
        jitter_s=0,
        wait_for_event=lambda _: False,
        wait_for_wanted=lambda _: False,
    )
    follower = threading.Thread(target=lead._follow, args=(threading.Event(), trigger), daemon=True)
    follower.start()
    trigger.close()
    follower.join(10)
    assert not follower.is_alive()

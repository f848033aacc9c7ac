"""What wakes the loop, and what doesn't."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from time import monotonic

import pytest

from reconciler.pacing import Pace
from reconciler.trigger import Trigger

MakeTrigger = Callable[..., Trigger]


@pytest.fixture
def make_trigger() -> Iterator[MakeTrigger]:
    """Make triggers whose watchers are given hints by hand."""
    made: list[Trigger] = []

    def make(*, spacing_s: float = 60, **watchers: Callable[[float], bool]) -> Trigger:
        known: dict[str, Callable[[float], bool]] = {
            "wait_for_event": lambda _: False,
            "wait_for_wanted": lambda _: False,
        }
        trigger = Trigger(
            interval_s=3600, jitter_s=0, pace=Pace(spacing_s=spacing_s), **{**known, **watchers}
        )
        made.append(trigger)
        return trigger

    yield make
    for trigger in made:
        trigger.close()


def wait(trigger: Trigger, at_most_s: float | None) -> bool:
    return trigger.wait(is_moving=False, is_changing=False, took_s=0, at_most_s=at_most_s)


def test_the_first_request_fetches_at_once_and_the_next_is_held(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()
    trigger.want_fetch()
    assert wait(trigger, None)
    trigger.want_fetch()
    assert not wait(trigger, 0.05)


def test_what_is_held_is_fetched_when_the_pause_is_over(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger(spacing_s=0.05)
    trigger.want_fetch()
    assert wait(trigger, None)
    trigger.want_fetch()
    assert wait(trigger, None)


def test_a_request_that_is_held_makes_no_pass(make_trigger: MakeTrigger) -> None:
    """A flood must not make the loop read the cluster for each delivery."""
    trigger = make_trigger()
    trigger.want_fetch()
    assert wait(trigger, None)
    teller = threading.Timer(0.05, trigger.want_fetch)
    teller.start()
    began = monotonic()
    assert not wait(trigger, 0.3)
    assert monotonic() - began >= 0.3
    teller.join()


def test_an_event_of_the_cluster_makes_a_pass_without_a_fetch(make_trigger: MakeTrigger) -> None:
    happened = threading.Semaphore(0)
    trigger = make_trigger(wait_for_event=lambda s: happened.acquire(timeout=s))
    trigger.start()
    happened.release()
    assert not wait(trigger, None)


def test_a_request_in_the_middle_of_a_pass_is_remembered(make_trigger: MakeTrigger) -> None:
    asked = threading.Semaphore(0)
    trigger = make_trigger(wait_for_wanted=lambda s: asked.acquire(timeout=s))
    trigger.start()
    asked.release()
    assert wait(trigger, None)


def test_stopping_ends_the_wait(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()
    threading.Timer(0.05, trigger.stop).start()
    assert not wait(trigger, None)


def test_what_moves_is_looked_at_again_though_nothing_is_told(make_trigger: MakeTrigger) -> None:
    trigger = make_trigger()
    assert not trigger.wait(is_moving=True, is_changing=True, took_s=0, at_most_s=None)

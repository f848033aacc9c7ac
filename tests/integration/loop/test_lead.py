"""What a leader does when a part fails under it."""

from __future__ import annotations

import random
import threading
from dataclasses import dataclass, replace
from typing import Any

import pytest

from reconciler import lead
from reconciler.cluster.fake import FakeCluster
from reconciler.converge.state import ObservedState
from reconciler.errors import ClusterUnavailable, LeaseLost, StoreUnavailable
from reconciler.fence import Fence
from reconciler.heap import Heap
from reconciler.loop import Loop
from reconciler.report import Report
from reconciler.sight import Sight
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
        lead._passes(site.loop, site.store, Heap(), trigger, random.Random(1))
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


def test_a_fault_of_ours_is_logged_and_the_lead_begins_anew(
    site: Site, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    site.push({"executions/aml/book.yaml": execution_file("book")})
    site.store.release_lease(site.lease)
    stop, passes, reconcile = threading.Event(), [], Loop.reconcile

    def fails_at_first(loop: Loop, *, fetch: bool = True) -> Report:
        passes.append(fetch)
        if len(passes) == 1:
            raise ValueError("a fault")
        stop.set()
        return reconcile(loop, fetch=fetch)

    monkeypatch.setattr(Loop, "reconcile", fails_at_first)
    monkeypatch.setattr(lead, "RETRY_FIRST_S", 0.01)
    settings = replace(site.settings, cluster="simulated")
    lead._lead_until(stop, settings, site.store, random.Random(1))
    assert passes == [True, True]
    assert "a fault in zoe itself" in caplog.messages
    assert site.phases() == {"aml/book": "Starting"}


@pytest.mark.parametrize(("lasts_s", "told"), [(5.0, [1, 2, 3]), (3600.0, [1, 1, 1])])
def test_a_lead_that_went_well_for_long_is_taken_up_again_soon(
    site: Site, monkeypatch: pytest.MonkeyPatch, lasts_s: float, told: list[int]
) -> None:
    """Else who has seen some outages would wait a minute after each, for ever."""
    stop, tries, clock = threading.Event(), [], [0.0]
    site.store.release_lease(site.lease)

    def waits(number: int, _: random.Random) -> float:
        tries.append(number)
        if len(tries) == len(told):
            stop.set()
        return 0.0

    def leads(*_: object) -> None:
        clock[0] += lasts_s
        raise StoreUnavailable("the database is away")

    monkeypatch.setattr(lead, "_lead", leads)
    monkeypatch.setattr(lead, "backoff_s", waits)
    monkeypatch.setattr(lead, "elapsed_s", lambda: clock[0])
    lead._lead_until(stop, site.settings, site.store, random.Random(1))
    assert tries == told


def test_a_pass_that_failed_is_told_to_whoever_looks(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.push({"executions/aml/book.yaml": execution_file("book")})
    site.reconcile()
    site.cluster.fail_next("observe", ClusterUnavailable("tcp://10.0.0.1:2375 refuses"))
    trigger = Trigger(
        interval_s=60,
        jitter_s=0,
        wait_for_event=lambda _: False,
        wait_for_wanted=lambda _: False,
    )
    monkeypatch.setattr(trigger, "pause", lambda _: trigger.stop())
    lead._passes(site.loop, site.store, Heap(), trigger, random.Random(1))
    trigger.close()
    pulse = site.store.load().recorded.pulse
    assert pulse is not None
    assert "the Swarm can't be reached" in pulse.problem
    assert "10.0.0.1" not in pulse.problem


def superseded(site: Site) -> None:
    """Let another process lead while ours was stopped for longer than its lease."""
    site.loop.fence = Fence(store=site.store, ttl_s=30, elapsed_s=lambda: 1e9)
    site.store.release_lease(site.lease)
    assert site.store.acquire_lease("another", ttl_s=60) is not None


def test_who_no_longer_leads_publishes_nothing(site: Site) -> None:
    """Not even what it had written down to be pushed."""
    site.push({"executions/aml/book.yaml": execution_file("book")})
    site.reconcile(passes=3)
    before = site.published()
    site.loop.publisher.refresh(tuple(site.loop.working_set.statuses), snapshot="older")
    site.loop.publisher.forget(tuple(site.loop.working_set.statuses))
    site.loop.publisher.before_push = lambda: superseded(site)
    with pytest.raises(LeaseLost):
        site.loop.publish(wait=True)
    assert site.repository.files("zoe/status") == before


def test_who_no_longer_leads_begins_no_action(site: Site) -> None:
    """Not even the next one of a plan that was made and committed in time."""
    site.push({"executions/aml/book.yaml": execution_file("book")})
    commit = site.store.commit

    def commits_and_is_stopped(*arguments: object) -> object:
        done = commit(*arguments)  # type: ignore[arg-type]
        superseded(site)
        return done

    site.store.commit = commits_and_is_stopped  # type: ignore[method-assign, assignment]
    with pytest.raises(LeaseLost):
        site.reconcile()
    assert site.writes() == []


@dataclass
class Blinking:
    """A cluster of whose first answers no two agree: each tells of another service."""

    cluster: FakeCluster
    changing: str
    answers: int = 4

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cluster, name)

    def observe(self) -> ObservedState:
        found = self.cluster.observe()
        if not self.answers:
            return found
        self.answers -= 1
        told = tuple(
            replace(s, id=f"{s.id}-{self.answers}") if self.changing in s.spec.name else s
            for s in found.services
        )
        return replace(found, services=told)


def test_after_a_start_nothing_goes_before_two_looks_agree(site: Site) -> None:
    jobs = {f"executions/aml/{name}.yaml": execution_file(name) for name in ("book", "other")}
    site.push(jobs)
    site.reconcile(passes=8)
    site.push({"executions/aml/book.yaml": None})
    site.restart()
    blinking: Any = Blinking(site.cluster, changing="other")
    site.loop.cluster, site.loop._sight = blinking, Sight(blinking)
    removals = len([told for told in site.writes() if told.startswith("remove_service")])
    site.reconcile()
    assert not [t for t in site.writes() if t.startswith("remove_service")][removals:]
    site.reconcile(passes=2)
    assert len([t for t in site.writes() if t.startswith("remove_service")][removals:]) == 1

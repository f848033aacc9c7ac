"""Passes between two whole readings of the cluster: what they ask for, and what they see."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from reconciler.cluster.fake import Outcome
from reconciler.cluster.gate import RELIST_S
from reconciler.converge.polling import to_poll
from reconciler.converge.state import ObservedState, ObservedTask
from reconciler.errors import ClusterUnavailable
from tests.fixtures.site import Site, execution_file

BOOK, JOB = "executions/aml/book.yaml", "executions/aml/job.yaml"


class Asked:
    """Counts what a loop asks its cluster."""

    def __init__(self, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
        self.whole = 0
        self.polled: list[int] = []
        self._site = site
        observe, refresh = site.cluster.observe, site.cluster.refresh

        def counted_observe() -> ObservedState:
            self.whole += 1
            return observe()

        def counted_refresh(last: ObservedState, services: Any) -> ObservedState | None:
            found = refresh(last, services)
            if found is not None:
                self.polled.append(len(services))
            return found

        monkeypatch.setattr(site.cluster, "observe", counted_observe)
        monkeypatch.setattr(site.cluster, "refresh", counted_refresh)

    def in_passes(self, count: int, *, ms: int = 1000) -> tuple[int, list[int]]:
        """Return how often all was read, and how many services were polled between."""
        self.whole, self.polled = 0, []
        for _ in range(count):
            between(self._site, ms=ms)
        return self.whole, self.polled


def between(site: Site, *, ms: int = 1000) -> None:
    """Make a pass that fetches nothing."""
    site.reports.append(site.loop.reconcile(fetch=False))
    site.cluster.advance(ms)


def settled(site: Site, *files: str) -> None:
    site.cluster.script("lasts", Outcome.exits(0, after_ms=95_000))
    site.push(
        {path: execution_file(path[15:-5], type_=kind(path), image=image(path)) for path in files}
    )
    site.reconcile()
    while site.loop.reconcile().is_moving:
        site.cluster.advance(500)
    site.cluster.wait_for_event(0)


def kind(path: str) -> str:
    return "batch" if path == JOB else "interactive"


def image(path: str) -> str:
    return "lasts" if path == JOB else "busybox"


def test_while_nothing_happens_nothing_is_asked_but_now_and_then(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(site, BOOK)
    asked = Asked(site, monkeypatch)
    whole, polled = asked.in_passes(40)
    assert whole <= 40 / RELIST_S + 1
    assert set(polled) == {0}


def test_a_batch_that_runs_is_asked_for_alone_and_its_end_seen_at_once(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(site, BOOK, JOB)
    asked = Asked(site, monkeypatch)
    whole, polled = asked.in_passes(30)
    assert whole <= 30 / RELIST_S + 1
    assert set(polled) == {1}
    while site.phases()["aml/job"] == "Running":
        ends = {t.state for t in site.cluster._observed().tasks} - {"running"}
        between(site)
        assert not ends or site.phases()["aml/job"] == "Succeeded"


@pytest.mark.parametrize(
    "change",
    [
        lambda site: site.cluster.remove_by_hand(name_of(site)),
        lambda site: site.cluster.update_by_hand(name_of(site), lambda s: with_replicas(s, 3)),
        lambda site: site.cluster.kill_node("n1"),
        lambda site: site.cluster.drain("n1"),
    ],
    ids=["removed", "scaled", "killed", "drained"],
)
def test_what_somebody_does_is_seen_by_the_next_pass_that_it_wakes(
    site: Site, change: Callable[[Site], None]
) -> None:
    settled(site, BOOK)
    between(site)
    change(site)
    assert site.cluster.wait_for_event(60)
    while site.loop.reconcile(fetch=False).is_moving:
        site.cluster.advance(500)
    (service,) = site.cluster._observed().services
    assert service.spec.replicas == 1


def test_a_fetch_and_a_failed_reading_are_followed_by_a_whole_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(site, BOOK, JOB)
    asked = Asked(site, monkeypatch)
    site.loop.reconcile()
    assert (asked.whole, asked.polled) == (1, [])
    site.cluster.fail_next("refresh", ClusterUnavailable("no answer"))
    with pytest.raises(ClusterUnavailable):
        between(site)
    between(site)
    assert (asked.whole, asked.polled) == (2, [])


def test_while_a_reading_is_doubted_each_is_a_whole_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled(site, JOB)
    site.cluster.remove_by_hand(name_of(site))
    asked = Asked(site, monkeypatch)
    whole, polled = asked.in_passes(14)
    assert site.phases() == {"aml/job": "Running"}, "it may be an older reading"
    assert (whole, polled) == (14, [])
    attempts = len(site.writes())
    asked.in_passes(5)
    assert len(site.writes()) > attempts, "it is believed, and the job tried again"


def name_of(site: Site) -> str:
    (service,) = site.cluster._observed().services
    return service.spec.name


def with_replicas(spec: Any, replicas: int) -> Any:
    return replace(spec, replicas=replicas)


class Walk:
    """A deployment to which this and that happens, by a seed; passes fetch now and then."""

    def __init__(self, site: Site, seed: int) -> None:
        self.site, self.chance = site, random.Random(seed)
        self.gone: set[str] = set()
        site.cluster.script("short", *(Outcome.exits(n % 2, after_ms=4000) for n in range(9)))
        site.cluster.script("crashes", Outcome.exits(1, after_ms=7000))
        self.files = {
            f"executions/aml/{image}{n}.yaml": execution_file(
                f"{image}{n}", type_="batch" if image == "short" else "interactive", image=image
            )
            for image in ("busybox", "short", "crashes")
            for n in range(2)
        }

    def happen(self) -> None:
        site, chance = self.site, self.chance
        services = site.cluster._observed().services
        match chance.randrange(12):
            case 0:
                path = chance.choice(sorted(self.files))
                is_gone = path in self.gone
                (self.gone.discard if is_gone else self.gone.add)(path)
                site.push({path: self.files[path] if is_gone else None})
            case 1 if services:
                site.cluster.remove_by_hand(chance.choice(services).spec.name)
            case 2 if services:
                replicas = chance.randrange(3)
                name = chance.choice(services).spec.name
                site.cluster.update_by_hand(name, lambda spec: with_replicas(spec, replicas))
            case 3:
                site.cluster.kill_node(f"n{chance.randrange(1, 4)}")
            case 4:
                site.cluster.start_node(f"n{chance.randrange(1, 4)}")
        site.cluster.advance(chance.choice([100, 400, 1000, 3000]))


@pytest.mark.parametrize("seed", range(3))
def test_a_gated_reading_is_a_whole_one_but_for_old_tasks_that_nobody_waits_for(
    site: Site, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    asked = Asked(site, monkeypatch)
    walk, loop, cluster = Walk(site, seed), site.loop, site.cluster
    site.push(walk.files)
    seen: list[tuple[float, frozenset[ObservedTask]]] = []
    for _ in range(50):
        walk.happen()
        fetch = walk.chance.random() < 0.1
        polled = None if fetch or loop._is_first else to_poll(loop.last, loop.observed)
        now_s, there = site.clock.now().timestamp(), cluster._observed()
        seen.append((now_s, frozenset(there.tasks)))
        loop.reconcile(fetch=fetch)
        read = loop._sight._read
        assert read is not None
        for part in ("nodes", "services", "networks", "configs", "secrets", "foreign_names"):
            assert getattr(read, part) == getattr(there, part), part
        waited_for = polled if polled is not None else {t.service_id for t in there.tasks}
        told = {task for task in read.tasks if task.service_id in waited_for}
        assert told == {task for task in there.tasks if task.service_id in waited_for}
        recent = [tasks for at_s, tasks in seen if now_s - at_s <= RELIST_S]
        assert any(
            {t for t in read.tasks if t.service_id not in waited_for}
            == {t for t in tasks if t.service_id not in waited_for}
            for tasks in recent
        )
    assert asked.polled
    assert asked.whole

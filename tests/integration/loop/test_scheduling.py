"""Decisions acted on a cluster where tasks take their time to leave, in virtual time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from policy.model.execution import NodeId
from reconciler.cluster.fake import Outcome
from reconciler.converge.tasks import is_live
from reconciler.errors import ClusterUnavailable
from tests.fixtures.site import Site, execution_file

WIDE = "executions/aml/wide.yaml"
GANG = "executions/aml/gang.yaml"
JOB = "executions/aml/job.yaml"


def sized(name: str, core: int, most: int, *, type_: str = "interactive", extra: str = "") -> str:
    """An execution whose replicas each need one CPU of the cluster's twelve."""
    replicas = f"replicas: {{core: {core}, max: {most}}}"
    return execution_file(name, type_=type_, extra=extra, service=replicas)


def live(site: Site) -> Counter[str]:
    """Live tasks by execution, those on their way out too."""
    state = site.cluster.observe()
    names = {s.id: s.spec.labels.get("zoe.execution", "") for s in state.services}
    return Counter(names.get(t.service_id, "") for t in state.tasks if is_live(t))


def part(site: Site, name: str) -> tuple[int, int]:
    """Replicas granted and running."""
    (component,) = site.status(name)["components"]
    return component["granted"], component["running"]


def check_room(site: Site) -> None:
    """No node's tasks reserve more than it has, and none is left pending for lack of room."""
    state = site.cluster.observe()
    held: Counter[NodeId | None] = Counter()
    for task in state.tasks:
        assert task.error == ""
        if is_live(task):
            held[task.node] += task.reservations.cpu_millis
    assert all(held[node.id] <= node.capacity.cpu_millis for node in state.nodes)


def until(site: Site, holds: Callable[[], bool], *, passes: int = 60) -> None:
    for _ in range(passes):
        site.reconcile(ms=200)
        check_room(site)
        if holds():
            return
    raise AssertionError(site.phases())


def test_a_newcomers_core_starts_when_the_elastic_replicas_it_takes_are_gone(site: Site) -> None:
    site.push({WIDE: sized("wide", 1, 12)})
    until(site, lambda: part(site, "aml/wide") == (12, 12))
    site.cluster.advance(10_000)
    site.push({GANG: sized("gang", 3, 3)})
    report = site.reconcile(ms=0)
    assert report.is_moving
    status = site.status("aml/gang")
    assert status["phase"] == "Starting"
    assert live(site)["gang"] == 0
    report = site.reconcile(ms=0)
    assert report.is_moving
    status = site.status("aml/gang")
    assert status["reason"] == "MakingRoom"
    assert "waits until 3 replicas of aml/wide are gone from" in status["message"]
    until(site, lambda: part(site, "aml/gang") == (3, 3))
    assert part(site, "aml/wide") == (9, 9)
    assert site.phases() == {"aml/gang": "Running", "aml/wide": "Running"}


def test_who_gave_replicas_back_says_so_and_grows_again_later(site: Site) -> None:
    site.push({WIDE: sized("wide", 1, 12)})
    until(site, lambda: part(site, "aml/wide") == (12, 12))
    site.cluster.advance(10_000)
    site.push({GANG: sized("gang", 3, 3)})
    until(site, lambda: part(site, "aml/gang") == (3, 3))
    assert elastic(site, "aml/wide") == ("False", "CoolingDown")
    site.push({GANG: None})
    until(site, lambda: live(site)["gang"] == 0)
    site.reconcile(passes=3)
    assert part(site, "aml/wide") == (9, 9)
    report = site.reconcile()
    assert report.wake_at is not None
    site.cluster.advance(6 * 3_600_000)  # until then it leaves some slack for others
    until(site, lambda: part(site, "aml/wide") == (12, 12))
    assert elastic(site, "aml/wide") == ("True", "AtMax")


def elastic(site: Site, name: str) -> tuple[str, str]:
    conditions = {c["type"]: c for c in site.status(name)["conditions"]}
    found = conditions["ElasticSatisfied"]
    return found["status"], found["reason"]


def test_elastic_replicas_of_a_drained_node_move_to_where_there_is_room(site: Site) -> None:
    site.push({WIDE: sized("wide", 1, 6)})
    until(site, lambda: part(site, "aml/wide") == (6, 6))
    by_node = Counter(t.node for t in site.cluster.observe().tasks if is_live(t))
    core = site.cluster.observe().services[0].spec.node
    drained = next(node for node in by_node if node != core)
    assert drained is not None
    site.cluster.drain(drained)
    until(site, lambda: part(site, "aml/wide") == (6, 6))
    assert drained not in {s.spec.node for s in site.cluster.observe().services}
    assert site.status("aml/wide")["attempt"] == 1


def test_a_gang_that_loses_a_node_is_never_stranded_when_the_node_returns(site: Site) -> None:
    """A gang below its core that keeps its place would hold room for ever (Volcano #5805)."""
    site.push({GANG: sized("gang", 6, 6)})
    until(site, lambda: part(site, "aml/gang") == (6, 6))
    node = site.cluster.observe().services[0].spec.node
    site.cluster.kill_node(node)
    until(site, lambda: site.status("aml/gang")["attempt"] == 2)
    until(site, lambda: part(site, "aml/gang") == (6, 6))
    site.cluster.start_node(node)
    until(site, lambda: set(live(site)) == {"gang"})
    for _ in range(10):
        site.reconcile(ms=1_000)
        check_room(site)
        assert part(site, "aml/gang") == (6, 6)
    assert live(site) == {"gang": 6}
    site.push({WIDE: sized("wide", 6, 6)})
    until(site, lambda: part(site, "aml/wide") == (6, 6))


def test_a_gang_too_large_for_what_is_left_waits_whole_and_keeps_its_age(site: Site) -> None:
    site.push({GANG: sized("gang", 9, 9)})
    until(site, lambda: part(site, "aml/gang") == (9, 9))
    queued_at = site.status("aml/gang")["queuedAt"]
    node = site.cluster.observe().services[0].spec.node
    site.cluster.kill_node(node)
    until(site, lambda: site.phases()["aml/gang"] == "Queued")
    assert set(live(site)) <= {"gang", ""}
    site.cluster.advance(60_000)
    site.reconcile()
    assert site.status("aml/gang")["queuedAt"] == queued_at
    site.cluster.start_node(node)
    until(site, lambda: part(site, "aml/gang") == (9, 9))


def test_a_manager_that_was_away_ends_nothing_of_what_went_on_meanwhile(site: Site) -> None:
    """It calls a node down until that has found it again; by then the batch there is done."""
    site.cluster.script("main", Outcome.exits(0, after_ms=20_000))
    site.push({JOB: execution_file("job", type_="batch")})
    until(site, lambda: site.phases()["aml/job"] == "Running")
    id_ = site.cluster.observe().services[0].spec.node
    (node,) = [node for node in site.cluster.observe().nodes if node.id == id_]

    site.cluster.fail_next("observe", ClusterUnavailable("the engine is gone"))
    with pytest.raises(ClusterUnavailable):
        site.reconcile()
    down = replace(node, is_ready=False, updated_at=site.clock.now())
    site.cluster.add_node(down)
    for _ in range(5):
        site.reconcile(ms=1_000)
        assert site.phases()["aml/job"] == "Running"
    site.cluster.add_node(node)
    until(site, lambda: site.phases()["aml/job"] == "Succeeded", passes=120)
    assert site.status("aml/job")["attempt"] == 1


def test_a_node_that_stays_down_after_the_manager_was_away_is_lost(site: Site) -> None:
    site.push({JOB: execution_file("job", type_="batch")})
    until(site, lambda: site.phases()["aml/job"] == "Running")
    node = site.cluster.observe().services[0].spec.node
    site.restart()
    site.cluster.kill_node(node)
    site.cluster.advance(60_000)
    site.reconcile(ms=10_000)
    assert site.status("aml/job")["attempt"] == 1
    until(site, lambda: site.status("aml/job")["attempt"] == 2, passes=150)
    assert site.cluster.observe().services[0].spec.node != node


def test_accounts_are_written_when_an_allocation_changes_and_at_no_other_time(site: Site) -> None:
    site.push({WIDE: sized("wide", 1, 4)})
    until(site, lambda: part(site, "aml/wide") == (4, 4))
    site.reconcile(passes=2)
    site.published()  # that a push landed is written as well, whenever that is
    before, version = site.store.load(), site.store.state_version()
    (progress,) = before.progress.values()
    assert progress.work == 0
    used = before.usage["aml"]
    assert dict(used.usage.amounts)["cpu"] == 60_000 * 1_000  # the entry penalty of its core
    assert dict(used.held)["cpu"] == 4_000
    site.cluster.advance(60_000)
    site.reconcile(passes=3)
    assert site.store.state_version() == version
    site.restart()
    site.push({WIDE: sized("wide", 1, 2)})
    until(site, lambda: part(site, "aml/wide") == (2, 2))
    (progress,) = site.store.load().progress.values()
    assert 4_000 * 60_000 < progress.work < 4_000 * 70_000


def test_what_completed_tells_how_long_the_next_will_take(site: Site) -> None:
    site.cluster.script("busybox", *(Outcome.exits(0, after_ms=5_000) for _ in range(4)))
    for run in range(1, 5):
        site.push({GANG: sized("gang", 1, 1, type_="batch").replace("run: 1", f"run: {run}")})
        until(site, lambda run=run: len(site.store.load().runtimes) == run, passes=200)
    assert all(4_000 < r.runtime_ms < 8_000 for r in site.store.load().runtimes)
    assert site.store.load().progress == {}


def test_a_filler_yields_whole_and_runs_again_with_its_age(site: Site) -> None:
    site.push({WIDE: sized("wide", 12, 12, type_="batch", extra="priority: filler")})
    until(site, lambda: part(site, "aml/wide") == (12, 12))
    queued_at = site.status("aml/wide")["queuedAt"]
    site.cluster.advance(10_000)
    site.push({GANG: sized("gang", 3, 3)})
    site.reconcile(ms=0)
    status = site.status("aml/wide")
    assert (status["phase"], status["reason"]) == ("Pending", "Preempted")
    assert status["message"] == "made room for aml/gang; it queues again"
    until(site, lambda: part(site, "aml/gang") == (3, 3))
    until(site, lambda: site.status("aml/wide")["reason"] == "FillerWaits")
    assert site.status("aml/wide")["queuedAt"] == queued_at
    site.push({GANG: None})
    until(site, lambda: part(site, "aml/wide") == (12, 12))
    record = next(r for r in site.loop.working_set.records.values() if r.attempt == 2)
    assert (record.failures, record.nodes_lost, record.failed_starts) == (0, 0, 0)

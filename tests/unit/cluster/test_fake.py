"""The fake's controls, which the real Swarm doesn't have. Its behaviour is in the contract."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from policy.model.resources import Resources
from reconciler.cluster.fake import (
    FakeCluster,
    Outcome,
    Timings,
    VirtualClock,
    as_meant,
    fake_node,
)
from reconciler.converge.state import (
    LABEL_COMPONENT,
    LABEL_DEPLOYMENT,
    LABEL_UID,
    ConfigSpec,
    NetworkAttachment,
    NetworkSpec,
    ObservedTask,
    Restart,
    RestartCondition,
    ServiceSpec,
)
from reconciler.errors import ClusterUnavailable, ConflictError, NameTaken

LABELS = {LABEL_DEPLOYMENT: "zoe", LABEL_UID: "u1", LABEL_COMPONENT: "worker"}
RESTARTS = Restart(condition=RestartCondition.ANY, delay_ms=1000)


def cluster(*hosts: str) -> FakeCluster:
    return FakeCluster(
        [fake_node(host, cpu_millis=4000) for host in hosts or ("a", "b")], clock=VirtualClock()
    )


def spec(name: str = "one", **fields: Any) -> ServiceSpec:
    base: dict[str, Any] = {"name": name, "image": "img", "labels": LABELS, "node": "id-a"}
    return ServiceSpec(**{**base, **fields})


def tasks(fake: FakeCluster) -> list[ObservedTask]:
    return list(fake.observe().tasks)


def states(fake: FakeCluster) -> list[str]:
    return [task.state.value for task in tasks(fake)]


def test_effects_are_the_writes_in_order() -> None:
    fake = cluster()
    network = fake.create_network(NetworkSpec(name="net", labels=LABELS))
    service = fake.create_service(spec())
    (seen,) = fake.observe().services
    fake.update_service(service, seen.version, spec(replicas=2))
    with pytest.raises(NameTaken):
        fake.create_service(spec())
    fake.remove_service(service, uid="u1")
    fake.remove_network(network)
    assert [(effect.method, effect.name, effect.error) for effect in fake.effects] == [
        ("create_network", "net", ""),
        ("create_service", "one", ""),
        ("update_service", "one", ""),
        ("create_service", "one", "NameTaken"),
        ("remove_service", "one", ""),
        ("remove_network", "net", ""),
    ]
    assert fake.effects[2].spec == spec(replicas=2)


def test_what_others_do_is_no_effect() -> None:
    fake = cluster()
    fake.create_service(spec())
    fake.effects.clear()
    fake.add_foreign_service("theirs", node="a")
    fake.update_by_hand("one", lambda own: replace(own, image="other"))
    fake.remove_by_hand("one")
    assert fake.effects == []
    assert fake.observe().services == ()


def test_a_failure_comes_as_often_as_asked_and_changes_nothing() -> None:
    fake = cluster()
    fake.fail_next("create_service", ClusterUnavailable("down"), times=2)
    for _ in range(2):
        with pytest.raises(ClusterUnavailable):
            fake.create_service(spec())
    assert fake.observe().services == ()
    assert fake.create_service(spec())


def test_a_lost_reply_took_effect() -> None:
    fake = cluster()
    fake.fail_next("create_service", ClusterUnavailable("time-out"), is_reply_lost=True)
    with pytest.raises(ClusterUnavailable):
        fake.create_service(spec())
    assert [service.spec.name for service in fake.observe().services] == ["one"]
    assert fake.effects[0].is_lost


def test_reading_can_fail_too() -> None:
    fake = cluster()
    fake.fail_next("observe", ClusterUnavailable("down"))
    with pytest.raises(ClusterUnavailable):
        fake.observe()
    assert fake.observe().nodes


def test_outcomes_follow_one_another_and_the_last_repeats() -> None:
    fake = cluster()
    fake.script("worker", Outcome.exits(3), Outcome.exits(4), Outcome())
    fake.create_service(spec(restart=RESTARTS))
    fake.advance(10_000)
    assert [(task.state.value, task.exit_code) for task in tasks(fake)] == [
        ("failed", 3),
        ("failed", 4),
        ("running", None),
    ]


def test_the_closest_key_counts() -> None:
    fake = cluster()
    for key, code in (("img", 1), ("worker", 2), ("u1", 3), ("one", 4)):
        fake.script(key, Outcome.exits(code))
    fake.create_service(spec())
    fake.create_service(spec("two"))
    fake.create_service(spec("three", labels={LABEL_DEPLOYMENT: "zoe", LABEL_COMPONENT: "worker"}))
    fake.create_service(spec("four", labels={LABEL_DEPLOYMENT: "zoe"}))
    fake.advance(1_000)
    assert [task.exit_code for task in tasks(fake)] == [4, 3, 2, 1]


def test_a_missing_image_can_come_back() -> None:
    fake = cluster()
    fake.remove_image("img")
    fake.create_service(spec(restart=RESTARTS))
    fake.advance(1_000)
    assert "rejected" in states(fake)
    fake.add_image("img")
    fake.advance(3_000)
    assert states(fake)[-1] == "running"


def test_foreign_tasks_take_room() -> None:
    fake = cluster("a")
    fake.add_foreign_service("theirs", reservations=Resources(cpu_millis=3_000))
    fake.advance(1_000)
    fake.create_service(spec(reservations=Resources(cpu_millis=2_000)))
    fake.advance(1_000)
    pending = tasks(fake)[-1]
    assert pending.error == "no suitable node (insufficient resources on 1 node)"
    fake.remove_by_hand("theirs")
    fake.advance(1_000)
    assert states(fake) == ["running"]


def test_draining_stops_what_runs_and_holds_the_rest() -> None:
    fake = cluster()
    fake.create_service(spec())
    fake.create_service(spec("two", restart=RESTARTS))
    fake.advance(1_000)
    fake.drain("a")
    fake.advance(2_000)
    assert states(fake) == ["shutdown", "shutdown", "pending"]
    assert "1 node not available for new tasks" in tasks(fake)[-1].error
    fake.undrain("a")
    fake.advance(1_000)
    assert states(fake) == ["shutdown", "shutdown", "running"]


def test_a_node_back_before_it_was_missed_has_lost_its_tasks_all_the_same() -> None:
    fake = cluster()
    fake.create_service(spec())
    fake.create_service(spec("two", restart=RESTARTS))
    fake.advance(1_000)
    fake.kill_node("a")
    fake.advance(1_000)
    assert all(node.is_ready for node in fake.observe().nodes)
    fake.start_node("a")
    fake.advance(5_000)
    assert [(task.state.value, task.exit_code) for task in tasks(fake)] == [
        ("failed", 255),
        ("failed", 255),
        ("running", None),
    ]


def test_nothing_of_a_nodes_earlier_life_goes_on() -> None:
    fake = cluster()
    fake.script_default(Outcome.exits(0, after_ms=10_000))
    fake.create_service(spec())
    fake.advance(1_000)
    fake.kill_node("a")
    fake.advance(20_000)
    assert [(task.state.value, task.exit_code) for task in tasks(fake)] == [("running", None)]


def test_what_was_on_a_lost_node_isnt_forgotten_before_it_ends() -> None:
    fake = cluster()
    fake.create_service(spec(reservations=Resources(cpu_millis=1000)))
    fake.advance(1_000)
    fake.kill_node("a")
    for value in range(6):
        (service,) = fake.observe().services
        changed = replace(service.spec, environment=(("A", str(value)),))
        fake.update_service(service.id, service.version, changed)
        fake.advance(10_000)
    assert tasks(fake)[0].reservations == Resources(cpu_millis=1000)
    assert tasks(fake)[0].node == "id-a"


def test_a_new_network_of_an_old_name_holds_its_tasks_up() -> None:
    fake = cluster()
    networks = (NetworkAttachment(network="net"),)
    for name in ("one", "two"):
        network = fake.create_network(NetworkSpec(name="net", labels=LABELS))
        service = fake.create_service(spec(name, networks=networks))
        fake.advance(1_000)
        if name == "one":
            fake.remove_service(service, uid="u1")
            fake.remove_network(network)
            fake.advance(200)
    assert states(fake) == ["starting"]
    fake.advance(Timings().network_lingers)
    assert states(fake) == ["running"]


def test_a_batch_service_reruns_completed_tasks_when_its_spec_changes() -> None:
    # Measured: this is why batch services are never updated.
    fake = cluster()
    fake.script_default(Outcome.exits(0))
    service = fake.create_service(spec(replicas=2))
    fake.advance(1_000)
    (seen,) = fake.observe().services
    fake.update_service(service, seen.version, spec(replicas=2, environment=(("A", "1"),)))
    fake.advance(2_000)
    assert len(states(fake)) > 2
    assert fake.observe().services[0].update_state == "paused"


@pytest.mark.parametrize(
    ("condition", "state"),
    [
        (RestartCondition.ANY, "running"),
        (RestartCondition.NONE, "complete"),
        (RestartCondition.ON_FAILURE, "complete"),
    ],
)
def test_as_meant_only_what_is_always_restarted_stays(
    condition: RestartCondition, state: str
) -> None:
    fake = cluster()
    fake.script_default(as_meant)
    fake.create_service(spec(restart=Restart(condition=condition)))
    fake.advance(60_000)
    assert states(fake) == [state]


def test_an_update_that_works_is_completed_after_its_monitor() -> None:
    fake = cluster()
    service = fake.create_service(spec(replicas=2, restart=RESTARTS))
    fake.advance(1_000)
    (seen,) = fake.observe().services
    changed = spec(replicas=2, restart=RESTARTS, environment=(("A", "1"),))
    fake.update_service(service, seen.version, changed)
    fake.advance(2_000)
    assert fake.observe().services[0].update_state == "updating"
    fake.advance(Timings().update_monitor)
    assert fake.observe().services[0].update_state == "completed"
    assert sorted(states(fake)) == ["running", "running", "shutdown", "shutdown"]


def test_waiting_makes_virtual_time_pass_up_to_the_event() -> None:
    clock = VirtualClock()
    fake = FakeCluster([fake_node("a")], clock=clock)
    began = clock.now()
    assert not fake.wait_for_event(2)
    assert (clock.now() - began).total_seconds() == 2
    fake.kill_node("a")
    assert fake.wait_for_event(60)
    assert (clock.now() - began).total_seconds() == 5


def test_on_a_wall_clock_a_write_wakes_who_waits() -> None:
    class Stopped:
        def now(self) -> datetime:
            return datetime(2026, 1, 1, tzinfo=UTC)

    fake = FakeCluster([fake_node("a")], clock=Stopped())
    timer = threading.Timer(
        0.05, lambda: fake.create_config(ConfigSpec(name="c", labels=LABELS, data=b"x"))
    )
    timer.start()
    assert fake.wait_for_event(10)
    timer.join()
    assert not fake.wait_for_event(0.02)


def test_another_deployments_service_is_foreign() -> None:
    fake = cluster()
    theirs = spec(labels={LABEL_DEPLOYMENT: "other", LABEL_UID: "u1"})
    service = fake.create_service(theirs)
    state = fake.observe()
    assert (state.services, state.foreign_names) == ((), frozenset({"one"}))
    with pytest.raises(ConflictError):
        fake.remove_service(service, uid="u1")


def test_thousands_of_services_are_listed_and_scheduled_once_each() -> None:
    fake = FakeCluster(
        [fake_node(f"n{n}", cpu_millis=10**6) for n in range(100)], clock=VirtualClock()
    )
    for number in range(3_000):
        fake.create_service(spec(f"s{number}", node=f"id-n{number % 100}"))
    fake.advance(1_000)
    assert states(fake) == ["running"] * 3_000

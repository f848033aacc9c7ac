"""What holds for every cluster, the fake and the real one: one suite, both parts."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from ipaddress import ip_address
from operator import is_

import pytest

from policy.model.resources import Resources
from reconciler.cluster.gate import RELIST_S
from reconciler.converge.state import (
    LABEL_APPLIED_HASH,
    ConfigSpec,
    FileReference,
    HealthProbe,
    Mount,
    NetworkAttachment,
    NetworkSpec,
    ObservedState,
    ProcessLimit,
    PublishedPort,
    Restart,
    RestartCondition,
    SecretSpec,
    ServiceSpec,
)
from reconciler.errors import ActionFailed, ConflictError, Missing, NameTaken
from reconciler.manifest.rules import LEAST_MEMORY_BYTES
from tests.contract.cluster_driver import (
    MISSING_IMAGE,
    SUCCEEDS,
    UID,
    Behaviour,
    FakeDriver,
    Stage,
    SwarmDriver,
    tasks_of,
)

RESTARTS = Restart(condition=RestartCondition.ANY, delay_ms=300)
MIB = 1024**2


@pytest.fixture(params=["fake", pytest.param("swarm", marks=pytest.mark.swarm)])
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    if request.param == "fake":
        driver = FakeDriver()
    else:
        driver = SwarmDriver(request.getfixturevalue("swarm"))
    yield Stage(driver)
    driver.close()


def network_of(stage: Stage, name: str = "net") -> tuple[str, tuple[NetworkAttachment, ...]]:
    full = stage.name(name)
    id_ = stage.cluster.create_network(NetworkSpec(name=full, labels=stage.labels))
    return id_, (NetworkAttachment(network=full, aliases=("web.lab",)),)


def full_spec(stage: Stage) -> ServiceSpec:
    """Return a service in which no field has its default; it needn't be able to run."""
    _, networks = network_of(stage)
    config = stage.name("config")
    stage.cluster.create_config(ConfigSpec(name=config, labels=stage.labels, data=b"a = 1\n"))
    stage.driver.add_secret(stage.name("token"))
    return ServiceSpec(
        name=stage.name("full"),
        image="anything:1",
        labels=stage.labels,
        node=stage.node(3),
        replicas=2,
        command=("-c", "exit 0"),
        entrypoint=("sh",),
        environment=(("A", "b=c"), ("EMPTY", ""), ("LINES", "1\n2")),
        user="1000:1000",
        working_dir="/tmp",
        hostname="box",
        container_labels=(("course", "aml"),),
        mounts=(
            Mount(type="bind", target="/data", source="/srv/data", read_only=True),
            Mount(type="volume", target="/work", source="work"),
            Mount(type="tmpfs", target="/scratch", size_bytes=MIB),
        ),
        configs=(FileReference(name=config, target="/etc/app.ini", uid="5", gid="6", mode=0o640),),
        secrets=(FileReference(name=stage.name("token"), target="token", mode=0o400),),
        health=HealthProbe(
            test=("CMD", "true"), interval_ms=500, timeout_ms=400, start_period_ms=300, retries=2
        ),
        stop_grace_ms=0,
        reservations=Resources.of(cpu_millis=150, memory_bytes=8 * MIB, generic=[("gpu", 1)]),
        limits=Resources(cpu_millis=1500, memory_bytes=16 * MIB),
        pids_limit=64,
        ulimits=(ProcessLimit(name="nofile", soft=100, hard=200),),
        capabilities_add=("CHOWN", "KILL"),
        capabilities_drop=("ALL",),
        restart=Restart(
            condition=RestartCondition.ANY, delay_ms=0, max_attempts=3, window_ms=60_000
        ),
        networks=networks,
        ports=(
            PublishedPort(name="web", target=80),
            PublishedPort(name="", target=81, published=20_081, protocol="udp"),
        ),
        log_max_size="1m",
        log_max_files=2,
    )


def test_a_service_comes_back_as_it_was_sent(stage: Stage) -> None:
    sent = full_spec(stage)
    service = stage.service(stage.cluster.create_service(sent))
    assert replace(service.spec, labels=stage.labels) == sent
    assert service.spec.labels == {**stage.labels, LABEL_APPLIED_HASH: sent.applied_hash}
    assert not service.is_drifted


def test_what_has_not_changed_is_the_same_object_in_each_reading(stage: Stage) -> None:
    """By that a pass knows whom it needn't look at again."""
    spec = stage.spec("grows")
    kept, grows = (stage.cluster.create_service(s) for s in (stage.spec("kept"), spec))
    for service_id in (kept, grows):
        stage.until_states(service_id, "running")
    before, again = stage.cluster.observe(), stage.cluster.observe()
    assert all(map(is_, before.services, again.services))
    assert all(map(is_, before.tasks, again.tasks))
    assert all(map(is_, before.nodes, again.nodes))
    was = stage.service(grows)
    stage.cluster.update_service(grows, was.version, replace(spec, replicas=2))
    stage.until_states(grows, "running", "running")
    assert stage.service(grows) is not was
    assert stage.service(kept) is next(s for s in before.services if s.id == kept)


def quiet(stage: Stage) -> ObservedState:
    """Return a reading that may be taken over, once nothing is told any more."""
    stage.cluster.wait_for_event(0.01)
    return stage.until(lambda state: stage.cluster.refresh(state, ()), "the Swarm to be quiet")


def test_a_reading_in_which_some_tasks_are_read_again_is_as_good_as_a_whole_one(
    stage: Stage,
) -> None:
    ends = Behaviour(exit_code=3, after_ms=300)
    ids = [
        stage.cluster.create_service(spec)
        for spec in (
            stage.spec("runs"),
            stage.spec("job", ends, restart=Restart(condition=RestartCondition.NONE)),
        )
    ]
    stage.until_states(ids[0], "running")

    def again(_: ObservedState) -> ObservedState | None:
        refreshed = stage.cluster.refresh(quiet(stage), ids)
        ended = refreshed and [task.exit_code for task in tasks_of(refreshed, ids[1])] == [3]
        return refreshed if ended else None

    refreshed = stage.until(again, "the job's end, by its tasks alone")
    whole = stage.cluster.observe()
    for service_id in ids:
        assert tasks_of(refreshed, service_id) == tasks_of(whole, service_id)
    # Those of other tests may be on their way out.
    assert refreshed == replace(whole, taken_at=refreshed.taken_at, tasks=refreshed.tasks)


def test_a_reading_without_what_changes_silently_asks_nobody(stage: Stage) -> None:
    state = quiet(stage)
    again = stage.cluster.refresh(state, ())
    assert again is None or again == replace(state, taken_at=again.taken_at)
    assert stage.cluster.refresh(state, ()) is None, "it isn't the newest one any more"


@pytest.mark.parametrize(
    "change",
    [
        lambda stage: stage.cluster.create_service(stage.spec("other")),
        lambda stage: stage.cluster.create_config(
            ConfigSpec(name=stage.name("c"), labels=stage.labels, data=b"x")
        ),
        lambda stage: stage.driver.add_secret(stage.name("token")),
        lambda stage: stage.driver.set_variable_by_hand(stage.name("there")),
        lambda stage: stage.driver.remove_by_hand(stage.name("there")),
        lambda stage: stage.driver.add_foreign_service(stage.name("f"), Resources(), "theirs"),
        lambda stage: (stage.driver.drain(3), stage.driver.undrain(3)),
    ],
    ids=["ours", "config", "secret", "changed", "removed", "foreign", "node"],
)
def test_after_a_change_a_reading_is_worth_nothing(
    stage: Stage, change: Callable[[Stage], object]
) -> None:
    stage.until_states(stage.cluster.create_service(stage.spec("there")), "running")
    state = quiet(stage)
    change(stage)
    until_worthless(stage, state)


def test_after_a_node_is_lost_a_reading_is_worth_nothing(stage: Stage) -> None:
    state = quiet(stage)
    stage.driver.kill_node(3)
    try:
        until_worthless(stage, state)
    finally:
        stage.driver.start_node(3)
    stage.until(lambda state: all(node.is_ready for node in state.nodes), "the node to come back")


def until_worthless(stage: Stage, state: ObservedState) -> None:
    """Wait until what changed has been told of, taking the reading over until then."""
    deadline = stage.driver.seconds() + RELIST_S - 1
    while (again := stage.cluster.refresh(state, ())) is not None:
        state = again
        assert stage.driver.seconds() < deadline, "only its age ends it"
        stage.driver.pause()


def test_ports_of_the_routing_mesh_come_back_too(stage: Stage) -> None:
    port = PublishedPort(name="web", target=80, published=20_090, mode="ingress")
    sent = stage.spec("mesh", ports=(port,))
    service = stage.service(stage.cluster.create_service(sent))
    assert service.spec.ports == (port,)
    assert not service.is_drifted
    with pytest.raises(ActionFailed, match="already in use by service"):
        stage.cluster.create_service(stage.spec("mesh2", ports=(port,)))


def test_a_task_runs_on_its_node_with_its_reservations(stage: Stage) -> None:
    least = Resources(cpu_millis=100, memory_bytes=LEAST_MEMORY_BYTES)
    spec = stage.spec("one", reservations=least, limits=least)
    service_id = stage.cluster.create_service(spec)
    (task,) = stage.until_states(service_id, "running")
    assert (task.node, task.slot, task.exit_code) == (spec.node, 1, None)
    assert task.desired_state == "running"
    assert task.reservations == spec.reservations
    assert re.fullmatch("[0-9a-f]{64}", task.container)


def test_scaling_keeps_the_tasks_that_run(stage: Stage) -> None:
    spec = stage.spec("grow")
    service_id = stage.cluster.create_service(spec)
    (first,) = stage.until_states(service_id, "running")
    grown = replace(spec, replicas=2)
    stage.cluster.update_service(service_id, stage.service(service_id).version, grown)
    tasks = stage.until_states(service_id, "running", "running")
    assert tasks[0].id == first.id
    stage.cluster.update_service(service_id, stage.service(service_id).version, spec)
    stage.until(lambda state: len(tasks_of(state, service_id)) == 1, "one task less")
    assert not stage.service(service_id).is_drifted


def test_changing_labels_restarts_nothing(stage: Stage) -> None:
    spec = stage.spec("label")
    service_id = stage.cluster.create_service(spec)
    (before,) = stage.until_states(service_id, "running")
    relabelled = replace(spec, labels={**stage.labels, "zoe.epoch": "7"}, replicas=2)
    stage.cluster.update_service(service_id, stage.service(service_id).version, relabelled)
    after = stage.until_states(service_id, "running", "running")
    assert after[0].id == before.id
    assert stage.service(service_id).spec.labels["zoe.epoch"] == "7"


def test_changing_the_environment_replaces_the_task(stage: Stage) -> None:
    spec = stage.spec("change", restart=RESTARTS)
    service_id = stage.cluster.create_service(spec)
    (before,) = stage.until_states(service_id, "running")
    changed = replace(spec, environment=(("A", "1"),))
    stage.cluster.update_service(service_id, stage.service(service_id).version, changed)
    stage.until(lambda _: stage.service(service_id).update_state == "updating", "its beginning")
    stage.until(
        lambda state: [t.state for t in tasks_of(state, service_id)] == ["shutdown", "running"],
        "the old task to stop and a new one to run",
    )
    old, new = stage.tasks(service_id)
    assert (old.id, old.desired_state) == (before.id, "shutdown")
    assert new.id != before.id


def test_an_update_that_fails_pauses(stage: Stage) -> None:
    spec = stage.spec("pause", replicas=2, restart=RESTARTS)
    service_id = stage.cluster.create_service(spec)
    stage.until_states(service_id, "running", "running")
    broken = replace(spec, image=MISSING_IMAGE)
    stage.cluster.update_service(service_id, stage.service(service_id).version, broken)
    updating = stage.service(service_id)
    stage.until(lambda _: stage.service(service_id).update_state == "paused", "a paused update")
    running = [task for task in stage.tasks(service_id) if task.state == "running"]
    assert running, "the other slot was touched although the first one failed"
    paused = stage.service(service_id)
    assert paused.spec.image == MISSING_IMAGE
    assert paused.version > updating.version
    with pytest.raises(ConflictError):
        stage.cluster.update_service(service_id, updating.version, spec)


def test_a_completed_task_is_not_run_again_by_scaling_or_labels(stage: Stage) -> None:
    spec = stage.spec("job", SUCCEEDS)
    service_id = stage.cluster.create_service(spec)
    (first,) = stage.until_states(service_id, "complete")
    assert (first.exit_code, first.error, first.desired_state) == (0, "", "shutdown")
    assert first.reservations == Resources()
    relabelled = replace(spec, labels={**stage.labels, "zoe.epoch": "7"})
    stage.cluster.update_service(service_id, stage.service(service_id).version, relabelled)
    grown = replace(relabelled, replicas=2)
    stage.cluster.update_service(service_id, stage.service(service_id).version, grown)
    stage.until_states(service_id, "complete", "complete")
    assert [task.slot for task in stage.tasks(service_id)] == [1, 2]
    assert stage.tasks(service_id)[0].id == first.id


def test_a_failed_task_tells_its_exit_code(stage: Stage) -> None:
    service_id = stage.cluster.create_service(stage.spec("fail", Behaviour(exit_code=3)))
    (task,) = stage.until_states(service_id, "failed")
    assert (task.exit_code, task.error) == (3, "task: non-zero exit (3)")
    assert task.desired_state == "shutdown"


def test_a_crashing_service_is_restarted_and_keeps_five_tasks_of_history(stage: Stage) -> None:
    restart = Restart(condition=RestartCondition.ANY, delay_ms=10)
    spec = stage.spec("crash", Behaviour(exit_code=1), restart=restart)
    service_id = stage.cluster.create_service(spec)
    first = stage.until(lambda state: tasks_of(state, service_id), "a task")[0]
    stage.until(
        lambda state: (
            (tasks := tasks_of(state, service_id))
            and first.id not in {task.id for task in tasks}
            and len(tasks) <= 5
        ),
        "the first task to be forgotten",
    )
    ended = [task for task in stage.tasks(service_id) if task.exit_code is not None]
    assert {task.exit_code for task in ended} == {1}
    assert len(ended) >= 3


def test_what_restarts_on_failure_is_left_alone_once_it_succeeded(stage: Stage) -> None:
    restart = Restart(condition=RestartCondition.ON_FAILURE, delay_ms=10)
    good = stage.cluster.create_service(stage.spec("good", Behaviour(exit_code=0), restart=restart))
    bad = stage.cluster.create_service(stage.spec("bad", Behaviour(exit_code=3), restart=restart))
    stage.until(lambda state: len(tasks_of(state, bad)) >= 3, "two more tries")
    assert [task.state for task in stage.tasks(good)] == ["complete"]


def test_restarts_are_bounded_by_max_attempts(stage: Stage) -> None:
    restart = Restart(condition=RestartCondition.ANY, delay_ms=10, max_attempts=1)
    other = stage.cluster.create_service(
        stage.spec("other", Behaviour(exit_code=1), restart=replace(restart, max_attempts=3))
    )
    service_id = stage.cluster.create_service(
        stage.spec("twice", Behaviour(exit_code=1), restart=restart)
    )
    stage.until(
        lambda state: [t.state for t in tasks_of(state, other)] == ["failed"] * 4,
        "four tries of the other",
    )
    assert [task.state for task in stage.tasks(service_id)] == ["failed", "failed"]


def test_a_missing_image_is_rejected_again_and_again(stage: Stage) -> None:
    spec = replace(stage.spec("pull"), image=MISSING_IMAGE, restart=RESTARTS)
    once = replace(spec, name=stage.name("once"), restart=Restart())
    service_id, once_id = (stage.cluster.create_service(item) for item in (spec, once))
    stage.until(
        lambda state: sum(task.state == "rejected" for task in tasks_of(state, service_id)) >= 2,
        "two rejected tasks",
    )
    rejected = [task for task in stage.tasks(service_id) if task.state == "rejected"]
    assert {task.error for task in rejected} == {f"No such image: {MISSING_IMAGE}"}
    assert {task.exit_code for task in rejected} == {None}
    (only,) = stage.until_states(once_id, "rejected")
    assert only.desired_state == "shutdown"
    assert len(stage.tasks(once_id)) == 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        pytest.param(
            {"reservations": Resources(cpu_millis=900_000)},
            "insufficient resources on 3 nodes",
            id="cpu",
        ),
        pytest.param(
            {"reservations": Resources.of(generic=[("no-such-thing", 1)])},
            "insufficient resources on 3 nodes",
            id="generic",
        ),
        pytest.param({"node": 0}, "scheduling constraints not satisfied on 3 nodes", id="node"),
    ],
)
def test_what_cant_be_placed_is_pending_and_says_why(
    stage: Stage, fields: dict[str, object], words: str
) -> None:
    service_id = stage.cluster.create_service(stage.spec("wait", **fields))
    task = stage.until(
        lambda state: next((t for t in tasks_of(state, service_id) if t.error), None), "a reason"
    )
    assert (task.state, task.node, task.error) == ("pending", None, f"no suitable node ({words})")


def test_a_taken_host_port_keeps_a_task_pending_until_it_is_free(stage: Stage) -> None:
    port = (PublishedPort(name="web", target=80, published=20_091),)
    holder = stage.cluster.create_service(stage.spec("holder", ports=port))
    stage.until_states(holder, "running")
    waiting = stage.cluster.create_service(stage.spec("waiting", ports=port))
    task = stage.until(
        lambda state: next((t for t in tasks_of(state, waiting) if t.error), None), "a reason"
    )
    assert "host-mode port already in use on 1 node" in task.error
    stage.cluster.remove_service(holder, uid=UID)
    stage.until_states(waiting, "running")


def test_the_engine_chooses_a_host_port_and_lists_it_once(stage: Stage) -> None:
    _, networks = network_of(stage)
    ports = (PublishedPort(name="web", target=80), PublishedPort(name="", target=81))
    service_id = stage.cluster.create_service(stage.spec("web", ports=ports, networks=networks))
    (task,) = stage.until_states(service_id, "running")
    assert [(port.target, port.protocol) for port in task.host_ports] == [(80, "tcp"), (81, "tcp")]
    assert len({port.published for port in task.host_ports}) == 2
    assert all(port.published > 1024 for port in task.host_ports)


def test_a_task_is_starting_until_its_probe_passes(stage: Stage) -> None:
    probe = HealthProbe(
        test=("CMD", "false"), interval_ms=200, timeout_ms=1000, start_period_ms=0, retries=3
    )
    spec = stage.spec("sick", Behaviour(is_sick=True), health=probe)
    service_id = stage.cluster.create_service(spec)
    seen: set[str] = set()

    def ended(_: object) -> bool:
        (task,) = stage.tasks(service_id)
        seen.add(task.state)
        return task.state == "failed"

    stage.until(ended, "the probe to give up")
    (task,) = stage.tasks(service_id)
    assert "starting" in seen
    assert "running" not in seen
    assert task.error.endswith("unhealthy container")


def test_a_task_whose_probe_passes_runs(stage: Stage) -> None:
    probe = HealthProbe(
        test=("CMD", "true"), interval_ms=200, timeout_ms=1000, start_period_ms=0, retries=3
    )
    service_id = stage.cluster.create_service(stage.spec("well", health=probe))
    stage.until_states(service_id, "running")


@pytest.mark.parametrize("change", [str, str.upper], ids=["same", "other-case"])
def test_names_are_taken_whatever_their_case(stage: Stage, change: type[str]) -> None:
    spec = stage.spec("name")
    network, config = stage.name("n"), stage.name("c")
    stage.cluster.create_service(spec)
    stage.cluster.create_network(NetworkSpec(name=network, labels=stage.labels))
    stage.cluster.create_config(ConfigSpec(name=config, labels=stage.labels, data=b"x"))
    with pytest.raises(NameTaken):
        stage.cluster.create_service(replace(spec, name=change(spec.name)))
    with pytest.raises(NameTaken):
        stage.cluster.create_network(NetworkSpec(name=change(network), labels=stage.labels))
    with pytest.raises(NameTaken):
        stage.cluster.create_config(ConfigSpec(name=change(config), labels=stage.labels, data=b"y"))


def test_an_update_from_a_stale_reading_conflicts(stage: Stage) -> None:
    spec = stage.spec("race")
    service_id = stage.cluster.create_service(spec)
    read = stage.service(service_id)
    stage.driver.set_variable_by_hand(spec.name)
    with pytest.raises(ConflictError):
        stage.cluster.update_service(service_id, read.version, replace(spec, replicas=2))
    assert stage.service(service_id).spec.replicas == 1


def test_many_may_be_created_at_once(stage: Stage) -> None:
    specs = [stage.spec(f"many{number}", replicas=0) for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        ids = list(pool.map(stage.cluster.create_service, specs))
    found = {service.id: service.spec.name for service in stage.cluster.observe().services}
    assert found == dict(zip(ids, [spec.name for spec in specs], strict=True))


def test_of_two_creations_of_one_name_one_wins(stage: Stage) -> None:
    spec = stage.spec("twin", replicas=0)

    def create(_: int) -> str:
        try:
            return stage.cluster.create_service(spec)
        except NameTaken:
            return "taken"

    with ThreadPoolExecutor(4) as pool:
        answers = sorted(pool.map(create, range(4)))
    (service,) = stage.cluster.observe().services
    assert answers == sorted([service.id, "taken", "taken", "taken"])


def test_a_change_by_hand_shows_as_drift_and_can_be_repaired(stage: Stage) -> None:
    spec = stage.spec("drift")
    service_id = stage.cluster.create_service(spec)
    stage.driver.set_variable_by_hand(spec.name)
    drifted = stage.service(service_id)
    assert drifted.is_drifted
    assert drifted.spec.environment == (("BY", "hand"),)
    assert drifted.spec.labels[LABEL_APPLIED_HASH] == spec.applied_hash
    stage.cluster.update_service(service_id, drifted.version, spec)
    assert not stage.service(service_id).is_drifted


def test_only_a_service_with_our_uid_is_removed(stage: Stage) -> None:
    service_id = stage.cluster.create_service(stage.spec("mine"))
    with pytest.raises(ConflictError):
        stage.cluster.remove_service(service_id, uid="somebody-else")
    assert stage.service(service_id)
    stage.cluster.remove_service(service_id, uid=UID)
    assert not stage.cluster.observe().services


def test_what_is_gone_can_be_removed_again_but_not_used(stage: Stage) -> None:
    network, _ = network_of(stage)
    config = stage.cluster.create_config(
        ConfigSpec(name=stage.name("c"), labels=stage.labels, data=b"x")
    )
    spec = stage.spec("gone")
    service_id = stage.cluster.create_service(spec)
    for _ in range(2):
        stage.cluster.remove_service(service_id, uid=UID)
        stage.cluster.remove_network(network)
        stage.cluster.remove_config(config)
    with pytest.raises(Missing):
        stage.cluster.update_service(service_id, 1, spec)
    with pytest.raises(Missing):
        stage.cluster.logs(service_id, tail=1)


@pytest.mark.parametrize("field", ["networks", "configs", "secrets"])
def test_a_service_that_names_what_isnt_there_is_missing_something(
    stage: Stage, field: str
) -> None:
    named = {
        "networks": NetworkAttachment(network=stage.name("nothing")),
        "configs": FileReference(name=stage.name("nothing"), target="/x"),
        "secrets": FileReference(name=stage.name("nothing"), target="x"),
    }
    with pytest.raises(Missing):
        stage.cluster.create_service(stage.spec("lacks", **{field: (named[field],)}))


@pytest.mark.parametrize("name", ["with.dot", "-dash", "x" * 63])
def test_a_name_that_cant_be_is_refused(stage: Stage, name: str) -> None:
    spec = replace(stage.spec("x"), name=name + "-" if name == "-dash" else f"{name}-{'y' * 10}")
    with pytest.raises(ActionFailed, match="name must be"):
        stage.cluster.create_service(spec)


def test_too_little_memory_is_refused(stage: Stage) -> None:
    little = Resources(memory_bytes=4 * MIB - 1)
    with pytest.raises(ActionFailed, match="Must be at least 4MiB"):
        stage.cluster.create_service(stage.spec("small", reservations=little))
    spec = stage.spec("small")
    service_id = stage.cluster.create_service(spec)
    version = stage.service(service_id).version
    with pytest.raises(ActionFailed, match="Must be at least 4MiB"):
        stage.cluster.update_service(service_id, version, replace(spec, limits=little))


def test_a_spec_that_wouldnt_come_back_is_refused(stage: Stage) -> None:
    with pytest.raises(ActionFailed, match="command"):
        stage.cluster.create_service(stage.spec("lossy", command=()))
    assert not stage.cluster.observe().services


def test_networks_and_configs_in_use_stay(stage: Stage) -> None:
    network, networks = network_of(stage)
    config = stage.name("c")
    config_id = stage.cluster.create_config(ConfigSpec(name=config, labels=stage.labels, data=b"x"))
    files = (FileReference(name=config, target="/c"),)
    spec = stage.spec("user", networks=networks, configs=files)
    service_id = stage.cluster.create_service(spec)
    with pytest.raises(ConflictError):
        stage.cluster.remove_network(network)
    with pytest.raises(ConflictError):
        stage.cluster.remove_config(config_id)
    stage.cluster.remove_service(service_id, uid=UID)
    stage.cluster.remove_network(network)
    stage.cluster.remove_config(config_id)
    state = stage.cluster.observe()
    assert (state.services, state.networks, state.configs) == ((), (), ())


def test_a_network_removed_after_use_is_gone_at_once_but_its_name_is_not(stage: Stage) -> None:
    network, networks = network_of(stage)
    service_id = stage.cluster.create_service(stage.spec("user", node=1, networks=networks))
    (task,) = stage.until_states(service_id, "running")
    (address,) = task.addresses
    assert ip_address(address).is_private
    stage.cluster.remove_service(service_id, uid=UID)
    stage.cluster.remove_network(network)
    assert stage.cluster.observe().networks == ()
    again = NetworkSpec(name=networks[0].network, labels=stage.labels)
    with pytest.raises(NameTaken):
        stage.cluster.create_network(again)


def test_adoption_data_come_back_on_every_object(stage: Stage) -> None:
    network, networks = network_of(stage)
    config = stage.cluster.create_config(
        ConfigSpec(name=stage.name("c"), labels=stage.labels, data=b"x")
    )
    state = stage.cluster.observe()
    assert [(n.id, n.name, n.labels) for n in state.networks] == [
        (network, networks[0].network, stage.labels)
    ]
    assert [(c.id, c.name, c.labels) for c in state.configs] == [
        (config, stage.name("c"), stage.labels)
    ]


def test_removing_a_service_takes_tasks_and_logs_along(stage: Stage) -> None:
    service_id = stage.cluster.create_service(stage.spec("gone"))
    stage.until_states(service_id, "running")
    stage.cluster.remove_service(service_id, uid=UID)
    with pytest.raises(Missing):
        stage.cluster.logs(service_id, tail=10)
    assert {task.desired_state for task in stage.tasks(service_id)} <= {"remove"}
    stage.until(lambda state: not tasks_of(state, service_id), "its tasks to go")


def test_logs_are_the_last_lines_with_controls_escaped(stage: Stage) -> None:
    log = "one\ntwo\n\x1b[31mthree\n"
    service_id = stage.cluster.create_service(
        stage.spec("log", Behaviour(exit_code=1, after_ms=200, log=log))
    )
    stage.until_states(service_id, "failed")
    stage.until(lambda _: "three" in stage.cluster.logs(service_id, tail=9), "the whole log")
    assert stage.cluster.logs(service_id, tail=9) == "one\ntwo\n\\x1b[31mthree\n"
    assert stage.cluster.logs(service_id, tail=1) == "\\x1b[31mthree\n"
    assert stage.cluster.logs(service_id, tail=9, limit_bytes=14) == "\\x1b[31mthree\n"


def test_a_secret_of_ours_is_made_once_and_never_shown(stage: Stage) -> None:
    spec = SecretSpec(name=stage.name("token"), labels=stage.labels, data=b"hidden")
    assert "hidden" not in repr(spec)
    secret_id = stage.cluster.create_secret(spec)
    (there,) = [s for s in stage.cluster.observe().secrets if s.name == spec.name]
    assert (there.id, there.labels) == (secret_id, stage.labels)
    with pytest.raises(NameTaken):
        stage.cluster.create_secret(replace(spec, data=b"other"))


def test_a_secret_stays_while_a_service_uses_it(stage: Stage) -> None:
    name = stage.name("token")
    secret_id = stage.cluster.create_secret(
        SecretSpec(name=name, labels=stage.labels, data=b"hidden")
    )
    files = (FileReference(name=name, target="token"),)
    service_id = stage.cluster.create_service(stage.spec("reader", secrets=files))
    with pytest.raises(ConflictError):
        stage.cluster.remove_secret(secret_id)
    stage.cluster.remove_service(service_id, uid=UID)
    for _ in range(2):
        stage.cluster.remove_secret(secret_id)
    assert name not in {secret.name for secret in stage.cluster.observe().secrets}


def test_a_secret_of_somebody_else_isnt_removed(stage: Stage) -> None:
    name = stage.name("granted")
    stage.driver.add_secret(name)
    (there,) = [s for s in stage.cluster.observe().secrets if s.name == name]
    with pytest.raises(ConflictError):
        stage.cluster.remove_secret(there.id)


@pytest.mark.parametrize("size", [0, 512_000])
def test_a_secret_of_an_impossible_size_is_refused(stage: Stage, size: int) -> None:
    spec = SecretSpec(name=stage.name("big"), labels=stage.labels, data=b"x" * size)
    with pytest.raises(ActionFailed):
        stage.cluster.create_secret(spec)


def test_secrets_are_listed_and_reach_a_service_by_name(stage: Stage) -> None:
    name = stage.name("token")
    stage.driver.add_secret(name)
    state = stage.cluster.observe()
    assert name in {secret.name for secret in state.secrets}
    files = (FileReference(name=name, target="token", uid="7", mode=0o400),)
    spec = stage.spec("reader", secrets=files)
    service_id = stage.cluster.create_service(spec)
    stage.until_states(service_id, "running")
    assert stage.service(service_id).spec.secrets == files


def test_foreign_services_are_names_and_their_tasks_take_room(stage: Stage) -> None:
    theirs = Resources(cpu_millis=250, memory_bytes=5 * MIB)
    name = stage.name("theirs")
    stage.driver.add_foreign_service(name, theirs, stage.name("stack"))
    task = stage.until(
        lambda state: next(
            (t for t in state.tasks if t.reservations == theirs and t.state == "running"), None
        ),
        "the foreign task",
    )
    state = stage.cluster.observe()
    assert task.node == stage.node(2)
    assert name in state.foreign_names
    assert stage.name("stack") in state.foreign_stacks
    assert state.services == ()
    with pytest.raises(NameTaken):
        stage.cluster.create_service(stage.spec("theirs"))
    with pytest.raises(ConflictError):
        stage.cluster.remove_service(task.service_id, uid="")


def test_an_event_wakes_the_waiting(stage: Stage) -> None:
    while stage.cluster.wait_for_event(0.05):
        pass  # what came before
    spec = stage.spec("event")
    stage.driver.later(lambda: stage.cluster.create_service(spec))
    assert stage.cluster.wait_for_event(30)


def test_waiting_ends_when_nothing_happens(stage: Stage) -> None:
    while stage.cluster.wait_for_event(0.5):
        pass
    assert not stage.cluster.wait_for_event(0.05)


def test_a_lost_node_keeps_its_tasks_and_gets_only_those_with_restarts_back(stage: Stage) -> None:
    job = stage.cluster.create_service(stage.spec("job", node=3))
    web = stage.cluster.create_service(stage.spec("web", node=3, restart=RESTARTS))
    for service_id in (job, web):
        stage.until_states(service_id, "running")
    node = stage.node(3)
    stage.driver.kill_node(3)
    try:
        stage.until(
            lambda state: any(n.id == node and not n.is_ready for n in state.nodes),
            "the node to be missed",
        )
        stage.until_states(web, "pending")
        (lost,) = stage.tasks(job)
        assert (lost.state, lost.desired_state, lost.exit_code) == ("running", "shutdown", None)
        waiting = stage.until(
            lambda state: next((t for t in tasks_of(state, web) if t.error), None), "a reason"
        )
        assert "1 node not available for new tasks" in waiting.error
        assert stage.cluster.logs(job, tail=5).startswith("Error grabbing logs")
    finally:
        stage.driver.start_node(3)
    stage.until_states(web, "running")
    (failed,) = stage.until_states(job, "failed")
    assert (failed.id, failed.exit_code) == (lost.id, 255)
    assert failed.error == "task: non-zero exit (255)"


def test_a_drained_node_loses_its_tasks_and_gets_those_with_restarts_back(stage: Stage) -> None:
    job = stage.cluster.create_service(stage.spec("job", node=3))
    web = stage.cluster.create_service(stage.spec("web", node=3, restart=RESTARTS))
    for service_id in (job, web):
        stage.until_states(service_id, "running")
    stage.driver.drain(3)
    try:
        drained = next(n for n in stage.cluster.observe().nodes if n.id == stage.node(3))
        assert (drained.is_ready, drained.is_active) == (True, False)
        stage.until_states(job, "shutdown")
        stage.until_states(web, "pending")
    finally:
        stage.driver.undrain(3)
    stage.until_states(web, "running")
    assert [task.state for task in stage.tasks(job)] == ["shutdown"]


@pytest.mark.swarm
def test_a_published_port_answers(swarm: object) -> None:
    driver = SwarmDriver(swarm)
    stage = Stage(driver)
    try:
        _, networks = network_of(stage)
        ports = (PublishedPort(name="web", target=8080),)
        spec = stage.spec("httpd", ports=ports, networks=networks)
        serve = "echo hello >/tmp/index.html; exec httpd -f -p 8080 -h /tmp"
        service_id = stage.cluster.create_service(replace(spec, command=("-c", serve)))
        (task,) = stage.until_states(service_id, "running")
        node = next(n for n in stage.cluster.observe().nodes if n.id == task.node)
        address = (node.address, task.host_ports[0].published)

        def answer(_: object) -> bytes:
            try:
                with socket.create_connection(address, timeout=2) as connection:
                    connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    return connection.recv(4096)
            except ConnectionError:
                return b""

        assert stage.until(answer, "an answer").startswith(b"HTTP/1.")
    finally:
        driver.close()


@pytest.mark.swarm
def test_a_container_that_cant_be_started_is_told_in_these_words(swarm: object) -> None:
    """They are all that tells it from a program that ran and failed."""
    driver = SwarmDriver(swarm)
    stage = Stage(driver)
    name, taken = stage.name("taken"), 18_765
    listens = ("nc", "-l", "-p", str(taken))
    swarm.docker("run", "--detach", "--name", name, "--network", "host", swarm.image, *listens)
    try:
        _, networks = network_of(stage)
        spec = stage.spec(
            "late",
            node=1,
            networks=networks,
            ports=(PublishedPort(name="web", target=80, published=taken),),
            restart=Restart(condition=RestartCondition.NONE),
        )
        (task,) = stage.until_states(stage.cluster.create_service(spec), "failed")
        assert task.error.startswith("starting container failed")
    finally:
        swarm.docker("rm", "--force", name)
        driver.close()


@pytest.mark.swarm
@pytest.mark.parametrize("is_encrypted", [False, True])
def test_a_network_is_for_services_alone_and_encrypted_where_asked(
    swarm: object, is_encrypted: bool
) -> None:
    driver = SwarmDriver(swarm)
    stage = Stage(driver)
    try:
        spec = NetworkSpec(name=stage.name("net"), labels=stage.labels, is_encrypted=is_encrypted)
        stage.cluster.create_network(spec)
        told = json.loads(swarm.docker("network", "inspect", spec.name))[0]
        assert (told["Attachable"], "encrypted" in told["Options"]) == (False, is_encrypted)
    finally:
        driver.close()

"""What only a real engine can show: lost answers, broken listings, stale versions."""

from __future__ import annotations

import contextlib
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from policy.model.resources import Resources
from reconciler.cluster.failures import writing
from reconciler.cluster.swarm import SwarmCluster
from reconciler.cluster.translate import to_service
from reconciler.converge.state import ConfigSpec, NetworkAttachment, NetworkSpec
from reconciler.errors import ClusterUnavailable, ConflictError, Missing, NameTaken
from tests.contract.cluster_driver import Stage, SwarmDriver, WallClock
from tests.contract.docker_proxy import DockerProxy, Fault, cut, fail, lose, spoil

pytestmark = pytest.mark.swarm


@pytest.fixture
def stage(swarm: object) -> Iterator[Stage]:
    driver = SwarmDriver(swarm)
    yield Stage(driver)
    driver.close()


@pytest.fixture
def proxy(swarm: object) -> Iterator[tuple[DockerProxy, str]]:
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # short enough for a socket
        path = Path(folder) / "p.sock"
        proxy = DockerProxy(path, swarm.docker_host)
        yield proxy, f"unix://{path}"
        proxy.close()


@pytest.fixture
def through(stage: Stage, proxy: tuple[DockerProxy, str]) -> Iterator[SwarmCluster]:
    """Our cluster seen through the proxy."""
    cluster = SwarmCluster(
        stage.driver.deployment, clock=WallClock(), docker_host=proxy[1], timeout_s=3
    )
    yield cluster
    cluster.close()


def test_a_create_whose_answer_is_lost_is_found_by_listing(
    stage: Stage, proxy: tuple[DockerProxy, str], through: SwarmCluster
) -> None:
    spec = stage.spec("lost")
    through.observe()
    proxy[0].faults["POST /services/create"] = lose
    with pytest.raises(ClusterUnavailable):
        through.create_service(spec)
    (found,) = through.observe().services
    assert found.spec.applied_hash == spec.applied_hash
    assert not found.is_drifted
    with pytest.raises(NameTaken):
        through.create_service(spec)


def test_a_lost_answer_to_a_network_or_config_is_found_too(
    stage: Stage, proxy: tuple[DockerProxy, str], through: SwarmCluster
) -> None:
    through.observe()
    proxy[0].faults |= {"POST /networks/create": lose, "POST /configs/create": lose}
    with pytest.raises(ClusterUnavailable):
        through.create_network(NetworkSpec(name=stage.name("n"), labels=stage.labels))
    with pytest.raises(ClusterUnavailable):
        through.create_config(ConfigSpec(name=stage.name("c"), labels=stage.labels, data=b"x"))
    state = through.observe()
    assert [network.name for network in state.networks] == [stage.name("n")]
    assert [config.name for config in state.configs] == [stage.name("c")]


def test_an_id_that_somebody_made_stale_is_looked_up_again(
    stage: Stage, through: SwarmCluster
) -> None:
    network = NetworkSpec(name=stage.name("n"), labels=stage.labels)
    old = stage.cluster.create_network(network)
    through.observe()
    stage.cluster.remove_network(old)
    stage.cluster.create_network(network)
    spec = stage.spec("late", networks=(NetworkAttachment(network=network.name),), replicas=0)
    with pytest.raises(Missing):
        through.create_service(spec)
    through.create_service(spec)
    assert not through.observe().services[0].is_drifted


@pytest.mark.parametrize("what", ["nodes", "services", "tasks", "networks", "configs", "secrets"])
@pytest.mark.parametrize("fault", [lose, cut, spoil, fail])
def test_an_incomplete_reading_is_none_at_all(
    proxy: tuple[DockerProxy, str], through: SwarmCluster, what: str, fault: Fault
) -> None:
    through.observe()
    proxy[0].faults[f"GET /{what}"] = fault
    with pytest.raises(ClusterUnavailable):
        through.observe()
    assert not proxy[0].faults
    assert through.observe().nodes


def test_a_broken_event_stream_is_told_and_mended(
    stage: Stage, proxy: tuple[DockerProxy, str], through: SwarmCluster
) -> None:
    while through.wait_for_event(0.3):
        pass
    proxy[0].break_streams()
    assert through.wait_for_event(20)
    while through.wait_for_event(0.5):
        pass
    stage.driver.later(
        lambda: stage.cluster.create_network(NetworkSpec(name=stage.name("n"), labels=stage.labels))
    )
    assert through.wait_for_event(20)


def test_closing_ends_a_wait(proxy: tuple[DockerProxy, str], through: SwarmCluster) -> None:
    while through.wait_for_event(0.3):
        pass
    closing = threading.Timer(0.1, through.close)
    closing.start()
    assert through.wait_for_event(20)
    closing.join()


def test_the_engines_own_word_for_a_stale_version_is_a_conflict(
    stage: Stage, swarm: object
) -> None:
    # The adapter reads before it writes; this is the race that is left.
    import docker

    spec = stage.spec("race")
    service_id = stage.cluster.create_service(spec)
    body = to_service(replace(spec, replicas=2), id_of=lambda kind, name: name)
    with (
        contextlib.closing(docker.APIClient(swarm.docker_host)) as client,
        pytest.raises(ConflictError, match="out of sequence"),
        writing("update"),
    ):
        client.update_service(
            service_id,
            stage.service(service_id).version - 1,
            body["TaskTemplate"],
            name=body["Name"],
            labels=body["Labels"],
            mode=body["Mode"],
        )


def test_scaling_after_a_forced_restart_by_hand_restarts_nothing(
    stage: Stage, swarm: object
) -> None:
    spec = stage.spec("force")
    service_id = stage.cluster.create_service(spec)
    stage.until_states(service_id, "running")
    swarm.docker("service", "update", "--detach", "--quiet", "--force", spec.name)
    stage.until(
        lambda _: [t.state for t in stage.tasks(service_id)] == ["shutdown", "running"],
        "the forced restart",
    )
    before = {task.id for task in stage.tasks(service_id)}
    grown = replace(spec, replicas=2)
    stage.cluster.update_service(service_id, stage.service(service_id).version, grown)
    stage.until_states(service_id, "running", "running")
    assert before < {task.id for task in stage.tasks(service_id)}
    assert len(stage.tasks(service_id)) == 3


def test_a_container_gets_what_the_spec_says_and_no_more(stage: Stage, swarm: object) -> None:
    spec = stage.spec(
        "caged",
        node=1,
        capabilities_add=("CHOWN",),
        pids_limit=64,
        limits=Resources(cpu_millis=500, memory_bytes=16 * 1024**2),
        environment=(("LITERAL", "a=b c"),),
    )
    tell = 'echo "$LITERAL"; grep CapEff /proc/self/status; exec sleep 1000'
    service_id = stage.cluster.create_service(replace(spec, command=("-c", tell)))
    (task,) = stage.until_states(service_id, "running")
    container = f"{spec.name}.1.{task.id}"
    shown = swarm.docker(
        "inspect",
        "--format",
        "{{.HostConfig.Privileged}} {{.HostConfig.CapDrop}} {{.HostConfig.CapAdd}}"
        " {{.HostConfig.PidsLimit}} {{.HostConfig.NanoCpus}} {{.HostConfig.Memory}}"
        " {{.HostConfig.Init}} {{.HostConfig.LogConfig.Config}} {{.Mounts}}",
        container,
    )
    expected = "false [ALL] [CHOWN] 64 500000000 16777216 true map[max-file:3 max-size:10m] []"
    assert shown == expected
    stage.until(lambda _: "CapEff" in stage.cluster.logs(service_id, tail=9), "the log")
    literal, effective = stage.cluster.logs(service_id, tail=9).splitlines()
    assert literal == "a=b c"
    assert int(effective.split()[1], 16) == 1, "CAP_CHOWN is the lowest bit"


def test_the_doctor_finds_a_healthy_swarm(stage: Stage) -> None:
    findings = {finding.code: finding for finding in stage.cluster.probe()}
    assert {"EngineVersion", "SwarmManager", "NodesReady", "Workers"} <= {
        code for code, finding in findings.items() if finding.is_ok
    }
    assert findings["NodesReady"].message == "3 of 3 nodes are ready"

"""The shared lab as its nodes, its machine and its misfortunes see it."""

from __future__ import annotations

import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from hashlib import sha256

import pytest

from tests.fixtures.swarm import Swarm, wait_for

pytestmark = pytest.mark.swarm

PORT = 18_080


@pytest.fixture
def network(swarm: Swarm, request: pytest.FixtureRequest) -> Iterator[str]:
    # A name of its own: one that was removed lingers on the nodes for seconds.
    name = f"lab-{sha256(request.node.name.encode()).hexdigest()[:8]}"
    swarm.docker("network", "create", "--driver", "overlay", name)
    yield name
    services = swarm.docker("service", "ls", "--quiet", "--filter", "label=lab-test").split()
    if services:
        swarm.docker("service", "rm", *services)
    wait_for(lambda: _is_removed(swarm, name), what="the network to be free")


def _is_removed(swarm: Swarm, network: str) -> bool:
    command = ["docker", "--host", swarm.docker_host, "network", "rm", network]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def _run(swarm: Swarm, network: str, name: str, node: int, *options: str, shell: str) -> None:
    swarm.docker(
        *("service", "create", "--detach", "--no-resolve-image", "--quiet", "--name", name),
        *("--label", "lab-test", "--endpoint-mode", "dnsrr", "--restart-condition", "none"),
        *(
            "--constraint",
            f"node.hostname==node{node}",
            "--network",
            f"name={network},alias={name}",
        ),
        *(*options, swarm.image, "sh", "-c", shell),
    )


def _has_state(swarm: Swarm, service: str, state: str) -> bool:
    listed = swarm.docker("service", "ps", "--format", "{{.CurrentState}} {{.Error}}", service)
    assert "Failed" not in listed, listed
    assert "Rejected" not in listed, listed
    return listed.startswith(state)


def _serve(swarm: Swarm, network: str, node: int, *options: str) -> None:
    page = f"echo node{node} >/www/index.html && exec httpd -f -p 80 -h /www"
    _run(swarm, network, "server", node, *options, shell=page)


def _is_heard(swarm: Swarm, network: str, node: int) -> None:
    """Return once a task on ``node`` has read the server's page by its alias."""
    # Not wget -T: that option crashes Debian's static busybox.
    read = "until timeout 2 wget -qO- http://server/; do sleep 0.2; done"
    _run(swarm, network, "reader", node, shell=read)
    wait_for(lambda: _has_state(swarm, "reader", "Complete"), what="the page to be read")


def _node_state(swarm: Swarm, number: int) -> str:
    return swarm.lab.status()[number - 1].swarm


def test_a_service_is_reached_by_alias_from_another_node(swarm: Swarm, network: str) -> None:
    _serve(swarm, network, 2)
    _is_heard(swarm, network, 3)
    assert swarm.docker("service", "logs", "--raw", "reader").endswith("node2")


def test_a_host_port_is_reached_from_the_machine_at_its_node_only(
    swarm: Swarm, network: str
) -> None:
    _serve(swarm, network, 2, "--publish", f"mode=host,target=80,published={PORT}")
    wait_for(lambda: _has_state(swarm, "server", "Running"), what="the server")
    with urllib.request.urlopen(f"http://{swarm.address(2)}:{PORT}/", timeout=5) as answer:
        assert answer.read() == b"node2\n"
    with pytest.raises(urllib.error.URLError, match="refused"):
        urllib.request.urlopen(f"http://{swarm.address(3)}:{PORT}/", timeout=5)


def test_killed_nodes_come_back_as_themselves_with_their_data_path(
    swarm: Swarm, network: str
) -> None:
    before = swarm.docker("node", "ls", "--quiet")
    swarm.kill_node(3)
    assert not swarm.lab.status()[2].is_running
    wait_for(lambda: _node_state(swarm, 3) == "down", what="node 3 to be Down")
    swarm.start_node(3)
    swarm.kill_node(2)
    swarm.start_node(2)
    swarm.lab.wait_ready()
    assert swarm.docker("node", "ls", "--quiet") == before
    _serve(swarm, network, 2)
    _is_heard(swarm, network, 3)


def test_a_node_cut_off_is_down_while_its_engine_runs_on(swarm: Swarm) -> None:
    swarm.partition(2)
    try:
        wait_for(lambda: _node_state(swarm, 2) == "down", what="node 2 to be Down")
        node = swarm.lab.status()[1]
        assert node.is_running
        assert not node.is_connected
    finally:
        swarm.heal(2)
        swarm.lab.wait_ready()


def test_containers_gain_no_privileges(swarm: Swarm, network: str) -> None:
    _run(swarm, network, "reader", 2, shell="grep -q 'NoNewPrivs:.*1' /proc/self/status")
    wait_for(lambda: _has_state(swarm, "reader", "Complete"), what="the check")

"""What a task may do, and what two namespaces see of each other: asked inside the tasks."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.installation import Installation
from tests.e2e.manifests import (
    FOREVER,
    WORKSPACE,
    batch,
    execution,
    path,
    service,
    web,
)
from tests.e2e.process import ROOT
from tests.fixtures.swarm import Swarm

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

MIB = 1024**2
CONFINED = {
    "reservations": {"cpus": 0.05, "memory": "16MiB"},
    "limits": {"cpus": 0.5, "memory": "32MiB"},
}
# Of process 1 as well: that it gave something up later wouldn't do.
CAPABILITIES = "grep -hE '^Cap(Prm|Eff|Bnd)' /proc/1/status /proc/self/status"
# nc says whether anything answers. A network that is new on a node needs a moment.
REACH = "until timeout 2 nc {host} 8080 </dev/null; do sleep 0.2; done; echo {kind} reached"
TRY = "timeout 2 nc {host} 8080 </dev/null && echo {kind} reached || echo {kind} unreachable"


# The engines' gossip, which each offers at its own address, and a database beside it.
KNOCK = (
    "for node in {nodes}; do for port in 2375 2376 2377 5432 7946; do "
    "timeout 1 nc $node $port </dev/null && echo reached $port; done; done; true"
)
LISTENS = ("busybox", "nc", "-ll", "-p", "5432", "-e", "true")
LOOKS = "echo on $(hostname); ls -A /work /run/secrets 2>&1; find / -name marked 2>/dev/null; true"


def _log(installation: Installation, name: str) -> list[str]:
    return installation.zoe("logs", name).splitlines()


def test_a_task_has_no_capabilities_and_keeps_to_its_limits(installation: Installation) -> None:
    installation.push(
        {
            path("asks"): batch("asks", CAPABILITIES),
            path("book"): execution("book", {"main": web("up", resources=CONFINED)}),
        }
    )
    installation.settle()
    asked = _log(installation, "aml/asks")
    assert len(asked) == 6
    assert {line.split()[1] for line in asked} == {"0" * 16}
    container = installation.container_of("book")
    host = container["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert (host["PidsLimit"], host["Memory"]) == (4096, 32 * MIB)
    assert host["NanoCpus"] == 500_000_000
    assert not host["Binds"]
    (network,) = installation.networks()
    assert list(container["NetworkSettings"]["Networks"]) == [network["Name"]]


def test_a_namespace_neither_resolves_nor_reaches_anothers_services(
    installation: Installation,
) -> None:
    installation.start()
    installation.push({path("server"): execution("server", {"main": web("mine")})})
    installation.await_phases({"aml/server": "Running"})
    (address,) = installation.addresses_of("server")
    by_alias_and_address = ["name", "main.server"], ["address", address]
    friendly, spying = (
        "; ".join(visit.format(kind=kind, host=host) for kind, host in by_alias_and_address)
        for visit in (REACH, f"{TRY}; sleep 1; {TRY}")
    )
    installation.push(
        {path("friend"): batch("friend", friendly), path("spy", "bio"): batch("spy", spying)}
    )
    installation.await_phases(
        {"aml/server": "Running", "aml/friend": "Succeeded", "bio/spy": "Succeeded"}
    )
    friend, spy = (
        [line for line in _log(installation, name) if line.endswith(("reached", "unreachable"))]
        for name in ("aml/friend", "bio/spy")
    )
    assert friend == ["name reached", "address reached"]
    assert spy == ["name unreachable"] * 2 + ["address unreachable"] * 2


def test_a_namespace_sees_nothing_of_what_another_keeps(installation: Installation) -> None:
    marks = service(f"echo kept >/work/marked; {FOREVER}", **WORKSPACE)
    installation.start()
    installation.push({path("keeps"): execution("keeps", {"main": marks})})
    installation.await_phases({"aml/keeps": "Running"})
    installation.push({path("spy", "bio"): batch("spy", LOOKS, **WORKSPACE)})
    installation.await_phases({"aml/keeps": "Running", "bio/spy": "Succeeded"})
    told = _log(installation, "bio/spy")
    assert {line.split()[0] for line in told} == {"on", "/work:", "ls:"}  # there are no secrets


def test_behind_the_firewall_no_container_reaches_what_is_the_nodes_own(
    installation: Installation, walls: Callable[[], None], databases: None
) -> None:
    lab = installation.swarm.lab
    nodes = " ".join(lab.address(number) for number in range(1, installation.swarm.nodes + 1))
    asks = KNOCK.format(nodes=nodes)
    installation.push({path("before"): batch("before", asks)})
    installation.settle()
    # Its own node's: the lab leads no container to other nodes.
    assert _reached(installation, "aml/before") == {"reached 5432", "reached 7946"}
    walls()
    installation.push({path("after"): batch("after", asks)})
    installation.settle()
    assert not _reached(installation, "aml/after")


def _reached(installation: Installation, name: str) -> set[str]:
    return {line for line in _log(installation, name) if line.startswith("reached")}


@pytest.fixture
def databases(swarm: Swarm) -> Iterator[None]:
    """Have something listen on every node where a database would."""
    with ExitStack() as started:
        for number in range(1, swarm.nodes + 1):
            inside = f"--net=/proc/{swarm.lab.process_of(number)}/ns/net"
            listener = started.enter_context(subprocess.Popen(["nsenter", inside, *LISTENS]))
            started.callback(listener.kill)  # before it is waited for
        yield


@pytest.fixture
def walls(swarm: Swarm) -> Iterator[Callable[[], None]]:
    """Return what puts the firewall of ``deploy/`` up on every node."""
    nodes = range(1, swarm.nodes + 1)

    def build(*arguments: str) -> None:
        for number in nodes:
            inside = f"--net=/proc/{swarm.lab.process_of(number)}/ns/net"
            subprocess.run(["nsenter", inside, ROOT / "deploy/firewall.sh", *arguments], check=True)

    yield lambda: build(*map(swarm.lab.address, nodes))
    build("--remove")

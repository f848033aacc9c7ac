"""Labs of their own, from nothing to nothing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli import lab as cli
from reconciler.cluster.lab.lab import Lab
from reconciler.cluster.lab.layout import Layout, NodeOptions
from reconciler.errors import ConfigError
from tests.fixtures.parts import missing

pytestmark = pytest.mark.swarm


@pytest.fixture(autouse=True)
def _needs_root() -> None:
    if os.geteuid() != 0:
        missing("Docker Swarm", "a lab needs root")


@pytest.fixture
def folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    pair = (tmp_path_factory.mktemp("l"), tmp_path_factory.mktemp("l"))
    yield pair
    for folder in pair:
        Lab(folder).down()


def traces(layout: Layout) -> list[str]:
    """Return whatever this machine shows of a lab."""
    found = [link for link in _output("ip", "-o", "link").splitlines() if layout.bridge in link]
    found += [rule for rule in _output("iptables", "-S").splitlines() if layout.bridge in rule]
    found += [str(group) for group in Path("/sys/fs/cgroup").glob(f"**/*{layout.tag}*")]
    mounts = Path("/proc/self/mountinfo").read_text().splitlines()
    found += [mount for mount in mounts if str(layout.directory) in mount]
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
        except OSError:
            continue
        if os.fsencode(layout.directory) in command or layout.tag.encode() in command:
            found.append(command.decode())
    return found


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def _network_namespaces() -> set[str]:
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        try:
            found.add(str((process / "ns/net").readlink()))
        except OSError:
            continue
    return found


def test_down_leaves_nothing_of_two_labs_side_by_side(folders: tuple[Path, Path]) -> None:
    labs = [Lab(folder) for folder in folders]
    layouts = [Layout.at(folder) for folder in folders]
    addresses = [lab.up(nodes=1)[0].address for lab in labs]
    assert len(set(addresses)) == 2
    assert all(lab.status()[0].swarm == "ready" for lab in labs)
    assert all(traces(layout) for layout in layouts)

    labs[0].down()
    assert traces(layouts[0]) == []
    assert not folders[0].exists()
    assert labs[1].status()[0].swarm == "ready", "the other lab is untouched"

    labs[1].down()
    assert traces(layouts[1]) == []
    assert not folders[1].exists()


def test_no_network_namespace_outlives_its_lab(folders: tuple[Path, Path]) -> None:
    lab = Lab(folders[0])
    lab.up(nodes=1)
    engines = [
        process
        for process in Path("/proc").glob("[0-9]*")
        if os.fsencode(folders[0]) in _arguments(process)
    ]
    namespaces = {str((engine / "ns/net").readlink()) for engine in engines}
    own = str(Path("/proc/self/ns/net").readlink())
    assert namespaces - {own}
    lab.down()
    assert not (namespaces - {own}) & _network_namespaces()


def _arguments(process: Path) -> bytes:
    try:
        return (process / "cmdline").read_bytes()
    except OSError:
        return b""


def test_up_again_changes_nothing_and_mends_what_is_missing(folders: tuple[Path, Path]) -> None:
    lab = Lab(folders[0])
    first = lab.up(nodes=1)
    swarm_id = _output("docker", "--host", lab.docker_host, "info", "-f", "{{.Swarm.Cluster.ID}}")
    assert lab.up(nodes=1) == first
    lab.kill_node(1)
    assert not lab.status()[0].is_running
    lab.up(nodes=1)
    again = _output("docker", "--host", lab.docker_host, "info", "-f", "{{.Swarm.Cluster.ID}}")
    assert again == swarm_id, "it came back with its data"
    with pytest.raises(ConfigError, match="take it down first"):
        lab.up(nodes=3)


def test_down_finds_engines_without_their_state_file(folders: tuple[Path, Path]) -> None:
    lab = Lab(folders[0])
    layout = Layout.at(folders[0])
    lab.up(nodes=1)
    (folders[0] / "lab.json").unlink()
    lab.down()
    assert traces(layout) == []


def test_a_node_offers_its_own_labels_and_resources(folders: tuple[Path, Path]) -> None:
    lab = Lab(folders[0])
    options = {2: NodeOptions(labels=("tier=compute",), generic_resources=("gpu=2",))}
    lab.up(nodes=2, managers=2, options=options)
    command = ("docker", "--host", lab.docker_host, "node", "inspect", "node1", "node2")
    described = [node["Description"] for node in json.loads(_output(*command))]
    assert [node["Engine"].get("Labels") for node in described] == [None, {"tier": "compute"}]
    assert described[1]["Resources"]["GenericResources"] == [
        {"DiscreteResourceSpec": {"Kind": "gpu", "Value": 2}}
    ]


def test_the_command_prints_nothing_but_what_a_shell_may_evaluate(
    folders: tuple[Path, Path], tmp_path: Path
) -> None:
    place = ["--dir", str(folders[0])]
    run = CliRunner().invoke
    cache = ["--cache", str(tmp_path)]
    up = run(cli.command, ["up", "--heartbeat", "1s", *place, *cache], catch_exceptions=False)
    socket = folders[0] / "node1" / "docker.sock"
    assert up.stdout == f"export DOCKER_HOST=unix://{socket}\n"
    assert "starting 1 engine(s)" in up.stderr

    images = _output(
        "docker", "--host", f"unix://{socket}", "images", "--format", "{{.Repository}}"
    )
    assert sorted(images.split()) == ["busybox", "zoe-lab/busybox"]

    status = run(cli.command, ["status", *place, "-o", "json"], catch_exceptions=False)
    assert json.loads(status.stdout)[0]["swarm"] == "ready"

    run(cli.command, ["down", *place], catch_exceptions=False)
    assert run(cli.command, ["status", *place], catch_exceptions=False).stdout == ""

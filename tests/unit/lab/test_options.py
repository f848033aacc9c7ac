from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from reconciler.cli.lab import command
from reconciler.cluster.lab import engine
from reconciler.cluster.lab.lab import Lab
from reconciler.cluster.lab.layout import LabState, Layout, NodeOptions
from reconciler.errors import ConfigError


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["up", "--heartbeat", "1"], "isn't a duration"),
        (["up", "--generic-resource", "gpu"], "isn't name=value"),
        (["up", "--label", "x:tier=compute"], "isn't name=value"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_done(arguments: list[str], said: str) -> None:
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 2
    assert said in result.stderr


@pytest.mark.parametrize(
    ("nodes", "managers", "options", "said"),
    [
        (0, 1, {}, "1 to 200 nodes"),
        (201, 1, {}, "1 to 200 nodes"),
        (3, 4, {}, "can be managers"),
        (3, 1, {4: NodeOptions()}, "no node 4"),
    ],
)
def test_impossible_labs_are_refused(
    tmp_path: Path, nodes: int, managers: int, options: dict[int, NodeOptions], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        Lab(tmp_path).up(nodes=nodes, managers=managers, options=options)
    assert list(tmp_path.iterdir()) == []


def test_a_command_on_a_lab_that_is_not_there_says_so(tmp_path: Path) -> None:
    lab = Lab(tmp_path / "none")
    assert lab.status() == ()
    with pytest.raises(ConfigError, match="no lab is up"):
        _ = lab.docker_host
    assert not (tmp_path / "none").exists()


def test_an_engine_leaves_the_machine_alone_and_gains_no_privileges(tmp_path: Path) -> None:
    state = LabState(nodes=1, subnet="10.77.0.0/24", options={1: NodeOptions(labels=("a=b",))})
    settings = engine.configuration(Layout.at(tmp_path), state, 1)
    assert settings["no-new-privileges"] is True
    assert settings["labels"] == ["a=b"]
    assert [settings[name] for name in ("bridge", "iptables", "ip6tables", "ip-forward")] == [
        "none",
        False,
        False,
        False,
    ]

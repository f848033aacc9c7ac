"""How the agent is deployed: with all of its files, and with no more rights than reading takes."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest
import yaml

from reconciler.cli import main
from reconciler.cluster.lab import recipe

ROOT = Path(__file__).parents[3]
MODULES = sorted((ROOT / "reconciler" / "agent").glob("*.py"))


def test_its_image_holds_all_of_it() -> None:
    laid = recipe.read(recipe.locate("agent")).files
    assert sorted(file.source.resolve() for file in laid) == MODULES
    assert {file.target for file in laid} == {
        f"/opt/zoe/reconciler/agent/{module.name}" for module in MODULES
    }


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_it_needs_nothing_but_python(module: Path) -> None:
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, (ast.Import, ast.ImportFrom))
    }
    foreign = {
        name for name in imported if name and name.split(".")[0] not in sys.stdlib_module_names
    }
    assert all(name.startswith("reconciler.agent.") for name in foreign), foreign


def test_it_may_only_read() -> None:
    agent = yaml.safe_load((ROOT / "deploy" / "agent.yaml").read_text())["services"]["agent"]
    assert agent["cap_drop"] == ["ALL"]
    assert "cap_add" not in agent
    assert agent["user"] == "65534:65534"
    assert agent["read_only"]
    assert all(mount["read_only"] for mount in agent["volumes"])
    assert not any("docker" in mount["source"] for mount in agent["volumes"])
    assert agent["deploy"]["mode"] == "global"


def test_its_token_stays_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ZOE_STATE_DIR", str(tmp_path / "state"))
    assert main(["agent", "token"]) == 0
    token = capsys.readouterr().out.strip()
    assert len(token) == 43
    assert main(["agent", "token"]) == 0
    assert capsys.readouterr().out.strip() == token

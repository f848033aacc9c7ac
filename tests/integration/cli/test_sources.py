"""Verbs around groups' own repositories: once, confirm, doctor, validate."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.git_servers import BareRepository
from tests.fixtures.site import PLATFORM, execution_file, namespace_file
from tests.fixtures.verbs import Clone, Installation, Zoe

BOOK = "executions/aml/book.yaml"
GRANTED = namespace_file("aml").replace("spec: {}", "spec: {sources: [g1]}")


@pytest.fixture
def group(installation: Installation, bare_repo: Callable[..., Any]) -> BareRepository:
    """The repository of a group, named in the settings; it runs a notebook."""
    made: BareRepository = bare_repo("g1")
    made.commit({BOOK: execution_file("book")})
    installation.push({"namespaces/aml.yaml": GRANTED})
    with (installation.path / "zoe.toml").open("a") as file:
        file.write(f'[[source]]\nid = "g1"\nurl = "{made.path}"\nrole = "tenant"\ntimeout_s = 5\n')
    return made


def test_once_fetches_groups_too_and_confirm_finds_their_commits(
    installation: Installation, group: BareRepository
) -> None:
    assert installation.process("once", "--single").code == 0
    assert installation("status", "aml/book", "-o", "json").code == 0
    rewritten = group.commit({BOOK: None, "README.md": "x"}, parents=[])
    assert installation.process("once", "--single").code == 0
    found = installation("confirm", rewritten[:12])
    assert (found.code, found.out) == (0, f"confirmed {rewritten[:12]}\n")


def test_confirm_lets_go_of_a_source_that_is_in_the_settings_no_more(
    installation: Installation, group: BareRepository
) -> None:
    installation.process("once", "--single")
    declared = installation("confirm", "g1")
    assert (declared.code, "no commit or branch" in declared.err) == (1, True)
    installation.configure()
    found = installation("confirm", "g1")
    assert (found.code, found.out.startswith("confirmed g1@")) == (0, True)


def test_doctor_looks_at_every_source(installation: Installation, group: BareRepository) -> None:
    def of_group() -> dict[str, str]:
        result = installation("doctor", "-o", "json")
        (row,) = [row for row in result.data["findings"] if row["part"] == "source g1"]
        return row

    assert of_group()["code"] == "SourceFetched"
    shutil.rmtree(group.path)
    assert (of_group()["code"], of_group()["level"]) == ("Unreachable", "problem")


def test_validate_in_a_groups_repository_takes_the_platforms_rules(
    zoe: Zoe, tmp_path: Path
) -> None:
    files = {
        "config/platform.yaml": PLATFORM,
        "config/namespaces/aml.yaml": GRANTED,
        "work/executions/aml/book.yaml": execution_file("book"),
    }
    for path, text in files.items():
        target = tmp_path / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    work = tmp_path / "work"
    assert "NoPlatform" not in zoe("validate", cwd=tmp_path / "config").out
    found = zoe("validate", "--source", "g1", "--platform", "../config", cwd=work)
    assert (found.code, found.out) == (0, "1 valid document\n")
    other = zoe("validate", "--source", "g2", "--platform", "../config", cwd=work)
    assert (other.code, "sources: [g1, g2]" in other.out) == (1, True)
    assert zoe("validate", "--source", "g1", cwd=work).code == 2


def test_a_plan_of_the_platforms_leaves_what_groups_run_as_it_is(
    installation: Installation, group: BareRepository, clone: Clone
) -> None:
    installation.process("once")
    installation.cloned(clone)
    clone.git("checkout", "-q", "-b", "topic")
    clone.commit({"executions/aml/new.yaml": execution_file("new"), BOOK: execution_file("book")})
    result = installation("plan", "--repo", str(clone.path), "--head", "topic", "-o", "json")
    (action,) = result.data["actions"]
    assert (action["name"], action["action"]) == ("new", "create")
    assert (result.code, "DuplicateIdentity" in result.out) == (1, True)

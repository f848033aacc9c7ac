"""``zoe gc``: what it says, and what it leaves to who leads."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from reconciler import config, wire
from reconciler.ports import TIDYING
from tests.fixtures.site import execution_file
from tests.fixtures.verbs import Installation, Zoe


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """After one of two notebooks was stopped."""
    folder = tmp_path_factory.mktemp("ended")
    made = Installation.make(folder)
    other = {"executions/aml/other.yaml": execution_file("other")}
    for text in (execution_file("book"), None):
        made.push({"executions/aml/book.yaml": text, **other})
        assert made.process("once").code == 0
    assert made.process("once").code == 0
    return folder


@pytest.fixture
def ended(template: Path, tmp_path: Path, zoe: Zoe) -> Installation:
    return Installation.copied(template, tmp_path / "copy", zoe)


def _age(installation: Installation) -> None:
    """Let all that was written down be from long ago."""
    path = Path(config.load(directory=installation.path).database.removeprefix("sqlite:///"))
    with sqlite3.connect(path) as connection:
        for table, column in (("events", "at"), ("passes", "at"), ("executions", "updated_at")):
            connection.execute(f"UPDATE {table} SET {column} = '2020-01-01 00:00:00.000000'")
    connection.close()


def test_nothing_is_past_its_time_at_first(ended: Installation) -> None:
    assert ended("gc").out == "nothing is past its time\n"


def test_it_says_what_would_go_and_then_what_went(ended: Installation) -> None:
    _age(ended)
    would, did = ended("gc", "--dry-run").out, ended("gc").out
    assert would.replace("would remove", "removed").replace("would be looked", "are looked") == did
    assert did.startswith("removed ")
    assert " events\n" in did
    assert did.endswith("those that no manifest asks for are forgotten\n")
    assert "removed" not in ended("gc").out


def test_who_leads_is_asked_to_forget_runs(ended: Installation) -> None:
    _age(ended)
    with wire.store(config.load(directory=ended.path)) as store:
        ended("gc", "--dry-run")
        assert store.take_wanted() == ()
        found = ended("gc", "-o", "json").data
        assert (found["runs"], found["isDryRun"]) == (1, False)
        assert found["removed"]["events"] > 0
        assert store.take_wanted() == (TIDYING,)


def test_without_a_database_it_says_so(zoe: Zoe, tmp_path: Path) -> None:
    assert zoe("gc", cwd=tmp_path).code == 2

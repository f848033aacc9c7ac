"""The copy on disk: equal to what was saved, cheap to bring up to date, harmless when damaged."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.reporting.records import Board
from tests.unit.webhook.pictures import document, picture
from webhook.last_view import LastView


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "web.db"


def test_what_was_saved_is_read_again_marked_as_old(path: Path):
    saved = picture(7, "a", "b")
    LastView(path).save(saved)
    assert LastView(path).load() == replace(saved, is_stale=True)
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_saved_is_nothing(path: Path):
    assert LastView(path).load() is None


PHASES = st.sampled_from(["Running", "Queued", "Failed"])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=15)
@given(steps=st.lists(st.dictionaries(st.sampled_from("abcdef"), PHASES), max_size=4))
def test_saving_step_by_step_is_saving_the_last_one(tmp_path: Path, steps: list[dict[str, str]]):
    path = tmp_path / "web.db"
    view, last = LastView(path), picture(0)
    view.save(last)
    for version, phases in enumerate(steps, start=1):
        kept = last.documents
        documents = {
            Uid(name): (
                kept[Uid(name)]
                if Uid(name) in kept and kept[Uid(name)]["status"]["phase"] == phase
                else document(name, phase)
            )
            for name, phase in phases.items()
        }
        board = Board(problems=({"line": version},)) if version % 2 else last.board
        last = replace(last, version=version, documents=documents, board=board)
        view.save(last)
    assert LastView(path).load() == replace(last, is_stale=True)


def test_only_what_changed_is_written(path: Path):
    view, first = LastView(path), picture(1, "a", "b")
    view.save(first)
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE documents SET text = '{}' WHERE uid = 'b'")
    connection.close()
    documents = {**first.documents, Uid("a"): document("a", "Failed")}
    view.save(replace(first, version=2, documents=documents))
    found = LastView(path).load()
    assert found is not None
    assert found.documents == {"a": document("a", "Failed"), "b": {}}


@pytest.mark.parametrize("garbage", [b"no database at all, but longer than a header " * 40, b"x"])
def test_a_damaged_file_is_begun_anew(path: Path, garbage: bytes):
    path.parent.mkdir()
    path.write_bytes(garbage)
    view = LastView(path)
    assert view.load() is None
    for version in (1, 2):
        view.save(picture(version, "a"))
    found = LastView(path).load()
    assert found is not None
    assert found.version == 2


def test_a_place_that_cannot_be_written_is_survived(tmp_path: Path):
    (tmp_path / "file").write_text("")
    view = LastView(tmp_path / "file" / "web.db")
    view.save(picture(1))
    view.save(picture(2))
    assert view.load() is None

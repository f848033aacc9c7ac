"""A forge that is away, a branch that somebody else wrote to: what a leader begins with."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from reconciler.errors import DatabaseBehind, SourceUnavailable
from tests.fixtures.site import Site, execution_file
from tests.integration.rebuild.lost import back_up, fresh, verify, with_database

BOOK = "executions/aml/book.yaml"


@pytest.fixture
def running(site: Site) -> Site:
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=6)
    site.published()
    return site


@contextmanager
def away(site: Site) -> Iterator[None]:
    """The forge doesn't answer."""
    moved = Path(f"{site.repository.path}-away")
    shutil.move(site.repository.path, moved)
    try:
        yield
    finally:
        shutil.move(moved, site.repository.path)


def goes_on(site: Site) -> None:
    """More happens, and is published."""
    site.push({"executions/aml/later.yaml": execution_file("later", type_="batch")})
    site.reconcile(passes=6)
    site.published()


def publishes(site: Site) -> None:
    site.reconcile()
    site.published()


def test_an_outage_of_the_forge_keeps_nobody_from_going_on(running: Site) -> None:
    running.restart()
    with away(running):
        verify(running)
        running.reconcile(passes=2)
    goes_on(running)
    assert running.phases() == {"aml/book": "Running", "aml/later": "Running"}
    assert not running.loop.publisher.error


def test_in_an_outage_an_older_database_is_told_by_what_was_seen_last(
    running: Site, tmp_path: Path
) -> None:
    back_up(tmp_path / "zoe.db", tmp_path / "old.db")
    goes_on(running)
    with (
        with_database(running, fresh(tmp_path, "old")),
        away(running),
        pytest.raises(DatabaseBehind, match="older"),
    ):
        verify(running)


def test_a_host_that_never_saw_the_branch_waits_for_it(running: Site) -> None:
    """What was pushed last, it can't know: the database may be any backup."""
    shutil.rmtree(running.settings.state_dir / "status.git")
    running.restart()
    with away(running), pytest.raises(SourceUnavailable):
        verify(running)
    verify(running)


def test_where_nothing_was_ever_pushed_nobody_waits(site: Site) -> None:
    site.push({BOOK: execution_file("book")})
    site.reconcile()  # one more might note what the first one's push got through
    site.loop.close()
    shutil.rmtree(site.settings.state_dir / "status.git", ignore_errors=True)
    site.repository.git.references.delete("refs/heads/zoe/status")
    site.restart()
    with away(site):
        verify(site)


def test_a_database_that_proves_older_after_an_outage_is_stopped_before_its_first_push(
    running: Site, tmp_path: Path
) -> None:
    """It was restored on a host whose copy of the branch is as old as the backup."""
    back_up(tmp_path / "zoe.db", tmp_path / "old.db")
    shutil.copytree(running.settings.state_dir / "status.git", tmp_path / "old.git")
    goes_on(running)
    newest = running.repository.tip("zoe/status")
    shutil.rmtree(running.settings.state_dir / "status.git")
    shutil.copytree(tmp_path / "old.git", running.settings.state_dir / "status.git")
    with with_database(running, fresh(tmp_path, "old")):
        with away(running):
            verify(running)
            running.reconcile()
        running.push({"executions/aml/other.yaml": execution_file("other")})
        for _ in range(2):  # it is asked until it is settled
            with pytest.raises(DatabaseBehind):
                publishes(running)
        assert running.repository.tip("zoe/status") == newest


def test_a_branch_that_is_gone_is_written_anew(running: Site) -> None:
    before = running.published()
    running.repository.delete_branch("zoe/status")
    running.restart()
    verify(running)
    running.reconcile()
    after = running.published()
    assert after.keys() == before.keys()


def test_what_somebody_else_changed_on_the_branch_is_told_and_put_right(running: Site) -> None:
    before = running.published()
    path = next(path for path in before if path.startswith("ledger/"))
    running.repository.commit({path: b"nothing", "status/aml/README.md": None}, branch="zoe/status")
    running.restart()
    verify(running)
    running.reconcile()
    (told,) = [e for e in running.store.events() if e.reason == "StatusBranchChanged"]
    assert f"such as {path}" in told.message
    after = running.published()
    assert (after[path], after.keys()) == (before[path], before.keys())
    running.reconcile()
    assert running.loop.publisher.complaints == ()


def test_a_push_that_nobody_could_write_down_is_nobody_elses(running: Site) -> None:
    """The process ended between the push and its record: the branch knows more, and it is ours."""
    running.push({BOOK: execution_file("book", image="newer")})
    running.reconcile(passes=6)
    publisher = running.loop.publisher
    assert publisher.flush(running.clock.now(), wait=True) is not None
    running.restart()
    verify(running)
    assert (running.loop.publisher.complaints, running.loop.publisher.is_dirty) == ((), True)


def test_a_branch_that_is_as_it_was_is_left_alone(running: Site) -> None:
    tip = running.repository.tip("zoe/status")
    running.restart()
    verify(running)
    running.reconcile()
    running.published()
    assert running.repository.tip("zoe/status") == tip

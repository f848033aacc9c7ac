"""What ``zoe once`` says while the disk of its state folder is full, and does when it isn't."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from reconciler.cli import OK, UNREACHABLE
from tests.fixtures.site import execution_file
from tests.fixtures.small_disk import SmallDisk
from tests.fixtures.verbs import Installation

NO_SPACE = "No space left on device"
BOOK = {"executions/aml/book.yaml": execution_file("book")}


@pytest.fixture
def disk(installation: Installation, small_disk: Callable[..., SmallDisk]) -> SmallDisk:
    """The disk of the state folder."""
    installation.configure(state_dir="state")
    disk: SmallDisk = small_disk(installation.path / "state", mib=4)
    return disk


def test_a_full_database_is_one_line_and_the_next_pass_does_all_of_it(
    installation: Installation, disk: SmallDisk
) -> None:
    assert installation.process("once").code == OK
    disk.fill()
    installation.push(BOOK)
    said = installation.process("once")
    assert said.code == UNREACHABLE
    assert "its disk is full: make room" in said.err
    assert said.err.count("\n") == 1
    disk.free()
    assert installation.process("once").code == OK
    assert installation("status").out.startswith("aml/book\tRunning")


def test_a_disk_that_is_full_at_the_first_start_leaves_nothing_in_the_way_of_the_next(
    installation: Installation, disk: SmallDisk
) -> None:
    disk.fill()
    installation.push(BOOK)
    for database in ("state/zoe.db", "elsewhere.db"):
        installation.configure(
            state_dir="state", database_url=f"sqlite:///{installation.path / database}"
        )
        said = installation.process("once")
        assert (said.code, said.err.count("\n")) == (UNREACHABLE, 1)
    assert f"ledger.key can't be written: {NO_SPACE}" in said.err
    disk.free()
    assert installation.process("once").code == OK
    assert installation("status").out.startswith("aml/book\tRunning")


def test_a_commit_that_finds_no_space_is_told_and_taken_up_when_there_is(
    installation: Installation, disk: SmallDisk
) -> None:
    # Over a local path nothing is fetched in a process of its own.
    installation.configure(
        state_dir="state", database_url=f"sqlite:///{installation.path / 'zoe.db'}"
    )
    installation.push(BOOK)
    assert installation.process("once").code == OK
    disk.fill()
    installation.push({"executions/aml/late.yaml": execution_file("late")})
    said = installation.process("once")
    assert said.code == UNREACHABLE
    assert NO_SPACE in said.err
    assert "late" not in installation("status").out
    disk.free()
    assert installation.process("once").code == OK
    assert "aml/late\tRunning" in installation("status").out

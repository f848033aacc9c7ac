"""``zoe rebuild`` as an operator uses it, by docs/recovery.md, after a database is gone."""

from __future__ import annotations

from tests.fixtures.site import execution_file
from tests.fixtures.verbs import Installation

FILES = {
    "executions/aml/book.yaml": execution_file("book"),
    "executions/aml/job.yaml": execution_file("job", type_="batch"),
}


def test_a_lost_database_is_held_then_rebuilt_and_goes_on(installation: Installation) -> None:
    """The simulated Swarm is as new in each process, so the services are gone as well."""
    installation.push(FILES)
    assert installation.process("once").code == 0
    for file in (installation.path / ".zoe-state").glob("zoe.db*"):
        file.unlink()
    held = installation.process("once")
    assert held.code == 1
    assert "the status branch holds a ledger; nothing is changed until: zoe rebuild" in held.err
    status = installation("status")
    assert "zoe: DatabaseBehind: the database is empty" in status.err
    found = installation("doctor", "-o", "json")
    (behind,) = (row for row in found.data["findings"] if row["code"] == "DatabaseBehind")
    assert (found.code, behind["level"], "zoe rebuild" in behind["message"]) == (1, "problem", True)
    done = installation("rebuild")
    assert done.code == 1, done.err
    assert "held  aml/job   may have run" in done.out
    assert "gone  aml/book  its services are gone: it starts again" in done.out
    assert installation("rebuild").out == "nothing to add: the database has all that is known\n"
    again = installation.process("once")
    assert (again.code, again.out[:21]) == (0, "1 Running, 1 Unknown ")
    assert "DatabaseBehind" not in installation("status").err
    assert installation("doctor").code == 0
    released = installation("release", "aml/job", "--reason", "its results were never written")
    assert released.code == 0


def test_nothing_to_rebuild_from_is_told_with_what_to_do(installation: Installation) -> None:
    installation.push(FILES)
    refused = installation("rebuild")
    assert (refused.code, "--nothing-left" in refused.err) == (2, True)
    lost = installation("rebuild", "--nothing-left")
    assert (lost.code, "held  aml/job  may have run" in lost.out) == (1, True)

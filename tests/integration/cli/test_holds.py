"""hold, release, history and diff: what they print, and their exit codes."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler import config, wire
from tests.fixtures.site import execution_file
from tests.fixtures.verbs import Clone, Installation, Zoe

BOOK = "executions/aml/book.yaml"
JOB = "executions/aml/job.yaml"
FIRST = execution_file("book", service='environment: {API_TOKEN: "s3cr3t"}')
SECOND = execution_file("book", image="newer", service='environment: {API_TOKEN: "other"}')
# Larger than the cluster, so that it waits.
LARGE = execution_file("job", type_="batch").replace("cpus: 1", "cpus: 99")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """After two generations of a notebook, and a hold that keeps back the third."""
    folder = tmp_path_factory.mktemp("held")
    made = Installation.make(folder)
    for text in (FIRST, SECOND):
        made.push({BOOK: text, JOB: LARGE})
        assert made.process("once").code == 0
    for name in ("aml/book", "aml/job"):
        held = made.process("hold", name, "--reason", "the disk of n3\nis changed")
        assert (held.code, held.out) == (0, f"{name} is held from the next pass on\n")
    made.push({BOOK: execution_file("book", image="newest")})
    assert made.process("once").code == 0
    return folder


@pytest.fixture
def held(template: Path, tmp_path: Path, zoe: Zoe) -> Installation:
    return Installation.copied(template, tmp_path / "copy", zoe)


@pytest.fixture
def behind(held: Installation, clone: Clone) -> Clone:
    return held.cloned(clone)


def test_a_hold_is_told_wherever_one_looks(held: Installation) -> None:
    told = "the disk of n3 is changed"
    book, job = held("status").out.splitlines()
    assert book.startswith("aml/book\tRunning\tRunning\t")
    assert "waits for zoe release: held by" in book
    assert book.endswith(f": {told})")
    assert job.startswith("aml/job\tPending\tHeldByOperator\theld by ")
    assert "\naml/job\theld by " in held("queue").out
    rows = held("queue", "-o", "json").data["held"]
    assert [f"{row['namespace']}/{row['name']}" for row in rows] == ["aml/book", "aml/job"]
    assert told in held("explain", "aml/job").out
    assert told in held("explain", "aml/book").out
    assert told in held("explain", "aml/book", "-o", "json").data["line"]["held"]


def test_a_release_lets_it_follow_git_again(held: Installation) -> None:
    result = held("release", "aml/book", "--reason", "done")
    assert (result.code, result.out) == (0, "aml/book is released with the next pass\n")
    with wire.store(config.load(directory=held.path)) as store:
        assert store.take_wanted() == ("platform",)  # a loop is woken for it
    assert held.process("once").code == 0
    assert "held by" not in held("status", "aml/book").out
    assert held("diff", "aml/book").code == 0
    again = held("release", "aml/book")
    assert (again.code, "isn't held by an operator" in again.err) == (1, True)


def test_a_hold_needs_a_name_that_is_known_and_a_reason(held: Installation) -> None:
    wrong = held("hold", "aml/bok", "--reason", "x")
    assert (wrong.code, "did you mean aml/book?" in wrong.err) == (1, True)
    assert held("hold", "aml/book").code == 2
    assert held("hold", "aml/book", "--reason", " \n").code == 2


def test_holding_needs_the_database(behind: Clone, zoe: Zoe) -> None:
    assert zoe("hold", "aml/book", "--reason", "x", cwd=behind.path).code == 2


def test_history_tells_the_life_with_commits_and_people(held: Installation) -> None:
    rows = held("history", "aml/book", "-o", "json").data["steps"]
    assert [row["fact"] for row in rows] == [
        "first_seen",
        "generation",
        "admitted",
        "attempt_intended",
        "attempt_started",
        "generation",
        "held",
    ]
    first, second = (row["commit"] for row in rows if row["fact"] == "generation")
    assert first != second
    assert rows[-1]["told"].endswith(": the disk of n3 is changed")
    assert rows[-1]["generation"] == 2
    lines = held("history", "aml/book").out.splitlines()
    assert len(lines) == len(rows)
    by = next(row["by"] for row in rows if row["commit"] == second)
    assert ": " in by
    assert f"generation 2 with {second[:12]} by {by}" in lines[5]


def test_history_needs_only_a_clone(held: Installation, behind: Clone, zoe: Zoe) -> None:
    here = zoe("history", "aml/book", "-o", "json", cwd=behind.path)
    assert here.data == held("history", "aml/book", "-o", "json").data


def test_history_of_an_unknown_execution_says_so(held: Installation) -> None:
    result = held("history", "aml/bok")
    assert (result.code, "did you mean aml/book?" in result.err) == (1, True)


def test_diff_shows_what_waits_to_be_carried_out(held: Installation) -> None:
    result = held("diff", "aml/book")
    assert result.code == 1
    first, second, *lines = result.out.splitlines()
    assert first == "from generation 2 of run 1, in force"
    assert second == f"to   commit {str(held.repository.tip())[:12]}, desired now"
    assert "  services.main.image: newer -> newest" in lines


def test_diff_of_two_generations_hides_secrets(held: Installation) -> None:
    result = held("diff", "aml/book", "1", "1.2", "-o", "json")
    assert result.code == 1
    assert "s3cr3t" not in result.out
    assert result.data["changes"] == [
        {
            "path": "services.main.environment.API_TOKEN",
            "before": "(hidden: looks like a secret)",
            "after": "(hidden: looks like a secret)",
        },
        {"path": "services.main.image", "before": "busybox", "after": "newer"},
    ]
    assert result.data["from"]["digest"] != result.data["to"]["digest"]


def test_diff_of_the_same_is_none(held: Installation) -> None:
    tip = str(held.repository.tip())
    for versions in (("2", "2"), (tip, tip[:10]), (tip,), ("main",)):
        result = held("diff", "aml/book", *versions)
        assert (result.code, "no difference" in result.out) == (0, True)


def test_diff_tells_generations_by_their_commits_where_there_is_no_database(
    held: Installation, behind: Clone, zoe: Zoe
) -> None:
    here = zoe("diff", "aml/book", "1", "2", "-o", "json", cwd=behind.path)
    there = held("diff", "aml/book", "1", "2", "-o", "json")
    assert here.code == there.code == 1
    assert here.data["changes"] == there.data["changes"]
    assert here.data["from"]["digest"] == there.data["from"]["digest"]


def test_diff_against_a_commit_where_it_wasnt_shows_all_of_it(held: Installation) -> None:
    first = next(iter(held.repository.git.walk(held.repository.tip()))).parents[0].parents[0]
    before = first.parents[0]
    result = held("diff", "aml/book", str(before.id), "1")
    assert result.code == 1
    assert "where it isn't" in result.out
    assert "services.main.image: unset -> busybox" in result.out


@pytest.mark.parametrize(
    ("versions", "told"),
    [(("7",), "no generation 7"), (("3.1",), "no run 3"), (("nobranch",), "nobranch")],
)
def test_diff_of_what_isnt_there_is_no_difference(
    held: Installation, versions: tuple[str, ...], told: str
) -> None:
    result = held("diff", "aml/book", *versions)
    assert result.code in (2, 3)
    assert told in result.err


def test_diff_says_what_is_wrong_with_an_invalid_version(held: Installation) -> None:
    bad = held.push({BOOK: FIRST.replace("services:", "servces:")})
    assert held.process("once").code in (0, 1)
    result = held("diff", "aml/book", "2", bad[:10])
    assert (result.code, "it is invalid" in result.err) == (2, True)

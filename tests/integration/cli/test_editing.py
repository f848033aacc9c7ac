"""rerun, suspend, resume, stop: files change as a person would change them."""

from __future__ import annotations

import pytest

from tests.fixtures.site import execution_file
from tests.fixtures.verbs import Clone, Installation, Zoe

BOOK = "executions/aml/book.yaml"
COMMENTED = execution_file("book").replace("  run: 1\n", "  run: 1   # the first\n")


def test_rerun_raises_the_run_and_says_what_to_do_next(zoe: Zoe, clone: Clone) -> None:
    clone.commit({BOOK: COMMENTED})
    result = zoe("rerun", "aml/book", cwd=clone.path)
    assert clone.read(BOOK) == COMMENTED.replace("run: 1", "run: 2")
    assert result.code == 0
    assert f"{BOOK}: run of aml/book raised from 1 to 2" in result.out
    assert f"git commit -m 'Run aml/book again (run 2)' -- {BOOK}, then git push" in result.out


def test_rerun_of_a_manifest_without_run_makes_it_two(zoe: Zoe, clone: Clone) -> None:
    clone.commit({BOOK: COMMENTED.replace("  run: 1   # the first\n", "")})
    assert zoe("rerun", "aml/book", cwd=clone.path).code == 0
    assert "  type: interactive\n  run: 2\n  services:" in clone.read(BOOK)


def test_verbs_work_from_any_folder_of_the_clone(zoe: Zoe, clone: Clone) -> None:
    clone.commit({BOOK: COMMENTED})
    assert zoe("rerun", "aml/book", cwd=clone.path / "executions" / "aml").code == 0
    assert "run: 2" in clone.read(BOOK)


def test_suspend_and_resume_are_each_others_undoing(zoe: Zoe, clone: Clone) -> None:
    clone.commit({BOOK: COMMENTED})
    assert zoe("suspend", "aml/book", cwd=clone.path).code == 0
    assert "  suspend: true\n" in clone.read(BOOK)
    assert "suspended already" in zoe("suspend", "aml/book", cwd=clone.path).out
    assert zoe("resume", "aml/book", cwd=clone.path).code == 0
    assert "  suspend: false\n" in clone.read(BOOK)
    again = zoe("resume", "aml/book", cwd=clone.path)
    assert (again.code, again.out) == (0, "aml/book isn't suspended: nothing changed\n")


def test_stopping_the_last_one_says_that_it_is_meant(
    installation: Installation, clone: Clone, zoe: Zoe
) -> None:
    """A commit that asks for nothing at all is held else."""
    installation.push({"executions/aml/book.yaml": execution_file("book")})
    installation.push({"executions/aml/page.yaml": execution_file("page")})
    assert installation.process("once").out.startswith("2 Running ")
    here = installation.cloned(clone)
    for name in ("aml/book", "aml/page"):
        assert zoe("stop", name, "--commit", cwd=here.path).code == 0
        here.git("push", "-q", "origin", "HEAD:main")
        assert installation.process("once").code == 0
        assert installation("status", name).out.startswith(f"{name}\tStopped\n")
    assert here.git("log", "--format=%(trailers)").strip() == "Zoe-Confirm-Deletes: 1"


def test_stop_deletes_the_file_or_only_the_document(zoe: Zoe, clone: Clone) -> None:
    both = f"{execution_file('a')}---\n{execution_file('b')}"
    clone.commit({BOOK: COMMENTED, "executions/aml/both.yaml": both})
    assert "deleted" in zoe("stop", "aml/book", cwd=clone.path).out
    assert not (clone.path / BOOK).exists()
    assert zoe("stop", "aml/a", cwd=clone.path).code == 0
    assert clone.read("executions/aml/both.yaml") == f"---\n{execution_file('b')}"


@pytest.mark.parametrize("verb", ["rerun", "suspend", "stop"])
def test_with_commit_the_users_own_git_commits_that_file_only(
    zoe: Zoe, clone: Clone, verb: str
) -> None:
    clone.commit({BOOK: COMMENTED})
    clone.write({"notes.txt": "not yet", "staged.txt": "nor this"})
    clone.git("add", "staged.txt")
    result = zoe(verb, "aml/book", "--commit", "-m", "as agreed", cwd=clone.path)
    assert result.code == 0
    assert "next: git push" in result.out
    assert clone.git("log", "-1", "--format=%an %s").strip() == "Ada as agreed"
    assert clone.git("show", "--format=", "--name-only").strip() == BOOK
    assert "A  staged.txt" in clone.git("status", "--porcelain")


def test_a_hook_that_refuses_leaves_the_change_uncommitted_and_says_so(
    zoe: Zoe, clone: Clone
) -> None:
    clone.commit({BOOK: COMMENTED})
    hook = clone.path / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    result = zoe("rerun", "aml/book", "--commit", cwd=clone.path)
    assert (result.code, "run: 2" in clone.read(BOOK)) == (1, True)
    assert "git didn't commit" in result.err


def test_half_done_edits_arent_committed_along(zoe: Zoe, clone: Clone) -> None:
    clone.commit({BOOK: COMMENTED})
    edited = COMMENTED.replace("busybox", "halfdone")
    clone.write({BOOK: edited})
    result = zoe("rerun", "aml/book", "--commit", cwd=clone.path)
    assert result.code == 1
    assert f"{BOOK} has changes that aren't committed" in result.err
    assert clone.read(BOOK) == edited


def test_an_unknown_name_is_answered_with_the_one_that_was_meant(zoe: Zoe, clone: Clone) -> None:
    clone.commit({BOOK: COMMENTED})
    result = zoe("suspend", "aml/bok", cwd=clone.path)
    assert result.code == 1
    assert "no execution aml/bok: did you mean aml/book?" in result.err


def test_a_broken_file_is_told_with_its_place(zoe: Zoe, clone: Clone) -> None:
    clone.commit({BOOK: "spec: [\n"})
    result = zoe("rerun", "aml/book", cwd=clone.path)
    assert result.code == 1
    assert f"{BOOK}:2:1: not YAML" in result.err


def test_a_name_that_two_files_claim_is_left_alone(zoe: Zoe, clone: Clone) -> None:
    other = "executions/aml/other.yaml"
    clone.commit({BOOK: COMMENTED, other: COMMENTED})
    result = zoe("stop", "aml/book", cwd=clone.path)
    assert (result.code, clone.read(BOOK), clone.read(other)) == (1, COMMENTED, COMMENTED)


def test_outside_a_repository_it_says_where_it_works(zoe: Zoe, tmp_path) -> None:
    result = zoe("rerun", "aml/book", cwd=tmp_path)
    assert result.code == 2
    assert "isn't in a configuration repository" in result.err


def test_rerun_leaves_what_runs_by_a_schedule_alone(zoe: Zoe, clone: Clone) -> None:
    text = COMMENTED.replace("  run: 1   # the first\n", '  schedule: {cron: "0 2 * * *"}\n')
    clone.commit({BOOK: text})
    result = zoe("rerun", "aml/book", cwd=clone.path)
    assert (result.code, clone.read(BOOK)) == (1, text)
    assert "runs by its schedule" in result.err


SWEEP = "executions/aml/sweep.yaml"
SET = """\
apiVersion: zoe/v1
kind: ExecutionSet
metadata: {name: sweep}
spec:
  items:
    - 1
    - 2   # the second
  template:
    spec:
      type: batch
      run: 3
      services: {main: {image: busybox}}
"""


@pytest.mark.parametrize("verb", ["rerun", "suspend", "stop", "resume"])
def test_an_item_of_a_set_cant_be_edited_and_its_line_is_told(
    zoe: Zoe, clone: Clone, verb: str
) -> None:
    in_template = "template:\n    namespace: aml\n"
    over_many = SET.replace("template:\n", in_template).replace("sweep", "all")
    clone.commit({SWEEP: SET, "sets/all.yaml": over_many})
    result = zoe(verb, "aml/sweep-2", cwd=clone.path)
    assert result.code == 1
    assert f"aml/sweep-2 is an item of the set aml/sweep: edit {SWEEP}, line 7" in result.err
    other = zoe(verb, "aml/all-1", cwd=clone.path)
    assert "aml/all-1 is an item of the set all: edit sets/all.yaml, line 6" in other.err


def test_verbs_on_a_set_edit_all_of_it(zoe: Zoe, clone: Clone) -> None:
    clone.commit({SWEEP: SET})
    assert zoe("rerun", "aml/sweep", cwd=clone.path).code == 0
    assert "      run: 4\n" in clone.read(SWEEP)
    assert zoe("suspend", "aml/sweep", cwd=clone.path).code == 0
    assert clone.read(SWEEP).count("\n  suspend: true\n") == 1
    assert zoe("stop", "aml/sweep", cwd=clone.path).code == 0
    assert not (clone.path / SWEEP).exists()


def test_an_execution_goes_before_a_set_of_its_name(zoe: Zoe, clone: Clone) -> None:
    clone.commit({SWEEP: f"{SET}---\n{execution_file('sweep')}"})
    assert zoe("rerun", "aml/sweep", cwd=clone.path).code == 0
    assert "      run: 3\n" in clone.read(SWEEP)
    assert "\n  run: 2\n" in clone.read(SWEEP)

"""What plan compares a head with where nobody names a base."""

from __future__ import annotations

import pytest

from tests.fixtures.site import execution_file
from tests.fixtures.verbs import Clone, Zoe

CREATED = "+ aml/book create [no snapshot: queue unknown]"


@pytest.fixture
def first(clone: Clone) -> str:
    """Return the only commit of a clone that wants an execution."""
    return clone.commit({"executions/aml/book.yaml": execution_file("book")})


def test_before_the_first_push_all_is_new(clone: Clone, zoe: Zoe, first: str) -> None:
    result = zoe("plan", "--offline", cwd=clone.path)
    assert CREATED in result.out.splitlines()


def test_what_was_pushed_and_is_the_head_is_compared_with_itself(
    clone: Clone, zoe: Zoe, first: str
) -> None:
    clone.git("update-ref", "refs/remotes/origin/main", first)
    result = zoe("plan", "--offline", cwd=clone.path)
    told, count = result.out.splitlines()
    assert told == f"{first[:12]} is compared with itself: commit the change, or name a --base"
    assert count == "0 execution(s) change, 0 error(s); snapshot none"


def test_a_branch_that_was_reconciled_here_is_what_is_desired(
    clone: Clone, zoe: Zoe, first: str
) -> None:
    clone.git("update-ref", "refs/heads/zoe/status", first)
    assert "is compared with itself" in zoe("plan", "--offline", cwd=clone.path).out


@pytest.mark.parametrize("zeros", ["0", "0" * 40])
def test_zeros_are_no_commit_as_in_hooks(clone: Clone, zoe: Zoe, first: str, zeros: str) -> None:
    clone.git("update-ref", "refs/remotes/origin/main", first)
    result = zoe("plan", "--base", zeros, "--offline", "-o", "json", cwd=clone.path)
    assert (result.data["base"], result.data["head"]) == ("", first)
    assert [action["action"] for action in result.data["actions"]] == ["create"]

"""Under which refs the head of a pull request is looked for."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args

import pytest

from reconciler.inbox import ReviewRequest
from reconciler.known_forges import ForgeName
from reconciler.reviewer.subject import refs


def request(*, pull: int | None = 7, branch: str = "topic", is_fork: bool = False) -> ReviewRequest:
    return ReviewRequest(
        source_id="platform",
        kind="pull_request",
        pull=pull,
        head="",
        action="updated",
        requested_at=datetime(2026, 1, 1, tzinfo=UTC),
        branch=branch,
        is_fork=is_fork,
    )


KEPT = {
    "github": "refs/pull/7/head",
    "gitea": "refs/pull/7/head",
    "forgejo": "refs/pull/7/head",
    "gitlab": "refs/merge-requests/7/head",
    "bitbucket": "refs/heads/topic",
}
"""``head`` in reconciler/known_forges.py; without one, a branch is taken."""


@pytest.mark.parametrize("provider", get_args(ForgeName))
def test_each_forge_keeps_heads_in_its_place(provider: ForgeName) -> None:
    assert refs(provider, request()) == (KEPT[provider],)


def test_a_merge_group_is_a_branch() -> None:
    assert refs("github", request(pull=None, branch="gh-readonly-queue/main/pr-7")) == (
        "refs/heads/gh-readonly-queue/main/pr-7",
    )


def test_a_branch_of_a_fork_is_not_taken_for_ours_of_the_same_name() -> None:
    assert refs("bitbucket", request(branch="main", is_fork=True)) == ()
    assert refs("github", request(branch="main", is_fork=True)) == ("refs/pull/7/head",)

"""Heads of pull requests: where they are looked for, and how much is taken."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.config import SourceSettings
from reconciler.errors import SourceUnavailable
from reconciler.git.pulls import PullHeads
from tests.fixtures.git_servers import BareRepository, HttpServer

HEAD = "refs/pull/7/head"


@pytest.fixture
def remote(bare_repo: Callable[..., BareRepository]) -> BareRepository:
    made = bare_repo()
    made.commit({"platform.yaml": "one\n"})
    return made


@pytest.fixture
def settings(remote: BareRepository, git_http: HttpServer) -> SourceSettings:
    return SourceSettings(id="platform", url=git_http.url(remote))


def propose(remote: BareRepository, data: bytes = b"more\n") -> str:
    remote.git.references.create(
        "refs/heads/topic", remote.git.references["refs/heads/main"].target
    )
    head = remote.commit({"file": data}, branch="topic")
    remote.git.references.create(HEAD, head)
    remote.delete_branch("topic")
    return head


def test_a_head_is_fetched_with_the_accepted_commit(
    remote: BareRepository, settings: SourceSettings, tmp_path: Path
) -> None:
    heads, base, head = PullHeads(settings, tmp_path / "r.git"), remote.tip(), propose(remote)
    assert heads.fetch([HEAD], commit="", base=str(base)) == head
    assert heads.fetch([HEAD], commit="", base=str(base)) == head


def test_a_head_is_known_by_its_commit_where_its_name_is_not(
    remote: BareRepository, settings: SourceSettings, tmp_path: Path
) -> None:
    heads, base, head = PullHeads(settings, tmp_path / "r.git"), remote.tip(), propose(remote)
    assert heads.fetch([], commit=head, base=str(base)) == head


def test_a_huge_head_is_broken_off(
    remote: BareRepository, settings: SourceSettings, tmp_path: Path
) -> None:
    heads = PullHeads(settings, tmp_path / "r.git", most_bytes=100_000)
    base = str(remote.tip())
    propose(remote, random.Random(1).randbytes(2_000_000))
    with pytest.raises(SourceUnavailable, match="were sent"):
        heads.fetch([HEAD], commit="", base=base)


def test_a_base_that_the_remote_lost_is_told(
    remote: BareRepository, settings: SourceSettings, tmp_path: Path
) -> None:
    propose(remote)
    with pytest.raises(SourceUnavailable, match="has lost the accepted commit ffffffffffff"):
        PullHeads(settings, tmp_path / "r.git").fetch([HEAD], commit="", base="f" * 40)

"""A long history of the status branch begins anew, and nobody loses anything by it."""

from __future__ import annotations

import random
from contextlib import closing

import pygit2
import pytest

from reconciler.config import SourceSettings
from reconciler.errors import LeaseLost
from reconciler.git.fetchers import Fetchers
from reconciler.git.status_branch import StatusBranch
from reconciler.manifest.limits import Limits
from tests.integration.git.conftest import SteppingClock

BRANCH = "zoe/status"
LONGEST = 4
PATH = "status/aml/3f/lab.yaml"


def history(repo):
    tip = repo.tip(BRANCH)
    return [] if tip is None else [str(c.id) for c in repo.git.walk(tip)]


def publish(sink, number, **more):
    files = {PATH: b"phase: %d\n" % number}
    return sink.publish(files, message="m", sequence=number, **more)


@pytest.fixture
def remote(bare_repo):
    repo = bare_repo()
    repo.commit({"reports/1": "theirs"}, branch=BRANCH)
    return repo


@pytest.mark.parametrize("is_local", [True, False])
def test_a_long_history_begins_anew_with_the_same_files(remote, git_http, status, is_local):
    url = str(remote.path) if is_local else git_http.url(remote)
    sink = status(url, longest=LONGEST)
    for number in range(1, 12):
        assert publish(sink, number) == remote.tip(BRANCH)
        assert remote.files(BRANCH) == {PATH: b"phase: %d\n" % number, "reports/1": b"theirs"}
        assert len(history(remote)) < LONGEST
        assert sink.read() == {PATH: b"phase: %d\n" % number}
    assert "Zoe-Seq: " in remote.git[remote.tip(BRANCH)].message


def test_in_a_process_of_its_own_too(remote, git_http, tmp_path):
    with closing(Fetchers(Limits())) as fetchers:
        sink = StatusBranch(
            SourceSettings(id="course", url=git_http.url(remote)),
            tmp_path / "apart.git",
            clock=SteppingClock(),
            random=random.Random(7),
            wait=lambda _: None,
            fetchers=fetchers,
            longest=LONGEST,
        )
        for number in range(1, 6):
            publish(sink, number)
    assert len(history(remote)) < LONGEST


def test_what_was_before_is_not_kept_here(remote, git_http, status, tmp_path):
    sink = status(git_http.url(remote), longest=LONGEST)
    old = publish(sink, 1)
    for number in range(2, 6):
        publish(sink, number)
    assert old not in pygit2.Repository(str(tmp_path / "status.git"))


def test_another_leader_goes_on_from_there(remote, git_http, status):
    ours = status(git_http.url(remote), longest=LONGEST)
    theirs = status(git_http.url(remote), mirror="other.git")
    publish(theirs, 1)
    for number in range(2, 5):
        publish(ours, number)
    assert publish(theirs, 5) == remote.tip(BRANCH)
    assert remote.files(BRANCH)[PATH] == b"phase: 5\n"
    assert len(history(remote)) < LONGEST


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_who_writes_meanwhile_keeps_his_commit(remote, git_http, status, method):
    """Before the server says what it has, and after that: then it compares itself."""
    sink = status(git_http.url(remote), longest=LONGEST)
    publish(sink, 1)
    publish(sink, 2)
    asked = []

    def intrude(way, target):
        if way == method and "git-receive-pack" in target:
            asked.append(target)
            if len(asked) == 2:  # the first one is the push of the files
                remote.commit({"reports/2": "b"}, branch=BRANCH)

    git_http.before = intrude
    publish(sink, 3)
    assert len(asked) == 2
    assert remote.files(BRANCH)["reports/2"] == b"b"
    assert len(history(remote)) == LONGEST + 1
    git_http.before = lambda *_: None
    assert publish(sink, 4) == remote.tip(BRANCH)
    assert remote.files(BRANCH)["reports/2"] == b"b"


def test_a_server_that_refuses_keeps_the_long_history(remote, git_http, status):
    remote.git.config["receive.denyNonFastForwards"] = True
    sink = status(git_http.url(remote), longest=LONGEST)
    for number in range(1, 8):
        assert publish(sink, number) == remote.tip(BRANCH)
    assert len(history(remote)) == 8


def test_who_no_longer_leads_rolls_nothing_over(remote, git_http, status):
    sink = status(git_http.url(remote), longest=LONGEST)
    publish(sink, 1)
    publish(sink, 2)
    answers = iter([None])  # leads when the files go, and not any more after that

    def still_leads():
        if next(answers, LeaseLost) is LeaseLost:
            raise LeaseLost("another")

    with pytest.raises(LeaseLost):
        publish(sink, 3, still_leads=still_leads)
    assert len(history(remote)) == LONGEST


def test_a_large_file_is_read_back(remote, git_http, status):
    snapshot = {"cluster/snapshot.yaml": b"x" * 4 * 1024**2}
    sink = status(git_http.url(remote))
    sink.publish(snapshot, message="m", sequence=1)
    assert sink.read(["cluster"]) == snapshot

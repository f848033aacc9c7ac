"""Status branches and heads of pull requests over a network: in a process that can be ended."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pygit2
import pytest

from reconciler import lead, sources
from reconciler.config import SourceSettings
from reconciler.errors import SourceUnavailable
from reconciler.git import status_branch
from reconciler.git.fetchers import Fetchers
from reconciler.git.pulls import HeadsApart
from reconciler.git.status_branch import StatusBranch
from reconciler.manifest.limits import Limits
from tests.fixtures.git_servers import BareRepository, HttpServer
from tests.fixtures.site import PLATFORM, execution_file, namespace_file, settings_in
from tests.integration.git.conftest import SteppingClock

BRANCH = "zoe/status"
HEAD = "refs/pull/7/head"


@pytest.fixture(scope="module")
def fetchers() -> Iterator[Fetchers]:
    with closing(Fetchers(Limits())) as made:
        yield made


@pytest.fixture
def remote(bare_repo: Callable[..., BareRepository]) -> BareRepository:
    made = bare_repo()
    made.commit({"platform.yaml": "one\n"})
    return made


def published_by(
    fetchers: Fetchers, url: str, mirror: Path, wait: Callable[[float], object] = lambda _: None
) -> StatusBranch:
    return StatusBranch(
        SourceSettings(id="course", url=url),
        mirror,
        clock=SteppingClock(),
        random=random.Random(7),
        wait=wait,
        fetchers=fetchers,
    )


def test_status_is_published_beside_others_and_read_back(
    fetchers: Fetchers, remote: BareRepository, git_http: HttpServer, tmp_path: Path
) -> None:
    ours = published_by(fetchers, git_http.url(remote), tmp_path / "s.git")
    assert not ours.exists()
    ours.publish({"status/a.yaml": b"one"}, message="m", sequence=1)
    assert ours.exists()
    remote.commit({"theirs.txt": "x"}, branch=BRANCH)
    ours.publish({"status/b.yaml": b"two"}, message="m", sequence=2)
    assert ours.read() == {"status/a.yaml": b"one", "status/b.yaml": b"two"}
    assert set(remote.files(BRANCH)) == {"status/a.yaml", "status/b.yaml", "theirs.txt"}


def test_a_refusal_is_told_in_the_servers_words(
    fetchers: Fetchers, remote: BareRepository, git_http: HttpServer, tmp_path: Path
) -> None:
    remote.hook("pre-receive", "echo only robots may push >&2; exit 1")
    ours = published_by(fetchers, git_http.url(remote), tmp_path / "s.git")
    with pytest.raises(SourceUnavailable, match="only robots may push"):
        ours.publish({"status/a.yaml": b"one"}, message="m", sequence=1)


def test_a_damaged_mirror_is_cloned_anew(
    fetchers: Fetchers, remote: BareRepository, git_http: HttpServer, tmp_path: Path
) -> None:
    mirror = tmp_path / "s.git"
    published_by(fetchers, git_http.url(remote), mirror).publish(
        {"status/a.yaml": b"one"}, message="m", sequence=1
    )
    for folder in (mirror / "objects").iterdir():
        for file in folder.iterdir():
            file.unlink()
    ours = published_by(fetchers, git_http.url(remote), mirror)
    ours.publish({"status/b.yaml": b"two"}, message="m", sequence=2)
    assert ours.read() == {"status/a.yaml": b"one", "status/b.yaml": b"two"}


def test_what_one_left_that_was_ended_stops_nobody(
    fetchers: Fetchers, remote: BareRepository, git_http: HttpServer, tmp_path: Path
) -> None:
    ours = published_by(fetchers, git_http.url(remote), tmp_path / "s.git")
    ours.publish({"status/a.yaml": b"one"}, message="m", sequence=1)
    remote.commit({"theirs.txt": "x"}, branch=BRANCH)
    (tmp_path / "s.git" / "refs/zoe/status.lock").touch()
    with pytest.raises(SourceUnavailable):
        ours.read()
    assert ours.read() == {"status/a.yaml": b"one"}


def test_a_branch_that_others_filled_isnt_taken_in(
    fetchers: Fetchers,
    remote: BareRepository,
    git_http: HttpServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(status_branch, "_MAX_READ_BYTES", 100_000)
    crowd = {f"ledger/{n}.yaml": b"x" * 60_000 for n in range(2)}
    remote.commit(crowd, branch=BRANCH)
    ours = published_by(fetchers, git_http.url(remote), tmp_path / "s.git")
    assert ours.read(("ledger/1.yaml",)) == {"ledger/1.yaml": b"x" * 60_000}
    with pytest.raises(SourceUnavailable, match="isn't as we wrote it"):
        ours.read()


def test_a_branch_of_more_than_a_fetch_may_bring_is_broken_off(
    remote: BareRepository, git_http: HttpServer, tmp_path: Path
) -> None:
    remote.commit({"status/noise": random.Random(1).randbytes(1_500_000)}, branch=BRANCH)
    with closing(Fetchers(Limits(fetch_mib=1))) as fetchers:
        ours = published_by(fetchers, git_http.url(remote), tmp_path / "s.git")
        with pytest.raises(SourceUnavailable, match="more than 1 MiB were sent"):
            ours.read()


def test_a_server_that_trickles_is_given_up(trickle: str, tmp_path: Path) -> None:
    with closing(Fetchers(Limits(fetch_s=1))) as fetchers:
        ours = published_by(fetchers, trickle, tmp_path / "s.git")
        with pytest.raises(SourceUnavailable, match=r"limits.fetch_s"):
            ours.publish({"status/a.yaml": b"one"}, message="m", sequence=1)


def test_a_head_is_fetched_there_and_found_here(
    fetchers: Fetchers, remote: BareRepository, git_http: HttpServer, tmp_path: Path
) -> None:
    base = str(remote.tip())
    head = remote.commit({"file": "more"}, branch="topic", parents=[base])
    remote.git.references.create(HEAD, head)
    settings = SourceSettings(id="course", url=git_http.url(remote))
    heads = HeadsApart(settings, tmp_path / "r.git", fetchers)
    assert heads.fetch([HEAD], commit="", base=base) == head
    assert head in BareRepository(heads.directory).git
    heads.set_aside()
    assert heads.fetch([HEAD], commit="", base=base) == head
    with pytest.raises(SourceUnavailable, match="the repository has no refs/pull/8/head"):
        heads.fetch(["refs/pull/8/head"], commit="", base=base)


def test_a_fetch_under_way_ends_with_whoever_asked(trickle: str, tmp_path: Path) -> None:
    asked = threading.Event()
    settings = SourceSettings(id="course", url=trickle)
    fetchers = Fetchers(Limits())
    heads = HeadsApart(settings, tmp_path / "r.git", fetchers)

    def fetch() -> None:
        asked.set()
        heads.fetch([HEAD], commit="", base="1" * 40)

    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(fetch)
        asked.wait()
        while not (fetchers._busy or fetching.done()):
            threading.Event().wait(0.01)
        heads.close()
        assert isinstance(fetching.exception(30), SourceUnavailable)
    with pytest.raises(SourceUnavailable, match="about to end"):
        heads.fetch([HEAD], commit="", base="1" * 40)


def test_all_that_a_pass_says_to_a_remote_is_said_there(
    remote: BareRepository, git_http: HttpServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process of the loop itself could reach none: it has no way to say anything."""

    def never(*_: object, **__: object) -> None:
        raise AssertionError("the loop's own process talks with a remote")

    for name in ("connect", "fetch", "push"):
        monkeypatch.setattr(pygit2.Remote, name, never)
    job = {"executions/aml/job.yaml": execution_file()}
    remote.commit({"platform.yaml": PLATFORM, "namespaces/aml.yaml": namespace_file("aml"), **job})
    made = settings_in(tmp_path, remote.path)
    settings = replace(
        made,
        cluster="simulated",
        sources=(replace(made.platform_source, url=git_http.url(remote)),),
    )
    report = lead.once(settings, until_settled=False)
    assert report.commit == remote.tip()
    assert "cluster/ledger.yaml" in remote.files(BRANCH)
    assert isinstance(sources.heads(settings), HeadsApart)

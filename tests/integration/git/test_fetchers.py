"""Fetching in processes of their own: what hangs or takes too much ends them, and nothing else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from time import monotonic

import pygit2
import pytest

from reconciler.config import SourceSettings
from reconciler.errors import SourceUnavailable
from reconciler.failpoints import VARIABLE, Point
from reconciler.git.fetchers import FetchedApart, Fetchers, RemoteApart
from reconciler.git.source import TIP
from reconciler.manifest.limits import Limits
from tests.fixtures.git_servers import BareRepository, HttpServer


@pytest.fixture(scope="module")
def fetchers() -> Iterator[Fetchers]:
    with closing(Fetchers(Limits())) as made:
        yield made


def test_it_is_fetched_there_and_read_here(
    fetchers: Fetchers,
    bare_repo: Callable[..., BareRepository],
    git_http: HttpServer,
    tmp_path: Path,
) -> None:
    repository = bare_repo()
    first = repository.commit({"platform.yaml": "a: 1"})
    settings = SourceSettings(id="lab", url=git_http.url(repository))
    source = FetchedApart(settings, tmp_path / "mirror.git", fetchers)
    assert source.fetch() == first
    assert list(source.tree(first).files) == ["platform.yaml"]
    second = repository.commit({"more.yaml": "b: 2"})
    assert source.fetch() == second
    assert sorted(source.tree(second).files) == ["more.yaml", "platform.yaml"]
    assert source.is_descendant(second, first)


def test_a_damaged_mirror_is_cloned_anew(
    fetchers: Fetchers,
    bare_repo: Callable[..., BareRepository],
    git_http: HttpServer,
    tmp_path: Path,
) -> None:
    repository = bare_repo()
    tip = repository.commit({"platform.yaml": "a: 1"})
    mirror = tmp_path / "mirror.git"
    settings = SourceSettings(id="lab", url=git_http.url(repository))
    FetchedApart(settings, mirror, fetchers).fetch()
    for pack in (mirror / "objects" / "pack").iterdir():
        pack.unlink()
    source = FetchedApart(settings, mirror, fetchers)
    assert source.fetch() == tip
    assert list(source.tree(tip).files) == ["platform.yaml"]


def test_an_error_is_told_as_it_was(fetchers: Fetchers, tmp_path: Path) -> None:
    settings = SourceSettings(id="lab", url="http://127.0.0.1:1/config.git")
    with pytest.raises(SourceUnavailable, match=r"can't fetch from http://127\.0\.0\.1:1/"):
        RemoteApart(settings, tmp_path / "mirror.git", fetchers).fetch()


def test_a_server_that_trickles_is_given_up(trickle: str, tmp_path: Path) -> None:
    """No time-out of a silence ends this, and no callback of libgit2 is called."""
    settings = SourceSettings(id="lab", url=trickle)
    with closing(Fetchers(Limits(fetch_s=1))) as fetchers:
        remote = RemoteApart(settings, tmp_path / "mirror.git", fetchers)
        with pytest.raises(SourceUnavailable, match=r"more than 1 s \(limits.fetch_s\)"):
            remote.fetch()


def test_it_ends_by_itself_where_nobody_is_left_to_end_it(trickle: str, tmp_path: Path) -> None:
    fetchers = Fetchers(Limits(fetch_s=1))
    settings = SourceSettings(id="lab", url=trickle)
    with closing(fetchers):
        process = fetchers._taken()
        order = fetchers._order(settings, tmp_path / "mirror.git", "fetch", {})
        process._stdin.write(json.dumps(order).encode() + b"\n")
        process._stdin.flush()
        assert process._process.wait(30) == -signal.SIGALRM
        process.end()


def test_one_that_stands_still_is_ended_by_who_waits(
    bare_repo: Callable[..., BareRepository],
    git_http: HttpServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its own alarm doesn't reach it."""
    monkeypatch.setattr("reconciler.git.fetchers._GRACE_S", 0)
    repository = bare_repo()
    repository.commit({"platform.yaml": "a: 1"})
    settings = SourceSettings(id="lab", url=git_http.url(repository))
    with closing(Fetchers(Limits(fetch_s=1))) as fetchers:
        git_http.before = lambda *_: [
            os.kill(busy._process.pid, signal.SIGSTOP) for busy in fetchers._busy
        ]
        started = monotonic()
        with pytest.raises(SourceUnavailable, match=r"limits.fetch_s"):
            RemoteApart(settings, tmp_path / "mirror.git", fetchers).fetch()
        assert monotonic() - started < 15


def test_one_that_was_ended_is_told_and_the_next_is_another(
    bare_repo: Callable[..., BareRepository], git_http: HttpServer, tmp_path: Path
) -> None:
    repository = bare_repo()
    tip = repository.commit({"platform.yaml": "a: 1"})
    settings = SourceSettings(id="lab", url=git_http.url(repository))
    with closing(Fetchers(Limits())) as fetchers:
        remote = RemoteApart(settings, tmp_path / "mirror.git", fetchers)
        remote.fetch()
        git_http.before = lambda *_: [process.kill() for process in fetchers._busy]
        with pytest.raises(SourceUnavailable, match=r"\(limits.fetch_memory_mib\)"):
            remote.fetch()
        git_http.before = lambda *_: None
        assert remote.fetch() == tip


def test_closing_leaves_no_process(
    bare_repo: Callable[..., BareRepository], git_http: HttpServer, tmp_path: Path
) -> None:
    repository = bare_repo()
    repository.commit({"platform.yaml": "a: 1"})
    fetchers = Fetchers(Limits())
    settings = SourceSettings(id="lab", url=git_http.url(repository))
    RemoteApart(settings, tmp_path / "mirror.git", fetchers).fetch()
    (idle,) = fetchers._idle
    fetchers.close()
    assert not idle.is_alive


def test_it_ends_quietly_where_nobody_is_left_to_hear_the_answer(tmp_path: Path) -> None:
    """As when the loop was killed over a fetch: what it prints is the loop's log."""
    command = [sys.executable, "-m", "reconciler.git.fetch_worker", str(2**31), str(2**20)]
    worker = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert worker.stdin is not None
    assert worker.stdout is not None
    worker.stdout.close()
    order = {
        "source": {"id": "lab", "url": "http://127.0.0.1:9/none.git"},
        "mirror": str(tmp_path / "mirror.git"),
        "what": "fetch",
        "given": {},
        "most_bytes": 2**20,
        "most_s": 5,
        "ends_after_s": 10,
    }
    worker.stdin.write(json.dumps(order).encode() + b"\n")
    worker.stdin.flush()
    assert worker.wait(20) == 0
    assert worker.stderr is not None
    with worker.stdin, worker.stderr:
        assert worker.stderr.read() == b""


def test_a_kill_at_the_point_in_it_takes_who_asked_along(
    bare_repo: Callable[..., BareRepository], git_http: HttpServer, tmp_path: Path
) -> None:
    """As a power cut would: the objects are there, the ref isn't moved."""
    repository = bare_repo()
    repository.commit({"platform.yaml": "a: 1"})
    program = (
        "import sys\n"
        "from pathlib import Path\n"
        "from reconciler.config import SourceSettings\n"
        "from reconciler.git.fetchers import Fetchers\n"
        "from reconciler.manifest.limits import Limits\n"
        "settings = SourceSettings(id='lab', url=sys.argv[1])\n"
        "Fetchers(Limits()).fetch(settings, Path(sys.argv[2]))\n"
    )
    mirror = tmp_path / "mirror.git"
    done = subprocess.run(
        [sys.executable, "-c", program, git_http.url(repository), str(mirror)],
        env={**os.environ, VARIABLE: f"{Point.GIT_RECEIVED}=kill9"},
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    assert not pygit2.Repository(str(mirror)).references.get(TIP)

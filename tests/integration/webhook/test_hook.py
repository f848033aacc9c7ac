"""The post-receive hook in a bare repository served over HTTP: what people push, Zoe is told."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.e2e.process import ROOT
from tests.fixtures.git_servers import BareRepository, HttpServer
from tests.fixtures.parts import missing
from tests.fixtures.postgres import OpenStore
from tests.fixtures.receiver import (
    OLD_SECRET,
    SECRET,
    WebProcess,
    hook_path,
    settings_text,
)

StartWeb = Callable[..., WebProcess]
HOOK = (ROOT / "deploy/hooks/post-receive").read_text()


@pytest.fixture
def pushed_to(bare_repo: Callable[..., BareRepository]) -> BareRepository:
    for tool in ("curl", "openssl"):
        if shutil.which(tool) is None:
            missing(tool, f"the hook needs it: apt-get install {tool}")
    repository = bare_repo()
    repository.git.config["http.receivepack"] = True
    repository.commit({"README.md": "A configuration.\n"})
    repository.hook("post-receive", HOOK.partition("\n")[2])
    return repository


class Person:
    """Somebody with a clone, who pushes over HTTP."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._run("git", "clone", "-q", url, str(folder), where=folder.parent)

    def push(self, *refspecs: str, name: str = "a") -> str:
        """Commit, push, and return what the remote said."""
        (self._folder / name).write_text(name)
        self._run("git", "add", "-A")
        self._run("git", "-c", "user.name=A", "-c", "user.email=a@b.c", "commit", "-qm", name)
        return self._run("git", "push", "-q", "origin", *refspecs)

    def _run(self, *command: str, where: Path | None = None) -> str:
        done = subprocess.run(
            command, cwd=where or self._folder, check=True, capture_output=True, text=True
        )
        return done.stderr


@pytest.fixture
def person(git_http: HttpServer, pushed_to: BareRepository, tmp_path: Path) -> Person:
    return Person(tmp_path / "person", git_http.url(pushed_to))


def configure(repository: BareRepository, folder: Path, url: str, *, secret: str = SECRET) -> None:
    (folder / "hook-secret").write_text(f"{secret}\n")
    repository.git.config["zoe.url"] = url
    repository.git.config["zoe.secretFile"] = str(folder / "hook-secret")


@pytest.fixture
def web(sqlite_url: str, start_web: StartWeb) -> WebProcess:
    return start_web(settings_text(sqlite_url, "unused", provider="generic"))


def test_a_push_over_http_makes_the_source_wanted(
    pushed_to: BareRepository,
    person: Person,
    web: WebProcess,
    open_store: OpenStore,
    sqlite_url: str,
    tmp_path: Path,
) -> None:
    store = open_store(sqlite_url)
    configure(pushed_to, tmp_path, f"http://127.0.0.1:{web.port}{hook_path()}")
    assert person.push("HEAD:main") == ""
    assert store.take_wanted() == ("platform",)
    # Several refs are one delivery; a quote is the one character of a ref that JSON minds.
    person.push("HEAD:main", 'HEAD:refs/heads/so-"called"', name="b")
    assert store.take_wanted() == ("platform",)
    person.push("HEAD:refs/heads/topic", name="c")
    assert store.take_wanted() == ()
    outcomes = [event["outcome"] for event in web.events("delivery")]
    assert outcomes == ["look", "look", "ignored"]


def test_the_hook_says_what_is_wrong_and_lets_the_push_through(
    pushed_to: BareRepository, person: Person, web: WebProcess, tmp_path: Path
) -> None:
    address = f"http://127.0.0.1:{web.port}"
    assert "git config zoe.url isn't set" in person.push("HEAD:main", name="a")
    configure(pushed_to, tmp_path, f"{address}{hook_path()}", secret=OLD_SECRET)
    assert "it doesn't know this secret (401)" in person.push("HEAD:main", name="b")
    configure(pushed_to, tmp_path, f"{address}/hooks/elsewhere")
    assert "run `zoe web --paths` (404)" in person.push("HEAD:main", name="c")
    configure(pushed_to, tmp_path, "http://127.0.0.1:1/hooks/x")
    assert "it can't be told" in person.push("HEAD:main", name="d")
    assert set(pushed_to.files()) == {"README.md", "a", "b", "c", "d"}

"""The wheel alone: what a pipeline installs to check pull requests; no Docker, no database."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import urllib.request
import venv
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.fixtures.postgres import wait_until
from tests.fixtures.verbs import CHECKOUT, Clone, lasting
from tests.repositories import EXAMPLE

FORMS = ["text", "json", "sarif", "github", "gitlab", "markdown"]
HELLO = "executions/lab/hello.yaml"


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel and the libraries that it needs; nothing of the checkout."""

    python: Path

    def __call__(self, *argv: str, cwd: Path) -> subprocess.CompletedProcess[str]:
        # Whoever asks a daemon or a database fails at once.
        nowhere = {"DOCKER_HOST": "unix:///nowhere", "ZOE_DATABASE_URL": "postgresql://:1/none"}
        return subprocess.run(
            [self.python.parent / "zoe", *argv],
            cwd=cwd,
            env={**self._environment(cwd), **nowhere},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def running(self, *argv: str, cwd: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """Run a verb that goes on; what it prints and logs is ``log`` in the folder."""
        return lasting([self.python.parent / "zoe", *argv], cwd, self._environment(cwd))

    def _environment(self, home: Path) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "HOME": str(home)}


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    home = folder / "venv"
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    into = [*pip, "--python", str(python), "install"]
    subprocess.run([*into, "--no-deps", "--no-index", "--no-compile", str(wheel)], check=True)
    (site,) = home.glob("lib/python*/site-packages")
    # The libraries of these tests; an editable install there is not followed from here.
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    where = [python, "-I", "-c", "import reconciler; print(reconciler.__file__)"]
    found = subprocess.run(where, cwd=folder, check=True, capture_output=True, text=True).stdout
    assert Path(found.strip()).is_relative_to(home)
    return Installed(python)


@pytest.fixture
def repository(clone: Clone) -> Clone:
    """The example repository, with a change of one execution proposed."""
    shutil.copytree(EXAMPLE, clone.path, dirs_exist_ok=True)
    clone.commit({})
    clone.git("checkout", "-q", "-b", "topic")
    text = clone.read(HELLO)
    clone.commit({"executions/lab/again.yaml": text.replace("name: hello", "name: again")})
    return clone


def test_manifests_are_validated(installed: Installed, repository: Clone) -> None:
    done = installed("validate", cwd=repository.path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "valid documents" in done.stdout


@pytest.mark.parametrize("form", FORMS)
def test_a_change_is_planned_in_every_form(
    installed: Installed, repository: Clone, form: str
) -> None:
    done = installed(
        *("plan", "--repo", str(repository.path), "--base", "main", "--head", "topic"),
        *("--offline", "-o", form),
        cwd=repository.path.parent,
    )
    assert (done.returncode, done.stderr) == (0, "")
    if form in ("json", "sarif", "gitlab"):
        assert json.loads(done.stdout) is not None
    if form in ("text", "json", "markdown"):
        assert "again" in done.stdout
        assert "queue unknown" in done.stdout


def test_an_error_is_told_with_its_place(installed: Installed, repository: Clone) -> None:
    repository.commit({"executions/lab/again.yaml": "kind: Execution\n"})
    done = installed("plan", "--base", "main", "--offline", "-o", "github", cwd=repository.path)
    assert done.returncode == 1
    assert "file=executions/lab/again.yaml,line=1" in done.stdout


def test_a_repository_is_begun_and_reconciled_with_its_page_on_sqlite(
    installed: Installed, clone: Clone
) -> None:
    clone.git("rm", "-q", "-r", ".")
    assert installed("init", ".", cwd=clone.path).returncode == 0
    assert installed("validate", cwd=clone.path).returncode == 0
    clone.commit({})
    folder = clone.path.parent / "machine"
    folder.mkdir()
    source = f"[[source]]\nid = 'platform'\nurl = '{clone.path}'\n"
    (folder / "zoe.toml").write_text(f"cluster = 'simulated'\nstate_dir = 'state'\n{source}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = int(free.getsockname()[1])
    with installed.running("up", "--port", str(port), cwd=folder) as up:
        wait_until(lambda: "hello" in _page(port, "/executions/lab/hello"))
        assert (folder / "state/zoe.db").exists()
        assert "htmx" in _page(port, "/static/htmx.min.js")
        up.terminate()
        assert up.wait(30) == 0, (folder / "log").read_text()


def _page(port: int, path: str) -> str:
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{port}{path}") as answer:
        page: str = answer.read().decode()
        return page
    return ""


def test_the_same_files_make_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    """Built elsewhere, later, from files of other times and rights."""
    parts = ("pyproject.toml", "README.md", "LICENSE", *("reconciler", "policy", "webhook"))
    for part in (*parts, "schema", "examples"):
        there = CHECKOUT / part
        if there.is_file():
            shutil.copyfile(there, tmp_path / part)
        else:
            no_bytecode = shutil.ignore_patterns("__pycache__")
            shutil.copytree(
                there, tmp_path / part, copy_function=shutil.copyfile, ignore=no_bytecode
            )
    command = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    made = tmp_path / "dist"
    subprocess.run(
        [sys.executable, "-m", "pip", *command, "--wheel-dir", str(made), str(tmp_path)],
        check=True,
        capture_output=True,
    )
    (again,) = made.glob("*.whl")
    assert again.name == wheel.name
    assert again.read_bytes() == wheel.read_bytes()

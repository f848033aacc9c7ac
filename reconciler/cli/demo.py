"""``zoe demo``: from two commits to running services, on real parts, told as it happens."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import click

from reconciler import config, wire
from reconciler.cli import reading
from reconciler.cli.demo_swarm import DemoSwarm
from reconciler.cli.init import example_repository, write_schema
from reconciler.cli.page_beside import free_port
from reconciler.cli.progress import Progress
from reconciler.clock import SystemClock
from reconciler.errors import ConfigError, ReconcilerError

PATIENCE = timedelta(minutes=5)
NEEDS_A_PROGRAM = "exit-3"  # on a simulated cluster nothing fails
ON_EMPTY_NODES = {"sweep", "charity", "lesson"}  # how much room there is decides what they show


@click.command("demo")
@click.option("--once", is_flag=True, help="Clean up at the end: nothing is left behind.")
@click.option("--down", is_flag=True, help="Clean up what an earlier demo left running.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=config.Settings().state_dir,
    show_default=True,
    help="Where everything is kept.",
)
def command(*, once: bool, down: bool, directory: Path) -> None:
    """Show Zoe at work: push manifests, watch them run, queue and fail, push again."""
    demo = Demo(directory.absolute())
    demo.down()
    if down:
        return
    try:
        demo.play()
    except ReconcilerError:
        click.echo(f"The demo failed; all is left to look at. Then: {demo.to_end}", err=True)
        raise
    except KeyboardInterrupt:
        if once:
            click.echo("\nCleaning up.", err=True)
            demo.down()
        else:
            click.echo(f"\nWhat was begun is left running; to end it: {demo.to_end}", err=True)
        raise
    if once:
        demo.down()
        demo.swarm.forget_images()
        click.echo("\nCleaned up: nothing is left behind.")
    else:
        demo.say_what_next()


class Demo:
    """One telling. Everything lives under one directory, so that it can be taken down again."""

    def __init__(self, directory: Path) -> None:
        self.swarm = DemoSwarm(directory)
        self._home = directory / "demo"
        self._clone = self._home / "config"
        self._bare = self._home / "config.git"
        self._settings_file = self._home / "zoe.toml"
        self._pid_file = self._home / "zoe.pid"
        self._page = ""

    def play(self) -> None:
        """Tell the whole story."""
        self._home.mkdir(parents=True, exist_ok=True)
        self._title("A Swarm")
        self.swarm.settle()
        self._title("A configuration repository")
        self._repository()
        self._start()
        self._title("The first push")
        self._push("first", "Add the lab's executions")
        self._wait(
            {
                "notebook": "Running",
                "hello": "Succeeded",
                "exit-3": "Failed",
                "web": "Running",
                "whole-cluster": "Queued",
                "typo": "Invalid",
            }
        )
        self._show_first()
        if self.swarm.is_lab:
            self._show_sharing()
        self._title("The second push: hello runs again, web is deleted")
        self._push("second", "Run hello again, drop web")
        self._wait({"hello": "Succeeded", "web": "Stopped"}, run={"hello": 2})
        self._table()
        self._logs("hello")
        if self.swarm.is_lab:
            self._show_yielding()
        self._title("The status branch, for whoever only has Git")
        self._git_log()

    def say_what_next(self) -> None:
        """End with what to look at."""
        self._title("What to look at next")
        click.echo(f"  cd {self._clone}   edit a manifest, git commit, git push; then:")
        click.echo(f"  export ZOE_CONFIG={self._settings_file}")
        click.echo(f"  {self._page:<23} the page: who runs, who waits, why, until when")
        click.echo("  zoe status              the same in the terminal")
        click.echo("  zoe events aml/hello    what happened to it")
        click.echo("  zoe plan                what your last commit would do")
        click.echo(f"  {self.to_end}   take everything down")

    @property
    def to_end(self) -> str:
        """What takes everything down."""
        return f"zoe demo --down --dir {shlex.quote(str(self._home.parent))}"

    def down(self) -> None:
        """Take down whatever an earlier telling left: the reconciler, its services, the lab."""
        self._stop_reconciler()
        self.swarm.down(self._settings_file)
        shutil.rmtree(self._home, ignore_errors=True)

    # -- the parts ------------------------------------------------------------------------------

    def _repository(self) -> None:
        example = example_repository()
        for part in ("platform.yaml", "namespaces", "zapps/jupyter", "zapps/hello-batch"):
            source, target = example / part, self._clone / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copyfile(source, target)
        write_schema(self._clone)
        if self.swarm.is_lab:
            self._rewrite_images()
        self._git("init", "-q", "--bare", "-b", "main", str(self._bare), cwd=self._home)
        self._git("init", "-q", "-b", "main", ".")
        self._git("remote", "add", "origin", str(self._bare))
        self._settings_file.write_text(self._settings(), encoding="utf-8")
        click.echo(f"In {self._clone}, pushed to {self._bare}.")

    def _rewrite_images(self) -> None:
        """Let the platform map the public image to the one that was built here."""
        path = self._clone / "platform.yaml"
        text = path.read_text(encoding="utf-8")
        line = "    rewrite: {quay.io/jupyter/base-notebook: zoe-lab/jupyter}"
        text = re.sub(r"^ *# rewrite:.*$", line, text, flags=re.MULTILINE)
        path.write_text(text, encoding="utf-8")

    def _settings(self) -> str:
        cluster = "simulated" if self.swarm.is_simulated else "swarm"
        return (
            'deployment = "demo"\n'
            f'cluster = "{cluster}"\n'
            f'docker_host = "{self.swarm.docker_host}"\n'
            'state_dir = "state"\n'
            "interval_s = 5\n"
            '[[source]]\nid = "platform"\nurl = "config.git"\n'.replace(
                "config.git", str(self._bare)
            )
        )

    def _start(self) -> None:
        """Start the reconciler as an operator would."""
        with wire.store(self._config()) as store:
            store.migrate()  # before it starts: the story reads it too
        log = (self._home / "zoe.log").open("w", encoding="utf-8")
        port = free_port("127.0.0.1", 8080, 0)
        process = subprocess.Popen(  # noqa: S603 - ourselves
            [sys.executable, "-m", "reconciler", "up", "--port", str(port)],
            env=os.environ | self._variables(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._pid_file.write_text(str(process.pid), encoding="utf-8")
        self._page = f"http://127.0.0.1:{port}/"
        click.echo(f"zoe up reconciles it; its log is {self._home / 'zoe.log'}.")
        click.echo(f"Watch along: {self._page}")

    # -- the story ------------------------------------------------------------------------------

    def _push(self, folder: str, message: str) -> None:
        changes = example_repository().parent / "demo" / folder
        for source in sorted(changes.rglob("*.yaml")):
            if source.stem in self._left_out():
                continue
            target = self._clone / source.relative_to(changes)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text(encoding="utf-8")
            if text:
                target.write_text(self.swarm.fitted(text, self._config()), encoding="utf-8")
            else:
                target.unlink()
        self._git("add", "-A")
        self._git("commit", "-q", "-m", message)
        self._git("push", "-q", "origin", "main")
        with reading.required_database(self._config()) as store:
            store.request_pass("platform")
        click.echo(f"git push: {message}.")

    def _left_out(self) -> set[str]:
        """Return which manifests would show nothing on this cluster."""
        without = set() if self.swarm.is_lab else ON_EMPTY_NODES
        return without | {NEEDS_A_PROGRAM} if self.swarm.is_simulated else without

    def _wait(self, phases: Mapping[str, str], *, run: Mapping[str, int] | None = None) -> None:
        """Wait until each execution is in its phase, showing what is missing."""
        clock, pause = SystemClock(), threading.Event()
        until = clock.now() + PATIENCE
        with Progress("waiting") as progress:
            while missing := self._missing(phases, run or {}):
                progress.tell("waiting: " + ", ".join(missing))
                if clock.now() > until:
                    self._table()
                    self._zoe("events")
                    raise ReconcilerError(
                        f"the demo waited in vain: {', '.join(missing)}; "
                        f"see {self._home / 'zoe.log'}"
                    )
                pause.wait(0.3)

    def _missing(self, phases: Mapping[str, str], run: Mapping[str, int]) -> list[str]:
        found = self._documents()
        missing = []
        for name, phase in phases.items():
            if name in self._left_out():
                continue
            document = found.get(name)
            now = document["status"]["phase"] if document else "not seen"
            is_old = document is not None and document["metadata"]["run"] < run.get(name, 0)
            if now != phase or is_old:
                missing.append(f"{name} is {now}")
        return missing

    def _show_first(self) -> None:
        self._table()
        self._logs("hello")
        if NEEDS_A_PROGRAM not in self._left_out():
            self._logs(NEEDS_A_PROGRAM)
        self._title("The broken manifest")
        self._zoe("validate", str(self._clone / "executions/lab/typo.yaml"))
        self._title("The notebook answers")
        notebook = self._documents()["notebook"]
        token = self._token(notebook["metadata"]["uid"])
        for endpoint in notebook["status"].get("endpoints", []):
            url = endpoint["url"]
            click.echo(f"  {url}?token={token}   {self._answer(url, token)}")

    def _token(self, uid: str) -> str:
        """Return the notebook's password: nobody here is a member whom Zoe could tell it."""
        return wire.keyring(self._config()).text("secret", "aml", uid, "token")

    def _show_sharing(self) -> None:
        self._title("What is left is used: sweep has grown, and charity fills the rest")
        self._wait({"sweep": "Running", "charity": "Running"})
        self._zoe("explain", "aml/sweep")
        self._zoe("cluster")

    def _show_yielding(self) -> None:
        self._title("The same push added lesson: charity and a replica of sweep made room for it")
        self._wait({"lesson": "Running"})
        self._zoe("explain", "aml/lesson")
        self._zoe("explain", "aml/sweep")
        self._zoe("explain", "aml/charity")

    def _answer(self, url: str, token: str) -> str:
        """Ask the notebook server itself who it is."""
        import requests

        if self.swarm.is_simulated:
            return "(simulated)"
        reply = requests.get(
            urljoin(url, "api/status"), headers={"Authorization": f"token {token}"}, timeout=10
        )
        return f"HTTP {reply.status_code}, kernels: {reply.json().get('kernels')}"

    def _table(self) -> None:
        click.echo()
        self._zoe("status")

    def _logs(self, name: str) -> None:
        click.echo(f"\n  zoe logs aml/{name}")
        self._zoe("logs", f"aml/{name}")

    def _git_log(self) -> None:
        self._wait_for_publication()
        self._git("fetch", "-q", "origin")
        self._git("log", "--oneline", "-3", "origin/zoe/status", show=True)

    def _wait_for_publication(self) -> None:
        pause, clock = threading.Event(), SystemClock()
        until = clock.now() + timedelta(seconds=40)
        with Progress("waiting for the status branch"):
            while not self._is_published() and clock.now() < until:
                pause.wait(0.5)

    def _is_published(self) -> bool:
        done = self._run(
            [
                "git",
                "--git-dir",
                str(self._bare),
                "rev-parse",
                "-q",
                "--verify",
                "refs/heads/zoe/status",
            ]
        )
        return done.returncode == 0

    # -- small things ---------------------------------------------------------------------------

    def _config(self) -> config.Settings:
        return config.load(dict(os.environ) | self._variables())

    def _variables(self) -> dict[str, str]:
        return {
            "ZOE_CONFIG": str(self._settings_file),
            "DOCKER_HOST": self.swarm.docker_host,
        }

    def _documents(self) -> dict[str, Mapping[str, Any]]:
        with reading.required_database(self._config()) as store:
            rows = store.load().executions
        newest: dict[str, Mapping[str, Any]] = {}
        for row in sorted(rows, key=lambda row: row.run):
            newest[row.name] = row.status
        return newest

    def _zoe(self, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-m", "reconciler", *arguments],
            env=os.environ | self._variables(),
            check=False,
        )
        del done  # what it found is what is shown

    def _git(self, *arguments: str, cwd: Path | None = None, show: bool = False) -> None:
        who = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
        done = self._run(["git", *who, *arguments], cwd=cwd or self._clone)
        if done.returncode:
            raise ConfigError(f"git {arguments[0]}: {done.stderr.strip()}")
        if show:
            click.echo(done.stdout.rstrip())

    def _run(
        self, arguments: list[str], cwd: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        return subprocess.run(  # noqa: S603 - fixed words
            arguments, cwd=cwd or self._home, capture_output=True, text=True, check=False
        )

    def _title(self, text: str) -> None:
        click.secho(f"\n{text}", bold=True)

    def _stop_reconciler(self) -> None:
        if not self._pid_file.exists():
            return
        pid = int(self._pid_file.read_text(encoding="utf-8"))
        if _is_ours(pid):
            os.kill(pid, signal.SIGTERM)
            _await(lambda: not _is_ours(pid))
        self._pid_file.unlink()


def _is_ours(pid: int) -> bool:
    """Tell whether the pid still is a reconciler: pids are used again."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"reconciler" in words


def _await(condition: Callable[[], bool], *, timeout_s: float = 15) -> None:
    pause, clock = threading.Event(), SystemClock()
    until = clock.now() + timedelta(seconds=timeout_s)
    while not condition() and clock.now() < until:
        pause.wait(0.1)

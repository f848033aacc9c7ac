"""``zoe demo``: from two commits to running services, on real parts, told as it happens."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from reconciler import config, wire
from reconciler.cli import reading
from reconciler.cli.init import example_repository, write_schema
from reconciler.cli.progress import Progress
from reconciler.clock import SystemClock
from reconciler.converge.state import LABEL_UID
from reconciler.errors import ClusterUnavailable, ConfigError, ReconcilerError

SECRET = "aml-jupyter-token"  # noqa: S105 - its name
TOKEN = "zoe-demo"  # noqa: S105 - of a throw-away notebook, and printed
PATIENCE = timedelta(minutes=5)
LAB_NODES = 3


@click.command("demo")
@click.option("--once", is_flag=True, help="Clean up at the end: nothing is left behind.")
@click.option("--down", is_flag=True, help="Clean up what an earlier demo left running.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(".state"),
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
        click.echo("The demo failed; all is left to look at. Then: zoe demo --down", err=True)
        raise
    if once:
        demo.down()
        demo.forget_images()
        click.echo("\nCleaned up: nothing is left behind.")
    else:
        demo.say_what_next()


class Demo:
    """One telling. Everything lives under one directory, so that it can be taken down again."""

    def __init__(self, directory: Path) -> None:
        self._home = directory / "demo"
        self._images = directory / "images"
        self._clone = self._home / "config"
        self._bare = self._home / "config.git"
        self._lab_dir = directory / "lab"
        self._pid_file = self._home / "zoe.pid"
        self._environment: dict[str, str] = {}

    def play(self) -> None:
        """Tell the whole story."""
        self._home.mkdir(parents=True, exist_ok=True)
        self._title("A Swarm")
        is_lab = self._cluster()
        self._title("A configuration repository")
        self._repository(has_built_image=is_lab)
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
        self._title("The second push: hello runs again, web is deleted")
        self._push("second", "Run hello again, drop web")
        self._wait({"hello": "Succeeded", "web": "Stopped"}, run={"hello": 2})
        self._table()
        self._logs("hello")
        self._title("The status branch, for whoever only has Git")
        self._git_log()

    def say_what_next(self) -> None:
        """End with what to look at."""
        self._title("What to look at next")
        click.echo(f"  cd {self._clone}   edit a manifest, git commit, git push; then:")
        click.echo(f"  export ZOE_CONFIG={self._home / 'zoe.toml'}")
        click.echo("  zoe status              who runs, who waits, and why")
        click.echo("  zoe events aml/hello    what happened to it")
        click.echo("  zoe plan                what your last commit would do")
        click.echo("  make demo ARGS=--down   take everything down")

    def down(self) -> None:
        """Take down whatever an earlier telling left: the reconciler, its services, the lab."""
        self._stop_reconciler()
        if (self._lab_dir / "state.json").exists() or self._lab_dir.exists():
            from reconciler.cluster.lab.lab import Lab

            Lab(self._lab_dir).down()
        elif (self._home / "zoe.toml").exists():
            self._remove_services()
        shutil.rmtree(self._home, ignore_errors=True)

    def forget_images(self) -> None:
        """Remove the images that were built: the next demo builds them again."""
        shutil.rmtree(self._images, ignore_errors=True)

    # -- the parts ------------------------------------------------------------------------------

    def _cluster(self) -> bool:
        """Find a Swarm, or start one; return whether it is a lab with images built here."""
        host = os.environ.get("DOCKER_HOST", "")
        if self._is_manager(host):
            click.echo(f"Using the Swarm at {host or 'the local socket'}.")
            self._environment["DOCKER_HOST"] = host
            return False
        if os.geteuid() == 0 and sys.platform == "linux":
            self._start_lab()
            return True
        click.echo("No Docker Swarm here and not root: the cluster is simulated.")
        self._environment["ZOE_DEMO_CLUSTER"] = "simulated"
        return False

    def _is_manager(self, host: str) -> bool:
        settings = replace(config.Settings(), docker_host=host)
        try:
            with wire.cluster(settings, SystemClock()) as cluster:
                cluster.observe()
        except ClusterUnavailable:
            return False
        return True

    def _start_lab(self) -> None:
        from reconciler.cluster.lab import image, recipe
        from reconciler.cluster.lab.lab import Lab

        with Progress("starting engines") as progress:
            lab = Lab(self._lab_dir, say=progress.tell)
            lab.up(nodes=LAB_NODES)
            for name in ("busybox", "jupyter"):
                built = image.build(
                    recipe.read(recipe.locate(name)), self._images, say=progress.tell
                )
                progress.tell(f"loading the image {built.tags[0]}")
                lab.load_image(built.archive)
        click.echo(f"A lab of {LAB_NODES} real Docker engines runs in {self._lab_dir}.")
        self._environment["DOCKER_HOST"] = lab.docker_host

    def _repository(self, *, has_built_image: bool) -> None:
        example = example_repository()
        for part in ("platform.yaml", "namespaces", "zapps/jupyter", "zapps/hello-batch"):
            source, target = example / part, self._clone / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            else:
                shutil.copyfile(source, target)
        write_schema(self._clone)
        if has_built_image:
            self._rewrite_images()
        self._git("init", "-q", "--bare", "-b", "main", str(self._bare), cwd=self._home)
        self._git("init", "-q", "-b", "main", ".")
        self._git("remote", "add", "origin", str(self._bare))
        (self._home / "zoe.toml").write_text(self._settings(), encoding="utf-8")
        click.echo(f"In {self._clone}, pushed to {self._bare}.")

    def _rewrite_images(self) -> None:
        """Let the platform map the public image to the one that was built here."""
        path = self._clone / "platform.yaml"
        text = path.read_text(encoding="utf-8")
        line = "    rewrite: {quay.io/jupyter/base-notebook: zoe-lab/jupyter}"
        text = re.sub(r"^ *# rewrite:.*$", line, text, flags=re.MULTILINE)
        path.write_text(text, encoding="utf-8")

    def _settings(self) -> str:
        cluster = "simulated" if "ZOE_DEMO_CLUSTER" in self._environment else "swarm"
        return (
            'deployment = "demo"\n'
            f'cluster = "{cluster}"\n'
            f'docker_host = "{self._environment.get("DOCKER_HOST", "")}"\n'
            'state_dir = "state"\n'
            "interval_s = 5\n"
            '[[source]]\nid = "platform"\nurl = "config.git"\n'.replace(
                "config.git", str(self._bare)
            )
        )

    def _start(self) -> None:
        """Create the notebook's token, and start the reconciler as an operator would."""
        if self._environment.get("DOCKER_HOST"):
            self._create_secret()
        with wire.store(self._config()) as store:
            store.migrate()  # before it starts: the story reads it too
        log = (self._home / "zoe.log").open("w", encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "run"],
            env=os.environ | self._variables(),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        self._pid_file.write_text(str(process.pid), encoding="utf-8")
        click.echo(f"zoe run reconciles it; its log is {self._home / 'zoe.log'}.")

    def _create_secret(self) -> None:
        import docker

        client = docker.APIClient(base_url=self._environment["DOCKER_HOST"], version="auto")
        if not client.secrets(filters={"name": SECRET}):
            client.create_secret(SECRET, TOKEN.encode(), labels={"zoe.demo": "true"})
        client.close()

    # -- the story ------------------------------------------------------------------------------

    def _push(self, folder: str, message: str) -> None:
        changes = example_repository().parent / "demo" / folder
        for source in sorted(changes.rglob("*.yaml")):
            target = self._clone / source.relative_to(changes)
            target.parent.mkdir(parents=True, exist_ok=True)
            text = source.read_text(encoding="utf-8")
            if text:
                target.write_text(self._fitted(text), encoding="utf-8")
            else:
                target.unlink()
        self._git("add", "-A")
        self._git("commit", "-q", "-m", message)
        self._git("push", "-q", "origin", "main")
        with reading.required_database(self._config()) as store:
            store.request_pass("platform")
        click.echo(f"git push: {message}.")

    def _fitted(self, text: str) -> str:
        """Make ``whole-cluster`` as large as this cluster, so that it has to wait."""
        if "name: whole-cluster" not in text:
            return text
        with wire.cluster(self._config(), SystemClock()) as cluster:
            every = cluster.observe().nodes
        nodes = [node for node in every if not node.is_manager] or every
        cpus = min(node.capacity.cpu_millis for node in nodes) - 400
        text = text.replace("cpus: 1.6", f"cpus: {cpus // 1000}.{cpus % 1000 // 100}")
        return text.replace("replicas: 2 ", f"replicas: {len(nodes)} ")

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
            document = found.get(name)
            now = document["status"]["phase"] if document else "not seen"
            is_old = document is not None and document["metadata"]["run"] < run.get(name, 0)
            if now != phase or is_old:
                missing.append(f"{name} is {now}")
        return missing

    def _show_first(self) -> None:
        self._table()
        self._logs("hello")
        self._logs("exit-3")
        self._title("The broken manifest")
        self._zoe("validate", str(self._clone / "executions/lab/typo.yaml"))
        self._title("The notebook answers")
        for endpoint in self._documents()["notebook"]["status"].get("endpoints", []):
            click.echo(f"  {endpoint['url']}?token={TOKEN}   {self._answer(endpoint['url'])}")

    def _answer(self, url: str) -> str:
        """Ask the notebook server itself who it is."""
        import requests

        root = re.match(r"https?://[^/]+", url)
        if root is None or self._is_simulated:
            return "(simulated)"
        reply = requests.get(
            f"{root[0]}/api/status", headers={"Authorization": f"token {TOKEN}"}, timeout=10
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

    @property
    def _is_simulated(self) -> bool:
        return "ZOE_DEMO_CLUSTER" in self._environment

    def _config(self) -> config.Settings:
        return config.load(dict(os.environ) | self._variables())

    def _variables(self) -> dict[str, str]:
        return {
            "ZOE_CONFIG": str(self._home / "zoe.toml"),
            "DOCKER_HOST": self._environment.get("DOCKER_HOST", ""),
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

    def _remove_services(self) -> None:
        settings = config.load({"ZOE_CONFIG": str(self._home / "zoe.toml")})
        if settings.cluster == "simulated":
            return
        with wire.cluster(settings, SystemClock()) as cluster:
            for service in cluster.observe().services:
                cluster.remove_service(service.id, uid=service.spec.labels.get(LABEL_UID, ""))


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

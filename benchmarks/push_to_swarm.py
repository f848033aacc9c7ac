"""From an isolated push to the first call that reaches the Swarm because of it.

Everything is real: ``git push`` to a bare repository, its post-receive hook, ``zoe web`` and ``zoe
run`` as processes of their own, their database, a Swarm. Pushes come one by one, further apart than
the least time between two fetches. Measured from the start of ``git push`` until the engine's own
time of the new service's creation; the interval between looks is far longer than that.

Budget: 2 s for 95 of 100.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path
from time import perf_counter, time
from typing import Any

import docker

from benchmarks.on_swarm import swarm
from benchmarks.report import Row, arguments, show
from reconciler.pacing import SPACING_S
from webhook.endpoint import derived_name

CHECKOUT = Path(__file__).parents[1]
SECRET = "a-secret-that-only-this-benchmark-knows"
STATUS = "zoe/status"
BUDGET_MS = 2000
_HEAD = "apiVersion: zoe/v1\nkind: {}\nmetadata: {{name: {}}}\nspec:"
_EXECUTION = """
  type: interactive
  services:
    main:
      image: busybox
      command: [sleep, "3600"]
      resources: {reservations: {cpus: 0.02, memory: 8MiB}}
"""


class Installation:
    """A person's clone, the repository that it pushes to, and the two processes."""

    def __init__(self, folder: Path, docker_host: str, database: str) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._bare, self._clone = folder / "config.git", folder / "clone"
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self._bare))
        self._git("clone", "--quiet", str(self._bare), str(self._clone))
        self.push(
            {
                "platform.yaml": _HEAD.format("Platform", "platform") + " {}\n",
                "namespaces/aml.yaml": _HEAD.format("Namespace", "aml") + " {}\n",
                "executions/aml/first.yaml": _HEAD.format("Execution", "first") + _EXECUTION,
            }
        )
        settings = {
            "deployment": f"push{os.getpid()}",
            "database_url": database or f"sqlite:///{folder}/zoe.db",
            "docker_host": docker_host,
            "interval_s": 3600,
        }
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        lines += ["[[source]]", 'id = "platform"', f'url = "{self._bare}"', "[source.webhook]"]
        lines += ['provider = "generic"', 'secret_file = "secret"']
        lines += ["[limits]", "manifests_per_namespace = 20000"]  # for a flood of one person
        (folder / "zoe.toml").write_text("\n".join(lines) + "\n")
        (folder / "secret").write_text(SECRET)
        self.run = self._start("run", "--verbose")
        wait_until(lambda: bool(self._events("run", "fetched")), what="the first fetch")
        self.web = self._start("web", "--port", "0")
        wait_until(lambda: bool(self._events("web", "listening")), what="the receiver")
        self.port: int = self._events("web", "listening")[0]["port"]
        self._install_hook(self.port)

    def push(self, files: dict[str, str]) -> float:
        """Commit and push; return the time at which the push began."""
        for path, text in files.items():
            (self._clone / path).parent.mkdir(parents=True, exist_ok=True)
            (self._clone / path).write_text(text)
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org")
        self._git("-C", str(self._clone), "add", "--all")
        self._git("-C", str(self._clone), *who, "commit", "--quiet", "--message", "push")
        began = time()
        self._git("-C", str(self._clone), "push", "--quiet", "origin", "HEAD:main")
        return began

    def status_bytes(self) -> int:
        """Return how much the repository holds beside the manifests: the status branch."""
        sizes = self._git("-C", str(self._bare), "rev-list", "--disk-usage", "--objects", STATUS)
        return int(sizes)

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.terminate()
            process.wait(30)

    def _install_hook(self, port: int) -> None:
        url = f"http://127.0.0.1:{port}/hooks/{derived_name('platform', SECRET.encode())}"
        self._git("-C", str(self._bare), "config", "zoe.url", url)
        self._git("-C", str(self._bare), "config", "zoe.secretFile", str(self._folder / "secret"))
        hook = self._bare / "hooks" / "post-receive"
        hook.write_text((CHECKOUT / "deploy/hooks/post-receive").read_text())
        hook.chmod(0o755)

    def _git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True)
        return done.stdout

    def _start(self, *command: str) -> subprocess.Popen[bytes]:
        with (self._folder / f"{command[0]}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "reconciler", *command],
                cwd=self._folder,
                env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
                stdout=log,
                stderr=log,
            )
        self._processes.append(process)
        return process

    def _events(self, process: str, event: str) -> list[dict[str, Any]]:
        lines = (self._folder / f"{process}.log").read_text().split("\n")[:-1]
        return [line for line in map(json.loads, lines) if line["event"] == event]


def wait_until(condition: Callable[[], object], *, what: str) -> None:
    """Return once the condition holds."""
    pause, end = threading.Event(), perf_counter() + 90
    while not condition():
        if perf_counter() > end:
            raise TimeoutError(f"waited in vain for {what}")
        pause.wait(0.1)


@contextmanager
def installation(docker_host: str, database: str) -> Iterator[Installation]:
    """Set one up, and take it down."""
    with tempfile.TemporaryDirectory(prefix="zb") as name:
        made = Installation(Path(name), docker_host, database)
        try:
            yield made
        finally:
            made.close()


def created(client: Any, execution: str) -> list[float]:
    """Return when the services of an execution were created, by the engine's clock."""
    found = client.services(filters={"label": f"zoe.execution={execution}"})
    return [
        datetime.fromisoformat(service["CreatedAt"][:26] + "+00:00").timestamp()
        for service in found
    ]


def measure(there: Installation, client: Any, *, rounds: int) -> Row:
    """Push again and again, and say how long the first call took."""
    wait_until(lambda: created(client, "first"), what="the first execution")
    times = []
    for number in range(rounds):
        threading.Event().wait(SPACING_S + 2)  # isolated: nothing is held back for the last one
        name = f"push-{number}"
        file = _HEAD.format("Execution", name) + _EXECUTION
        began = there.push({f"executions/aml/{name}.yaml": file})
        wait_until(lambda name=name: created(client, name), what=name)
        times.append((min(created(client, name)) - began) * 1000)
    p95 = sorted(times)[max(0, -(-len(times) * 95 // 100) - 1)]
    median = sorted(times)[len(times) // 2]
    return Row(
        name=f"{rounds} isolated pushes -> first call, p95",
        rounds_ms=(p95,),
        budget_ms=BUDGET_MS,
        note=f"median {median:.0f} ms, longest {max(times):.0f} ms",
    )


def main() -> None:
    parser = arguments(__doc__, rounds=20)
    parser.add_argument("--docker-host", default="", help="A Swarm's; else a lab is made (root).")
    parser.add_argument("--database", default="", help="an empty one; default: SQLite")
    given = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="zb") as name,
        swarm(given.docker_host, Path(name)) as docker_host,
        closing(docker.APIClient(base_url=docker_host, version="auto", timeout=60)) as client,
        installation(docker_host, given.database) as there,
    ):
        rows = [measure(there, client, rounds=given.rounds)]
    show(rows, output=given.output)


if __name__ == "__main__":
    main()

"""Somebody changes or removes a service by hand: how soon Zoe's repair reaches the engine.

A real ``zoe run`` over a lab's Swarm, with so long an interval that only events wake it. What it
asks of the engine passes through :class:`Tap`, which notes when each write arrives. Measured from
the engine's own time of the event. Rounds go through the kinds of change in turns, one at a time,
each when all is quiet again.

Budget: 100 ms, for 95 of 100.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from statistics import median
from time import monotonic, time
from typing import Any

import docker

from benchmarks.on_swarm import HEAD, SLEEPS, Repository, swarm
from benchmarks.report import Row, arguments, show

CHECKOUT = Path(__file__).parents[1]
BUDGET_MS = 100
QUIET_S, PATIENCE_S = 2.0, 90.0
_WRITE = re.compile(rb"(?:POST|DELETE) /v[0-9.]+(/\S+)")


class Tap:
    """Passes connections to a socket on to the engine's, and notes the writes that pass."""

    def __init__(self, path: Path, engine: str) -> None:
        self.writes: list[tuple[float, str]] = []
        self._asked_at = monotonic()
        self._engine = engine.removeprefix("unix://")
        self._open: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def quiet_s(self) -> float:
        """How long nothing was asked."""
        return monotonic() - self._asked_at

    def close(self) -> None:
        """Cut all connections."""
        self._listener.close()
        for connection in self._open:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                engine = socket.socket(socket.AF_UNIX)
                engine.connect(self._engine)
                self._open += [client, engine]
                for pump in (
                    lambda a=client, b=engine: self._pump(a, b, self._note),
                    lambda a=engine, b=client: self._pump(a, b, lambda _: None),
                ):
                    threading.Thread(target=pump, daemon=True).start()

    def _pump(
        self, source: socket.socket, target: socket.socket, note: Callable[[bytes], None]
    ) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 18):
                note(data)
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _note(self, data: bytes) -> None:
        self._asked_at = monotonic()
        if found := _WRITE.match(data):
            self.writes.append((time(), found[1].decode()))


class Events:
    """When the engine says that services were changed."""

    def __init__(self, client: Any) -> None:
        self.seen: list[tuple[float, str]] = []
        self._stream = client.events(decode=True, filters={"type": "service"})
        threading.Thread(target=self._listen, daemon=True).start()

    def close(self) -> None:
        """End the stream."""
        self._stream.close()

    def _listen(self) -> None:
        with suppress(Exception):  # whatever a closed stream ends in
            for event in self._stream:
                self.seen.append((event["timeNano"] / 1e9, event["Actor"]["ID"]))


def scaled(client: Any, service: dict[str, Any]) -> None:
    """Scale it."""
    service["Spec"]["Mode"]["Replicated"]["Replicas"] += 1
    _update(client, service)


def relabelled(client: Any, service: dict[str, Any]) -> None:
    """Spoil the label that says what it is."""
    service["Spec"]["Labels"]["zoe.spec-hash"] = "by hand"
    _update(client, service)


def repainted(client: Any, service: dict[str, Any]) -> None:
    """Let it run another image."""
    service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"] = "busybox:latest"
    _update(client, service)


def removed(client: Any, service: dict[str, Any]) -> None:
    """Remove it."""
    client.remove_service(service["ID"])


CHANGES = (scaled, relabelled, repainted, removed)


def _update(client: Any, service: dict[str, Any]) -> None:
    spec = service["Spec"]
    client.update_service(
        service["ID"],
        service["Version"]["Index"],
        spec["TaskTemplate"],
        name=spec["Name"],
        labels=spec["Labels"],
        mode=spec["Mode"],
        update_config=spec["UpdateConfig"],
        endpoint_spec=spec["EndpointSpec"],
    )


def wait_until(condition: Callable[[], object], *, what: str) -> None:
    """Return once the condition holds."""
    pause, end = threading.Event(), monotonic() + PATIENCE_S
    while not condition():
        if monotonic() > end:
            raise TimeoutError(f"waited in vain for {what}")
        pause.wait(0.05)


@contextmanager
def running(folder: Path, docker_host: str, deployment: str, services: int) -> Iterator[None]:
    """Have ``zoe run`` keep so many interactive executions."""
    folder.mkdir()
    subprocess.run(["git", "init", "--quiet", "--bare", folder / "config.git"], check=True)
    files = {"namespaces/lab.yaml": HEAD.format("Namespace", "lab") + "spec: {}\n"}
    for number in range(services):
        name = f"e{number}"
        files[f"executions/lab/{name}.yaml"] = HEAD.format("Execution", name) + SLEEPS
    Repository(folder / "config.git").commit(files)
    settings = {"deployment": deployment, "docker_host": docker_host, "interval_s": 3600}
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    lines += ["[[source]]", 'id = "platform"', f'url = "{folder / "config.git"}"']
    lines += ['branch = "main"']
    (folder / "zoe.toml").write_text("\n".join(lines) + "\n")
    with (folder / "run.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "reconciler", "run", "--verbose"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            stdout=log,
            stderr=log,
        )
    try:
        yield
    finally:
        process.terminate()
        process.wait(30)


def measure(client: Any, tap: Tap, events: Events, deployment: str, *, rounds: int) -> list[Row]:
    """Change something again and again, and say how long the repair took to be asked for."""
    filters = {"label": f"zoe.deployment={deployment}"}
    taken: dict[str, list[float]] = {change.__name__: [] for change in CHANGES}
    for number in range(rounds * len(CHANGES)):
        change = CHANGES[number % len(CHANGES)]
        wait_until(lambda: tap.quiet_s > QUIET_S, what="quiet")
        services = sorted(client.services(filters=filters), key=lambda s: str(s["Spec"]["Name"]))
        service = services[number // len(CHANGES) % len(services)]
        id_, heard, written = service["ID"], len(events.seen), len(tap.writes)
        change(client, service)
        wait_until(lambda h=heard, w=written: events.seen[h:] and tap.writes[w:], what="a repair")
        at = next(at for at, changed in events.seen[heard:] if changed == id_)
        repaired, path = tap.writes[written]
        expected = "/services/create" if change is removed else f"/services/{id_}/update"
        if not path.startswith(expected):
            raise RuntimeError(f"{path} isn't {expected}")
        taken[change.__name__].append((repaired - at) * 1000)
    everything = sorted(ms for times in taken.values() for ms in times)
    p95 = everything[max(0, -(-len(everything) * 95 // 100) - 1)]
    return [
        Row(
            name=f"{len(everything)} changes by hand -> repair, p95",
            rounds_ms=(p95,),
            budget_ms=BUDGET_MS,
            note=f"median {median(everything):.0f} ms, longest {everything[-1]:.0f} ms",
        ),
        *(Row(name=f"  {name}", rounds_ms=tuple(times)) for name, times in taken.items()),
    ]


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--docker-host", default="", help="A Swarm's; else a lab is made (root).")
    parser.add_argument("--services", type=int, default=10)
    given = parser.parse_args()
    deployment = f"drift{os.getpid()}"
    with (
        tempfile.TemporaryDirectory(prefix="zb") as name,
        swarm(given.docker_host, Path(name)) as docker_host,
        closing(docker.APIClient(base_url=docker_host, version="auto", timeout=60)) as client,
        closing(Tap(Path(name) / "tap.sock", docker_host)) as tap,
        closing(Events(client)) as events,
    ):
        through = f"unix://{name}/tap.sock"
        filters = {"label": f"zoe.deployment={deployment}"}
        with running(Path(name) / "zoe", through, deployment, given.services):
            wait_until(
                lambda: len(client.services(filters=filters)) == given.services, what="services"
            )
            rows = measure(client, tap, events, deployment, rounds=given.rounds)
        for service in client.services(filters=filters):
            client.remove_service(service["ID"])
    show(rows, output=given.output)


if __name__ == "__main__":
    main()

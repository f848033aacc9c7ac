"""Five services on a fresh overlay of a real Swarm: Zoe against a bare script.

Each round Zoe sees a new commit that asks for one execution of five services in a new namespace;
then (or before, in turns) the script starts services of the very same specs. Measured: commit
visible until the Swarm has accepted all five, and until all five run. Budgets: 100 ms, and 1.10
times what the script needs.
"""

from __future__ import annotations

import random
import tempfile
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

import docker
import pygit2

from benchmarks import bare_services
from benchmarks.report import Row, arguments, show
from reconciler import wire
from reconciler.cluster.lab import image as images
from reconciler.cluster.lab import recipe
from reconciler.cluster.lab.lab import Lab
from reconciler.config import Settings, SourceSettings
from reconciler.loop import Loop

BUDGET_ACCEPTED_MS = 100
BUDGET_RATIO = 1.10
_PASSES_MOST = 500
_PLATFORM = "apiVersion: zoe/v1\nkind: Platform\nmetadata: {name: platform}\nspec: {}\n"
_NAMESPACE = "apiVersion: zoe/v1\nkind: Namespace\nmetadata: {name: NS}\nspec: {}\n"
_KEPT = """\
apiVersion: zoe/v1
kind: Execution
metadata: {name: kept}
spec:
  type: interactive
  suspend: true
  services: {main: {image: busybox}}
"""
# A repository without any manifest would look like an accident to the prune guard.
_ALWAYS = {
    "platform.yaml": _PLATFORM,
    "namespaces/kept.yaml": _NAMESPACE.replace("NS", "kept"),
    "executions/kept/kept.yaml": _KEPT,
}
_EXECUTION = """\
apiVersion: zoe/v1
kind: Execution
metadata: {name: five}
spec:
  type: interactive
  services:
"""
_SERVICE = """\
    NAME:
      image: busybox
      command: [sleep, "3600"]
      stop_grace_period: 1s
      resources: {reservations: {cpus: 0.05, memory: 16MiB}}
"""


@dataclass
class Repository:
    """A bare repository whose branch is moved by commits of whole trees."""

    path: Path

    def commit(self, files: dict[str, str]) -> None:
        """Make the branch hold exactly these files."""
        git = pygit2.Repository(str(self.path))
        index = pygit2.Index()
        for name, text in files.items():
            blob = git.create_blob(text.encode())
            index.add(pygit2.IndexEntry(name, blob, pygit2.enums.FileMode.BLOB))
        bot = pygit2.Signature("bench", "bench@localhost")
        tip = git.references.get("refs/heads/main")
        parents = [] if tip is None else [tip.target]
        tree = index.write_tree(git)
        git.create_commit("refs/heads/main", bot, bot, "round", tree, parents)


@dataclass
class Zoe:
    """A loop as ``zoe run`` has it, with what it has been asked for."""

    loop: Loop
    repository: Repository
    client: Any
    accepted_ms: list[float] = field(default_factory=list)
    running_ms: list[float] = field(default_factory=list)

    def round(self, number: int, services: int) -> list[dict[str, Any]]:
        """Start and measure one execution, let it go, and return its services' specs."""
        text = _EXECUTION + "".join(_SERVICE.replace("NAME", f"s{i}") for i in range(services))
        name = f"r{number}"
        files = _ALWAYS | {
            f"namespaces/{name}.yaml": _NAMESPACE.replace("NS", name),
            f"executions/{name}/five.yaml": text,
        }
        self.repository.commit(files)
        start = perf_counter()
        created = self.loop.reconcile().outcomes
        accepted = perf_counter()
        found = self.client.services(filters={"label": f"zoe.namespace={name}"})
        ids = [service["ID"] for service in found]
        if len(ids) != services:
            raise RuntimeError(f"{[o.error for o in created if o.error]}: not all were accepted")
        running = bare_services.await_running(self.client, ids)
        self.accepted_ms.append((accepted - start) * 1000)
        self.running_ms.append((running - start) * 1000)
        self.repository.commit(_ALWAYS)
        self._let_go()
        bare_services.await_gone(self.client, ids)
        self._let_go()  # the network goes with the second empty pass
        ours = {n["Name"] for n in self.client.networks() if f"-{name}-" in n["Name"]}
        bare_services.await_networks(self.client, ours)
        return [service["Spec"] for service in found]

    def _let_go(self) -> None:
        pause = threading.Event()
        for _ in range(_PASSES_MOST):
            if not self.loop.reconcile().is_moving:
                return
            pause.wait(bare_services.POLL_S)
        raise TimeoutError("the execution doesn't go")


@contextmanager
def zoe(folder: Path, docker_host: str, client: Any) -> Iterator[Zoe]:
    """Lend a leading Zoe with a repository that holds a platform and nothing else."""
    path = folder / "config.git"
    pygit2.init_repository(str(path), bare=True, initial_head="main")
    repository = Repository(path)
    repository.commit(_ALWAYS)
    settings = Settings(
        deployment=f"bench{random.randrange(10**6)}",
        sources=(SourceSettings(id="platform", url=f"file://{path}"),),
        state_dir=folder / "state",
        docker_host=docker_host,
    )
    with wire.store(settings) as store:
        store.migrate()
        lease = store.acquire_lease("bench", ttl_s=36_000)
        assert lease is not None
        with wire.loop(settings, lease, store) as loop:
            loop.reconcile()
            yield Zoe(loop, repository, client)


def bare_round(
    client: Any, number: int, specs: list[dict[str, Any]], concurrency: int
) -> tuple[float, float]:
    """Return ms until the script's services were accepted, and until they ran."""
    name = f"bare{number}-{random.randrange(10**6)}"
    start = perf_counter()
    ids, accepted = bare_services.start(client, name, specs, concurrency=concurrency)
    running = bare_services.await_running(client, ids)
    bare_services.remove(client, name, ids)
    return (accepted - start) * 1000, (running - start) * 1000


def measure(docker_host: str, folder: Path, *, rounds: int, services: int) -> list[Row]:
    """Return the rows of interleaved rounds; the first one of each warms up and isn't counted."""
    accepted: list[float] = []
    running: list[float] = []
    with (
        closing(docker.APIClient(base_url=docker_host, version="auto", timeout=60)) as client,
        zoe(folder, docker_host, client) as ours,
    ):
        concurrency = ours.loop.concurrency
        specs = ours.round(0, services)
        bare_round(client, 0, specs, concurrency)
        ours.accepted_ms.clear()
        ours.running_ms.clear()
        for number in range(1, rounds + 1):
            # In turns, so that neither always finds what the other has left behind.
            if number % 2:
                ours.round(number, services)
            bare = bare_round(client, number, specs, concurrency)
            accepted.append(bare[0])
            running.append(bare[1])
            if not number % 2:
                ours.round(number, services)
    return [
        Row(
            name=f"{services} services: commit visible -> accepted",
            rounds_ms=tuple(ours.accepted_ms),
            budget_ms=BUDGET_ACCEPTED_MS,
        ),
        Row(name="  bare script: accepted", rounds_ms=tuple(accepted)),
        Row(
            name=f"{services} services: commit visible -> running",
            rounds_ms=tuple(ours.running_ms),
            ratio=median(ours.running_ms) / median(running),
            budget_ratio=BUDGET_RATIO,
        ),
        Row(name="  bare script: running", rounds_ms=tuple(running)),
    ]


@contextmanager
def swarm(docker_host: str, folder: Path) -> Iterator[str]:
    """Lend the Swarm at ``docker_host``, or a lab of one engine in ``folder``."""
    if docker_host:
        yield docker_host
        return
    lab = Lab(folder / "lab")
    try:
        lab.up(nodes=1)
        built = images.build(recipe.read(recipe.locate("busybox")), folder / "images", say=_quiet)
        lab.load_image(built.archive)
        yield lab.docker_host
    finally:
        lab.down()


def _quiet(_: str) -> None:
    """Say nothing: standard output is the report's."""


def main() -> None:
    parser = arguments(__doc__, rounds=5)
    parser.add_argument("--docker-host", default="", help="A Swarm's; else a lab is made (root).")
    parser.add_argument("--services", type=int, default=5)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="zb") as name:
        folder = Path(name)
        with swarm(given.docker_host, folder) as docker_host:
            rows = measure(docker_host, folder, rounds=given.rounds, services=given.services)
    show(rows, output=given.output)


if __name__ == "__main__":
    main()

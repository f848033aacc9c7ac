"""Zoe's loop on a real Swarm, as the benchmarks of starting things have it.

A repository that commits move, a loop that passes are asked of, and an execution that comes and
goes again, so that each round finds what the first one found.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import pygit2

from benchmarks import bare_services
from reconciler import wire
from reconciler.cluster.lab import image as images
from reconciler.cluster.lab import recipe
from reconciler.cluster.lab.lab import Lab
from reconciler.config import Settings, SourceSettings
from reconciler.loop import Loop

_PASSES_MOST = 500
_CACHE = Path(__file__).parents[1] / ".state" / "images"
HEAD = "apiVersion: zoe/v1\nkind: {}\nmetadata: {{name: {}}}\n"
SLEEPS = """\
spec:
  type: interactive
  services:
    main:
      image: busybox
      command: [sleep, "86400"]
      stop_grace_period: 1s
      resources: {reservations: {cpus: 0.005, memory: 8MiB}}
"""
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


@dataclass
class Repository:
    """A bare repository whose branch is moved by commits of whole trees."""

    path: Path

    def commit(self, files: dict[str, str], *, message: str = "round") -> None:
        """Make the branch hold exactly these files, beside those that are always there."""
        git = pygit2.Repository(str(self.path))
        index = pygit2.Index()
        for name, text in (_ALWAYS | files).items():
            blob = git.create_blob(text.encode())
            index.add(pygit2.IndexEntry(name, blob, pygit2.enums.FileMode.BLOB))
        bot = pygit2.Signature("bench", "bench@localhost")
        tip = git.references.get("refs/heads/main")
        parents = [] if tip is None else [tip.target]
        tree = index.write_tree(git)
        git.create_commit("refs/heads/main", bot, bot, message, tree, parents)


@dataclass(frozen=True)
class Started:
    """Services that the Swarm has accepted: when their commit was visible, when that was so."""

    began: float
    accepted: float
    services: Sequence[dict[str, Any]]

    @property
    def ids(self) -> list[str]:
        """The services' ids."""
        return [service["ID"] for service in self.services]


def files_of(namespace: str, text: str) -> dict[str, str]:
    """Return the files of a namespace with one execution."""
    return {
        f"namespaces/{namespace}.yaml": _NAMESPACE.replace("NS", namespace),
        f"executions/{namespace}/started.yaml": text,
    }


@dataclass
class Zoe:
    """A loop as ``zoe run`` has it, and the repository that it follows."""

    loop: Loop
    repository: Repository
    client: Any
    deployment: str

    @contextmanager
    def started(self, namespace: str, text: str, *, services: int) -> Iterator[Started]:
        """Commit an execution of that many services to a namespace of its own; let it go after."""
        started = self.asked(namespace, files_of(namespace, text), services=services)
        yield started
        self.stopped([namespace], started.ids)

    def asked(self, namespace: str, files: dict[str, str], *, services: int) -> Started:
        """Commit files that ask for so many services in a namespace; return when all are made."""
        self.repository.commit(files)
        began = perf_counter()
        report = self.loop.reconcile()
        accepted = perf_counter()
        found = self.client.services(filters={"label": f"zoe.namespace={namespace}"})
        if len(found) != services:
            told = [(status.phase, status.message) for status in report.statuses]
            errors = [outcome.error for outcome in report.outcomes if outcome.error]
            raise RuntimeError(f"{errors}, {told}: {len(found)} were accepted, not {services}")
        return Started(began, accepted, found)

    def stopped(self, namespaces: Sequence[str], ids: Sequence[str]) -> None:
        """Commit that nothing is asked for; return once nothing of some namespaces is left."""
        self.repository.commit({}, message=f"end\n\nZoe-Confirm-Deletes: {len(namespaces)}\n")
        self._let_go()
        bare_services.await_gone(self.client, ids)
        self._let_go()  # networks go with the second empty pass
        told = tuple(f"-{namespace}-" for namespace in namespaces)
        names = {network["Name"] for network in self.client.networks()}
        bare_services.await_networks(self.client, {n for n in names if any(t in n for t in told)})

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
    repository.commit({})
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
            yield Zoe(loop, repository, client, settings.deployment)


@contextmanager
def swarm(
    docker_host: str, folder: Path, *, image: str = "busybox", nodes: int = 1
) -> Iterator[str]:
    """Lend the Swarm at ``docker_host``, or a lab of its own with a recipe's image.

    What is built is kept where the tests keep theirs.
    """
    if docker_host:
        yield docker_host
        return
    lab = Lab(folder / "lab")
    try:
        lab.up(nodes=nodes)
        built = images.build(recipe.read(recipe.locate(image)), _CACHE, say=_quiet)
        lab.load_image(built.archive)
        yield lab.docker_host
    finally:
        lab.down()


def _quiet(_: str) -> None:
    """Say nothing: standard output is the report's."""

"""A deployment's lives, one forked process each: some files kill whoever reads them.

``python -m tests.integration.loop.lives FOLDER REPOSITORY MOST`` prints a word for each life.
"""

from __future__ import annotations

import os
import random
import signal
import sys
from pathlib import Path

from reconciler.cluster.fake import FakeCluster, Outcome, VirtualClock, fake_node
from reconciler.config import Settings, SourceSettings
from reconciler.git.source import GitSource
from reconciler.manifest import documents
from reconciler.manifest.catalogue import Loader
from reconciler.manifest.documents import Parsed
from reconciler.manifest.handling import Handling
from reconciler.manifest.limits import Limits
from reconciler.manifest.places import Place
from reconciler.source.desired import Reader
from reconciler.source.probation import Probation
from reconciler.store.repository import SqlStore
from tests.fixtures.site import build_loop


def parse(data: bytes, path: str, place: Place, limits: Limits) -> Parsed:
    if b"# kills" in data:
        os.kill(os.getpid(), signal.SIGKILL)
    return documents.parse(data, path=path, place=place, limits=limits)


def make_passes(folder: Path, repository: str, life: int) -> str:
    """Make passes until nothing moves; return the phases."""
    clock = VirtualClock()
    declared = SourceSettings(id="platform", url=repository)
    database = f"sqlite:///{folder}/zoe.db"
    settings = Settings(
        deployment="test",
        sources=(declared,),
        state_dir=folder / "state",
        database_url=database,
        init_image="init",
    )
    cluster = FakeCluster([fake_node("n1")], clock=clock, deployment="test")
    cluster.script("init", Outcome.exits(0))
    with SqlStore(database, deployment="test", clock=clock, random=random.Random(1)) as store:
        store.migrate()
        lease = store.acquire_lease("test", ttl_s=3600)
        if lease is None:
            raise SystemExit("somebody else leads")
        loop = build_loop(settings, cluster, clock, store, lease)
        loop.probation = Probation(store, f"life {life}", "1")
        loader = Loader(
            deployment="test",
            source_id="platform",
            security_profiles=("restricted",),
            storages={},
            handling=Handling(parse_file=parse),
        )
        loop.reader = Reader(GitSource(declared, settings.state_dir / "mirror.git"), loader)
        loop.__post_init__()
        while loop.reconcile().is_moving:
            cluster.advance(1000)
        rows = sorted(store.load().executions, key=lambda row: row.name)
        loop.close()
        return ",".join(f"{row.namespace}/{row.name}={row.phase}" for row in rows)


def main(folder: Path, repository: str, most: int) -> None:
    for life in range(most):
        sys.stdout.flush()
        child = os.fork()
        if child == 0:
            print(make_passes(folder, repository, life), flush=True)  # noqa: T201
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            return
        print("killed")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))

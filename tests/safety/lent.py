"""An installation of one's own for long runs: a lab Swarm, a PostgreSQL, a repository over HTTP."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import docker
import pygit2

from tests.e2e.installation import Installation
from tests.e2e.process import ROOT
from tests.fixtures.git_servers import BareRepository, HttpServer, serving
from tests.fixtures.postgres import PostgresCluster, lent_postgres
from tests.fixtures.swarm import GivenSwarm, Swarm, lent_swarm

# As an operator has it: with a shorter one, workers are down before they find the manager again.
HEARTBEAT = timedelta(seconds=5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent:
    """An installation and what it stands on."""

    installation: Installation
    postgres: PostgresCluster
    http: HttpServer
    engine: Any


@contextmanager
def lent_installation(
    deployment: str,
    *,
    docker_host: str = "",
    is_sqlite: bool = False,
    prepare: Callable[[PostgresCluster], object] = lambda _: None,
) -> Iterator[Lent]:
    """Lend one that nothing was pushed to yet; what it stands on goes when this ends.

    Args:
        deployment: Its name, and that of its database.
        docker_host: A Swarm that is there already, and has busybox; default: a lab.
        is_sqlite: It keeps its state in SQLite, not in the PostgreSQL that is lent as well.
        prepare: What is done to that one before anything is in it.
    """
    with ExitStack() as held:
        name = held.enter_context(tempfile.TemporaryDirectory(prefix=f"zoe-{deployment}-"))
        postgres = held.enter_context(lent_postgres())
        swarm: Swarm = (
            GivenSwarm(docker_host)
            if docker_host
            else held.enter_context(lent_swarm(ROOT / ".state" / "images", heartbeat=HEARTBEAT))
        )
        engine = held.enter_context(
            closing(docker.APIClient(swarm.docker_host, version="1.41", timeout=60))
        )
        http = held.enter_context(serving(Path(name) / "git"))
        prepare(postgres)
        postgres.create(deployment)
        path = Path(name) / "git" / "config.git"
        pygit2.init_repository(str(path), bare=True, initial_head="main")
        repository = BareRepository(path)
        folder = Path(name) / "zoe"
        sqlite = f"sqlite:///{folder / 'state' / 'zoe.db'}"
        installation = Installation(
            deployment=deployment,
            repository=repository,
            url=http.url(repository),
            swarm=swarm,
            engine=engine,
            database_url=sqlite if is_sqlite else postgres.url(deployment),
            folder=folder,
        )
        held.callback(installation.store.close)
        yield Lent(installation=installation, postgres=postgres, http=http, engine=engine)

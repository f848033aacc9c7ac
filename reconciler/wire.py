"""The one place that builds adapters and hands them to the loop."""

from __future__ import annotations

import os
import random
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from reconciler.clock import SystemClock
from reconciler.config import Settings
from reconciler.converge.render import Host, Storage
from reconciler.desired import Reader
from reconciler.errors import ConfigError
from reconciler.loop import Loop
from reconciler.ports import Clock, Cluster, Lease, Source, StatusSink, Store
from reconciler.publisher import Publisher
from reconciler.working_set import WorkingSet


def host(settings: Settings) -> Host:
    """Return what this installation provides, as rendering sees it."""
    return Host(
        deployment=settings.deployment,
        storages={
            name: Storage(path=storage.path, is_shared=storage.shared)
            for name, storage in settings.storage.items()
        },
        security_profiles=dict(settings.security_profiles),
        init_image=settings.init_image,
    )


def source(settings: Settings) -> Source:
    """Return the platform source over its mirror in the state directory."""
    from reconciler.git.source import GitSource

    platform = settings.platform_source
    return GitSource(platform, settings.state_dir / "mirrors" / f"{platform.id}.git")


def reader(settings: Settings, from_: Source) -> Reader:
    """Return a reader of manifests."""
    from reconciler.manifest.catalogue import Loader

    loader = Loader(
        deployment=settings.deployment,
        source_id=from_.id,
        security_profiles=tuple(settings.security_profiles),
        storages=tuple(settings.storage),
    )
    return Reader(from_, loader)


def cluster(settings: Settings, clock: Clock) -> Cluster:
    """Return the Swarm, or the simulated cluster where the settings say so."""
    if settings.cluster == "simulated":
        from reconciler.cluster.fake import FakeCluster, fake_node

        nodes = [fake_node(f"sim{number}") for number in (1, 2, 3)]
        return FakeCluster(nodes, clock=clock, deployment=settings.deployment)
    from reconciler.cluster.swarm import SwarmCluster

    return SwarmCluster(settings.deployment, docker_host=settings.docker_host, clock=clock)


def store(settings: Settings) -> Store:
    """Return the database."""
    from reconciler.store.repository import SqlStore

    settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return SqlStore(
        settings.database,
        deployment=settings.deployment,
        clock=SystemClock(),
        random=random.Random(),
    )


def status_sink(settings: Settings) -> StatusSink:
    """Return the status branch of the platform source."""
    from reconciler.git.status_branch import StatusBranch

    platform = settings.platform_source
    return StatusBranch(
        platform,
        settings.state_dir / "mirrors" / f"{platform.id}-status.git",
        branch=settings.status_branch,
        clock=SystemClock(),
        random=random.Random(),
        wait=threading.Event().wait,
    )


def ledger_key(settings: Settings) -> bytes:
    """Return the key that signs the mirrored ledger; made on first use, readable by us only."""
    path = settings.state_dir / "ledger.key"
    if not path.exists():
        settings.state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    return _read_key(path)


def _read_key(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) < 32:
        raise ConfigError(f"{path} is damaged: restore it from your backup")
    return key


@contextmanager
def loop(settings: Settings, lease: Lease, from_store: Store) -> Iterator[Loop]:
    """Build everything that a leader needs; close it afterwards."""
    clock = SystemClock()
    working_set = WorkingSet(from_store.load())
    publisher = Publisher(
        status_sink(settings),
        working_set,
        ledger_key=ledger_key(settings),
        interval=timedelta(seconds=settings.publish_interval_s),
    )
    swarm = cluster(settings, clock)
    try:
        yield Loop(
            reader=reader(settings, source(settings)),
            cluster=swarm,
            store=from_store,
            working_set=working_set,
            publisher=publisher,
            host=host(settings),
            clock=clock,
            lease=lease,
            observe_only=settings.mode == "observe",
            concurrency=settings.concurrency,
        )
    finally:
        publisher.close()
        if (close := getattr(swarm, "close", None)) is not None:
            close()

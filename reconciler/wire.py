"""The one place that builds adapters and hands them to the loop."""

from __future__ import annotations

import contextlib
import os
import random
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler import sources
from reconciler.clock import SystemClock
from reconciler.config import Settings
from reconciler.converge import probing
from reconciler.errors import ConfigError, TransientError
from reconciler.fence import Fence, call_s
from reconciler.hosting import host
from reconciler.keyring import Keyring
from reconciler.loop import Loop
from reconciler.outbound.announcing import Announcer
from reconciler.outbound.delivery import Forge, Outbox
from reconciler.outbound.outbox import to_forge
from reconciler.outbound.sender import Sender
from reconciler.outside import Outside
from reconciler.ports import Clock, Cluster, Lease, Source, Store
from reconciler.probes import agents, traffic
from reconciler.probes.prober import Prober
from reconciler.publishing.publisher import Publisher
from reconciler.reviewer.process import Worker, WorkerSettings
from reconciler.reviewer.service import Around, Reviewer
from reconciler.source.desired import Reader
from reconciler.working_set import WorkingSet

if TYPE_CHECKING:
    from reconciler.cluster.swarm import SwarmCluster
    from reconciler.git.fetchers import Fetchers
    from reconciler.git.status_branch import StatusBranch
    from reconciler.secrets.keeper import Keeper
    from reconciler.store.archive import SqlArchive
    from reconciler.store.repository import SqlStore

LEDGER_KEY = "ledger.key"
LEDGER_KEY_BYTES = 32


def clone(directory: Path, *, id_: str = "local") -> Source:
    """Return the clone that a person works in: read as it was committed, never written to."""
    from reconciler.git.source import open_local

    return open_local(directory, id=id_)


def can_verify() -> bool:
    """Tell whether what checks signatures is installed."""
    from reconciler.git import signatures

    return signatures.tool() is not None


def reader(settings: Settings, from_: Source) -> Reader:
    """Return a reader of manifests."""
    from reconciler.manifest.catalogue import Loader

    loader = Loader(
        deployment=settings.deployment,
        source_id=from_.id,
        security_profiles=tuple(settings.security_profiles),
        storages={name: storage.namespaces for name, storage in settings.storage.items()},
        limits=settings.limits,
    )
    return Reader(from_, loader)


@contextmanager
def cluster(settings: Settings, clock: Clock) -> Iterator[Cluster]:
    """Lend the Swarm, or the simulated cluster where the settings say so."""
    if settings.cluster == "simulated":
        from reconciler.cluster.fake import FakeCluster, as_meant, fake_node

        nodes = [fake_node(f"sim{number}") for number in (1, 2, 3)]
        simulated = FakeCluster(nodes, clock=clock, deployment=settings.deployment)
        simulated.script_default(as_meant)
        yield simulated
        return
    with swarm(settings, clock) as found:
        yield found


@contextmanager
def swarm(settings: Settings, clock: Clock) -> Iterator[SwarmCluster]:
    """Lend the Swarm. Nothing is connected before it is used."""
    from reconciler.cluster.swarm import DEFAULT_TIMEOUT_S, SwarmCluster

    with contextlib.closing(
        SwarmCluster(
            settings.deployment,
            docker_host=settings.docker_host,
            clock=clock,
            timeout_s=min(DEFAULT_TIMEOUT_S, call_s(settings.lease_ttl_s)),
        )
    ) as found:
        yield found


@contextmanager
def store(settings: Settings) -> Iterator[SqlStore]:
    """Lend the database."""
    from reconciler.store.engine import SILENCE_S
    from reconciler.store.repository import SqlStore

    make_state_dir(settings)
    with SqlStore(
        settings.database,
        deployment=settings.deployment,
        clock=SystemClock(),
        random=random.Random(),
        # Who waits for longer than it leads is none the wiser for it.
        silence_s=min(SILENCE_S, settings.lease_ttl_s),
    ) as found:
        yield found


@contextmanager
def archive(settings: Settings) -> Iterator[SqlArchive]:
    """Lend the database as people's verbs read what was."""
    from reconciler.store.archive import SqlArchive

    with SqlArchive(settings.database, clock=SystemClock(), random=random.Random()) as found:
        yield found


def has_database(settings: Settings) -> bool:
    """Tell whether a database is configured, or was made here before."""
    return bool(settings.database_url) or (settings.state_dir / "zoe.db").exists()


def status_sink(settings: Settings, fetchers: Fetchers | None = None) -> StatusBranch:
    """Return the status branch of the platform source; ``fetchers`` talk with its remote."""
    from reconciler.git.status_branch import StatusBranch

    platform = settings.platform_source
    return StatusBranch(
        platform,
        settings.state_dir / "mirrors" / f"{platform.id}-status.git",
        branch=settings.status_branch,
        clock=SystemClock(),
        random=random.Random(),
        wait=threading.Event().wait,
        fetchers=fetchers,
    )


def ledger_key(settings: Settings) -> bytes:
    """Return the key that signs the mirrored ledger; made on first use, readable by us only.

    Raises:
        ConfigError: It is damaged, or its folder can't be made.
        TransientError: It can't be written, for want of space as a rule.
    """
    path = settings.state_dir / LEDGER_KEY
    if not path.exists():
        make_state_dir(settings)
        try:
            _write_key(path)
        except OSError as error:
            raise TransientError(
                f"{path} can't be written: {error.strerror}: make room on its disk, or let zoe "
                "write there"
            ) from error
    return _read_key(path)


def _write_key(path: Path) -> None:
    """Put a new key there, whole or not at all: a part of one would be taken for damage."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    try:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
        with os.fdopen(os.open(fresh, flags, 0o600), "wb") as file:
            file.write(secrets.token_bytes(LEDGER_KEY_BYTES))
        with contextlib.suppress(FileExistsError):  # another zoe was faster: its key counts
            path.hardlink_to(fresh)
    finally:
        fresh.unlink(missing_ok=True)


def _read_key(path: Path) -> bytes:
    key = path.read_bytes()
    if len(key) < LEDGER_KEY_BYTES:
        raise ConfigError(f"{path} is damaged: restore it from your backup")
    return key


def make_state_dir(settings: Settings) -> None:
    """Make the state folder, for our eyes alone. Raises ConfigError."""
    folder = settings.state_dir
    try:
        # Specs, logs and the ledger's key are nobody else's to read.
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"state_dir {folder} can't be made: {error.strerror}") from error


def keyring(settings: Settings) -> Keyring:
    """Return what is derived from this installation's key, which also signs the ledger."""
    return Keyring(ledger_key(settings))


def keeper(settings: Settings, keys: Keyring | None = None) -> Keeper:
    """Return who holds the keys of secrets. The key of age is made by hand, not here."""
    from reconciler.secrets import identities
    from reconciler.secrets.keeper import Keeper

    return Keeper(
        deployment=settings.deployment,
        keyring=keys or keyring(settings),
        identities=identities.Identities(settings.state_dir / identities.FILE),
    )


def announcer(settings: Settings) -> Announcer:
    """Return who says what the platform source's forge is told."""
    platform = settings.platform_source
    return Announcer(
        source_id=platform.id,
        has_forge=platform.forge is not None,
        page_url=settings.page_url,
        observes=settings.mode == "observe",
    )


def forges(settings: Settings) -> Mapping[str, Forge]:
    """Return the forges of the sources that have one, by the name of their target.

    Raises ConfigError; nothing is connected to.
    """
    from reconciler.forges import forge

    return {
        to_forge(source.id): forge(source.forge, mark=f"zoe/{settings.deployment}/{source.id}")
        for source in settings.sources
        if source.forge is not None
    }


def sender(
    settings: Settings, outbox: Outbox, clock: Clock, executor: Executor | None = None
) -> Sender:
    """Return what empties the outbox. Nothing is connected before there is something to send."""
    from reconciler.notifiers import notifiers

    return Sender(
        outbox,
        forges=forges(settings),
        notifiers=notifiers(
            deployment=settings.deployment, targets=settings.notify, smtp=settings.smtp
        ),
        clock=clock,
        executor=executor,
    )


def reviewer(settings: Settings, of: Loop) -> Reviewer | None:
    """Return what reviews the platform source's pull requests; None where no forge is told.

    Raises ConfigError; nothing is connected to.
    """
    from reconciler.net.registry import Registries

    platform = settings.platform_source
    if platform.forge is None:
        return None
    bounds = WorkerSettings(
        folder=settings.state_dir / "review",
        timeout_s=settings.review_timeout_s,
        memory_mib=settings.review_memory_mib,
    )
    return Reviewer(
        Around(
            source_id=platform.id,
            forge=platform.forge,
            store=of.store,
            heads=sources.heads(settings),
            worker=Worker(bounds),
            announcer=of.announcer,
            host=of.host,
            clock=of.clock,
            known=lambda: of.working_set.known(platform.id),
            kept=lambda: of.kept,
            has_image=Registries().has,
            lease=lambda: of.lease,
            told=of.tell,
        )
    )


def prober(settings: Settings, of: Loop, wake: Callable[[], None]) -> Prober:
    """Return what asks a loop's executions whether they are used."""
    keys = keyring(settings)
    return Prober(
        store=of.store,
        clock=of.clock,
        targets=lambda: probing.targets(of.last) if of.last is not None else None,
        token_of=lambda t: keys.text("secret", t.namespace, t.uid, t.idle.probe.token),
        wake=wake,
        agents=agents.Agents(
            port=settings.agent.port if settings.agent is not None else 0,
            token=keys.text(agents.PURPOSE),
        ),
        read_log=lambda service, lines: of.cluster.logs(
            service, tail=lines, limit_bytes=traffic.BYTES
        ),
    )


@contextmanager
def loop(settings: Settings, lease: Lease, from_store: Store) -> Iterator[Loop]:
    """Build everything that a leader needs; close it afterwards."""
    from reconciler.git.fetchers import Fetchers

    clock = SystemClock()
    with (
        cluster(settings, clock) as there,
        contextlib.closing(Fetchers(settings.limits)) as fetchers,
    ):
        outside = Outside(
            clock=clock,
            source=sources.platform(settings, fetchers),
            tenants=sources.tenants(settings, reader, fetchers),
            cluster=there,
            sink=status_sink(settings, fetchers),
            key=ledger_key(settings),
        )
        with loop_in(outside, settings, lease, from_store) as made:
            yield made


@contextmanager
def loop_in(
    outside: Outside, settings: Settings, lease: Lease, from_store: Store
) -> Iterator[Loop]:
    """Build a leader's loop around these ports; close what it holds afterwards."""
    from reconciler.store.trials import on_probation

    working_set = WorkingSet(from_store.load())
    keys = keeper(settings, Keyring(outside.key))
    with (
        contextlib.closing(
            Publisher(
                outside.sink,
                working_set,
                ledger_key=outside.key,
                deployment=settings.deployment,
                sealer=keys,
                interval=timedelta(seconds=settings.publish_interval_s),
                executor=outside.side("publish"),
            )
        ) as publisher,
        contextlib.closing(
            sender(settings, from_store, outside.clock, outside.side("send"))
        ) as outgoing,
        contextlib.closing(outside.tenants) as groups,
    ):
        yield Loop(
            reader=reader(settings, outside.source),
            cluster=outside.cluster,
            store=from_store,
            working_set=working_set,
            publisher=publisher,
            host=host(settings),
            clock=outside.clock,
            lease=lease,
            keeper=keys,
            observe_only=settings.mode == "observe",
            concurrency=settings.concurrency,
            announcer=announcer(settings),
            sender=outgoing,
            fence=Fence(store=from_store, ttl_s=settings.lease_ttl_s, elapsed_s=outside.elapsed_s),
            interval_s=settings.interval_s,
            tenants=groups,
            probation=on_probation(from_store, most_s=settings.limits.pass_s),
        )

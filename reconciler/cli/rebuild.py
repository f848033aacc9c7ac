"""``zoe rebuild``: make the database anew from Git, the Swarm and the status branch."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TypeVar

import click

from reconciler import config, lead, shared_key, sources, wire
from reconciler.cli.columns import aligned
from reconciler.cli.whoami import whoami
from reconciler.clock import SystemClock
from reconciler.config import Settings
from reconciler.converge.recovery import Finding
from reconciler.errors import StoreUnavailable
from reconciler.ports import Lease, Store
from reconciler.recovery.rebuilding import Parts, Rebuilt, rebuild

Done = TypeVar("Done")

_TOLD = {
    Finding.MAY_HAVE_RUN: "held",
    Finding.FROM_SWARM: "adopted",
    Finding.GONE: "gone",
    Finding.ENDED: "gone",
}
_LOST = (
    "Not known any more: events, logs of what is gone, runtimes that estimates rest on, how much "
    "each namespace used, which plans pull requests were shown."
)


@click.command("rebuild")
@click.option(
    "--nothing-left",
    "is_all_lost",
    is_flag=True,
    help="No status branch is left: hold every batch of which the Swarm shows nothing.",
)
@click.option(
    "--new-key",
    "is_key_lost",
    is_flag=True,
    help="The installation's ledger.key is lost for good: go on with the one of this host.",
)
def command(*, is_all_lost: bool, is_key_lost: bool) -> int:
    """Fill an empty or older database with all that Git, the Swarm and the status branch know.

    Nothing is started, stopped or changed in the Swarm. What may have run, and isn't known to have,
    is held; exit code 1 says that there is something of the kind.
    """
    settings = config.load()
    done = instead_of_leading(
        settings,
        lambda parts, lease: rebuild(parts, lease, is_all_lost=is_all_lost),
        is_key_lost=is_key_lost,
    )
    if is_key_lost:
        done = replace(done, bad=())  # all that the branch says, by the lost one
    for line in told(done):
        click.echo(line)
    return int(needs_somebody(done))


def instead_of_leading(
    settings: Settings,
    work: Callable[[Parts, Lease], tuple[Done, Lease]],
    *,
    is_key_lost: bool = False,
) -> Done:
    """Hold the lease over some work on the database; return what came of it.

    Raises:
        ConfigError: No source is set.
        Standby: A zoe run leads.
    """
    _ = settings.platform_source  # told before a database is made where none belongs
    with wire.store(settings) as store:
        store.migrate()
        if not is_key_lost:
            shared_key.verify(settings, store)
        lease = store.acquire_lease(lead.holder(), ttl_s=settings.lease_ttl_s)
        if lease is None:
            raise lead.Standby("a zoe run leads: stop it first, and start it again afterwards")
        try:
            if is_key_lost:
                shared_key.replace(settings, store)
            with _parts(settings, store) as parts:
                done, lease = work(parts, lease)
        finally:
            with contextlib.suppress(StoreUnavailable):
                store.release_lease(lease)
    return done


@contextlib.contextmanager
def _parts(settings: Settings, store: Store) -> Iterator[Parts]:
    clock = SystemClock()
    with (
        wire.cluster(settings, clock) as cluster,
        contextlib.closing(sources.tenants(settings, wire.reader)) as groups,
    ):
        yield Parts(
            store=store,
            reader=wire.reader(settings, sources.platform(settings)),
            tenants=groups,
            cluster=cluster,
            sink=wire.status_sink(settings),
            clock=clock,
            key=wire.ledger_key(settings),
            by=whoami(),
        )


def needs_somebody(done: Rebuilt) -> bool:
    """Tell whether there is something that an operator or an author has to decide."""
    is_held = Finding.MAY_HAVE_RUN in done.found.values()
    return bool(is_held or done.adopted or done.bad or done.orphans)


def told(done: Rebuilt) -> Iterator[str]:
    """Yield what was found, what couldn't be known, and what to do."""
    if done.facts:
        yield from _entered(done)
    else:
        yield "nothing to add: the database has all that is known"
    for path in done.bad:
        yield f"Not ours, and so not believed: {path}"
    for name in done.orphans:
        yield f"Known to nobody, left as it is: service {name}"
    if done.facts:
        yield _LOST


def _entered(done: Rebuilt) -> Iterator[str]:
    counts = Counter(str(finding) for finding in done.found.values())
    yield f"rebuilt at commit {done.commit[:12]}: {len(done.found)} runs, {done.facts} facts"
    yield from aligned([(f"  {count}", what) for what, count in sorted(counts.items())])
    rows = [
        (word, done.names[uid], str(finding))
        for uid, finding in sorted(done.found.items())
        if (word := _TOLD.get(finding))
    ]
    rows += [
        ("as it is", done.names[uid], "what it was made from isn't known; edits are its next run's")
        for uid in sorted(done.adopted)
    ]
    yield from aligned(sorted(rows))
    if not done.has_head:
        yield (
            "The status branch doesn't say what it should hold, so every batch that isn't known to "
            "have ended is held. If state_dir/ledger.key was lost, restore it from your backup."
        )
    elif done.suspect:
        places = ", ".join(f"ledger/{folder}" for folder in sorted(done.suspect))
        yield f"Files were taken away, put back or changed by somebody else in {places}."

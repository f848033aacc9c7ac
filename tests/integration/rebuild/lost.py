"""An installation that loses its database, its status branch, or parts of them."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from reconciler import sources, wire
from reconciler.git.source import GitSource
from reconciler.git.status_branch import StatusBranch
from reconciler.recovery import continuity
from reconciler.recovery.rebuilding import Parts, Rebuilt, rebuild
from reconciler.store.repository import SqlStore
from tests.fixtures.site import LEDGER_KEY, Site, build_loop


def sink(site: Site) -> StatusBranch:
    return StatusBranch(
        site.settings.platform_source,
        site.settings.state_dir / "status.git",
        clock=site.clock,
        random=random.Random(1),
        wait=lambda _: None,
    )


@contextmanager
def with_database(site: Site, url: str) -> Iterator[Site]:
    """Lend the same installation on another database; its epoch begins anew."""
    site.loop.close()
    with SqlStore(url, deployment="test", clock=site.clock, random=random.Random(1)) as store:
        store.migrate()
        lease = store.acquire_lease("test", ttl_s=3600)
        assert lease is not None
        site.store, site.lease = store, lease
        site.loop = build_loop(site.settings, site.cluster, site.clock, store, lease)
        yield site


def verify(site: Site) -> None:
    continuity.verify(site.loop, sink(site), key=LEDGER_KEY)


def parts_of(site: Site) -> Parts:
    """Return what a rebuild is given."""
    source = site.settings.platform_source
    return Parts(
        store=site.store,
        reader=wire.reader(
            site.settings, GitSource(source, site.settings.state_dir / "mirror.git")
        ),
        tenants=sources.tenants(site.settings, wire.reader),
        cluster=site.cluster,
        sink=sink(site),
        clock=site.clock,
        key=LEDGER_KEY,
        by="ann",
    )


def rebuilt(site: Site, *, is_all_lost: bool = False) -> Rebuilt:
    """Rebuild, and go on with what came of it."""
    done, site.lease = rebuild(parts_of(site), site.lease, is_all_lost=is_all_lost)
    site.restart()
    return done


def back_up(database: Path, to: Path) -> None:
    """Copy a database as it is now."""
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("VACUUM INTO ?", (str(to),))


def fresh(folder: Path, name: str = "new") -> str:
    return f"sqlite:///{folder}/{name}.db"

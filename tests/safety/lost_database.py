"""A database is dropped under what runs and what has ended, and made anew by ``zoe rebuild``.

    python -m tests.safety.lost_database [--running 200] [--finished 300] [--real] [--record]

Real Git and PostgreSQL; the bulk is on the fake cluster, ``--real`` adds a sample on a real Swarm.
Passes follow, and nothing may be made, changed or stopped by them. The last line has the figures;
it ends with 1 where a promise was broken. ``--record`` puts them into docs/reliability.json.
"""

from __future__ import annotations

import argparse
import json
import logging
import random
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from time import perf_counter

from benchmarks.noop_pass import installation, settle
from reconciler import wire
from reconciler.clock import SystemClock
from reconciler.cluster.fake import FakeCluster, Outcome
from reconciler.converge.state import LABEL_EXECUTION
from reconciler.loop import Loop
from reconciler.ports import Lease
from reconciler.publishing.publisher import Publisher
from reconciler.recovery.rebuilding import Parts, rebuild
from reconciler.store.repository import SqlStore
from reconciler.working_set import WorkingSet
from tests.e2e.installation import labels
from tests.fixtures.postgres import PostgresCluster, lent_postgres
from tests.safety.chaos import work
from tests.safety.chaos.stage import DEPLOYMENT, Stage, lent_stage

RECORD = Path(__file__).parents[2] / "docs" / "reliability.json"
MOST_S = 60
KEY = b"k" * wire.LEDGER_KEY_BYTES
DATABASE = "lost"
PASSES = 3
_HEAD = "apiVersion: zoe/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What one loss came to. ``made`` and ``stopped`` count services, after the rebuild."""

    running: int
    finished: int
    rebuilt_ms: int
    made: int
    stopped: int
    changed: int
    """Executions whose phase is another one."""

    @property
    def is_breached(self) -> bool:
        """Whether a promise was broken."""
        return bool(self.made or self.stopped or self.changed or self.rebuilt_ms > MOST_S * 1000)

    def __str__(self) -> str:
        """Return them in a line."""
        return " ".join(f"{name}={value}" for name, value in asdict(self).items())


def manifests(running: int, finished: int) -> Iterator[tuple[str, str]]:
    """Yield path and text of batches that have ended, and of notebooks and batches that run."""
    yield "platform.yaml", _HEAD.format(kind="Platform", name="platform") + "spec: {}\n"
    yield "namespaces/aml.yaml", _HEAD.format(kind="Namespace", name="aml") + "spec: {}\n"
    for number in range(running + finished):
        image = "busybox" if number < running else "ends"
        kind = "interactive" if number < running // 2 else "batch"
        text = _HEAD.format(kind="Execution", name=f"e{number}") + (
            f"spec:\n  type: {kind}\n  services:\n    main:\n      image: {image}\n"
            "      resources: {reservations: {cpus: 0.01, memory: 16MiB}}\n"
        )
        yield f"executions/aml/e{number}.yaml", text


# -- the bulk, on the fake cluster


def bulk(postgres: PostgresCluster, running: int, finished: int) -> Figures:
    """Lose the database under so many, and rebuild it."""
    postgres.create(DATABASE)
    files = manifests(running, finished)
    with (
        tempfile.TemporaryDirectory(prefix="zoe-lost-") as name,
        installation(Path(name), files, url=postgres.url(DATABASE)) as (loop, cluster, store),
    ):
        cluster.script("ends", Outcome.exits(0))
        settle(loop, cluster)
        before, effects = phases(store), len(cluster.effects)
        store.close()
        postgres.drop(DATABASE)
        postgres.create(DATABASE)
        with SqlStore(
            postgres.url(DATABASE),
            deployment=loop.host.deployment,
            clock=loop.clock,
            random=random.Random(1),
        ) as new:
            taken_ms = _rebuilt(loop, cluster, new)
            after = phases(new)
        made, stopped = written(cluster, effects)
    postgres.drop(DATABASE)
    assert [*before.values()].count("Running") == running
    return Figures(
        running=running,
        finished=finished,
        rebuilt_ms=taken_ms,
        made=made,
        stopped=stopped,
        changed=sum(after.get(uid) != phase for uid, phase in before.items()),
    )


def _rebuilt(loop: Loop, cluster: FakeCluster, store: SqlStore) -> int:
    """Rebuild into a store and make passes on it; return how long the former took."""
    store.migrate()
    lease = store.acquire_lease("bench", ttl_s=36_000)
    assert lease is not None
    start = perf_counter()
    _, lease = rebuild(
        Parts(
            store=store,
            reader=loop.reader,
            tenants=loop.tenants,
            cluster=cluster,
            sink=loop.publisher.sink,
            clock=loop.clock,
            key=KEY,
            by="bench",
        ),
        lease,
    )
    taken_ms = round((perf_counter() - start) * 1000)
    _go_on(loop, cluster, store, lease)
    return taken_ms


def _go_on(loop: Loop, cluster: FakeCluster, store: SqlStore, lease: Lease) -> None:
    known = WorkingSet(store.load())
    publisher = Publisher(loop.publisher.sink, known, ledger_key=KEY, sealer=loop.keeper)
    new = Loop(
        reader=loop.reader,
        cluster=cluster,
        store=store,
        working_set=known,
        publisher=publisher,
        host=loop.host,
        clock=loop.clock,
        lease=lease,
        keeper=loop.keeper,
        concurrency=1,
    )
    for _ in range(PASSES):
        new.reconcile()
        cluster.advance(61_000)
    publisher.close()


def phases(store: SqlStore) -> dict[str, str]:
    """Return what is told of each run."""
    return {row.uid: row.phase for row in store.load().executions}


def written(cluster: FakeCluster, since: int) -> tuple[int, int]:
    """Return how many services were made or changed, and how many removed, since so many calls."""
    methods = [effect.method for effect in cluster.effects[since:]]
    removed = methods.count("remove_service")
    return sum(method.endswith("_service") for method in methods) - removed, removed


# -- a sample, on a real Swarm


def sample() -> Figures:
    """Lose the database under what the chaos has standing, and a burst of it."""
    with lent_stage() as stage:
        stage.push(work.burst(0))
        run = stage.start()
        missing = stage.converge()
        assert not missing, f"before anything was lost: {missing}"
        expected = dict(stage.expected)
        run.stop()  # what it told last is published by then
        there = _services(stage)
        taken_ms = _lose(stage)
        run = stage.start()
        for _ in range(PASSES):
            stage.await_pass(since=SystemClock().now())
        missing = stage.converge()
        run.stop()
        after = _services(stage)
    live = {name.split("/")[1] for name, phase in expected.items() if phase == "Running"}
    return Figures(
        running=sum(phase == "Running" for phase in expected.values()),
        finished=sum(phase == "Succeeded" for phase in expected.values()),
        rebuilt_ms=taken_ms,
        made=len(after.keys() - there.keys()),
        stopped=sum(there[id_] in live for id_ in there.keys() - after.keys()),
        changed=len(missing),
    )


def _services(stage: Stage) -> dict[str, str]:
    """Return the id of each service, and whose it is."""
    found = stage.installation.services()
    return {service["ID"]: labels(service).get(LABEL_EXECUTION, "") for service in found}


def _lose(stage: Stage) -> int:
    """Drop the database and rebuild it as an operator does; return how long that took."""
    stage.postgres.drop(DEPLOYMENT)
    stage.postgres.create(DEPLOYMENT)
    for verb, code in (("once", 1), ("status", 0), ("doctor", 1)):
        print(f"$ zoe {verb}\n{stage.installation.zoe(verb, code=code)}")  # noqa: T201
    start = perf_counter()
    told = stage.installation.zoe("rebuild")
    taken_ms = round((perf_counter() - start) * 1000)
    print(f"$ zoe rebuild\n{told}")  # noqa: T201
    return taken_ms


# -- the program


def record(found: dict[str, Figures]) -> None:
    """Put the figures into the file in which the results of long runs are kept."""
    kept = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    kept.setdefault("lost database", {}).update({name: asdict(f) for name, f in found.items()})
    RECORD.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n")


def main() -> int:
    """Return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.safety.lost_database")
    parser.add_argument("--running", type=int, default=200)
    parser.add_argument("--finished", type=int, default=300)
    parser.add_argument("--real", action="store_true", help="a sample on a real Swarm, too")
    parser.add_argument("--record", action="store_true")
    given = parser.parse_args()
    logging.disable()
    with lent_postgres() as postgres:
        found = {"bulk": bulk(postgres, given.running, given.finished)}
    if given.real:
        found["sample"] = sample()
    if given.record:
        record(found)
    print("; ".join(f"{name}: {figures}" for name, figures in found.items()))  # noqa: T201
    return int(any(figures.is_breached for figures in found.values()))


if __name__ == "__main__":
    sys.exit(main())

"""What is, for people's verbs, from wherever it can be read.

That is the server that ``ZOE_SERVER`` names, else the database that is configured here, else the
status branch of this clone. All three give the same views. The status branch holds less: what
isn't there is said to be unknown.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from policy.model.execution import Uid
from reconciler import config, wire
from reconciler.cli import reading, server
from reconciler.cli.server import Server
from reconciler.clock import SystemClock
from reconciler.converge.ledger import Entry
from reconciler.converge.snapshots import Taken
from reconciler.errors import Missing
from reconciler.reporting.records import CommitRow
from reconciler.view import (
    alerts,
    cluster,
    cluster_page,
    event,
    freshness,
    listing,
    queue,
    queue_page,
    sets,
    waiting,
)
from reconciler.view.alerts import Alert, of_all
from reconciler.view.archive import Archive
from reconciler.view.cluster import ClusterView
from reconciler.view.detail import Known, commits_named, find, holding
from reconciler.view.detail import of as detail_of
from reconciler.view.execution import Detail
from reconciler.view.freshness import Freshness
from reconciler.view.glance import Glance
from reconciler.view.listing import Listing, Query
from reconciler.view.picture import Document, Picture
from reconciler.view.queue import Holding, Queue
from reconciler.view.sets import SetView
from reconciler.view.waiting import Explanation

EVENTS = 20

NO_PLACE = (
    "nothing to read from: set ZOE_SERVER to the address of the status page, run this in a clone "
    "of the configuration repository, or where zoe.toml is (or set ZOE_DATABASE_URL or "
    "ZOE_STATE_DIR)"
)


class Place(Protocol):
    """Whoever can be asked. Each method raises TransientError while it can't be reached."""

    def freshness(self) -> Freshness | None:
        """Return how old it is; None where that isn't known."""

    def alerts(self) -> Sequence[Alert]:
        """Return what somebody must look at beside executions."""

    def page(self, query: Query) -> Listing:
        """Return a page of the executions that match; ValueError of an absurd query."""

    def state(self, namespace: str, name: str) -> str:
        """Return the state of the run that stands for a name; "" where there is none."""

    def detail(self, namespace: str, name: str) -> Detail:
        """Return all of the run that stands for a name; raises Missing."""

    def set(self, namespace: str, name: str) -> SetView:
        """Return all of a set, of no namespace where it is over many; raises Missing."""

    def queue(self, query: queue_page.Query) -> Queue:
        """Return a page of who waits; raises Missing where nothing is known of the cluster."""

    def cluster(self, query: cluster_page.Query) -> ClusterView:
        """Return a page of the nodes; raises Missing where nothing is known of them."""


@contextmanager
def here(directory: Path | None = None) -> Iterator[Place]:
    """Lend whoever can be asked.

    Raises:
        ConfigError: Nobody can be.
    """
    if (found := server.configured()) is not None:
        yield _Remote(found)
        return
    settings = config.load()
    with reading.database(settings) as store:  # says so where the database is still empty
        has_database = store is not None
    if has_database:
        with wire.archive(settings) as archive:
            yield by_database(archive)
        return
    yield _ByBranch(directory)


def by_database(archive: Archive) -> Place:
    """Return whoever answers from a database."""
    return _ByDatabase(archive)


@dataclass(frozen=True, slots=True)
class _Remote:
    """The API of ``zoe web``."""

    server: Server

    def freshness(self) -> Freshness:
        return self.server.read(Glance, "glance").freshness

    def alerts(self) -> Sequence[Alert]:
        return of_all(self.server.read(Glance, "glance").alerts)

    def page(self, query: Query) -> Listing:
        return self.server.read(
            Listing,
            "executions",
            namespace=query.namespace,
            state=query.state,
            zapp=query.zapp,
            labels=query.labels,
            text=query.text,
            all_runs=query.all_runs,
            limit=query.limit,
            cursor=query.cursor,
        )

    def detail(self, namespace: str, name: str) -> Detail:
        return self.server.read(Detail, f"executions/{namespace}/{name}")

    def state(self, namespace: str, name: str) -> str:
        with suppress(Missing):
            return self.detail(namespace, name).line.state
        return ""

    def set(self, namespace: str, name: str) -> SetView:
        return self.server.read(SetView, f"sets/{namespace or sets.NOWHERE}/{name}")

    def queue(self, query: queue_page.Query) -> Queue:
        return self.server.read(Queue, "queue", **_asked(query))

    def cluster(self, query: cluster_page.Query) -> ClusterView:
        return self.server.read(ClusterView, "cluster", **_asked(query))


def _asked(query: queue_page.Query | cluster_page.Query) -> dict[str, Any]:
    """Return the parameters of a query that aren't empty."""
    return {key: value for key, value in asdict(query).items() if value}


class _Local(ABC):
    """What both kinds of local places do: the same builders as ``zoe web``, on what they have."""

    @cached_property
    @abstractmethod
    def picture(self) -> Picture:
        """What is known of all executions."""

    @cached_property
    @abstractmethod
    def taken(self) -> Taken:
        """The newest snapshot; raises Missing where there is none."""

    def page(self, query: Query) -> Listing:
        return listing.of(self.picture, query)

    def set(self, namespace: str, name: str) -> SetView:
        documents, board = self.picture.documents.values(), self.picture.board
        found = sets.one(documents, board, namespace, name)
        if found is None:
            known = [one.full_name for one in sets.of(documents, board).sets]
            raise Missing(reading.unknown("set", f"{namespace}/{name}".strip("/"), known))
        return found

    def queue(self, query: queue_page.Query) -> Queue:
        return queue_page.of(self._whole_queue, query)

    def cluster(self, query: cluster_page.Query) -> ClusterView:
        return cluster_page.of(self._whole_cluster, query)

    @cached_property
    def _whole_queue(self) -> Queue:
        return queue.of(self.taken, self.picture.documents.values())

    @cached_property
    def _whole_cluster(self) -> ClusterView:
        return cluster.of(self.taken)

    def state(self, namespace: str, name: str) -> str:
        document = find(self.picture, namespace, name)
        return str(document["status"]["phase"]) if document else ""

    def detail(self, namespace: str, name: str) -> Detail:
        document = self._found(namespace, name)
        return detail_of(self.picture, document, self._known(document))

    def _known(self, document: Document) -> Known:
        """Return what is known of a run beside its status."""
        is_running = document["status"]["phase"] == "Running"
        return Known(
            explanation=self._explanation(document),
            holding=self._holding(document) if is_running else None,
        )

    @abstractmethod
    def _holding(self, document: Document) -> Holding | None:
        """Return what one that runs holds, which tells when it ends."""

    def _found(self, namespace: str, name: str) -> Document:
        if (document := find(self.picture, namespace, name)) is None:
            known = map("/".join, self.picture.by_name)
            raise Missing(reading.unknown("execution", f"{namespace}/{name}", known))
        return document

    def _explanation(self, document: Document) -> Explanation | None:
        if document["status"]["phase"] != "Queued":
            return None
        try:
            return waiting.of(self.taken, document["metadata"]["uid"])
        except (Missing, KeyError):  # the snapshot is older, or isn't there
            return None


class _ByDatabase(_Local):
    """The database that is configured here."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    def freshness(self) -> Freshness:
        return freshness.of(self.picture, now=SystemClock().now())

    def alerts(self) -> Sequence[Alert]:
        return of_all(alerts.of(self.picture, {}, cluster=None, now=SystemClock().now()))

    @cached_property
    def picture(self) -> Picture:
        return self._archive.picture(None)

    @cached_property
    def taken(self) -> Taken:
        return reading.stored_snapshot(self.picture.snapshot or None)

    @cached_property
    def _whole_cluster(self) -> ClusterView:
        return cluster.of(self.taken, self.picture.documents.values())

    def _holding(self, document: Document) -> Holding | None:
        return holding(document)

    def _known(self, document: Document) -> Known:
        namespace, name = document["metadata"]["namespace"], document["metadata"]["name"]
        runs = self.picture.by_name[namespace, name]
        entries = self._archive.entries([Uid(run["metadata"]["uid"]) for run in runs])
        rows = self._archive.events(namespace=namespace, name=name, limit=EVENTS)
        return replace(
            super()._known(document),
            entries=entries,
            commits=self._commits(document, entries),
            events=tuple(map(event.line, rows)),
            harvests=self._archive.harvests(Uid(document["metadata"]["uid"])),
        )

    def _commits(self, document: Document, entries: Sequence[Entry]) -> Mapping[str, CommitRow]:
        found = map(self._archive.commit, sorted(commits_named(document, entries)))
        return {row.id: row for _, row in filter(None, found)}


class _ByBranch(_Local):
    """The status branch of a clone: nothing volatile, and as old as the last fetch."""

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory

    def freshness(self) -> None:
        """Return nothing: nobody here knows whether passes are made."""

    def alerts(self) -> Sequence[Alert]:
        """Return nothing: it isn't on the branch."""
        return ()

    @cached_property
    def picture(self) -> Picture:
        found = reading.branch_documents(self._directory, otherwise=NO_PLACE)
        documents = {Uid(document["metadata"]["uid"]): document for document in found}
        return Picture(read_at=SystemClock().now(), documents=documents)

    @cached_property
    def taken(self) -> Taken:
        return reading.branch_snapshot(self._directory, otherwise=NO_PLACE)

    def _holding(self, document: Document) -> Holding | None:
        # When it ends isn't on the branch; the snapshot knows.
        uid = document["metadata"]["uid"]
        try:
            return next((h for h in self._whole_queue.running if h.uid == uid), None)
        except Missing:
            return None

    def _known(self, document: Document) -> Known:
        metadata = document["metadata"]
        known = reading.remembered(config.load(), metadata["namespace"], metadata["name"])
        return replace(super()._known(document), entries=known.entries)

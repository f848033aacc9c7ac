"""The site as it is: the one place where picture, archive and foresight come together.

Every answer is a pure builder's; here it gets what it is made from. Nothing is remembered here
(``replies`` does that), and nothing is decided.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar, cast

from policy.model.execution import Uid
from reconciler.errors import StoreUnavailable
from reconciler.manifest.suggest import closest
from reconciler.records import CommitRow, Tail
from reconciler.view import (
    calendar,
    commits,
    detail,
    event,
    freshness,
    glance,
    history,
    links,
    listing,
    namespaces,
    pulls,
    reference,
    sets,
    usage,
    zapps,
)
from reconciler.view.archive import Archive
from reconciler.view.calendar import Calendar
from reconciler.view.cluster import ClusterView
from reconciler.view.commits import Commits, CommitView
from reconciler.view.detail import Known
from reconciler.view.event import Events
from reconciler.view.execution import Detail, Logs, Timeline
from reconciler.view.glance import Freshness, Glance
from reconciler.view.history import History
from reconciler.view.listing import Listing, Query
from reconciler.view.namespaces import Namespaces, NamespaceView
from reconciler.view.picture import Picture
from reconciler.view.pulls import Pulls, PullView
from reconciler.view.queue import Queue
from reconciler.view.reference import Reference
from reconciler.view.sets import Sets, SetView
from reconciler.view.usage import Usage
from reconciler.view.waiting import Explanation
from reconciler.view.waits import LONGEST
from reconciler.view.zapps import Catalogue, ZAppView
from webhook.foresight import NOTHING, Foresight, Question, Topic
from webhook.site import COMMITS, EVENTS, Absurd, Away, BeingWorkedOut, NotThere

V = TypeVar("V")

RETRY_S = 5
IMPATIENT_S = 0.2
DAY = timedelta(days=1)
LOGO_TYPES = frozenset({"image/svg+xml", "image/png"})
USAGE = timedelta(days=30)
MOST_PASSES = 50_000
MOST_FACTS = 1000
MOST_PLANS = 100
SHOWN_COMMITS = 20
SHOWN_EVENTS = 20
"""Events on the page of one execution; the others are a page away."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A :class:`webhook.site.Site`. Any thread may ask."""

    newest: Callable[[], Picture | None]
    archive: Archive
    foresight: Foresight
    forge: links.Links
    now: Callable[[], datetime]

    # -- of now, from memory ---------------------------------------------------------------------

    def deployment(self) -> str:
        """Return what this installation is called."""
        picture = self.newest()
        return picture.deployment if picture is not None else ""

    def freshness(self) -> Freshness:
        """Return how old everything is."""
        return freshness.of(self._picture(), now=self.now())

    def glance(self) -> Glance:
        """Return the first page."""
        cluster = cast("ClusterView | None", self._glimpse(Topic.CLUSTER))
        return glance.of(self._picture(), now=self.now(), cluster=cluster)

    def listing(self, query: Query) -> Listing:
        """Return a page of executions."""
        with _refusing():
            return listing.of(self._picture(), query)

    def calendar(self) -> Calendar:
        """Return what is to come."""
        picture = self._picture()
        return calendar.of(picture.board, picture.documents, now=self.now())

    def sets(self) -> Sets:
        """Return all sets."""
        return sets.of(self._documents())

    def set(self, namespace: str, name: str) -> SetView:
        """Return one set."""
        found = sets.one(self._documents(), namespace, name)
        if found is None:
            raise _missing(f"set {namespace}/{name}", "/sets")
        return found

    def zapps(self) -> Catalogue:
        """Return the catalogue."""
        return zapps.of(self._picture().board, self._documents())

    def zapp(self, name: str) -> ZAppView:
        """Return one application."""
        board = self._picture().board
        found = zapps.one(board, name, self._documents(), new_url=self.forge.new_url)
        if found is None:
            raise _missing(name, "/zapps", among=board.zapps)
        return found

    def zapp_logo(self, name: str) -> tuple[bytes, str]:
        """Return its logo, if it is of a kind that is shown."""
        board = self._picture().board
        logo = board.zapps.get(name, {}).get("logo") or {}
        if logo.get("type") not in LOGO_TYPES:
            raise _missing(f"logo of {name}", "/zapps")
        return base64.b64decode(logo["data"]), str(logo["type"])

    def reference(self) -> Reference:
        """Return the contract and the rules."""
        return reference.of(self._picture().board)

    # -- foreseen --------------------------------------------------------------------------------

    def queue(self) -> Queue:
        """Return who waits."""
        return self._foreseen(Question(Topic.QUEUE), Queue, "the queue")

    def cluster(self) -> ClusterView:
        """Return the nodes."""
        return self._foreseen(Question(Topic.CLUSTER), ClusterView, "the cluster")

    def explanation(self, namespace: str, name: str) -> Explanation:
        """Return why one waits."""
        document = self._document(namespace, name, None)
        question = Question(Topic.EXPLANATION, document["metadata"]["uid"])
        if self.foresight.ask(question) is NOTHING:
            phase = document["status"]["phase"]
            raise NotThere(
                f"{namespace}/{name} doesn't wait: it is {phase}",
                suggestion=f"see /executions/{namespace}/{name}",
            )
        return self._foreseen(question, Explanation, "why it waits")

    # -- one execution ---------------------------------------------------------------------------

    def execution(self, namespace: str, name: str, run: int | None = None) -> Detail:
        """Return all of a run; what only the database knows is left out while that is away."""
        picture, document = self._picture(), self._document(namespace, name, run)
        known = replace(
            self._known(picture, document),
            queue=cast("Queue | None", self._glimpse(Topic.QUEUE)),
            explanation=self._explained(document),
        )
        return detail.of(picture, document, known, links=self.forge)

    def logs(self, namespace: str, name: str, run: int | None = None) -> Logs:
        """Return the logs alone."""
        detail = self.execution(namespace, name, run)
        return Logs(logs=detail.logs, told=detail.logs_told)

    def timeline(self, namespace: str, name: str, run: int | None = None) -> Timeline:
        """Return what happened to a run."""
        return Timeline(steps=self.execution(namespace, name, run).timeline)

    # -- of then, from the database --------------------------------------------------------------

    def events(
        self,
        namespace: str = "",
        name: str = "",
        *,
        cursor: str = "",
        after: int = 0,
        limit: int = EVENTS,
    ) -> Events:
        """Return events."""
        with _refusing():
            before = event.before(cursor)
        if before and after:
            raise Absurd("cursor and after exclude one another: the one goes back, the other on")
        with _reading():
            rows = self.archive.events(
                namespace=namespace,
                name=name,
                before=before,
                after=after,
                limit=limit if after else limit + 1,
            )
        return event.later(rows) if after else event.of(rows, limit=limit)

    def history(self, since: datetime | None = None) -> History:
        """Return how it went."""
        until = self.now()
        since = max(since or until - DAY, until - history.LONGEST)
        with _reading():
            passes = self.archive.passes(since=since, limit=MOST_PASSES)
            entries = self.archive.ends(since=since - LONGEST)
        with _refusing():
            return history.of(passes, entries, since=since, until=until)

    def usage(
        self, by: str = "namespace", since: datetime | None = None, until: datetime | None = None
    ) -> Usage:
        """Return who used how much."""
        picture, now = self._picture(), self.now()
        until = min(until or now, now)
        since = since or until - USAGE
        with _reading():
            intervals = self.archive.intervals(since=since, until=until)
            entries = self.archive.ends(since=since - LONGEST)
        with _refusing():
            return usage.of(
                intervals, entries, picture.documents, by=by, since=since, until=until, now=now
            )

    def commits(self, cursor: str = "", limit: int = COMMITS) -> Commits:
        """Return commits."""
        with _refusing():
            before = commits.before(cursor)
        with _reading():
            rows = self.archive.commits(before=before, limit=limit + 1)
        return commits.of(rows, limit=limit, url_of=self.forge.commit_url)

    def commit(self, revision: str) -> CommitView:
        """Return one commit."""
        with _reading():
            found = self.archive.commit(revision) if _is_revision(revision) else None
            if found is None:
                raise _missing("commit of that id", "/commits")
            number, row = found
            entries = self.archive.entries_of(row.id, limit=MOST_FACTS)
            until = self.archive.commits_until(number)
        documents = self._picture().documents
        return commits.one(row, entries, until, documents, url_of=self.forge.commit_url)

    def pulls(self) -> Pulls:
        """Return what pull requests were shown."""
        with _reading():
            return pulls.of(self.archive.plans(limit=MOST_PLANS), url_of=self.forge.pull_url)

    def pull(self, number: int) -> PullView:
        """Return what one was shown."""
        with _reading():
            found = self.archive.plan(f"pull/{number}")
        if found is None:
            raise _missing("pull request of that number that was reviewed", "/pulls")
        return pulls.one(found, url_of=self.forge.pull_url)

    def namespaces(self) -> Namespaces:
        """Return all namespaces."""
        picture, now = self._picture(), self.now()
        with _reading():
            held = self.archive.intervals(since=now - namespaces.LATELY, until=now)
        return namespaces.of(picture.board, self._documents(), held, now=now)

    def namespace(self, name: str) -> NamespaceView:
        """Return one namespace."""
        picture, now = self._picture(), self.now()
        with _reading():
            held = self.archive.intervals(since=now - namespaces.LATELY, until=now)
        found = namespaces.one(picture.board, name, self._documents(), held, now=now)
        if found is None:
            raise _missing(name, "/namespaces", among=picture.board.namespaces)
        return found

    # -- what the above is made from -------------------------------------------------------------

    def _picture(self) -> Picture:
        if (picture := self.newest()) is None:
            told = "nothing is known yet: the database is away, or zoe run hasn't prepared it"
            raise Away(told, retry_after_s=RETRY_S)
        return picture

    def _documents(self) -> Sequence[Mapping[str, Any]]:
        return tuple(self._picture().documents.values())

    def _document(self, namespace: str, name: str, run: int | None) -> Mapping[str, Any]:
        """Return the status of a run, by default of the newest of its name."""
        picture = self._picture()
        if (found := detail.find(picture, namespace, name, run)) is not None:
            return found
        if (newest := detail.find(picture, namespace, name)) is not None:
            raise NotThere(
                f"{namespace}/{name} has no run {run} that is kept",
                suggestion=f"its newest is {newest['metadata']['run']}",
            )
        near = detail.similar(picture, namespace, name)
        raise NotThere(
            f"there is no {namespace}/{name}",
            suggestion=f"did you mean {near}?" if near else "see /executions",
        )

    def _foreseen(self, question: Question, kind: type[V], what: str) -> V:
        if not self._picture().snapshot_id:
            told = f"{what} isn't known yet: no pass has been made, or an older zoe made the last"
            raise Away(told, retry_after_s=RETRY_S)
        found = self.foresight.ask(question)
        if found is None:
            raise BeingWorkedOut(f"{what} is being worked out: ask again in a moment")
        if not isinstance(found, kind):
            told = f"{what} couldn't be worked out; the operator finds why in the log of zoe web"
            raise Away(told, retry_after_s=RETRY_S)
        return found

    def _glimpse(self, topic: Topic) -> object:
        """Return an answer that a page can do without, if it is there at once."""
        found = self.foresight.ask(Question(topic), patience_s=IMPATIENT_S)
        return None if found is NOTHING else found

    def _explained(self, document: Mapping[str, Any]) -> Explanation | None:
        if document["status"]["phase"] not in WAITING:
            return None
        question = Question(Topic.EXPLANATION, document["metadata"]["uid"])
        found = self.foresight.ask(question)
        return found if isinstance(found, Explanation) else None

    def _known(self, picture: Picture, document: Mapping[str, Any]) -> Known:
        """Return what the database knows of a run beside its status; nothing while it is away."""
        metadata = document["metadata"]
        namespace, name, uid = metadata["namespace"], metadata["name"], Uid(metadata["uid"])
        archive = self.archive
        try:
            entries = archive.entries(_runs(picture, namespace, name))
            events = archive.events(namespace=namespace, name=name, limit=SHOWN_EVENTS)
            return Known(
                entries=entries,
                commits=self._commits(detail.commits_named(document, entries)),
                events=tuple(map(event.line, events)),
                harvests=archive.harvests(uid),
                tails=self._tails(uid) if detail.shows_logs(picture, namespace) else (),
            )
        except StoreUnavailable:
            return detail.NOTHING

    def _commits(self, revisions: Iterable[str]) -> dict[str, CommitRow]:
        wanted = sorted(filter(None, revisions))[:SHOWN_COMMITS]
        found = (self.archive.commit(revision) for revision in wanted)
        return {row.id: row for row in (pair[1] for pair in found if pair is not None)}

    def _tails(self, uid: Uid) -> tuple[Tail, ...]:
        self.archive.look_at(uid)
        return self.archive.tails(uid)


WAITING = frozenset({"Pending", "Queued"})


def _missing(what: str, place: str, *, among: Iterable[str] = ()) -> NotThere:
    near = closest(what, among)
    suggestion = f"did you mean {near}?" if near else f"see {place}"
    return NotThere(f"there is no {what}", suggestion=suggestion)


def _runs(picture: Picture, namespace: str, name: str) -> tuple[Uid, ...]:
    return tuple(
        uid
        for uid, document in picture.documents.items()
        if document["metadata"]["name"] == name and document["metadata"]["namespace"] == namespace
    )


def _is_revision(text: str) -> bool:
    return 7 <= len(text) <= 64 and all(c in "0123456789abcdef" for c in text)


@contextmanager
def _reading() -> Iterator[None]:
    """Turn a database that is away into an answer; what it said names hosts and files."""
    try:
        yield
    except StoreUnavailable as error:
        told = "the database is away, and what is asked for is only there"
        raise Away(told, retry_after_s=RETRY_S) from error


@contextmanager
def _refusing() -> Iterator[None]:
    """Turn what a builder says about a query that makes no sense into an answer."""
    try:
        yield
    except ValueError as error:
        raise Absurd(str(error)) from error

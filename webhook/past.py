"""The site's answers of then and of who used what: read from the database when they are asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.reporting.records import CommitRow
from reconciler.view import commits, event, history, listing, namespaces, pulls, usage
from reconciler.view.commits import Commits, CommitView
from reconciler.view.event import Events
from reconciler.view.history import History
from reconciler.view.namespaces import Namespaces, NamespaceView
from reconciler.view.pulls import Pulls, PullView
from reconciler.view.usage import Usage
from reconciler.view.waits import LONGEST
from webhook.site import COMMITS, EVENTS, Absurd
from webhook.sources import Sources, missing, reading, refusing

DAY = timedelta(days=1)
USAGE = timedelta(days=30)
MOST_PASSES = 50_000
MOST_FACTS = 1000
MOST_PLANS = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Past(Sources):
    """That part of a :class:`webhook.site.Site`."""

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
        with refusing():
            before = event.before(cursor)
        if before and after:
            raise Absurd("cursor and after exclude one another: the one goes back, the other on")
        with reading():
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
        with reading():
            passes = self.archive.passes(since=since, limit=MOST_PASSES)
            entries = self.archive.ends(since=since - LONGEST)
        with refusing():
            return history.of(passes, entries, since=since, until=until)

    def usage(
        self, by: str = "namespace", since: datetime | None = None, until: datetime | None = None
    ) -> Usage:
        """Return who used how much."""
        picture, now = self.picture(), self.now()
        until = min(until or now, now)
        since = since or until - USAGE
        with reading():
            intervals = self.archive.intervals(since=since, until=until)
            entries = self.archive.ends(since=since - LONGEST)
        with refusing():
            return usage.of(
                intervals, entries, picture.documents, by=by, since=since, until=until, now=now
            )

    def commits(self, cursor: str = "", limit: int = COMMITS) -> Commits:
        """Return commits."""
        with refusing():
            before = commits.before(cursor)
        with reading():
            rows = self.archive.commits(before=before, limit=limit + 1)
        return commits.of(rows, limit=limit, url_of=self._commit_url)

    def commit(self, revision: str) -> CommitView:
        """Return one commit."""
        with reading():
            found = self.archive.commit(revision)
            if found is None:
                raise missing("commit of that id", "/commits")
            number, row = found
            entries = self.archive.entries_of(row.id, limit=MOST_FACTS)
            until = self.archive.commits_until(number)
        documents = self.picture().documents
        return commits.one(row, entries, until, documents, url_of=self._commit_url)

    def _commit_url(self, row: CommitRow) -> str:
        return self.links(row.source_id).commit_url(row.id)

    def pulls(self) -> Pulls:
        """Return what pull requests were shown."""
        with reading():
            return pulls.of(self.archive.plans(limit=MOST_PLANS), url_of=self.forge.pull_url)

    def pull(self, number: int) -> PullView:
        """Return what one was shown."""
        with reading():
            found = self.archive.plan(f"pull/{number}")
        if found is None:
            raise missing("pull request of that number that was reviewed", "/pulls")
        return pulls.one(found, url_of=self.forge.pull_url)

    def namespaces(self) -> Namespaces:
        """Return all namespaces."""
        picture, now = self.picture(), self.now()
        with reading():
            held = self.archive.intervals(since=now - namespaces.LATELY, until=now)
        return namespaces.of(picture.board, self.documents(), held, now=now)

    def namespace(self, name: str) -> NamespaceView:
        """Return one namespace."""
        picture, now = self.picture(), self.now()
        with reading():
            since = now - namespaces.LATELY
            held = self.archive.intervals(since=since, until=now, namespace=name)
            used = self.archive.used(since=since, until=now)
        found = namespaces.one(
            picture.board,
            name,
            picture.orders.of_namespace.get(name, ()),
            held,
            now=now,
            used=used,
            limit=listing.PAGE,
        )
        if found is None:
            raise missing(name, "/namespaces", among=picture.board.namespaces)
        return found

"""What a site can be asked: page and API ask the same, and get the same views.

The answers are worked out by ``answering.Desk``; tests show sample views through the same protocol.
A method may read the database: whoever serves a request calls it in a thread (``asking``).
"""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from reconciler.view import cluster_page, queue_page
from reconciler.view.calendar import Calendar
from reconciler.view.cluster import ClusterView
from reconciler.view.commits import Commits, CommitView
from reconciler.view.event import Events
from reconciler.view.execution import Detail, Logs, Timeline
from reconciler.view.glance import Freshness, Glance
from reconciler.view.history import History
from reconciler.view.listing import Listing, Query
from reconciler.view.namespaces import Namespaces, NamespaceView
from reconciler.view.pulls import Pulls, PullView
from reconciler.view.queue import Queue
from reconciler.view.reference import Reference
from reconciler.view.sets import Sets, SetView
from reconciler.view.usage import Usage
from reconciler.view.waiting import Explanation
from reconciler.view.zapps import Catalogue, ZAppView

EVENTS = 50
COMMITS = 30


class NotThere(Exception):
    """Nothing has that name. ``suggestion`` says what may be meant, or where to look; or ""."""

    def __init__(self, told: str, *, suggestion: str = "") -> None:
        super().__init__(told)
        self.told = told
        self.suggestion = suggestion


class Away(Exception):
    """It can't be told now: nothing is known yet, or the database is needed and away."""

    def __init__(self, told: str, *, retry_after_s: int) -> None:
        super().__init__(told)
        self.told = told
        self.retry_after_s = retry_after_s


class BeingWorkedOut(Away):
    """It will be there in a moment: who can wait may ask again at once."""

    def __init__(self, told: str) -> None:
        super().__init__(told, retry_after_s=1)


class Absurd(Exception):
    """What is asked makes no sense: a cursor that isn't ours, a selector that isn't one."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


class Site(Protocol):
    """Each method raises Away; those that take a name NotThere; those that filter Absurd."""

    def deployment(self) -> str:
        """Return what this installation is called; "" before it is known."""

    def freshness(self) -> Freshness:
        """Return how old everything is: every page says so where it is too old."""

    def glance(self) -> Glance:
        """Return the first page."""

    def listing(self, query: Query) -> Listing:
        """Return the executions that match, a page of them."""

    def queue(self, query: queue_page.Query = queue_page.EVERYBODY) -> Queue:
        """Return a page of who waits; by the newest snapshot that could be worked out so far."""

    def explanation(self, namespace: str, name: str) -> Explanation:
        """Return why one waits; NotThere of what doesn't wait."""

    def execution(self, namespace: str, name: str, run: int | None = None) -> Detail:
        """Return all of a run, by default the newest of its name. Asks for its logs, too."""

    def logs(self, namespace: str, name: str, run: int | None = None) -> Logs:
        """Return the logs alone, or why there are none."""

    def timeline(self, namespace: str, name: str, run: int | None = None) -> Timeline:
        """Return what happened to a run, oldest first."""

    def events(
        self,
        namespace: str = "",
        name: str = "",
        *,
        cursor: str = "",
        after: int = 0,
        limit: int = EVENTS,
    ) -> Events:
        """Return events, the newest first; with ``after`` (an id) those since, oldest first."""

    def cluster(self, query: cluster_page.Query = cluster_page.ALL) -> ClusterView:
        """Return a page of the nodes with the most of what is on them, or all that is on one."""

    def history(self, since: datetime | None = None) -> History:
        """Return how it went; by default over the last day."""

    def usage(
        self, by: str = "namespace", since: datetime | None = None, until: datetime | None = None
    ) -> Usage:
        """Return who used how much; by default in the last 30 days."""

    def calendar(self) -> Calendar:
        """Return what is to come."""

    def commits(self, cursor: str = "", limit: int = COMMITS) -> Commits:
        """Return the commits that were looked at."""

    def commit(self, revision: str) -> CommitView:
        """Return one, by its id or the beginning of that."""

    def pulls(self) -> Pulls:
        """Return what pull requests were shown."""

    def pull(self, number: int) -> PullView:
        """Return what one was shown last."""

    def namespaces(self) -> Namespaces:
        """Return all namespaces."""

    def namespace(self, name: str) -> NamespaceView:
        """Return one with its executions."""

    def sets(self) -> Sets:
        """Return all sets."""

    def set(self, namespace: str, name: str) -> SetView:
        """Return one with its executions."""

    def zapps(self) -> Catalogue:
        """Return the catalogue."""

    def zapp(self, name: str) -> ZAppView:
        """Return one application with its README and a manifest to copy."""

    def zapp_logo(self, name: str) -> tuple[bytes, str]:
        """Return its logo and media type (image/svg+xml or image/png)."""

    def reference(self) -> Reference:
        """Return the contract of manifests and the rules in force."""

"""A site that shows the sample views, whatever is asked of it."""

from __future__ import annotations

from datetime import datetime

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
from tests.gallery import now, rules, then
from webhook.site import Absurd, NotThere

DETAILS = {
    ("aml", "spark-lab-3"): now.WAITS,
    ("aml", "spark-lab-1"): now.RUNS,
    ("aml", "exit-3"): now.FAILED,
}


class GallerySite:
    """Tests may change ``fresh`` and ``look`` while it is shown."""

    def __init__(self) -> None:
        self.fresh = now.FRESH
        self.look = now.GLANCE

    def deployment(self) -> str:
        return "lab"

    def freshness(self) -> Freshness:
        return self.fresh

    def glance(self) -> Glance:
        return self.look

    def listing(self, query: Query) -> Listing:
        if query.cursor == "bad":
            raise Absurd("this cursor isn't one that was given out: begin without one")
        return now.LISTING

    def queue(self, query: queue_page.Query = queue_page.EVERYBODY) -> Queue:
        try:
            return queue_page.of(now.QUEUE, query)
        except ValueError as error:
            raise Absurd(str(error)) from error

    def explanation(self, namespace: str, name: str) -> Explanation:
        return now.EXPLANATION

    def execution(self, namespace: str, name: str, run: int | None = None) -> Detail:
        if (found := DETAILS.get((namespace, name))) is None:
            raise NotThere(
                "there is no execution of that name", suggestion="Did you mean aml/spark-lab-3?"
            )
        return found

    def logs(self, namespace: str, name: str, run: int | None = None) -> Logs:
        detail = self.execution(namespace, name, run)
        return Logs(logs=detail.logs, told=detail.logs_told)

    def timeline(self, namespace: str, name: str, run: int | None = None) -> Timeline:
        return Timeline(steps=self.execution(namespace, name, run).timeline)

    def events(
        self,
        namespace: str = "",
        name: str = "",
        *,
        cursor: str = "",
        after: int = 0,
        limit: int = 50,
    ) -> Events:
        return Events(lines=now.EVENTS)

    def cluster(self, query: cluster_page.Query = cluster_page.ALL) -> ClusterView:
        return cluster_page.of(now.CLUSTER, query)

    def history(self, since: datetime | None = None) -> History:
        return then.HISTORY

    def usage(
        self, by: str = "namespace", since: datetime | None = None, until: datetime | None = None
    ) -> Usage:
        return then.USAGE

    def calendar(self) -> Calendar:
        return then.CALENDAR

    def commits(self, cursor: str = "", limit: int = 30) -> Commits:
        return then.COMMITS

    def commit(self, revision: str) -> CommitView:
        return then.COMMIT_VIEW

    def pulls(self) -> Pulls:
        return then.PULLS

    def pull(self, number: int) -> PullView:
        return then.PULL

    def namespaces(self) -> Namespaces:
        return rules.NAMESPACES

    def namespace(self, name: str) -> NamespaceView:
        return rules.AML

    def sets(self) -> Sets:
        return rules.SETS

    def set(self, namespace: str, name: str) -> SetView:
        return rules.SET

    def zapps(self) -> Catalogue:
        return rules.CATALOGUE

    def zapp(self, name: str) -> ZAppView:
        return rules.ZAPP

    def zapp_logo(self, name: str) -> tuple[bytes, str]:
        return rules.LOGO, "image/svg+xml"

    def reference(self) -> Reference:
        return rules.REFERENCE


PAGES = {
    "glance": "/",
    "executions": "/executions?labels=course%3Daml",
    "queue": "/queue",
    "waiting": "/executions/aml/spark-lab-3",
    "running": "/executions/aml/spark-lab-1",
    "failed": "/executions/aml/exit-3",
    "sets": "/sets",
    "set": "/sets/aml/lesson-3",
    "namespaces": "/namespaces",
    "namespace": "/namespaces/aml",
    "cluster": "/cluster",
    "history": "/history",
    "usage": "/usage",
    "calendar": "/calendar",
    "commits": "/commits",
    "commit": "/commits/4f9c2e71",
    "pulls": "/pulls",
    "pull": "/pulls/41",
    "zapps": "/zapps",
    "zapp": "/zapps/spark-jupyter",
    "reference": "/reference",
    "missing": "/executions/aml/nobody",
}
"""Every page there is, by a name for pictures and tests."""

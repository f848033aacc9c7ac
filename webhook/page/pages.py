"""The pages of a site as HTML: each asks the site for a view and puts it into its frame."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from reconciler import __version__
from reconciler.view import cluster_page, queue_page
from reconciler.view.listing import Query
from webhook.page import narrowing, render
from webhook.page.render import Frame
from webhook.problems import Problem
from webhook.site import Away, Site


class Pages:
    """Every method may read the database: it is called in a thread. Errors are the site's."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def frame(self, place: str = "") -> Frame:
        """Return what stands around a page."""
        return Frame(
            release=__version__,
            place=place,
            deployment=self._site.deployment(),
            freshness=self._site.freshness(),
        )

    def glance(self) -> str:
        """Return the first page; its banner is as old as what it shows."""
        view = self._site.glance()
        return render.glance(replace(self.frame("/"), freshness=view.freshness), view)

    def executions(self, query: Query) -> str:
        """Return the list."""
        return render.executions(self.frame("/executions"), self._site.listing(query), query)

    def execution(self, namespace: str, name: str, run: int | None) -> str:
        """Return one."""
        frame, view = self.frame("/executions"), self._site.execution(namespace, name, run)
        freshness = frame.freshness
        now = freshness.read_at if freshness else view.timeline[-1].at
        return render.execution(frame, view, now)

    def queue(self, query: queue_page.Query) -> str:
        """Return who waits."""
        return render.queue(self.frame("/queue"), self._site.queue(query), query)

    def cluster(self, query: cluster_page.Query) -> str:
        """Return the nodes, or one of them."""
        return render.cluster(self.frame("/cluster"), self._site.cluster(query), query)

    def sets(self) -> str:
        """Return all sets."""
        return render.sets(self.frame("/sets"), self._site.sets())

    def one_set(self, namespace: str, name: str, labels: str) -> str:
        """Return a set."""
        view = narrowing.one_set(self._site.set(namespace, name), labels)
        return render.one_set(self.frame("/sets"), view, labels)

    def namespaces(self) -> str:
        """Return all namespaces."""
        return render.namespaces(self.frame("/namespaces"), self._site.namespaces())

    def namespace(self, name: str, labels: str) -> str:
        """Return a namespace."""
        view = narrowing.namespace(self._site.namespace(name), labels)
        return render.namespace(self.frame("/namespaces"), view, labels)

    def history(self, since: str, at: datetime | None) -> str:
        """Return how it went; ``since`` is what was asked, ``at`` what that means."""
        return render.history(self.frame("/history"), self._site.history(at), since)

    def usage(self, by: str, since: str, at: datetime | None) -> str:
        """Return who used how much."""
        view = self._site.usage(by, at, None)
        return render.usage(self.frame("/usage"), view, since)

    def calendar(self) -> str:
        """Return what is to come."""
        return render.calendar(self.frame("/calendar"), self._site.calendar())

    def commits(self, cursor: str) -> str:
        """Return the commits."""
        view = self._site.commits(cursor)
        return render.commits(self.frame("/commits"), view, is_later=bool(cursor))

    def commit(self, revision: str) -> str:
        """Return a commit."""
        return render.commit(self.frame("/commits"), self._site.commit(revision))

    def pulls(self) -> str:
        """Return what pull requests were shown."""
        return render.pulls(self.frame("/pulls"), self._site.pulls())

    def pull(self, number: int) -> str:
        """Return what one was shown."""
        return render.pull(self.frame("/pulls"), self._site.pull(number))

    def zapps(self) -> str:
        """Return the catalogue."""
        return render.zapps(self.frame("/zapps"), self._site.zapps())

    def zapp(self, name: str) -> str:
        """Return an application."""
        return render.zapp(self.frame("/zapps"), self._site.zapp(name))

    def reference(self, kind: str) -> str:
        """Return the rules, and the fields of a kind of document."""
        return render.reference(self.frame("/reference"), self._site.reference(), kind)

    def trouble(self, problem: Problem, again: str) -> str:
        """Return what went wrong, with a way back: also while nothing at all is known."""
        try:
            frame = self.frame()
        except Away:
            frame = Frame(release=__version__)
        return render.trouble(
            frame, problem.status, problem.detail, suggestion=problem.suggestion, again=again
        )

"""One function per page: a view in, HTML out. Pure but for the templates, which are read once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from policy.words import listed
from reconciler.view import cluster_page, queue_page
from reconciler.view.calendar import Calendar
from reconciler.view.cluster import ClusterView
from reconciler.view.commits import Commits, CommitView
from reconciler.view.execution import Detail
from reconciler.view.glance import Freshness, Glance
from reconciler.view.history import History
from reconciler.view.listing import Listing, Query
from reconciler.view.namespaces import Namespaces, NamespaceView
from reconciler.view.pulls import Pulls, PullView
from reconciler.view.queue import Queue
from reconciler.view.reference import Reference
from reconciler.view.sets import Sets, SetView
from reconciler.view.usage import Usage
from reconciler.view.zapps import Catalogue, ZAppView
from webhook.page.addresses import path
from webhook.page.course import stretches
from webhook.page.environment import environment
from webhook.page.figures import figures
from webhook.site import NotThere


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What stands around every page. ``place`` is the path of the navigation that it is under.

    ``is_live``: it tells of now, so it is brought up to date while it is looked at.
    """

    release: str
    place: str = ""
    deployment: str = ""
    freshness: Freshness | None = None
    is_live: bool = True


def _page(template: str, frame: Frame, **values: Any) -> str:
    return environment().get_template(template).render(frame=frame, **values)


def glance(frame: Frame, view: Glance) -> str:
    """Return the first page."""
    return _page("glance.html", frame, view=view)


def executions(frame: Frame, view: Listing, query: Query) -> str:
    """Return the list of executions, with the filter that it was made by."""
    filters = {
        "text": query.text,
        "namespace": query.namespace,
        "state": query.state,
        "zapp": query.zapp,
        "labels": query.labels,
        "all_runs": "true" if query.all_runs else "",
    }
    is_filtered = any(filters.values())
    return _page(
        "executions.html", frame, view=view, query=query, filters=filters, is_filtered=is_filtered
    )


def queue(frame: Frame, view: Queue, query: queue_page.Query = queue_page.EVERYBODY) -> str:
    """Return a page of who waits, with what was asked for."""
    filters = {"namespace": query.namespace, "labels": query.labels}
    return _page("queue.html", frame, view=view, query=query, filters=filters)


def execution(frame: Frame, view: Detail, now: datetime) -> str:
    """Return all about one run; what isn't over lasts until ``now``."""
    return _page("execution.html", frame, view=view, stretches=stretches(view.timeline, now))


def sets(frame: Frame, view: Sets) -> str:
    """Return all sets."""
    return _page("sets.html", frame, view=view)


def one_set(frame: Frame, view: SetView, labels: str = "") -> str:
    """Return a set."""
    return _page("set.html", frame, view=view, labels=labels)


def namespaces(frame: Frame, view: Namespaces) -> str:
    """Return all namespaces."""
    return _page("namespaces.html", frame, view=view)


def namespace(frame: Frame, view: NamespaceView, labels: str = "") -> str:
    """Return a namespace."""
    return _page("namespace.html", frame, view=view, labels=labels)


def cluster(frame: Frame, view: ClusterView, query: cluster_page.Query = cluster_page.ALL) -> str:
    """Return some nodes with the most of what is on them, or all that is on one."""
    largest = max((node.memory.capacity for node in view.nodes), default=0)
    return _page("cluster.html", frame, view=view, query=query, largest=largest)


def history(frame: Frame, view: History, since: str) -> str:
    """Return how it went; ``since`` is how long ago, as it was asked."""
    return _page("history.html", frame, view=view, figures=figures(view), since=since)


def usage(frame: Frame, view: Usage, since: str) -> str:
    """Return who used how much; ``since`` is how long ago, as it was asked."""
    csv = path("api", "v1", "usage.csv", by=view.by, since=since)
    return _page("usage.html", frame, view=view, since=since, csv=csv)


def calendar(frame: Frame, view: Calendar) -> str:
    """Return what is to come."""
    return _page("calendar.html", frame, view=view)


def commits(frame: Frame, view: Commits, *, is_later: bool = False) -> str:
    """Return the commits that were looked at; ``is_later``: not the first page of them."""
    return _page("commits.html", frame, view=view, is_later=is_later)


def commit(frame: Frame, view: CommitView) -> str:
    """Return what a commit did, and what was desired as of it."""
    return _page("commit.html", frame, view=view)


def pulls(frame: Frame, view: Pulls) -> str:
    """Return what pull requests were shown."""
    return _page("pulls.html", frame, view=view)


def pull(frame: Frame, view: PullView) -> str:
    """Return what one was shown, and whether it came so."""
    return _page("pull.html", frame, view=view)


def zapps(frame: Frame, view: Catalogue) -> str:
    """Return the catalogue."""
    return _page("zapps.html", replace(frame, is_live=False), view=view)


def zapp(frame: Frame, view: ZAppView) -> str:
    """Return one application: a manifest to copy, its parameters, its README."""
    return _page("zapp.html", replace(frame, is_live=False), view=view)


def reference(frame: Frame, view: Reference, kind: str = "Execution") -> str:
    """Return the rules in force and the fields of one kind of document, with links to the others.

    Raises:
        NotThere: There is no such kind.
    """
    shown = next((one for one in view.kinds if one.kind == kind), None)
    if shown is None and kind != "Execution":
        kinds = listed([one.kind for one in view.kinds], most=len(view.kinds))
        raise NotThere(
            "there is no kind of document of that name", suggestion=f"There are {kinds}."
        )
    return _page("reference.html", replace(frame, is_live=False), view=view, kind=shown)


def trouble(frame: Frame, status: int, told: str, *, suggestion: str = "", again: str = "/") -> str:
    """Return a plain page that says what is wrong, with a way back."""
    return _page(
        "trouble.html",
        replace(frame, is_live=False),
        status=status,
        heading=_HEADINGS.get(status, "That didn't work"),
        told=told,
        suggestion=suggestion,
        again=again,
    )


_HEADINGS = {
    400: "That can't be asked",
    404: "Nothing is here",
    503: "It can't be told now",
}

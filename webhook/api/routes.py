"""The paths of the API. Each asks the site in a thread and sends the view as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from reconciler.view import encoding, usage_csv
from reconciler.view.calendar import Calendar
from reconciler.view.cluster import ClusterView
from reconciler.view.commits import Commits, CommitView
from reconciler.view.event import Events
from reconciler.view.execution import Detail, Logs, Timeline
from reconciler.view.glance import Glance
from reconciler.view.history import History
from reconciler.view.listing import Listing
from reconciler.view.namespaces import Namespaces, NamespaceView
from reconciler.view.pulls import Pulls, PullView
from reconciler.view.queue import Queue
from reconciler.view.reference import Reference
from reconciler.view.sets import Sets, SetView
from reconciler.view.usage import Usage
from reconciler.view.waiting import Explanation
from reconciler.view.zapps import Catalogue, ZAppView
from webhook import site as sites
from webhook.api import asked
from webhook.replies import Replies, Told
from webhook.site import Site

PREFIX = "/api/v1"
JSON = "application/json"


def router(site: Site, replies: Replies, now: Callable[[], datetime]) -> APIRouter:
    """Return the routes."""
    made = APIRouter(prefix=PREFIX, dependencies=asked.EVERYWHERE)
    for add in (_add_executions, _add_now, _add_rules):
        add(made, site, replies)
    _add_then(made, site, replies, now)
    _add_git(made, site, replies)
    return made


async def _send(
    replies: Replies, request: Request, question: Callable[[], object], tells: Told = Told.STATE
) -> Response:
    return await replies.reply(request, lambda: as_bytes(question()), media_type=JSON, tells=tells)


def as_bytes(view: object) -> bytes:
    """Return a view as the API sends it."""
    return json.dumps(encoding.to_json(view), ensure_ascii=False, separators=(",", ":")).encode(
        errors="backslashreplace"
    )


def _describing(view: type[Any]) -> dict[str, Any]:
    """Return what makes a route's description tell the view that it answers with."""
    return {"responses": {200: {"model": view}}}


def _add_executions(made: APIRouter, site: Site, replies: Replies) -> None:
    path = "/executions/{namespace}/{name}"

    @made.get("/executions", summary="Executions, filtered, a page", **_describing(Listing))
    async def executions(request: Request, query: asked.Wanted) -> Response:
        return await _send(replies, request, lambda: site.listing(query))

    @made.get(path, summary="One: is it running, why not, when", **_describing(Detail))
    async def execution(
        request: Request, namespace: str, name: str, run: asked.Run = None
    ) -> Response:
        # It holds the newest log lines, which no version tells of.
        return await _send(
            replies, request, lambda: site.execution(namespace, name, run), Told.CONTENT
        )

    @made.get(f"{path}/logs", summary="Its log, where that may be shown", **_describing(Logs))
    async def logs(request: Request, namespace: str, name: str, run: asked.Run = None) -> Response:
        return await _send(replies, request, lambda: site.logs(namespace, name, run), Told.CONTENT)

    @made.get(f"{path}/history", summary="What happened to it in its runs", **_describing(Timeline))
    async def timeline(
        request: Request, namespace: str, name: str, run: asked.Run = None
    ) -> Response:
        return await _send(replies, request, lambda: site.timeline(namespace, name, run))

    @made.get(f"{path}/events", summary="Its events, a page", **_describing(Events))
    async def events(
        request: Request,
        namespace: str,
        name: str,
        cursor: asked.Cursor = "",
        after: Annotated[int, Query(ge=0, le=2**53)] = 0,
        limit: asked.Limit = sites.EVENTS,
    ) -> Response:
        return await _send(
            replies,
            request,
            lambda: site.events(namespace, name, cursor=cursor, after=after, limit=limit),
        )


def _add_now(made: APIRouter, site: Site, replies: Replies) -> None:
    @made.get("/glance", summary="How things are", **_describing(Glance))
    async def glance(request: Request) -> Response:
        return await _send(replies, request, site.glance, Told.LIFE)

    @made.get("/queue", summary="Who waits, why, and until when, a page", **_describing(Queue))
    async def queue(request: Request, query: asked.WhoWaits) -> Response:
        return await _send(replies, request, lambda: site.queue(query))

    @made.get("/queue/{namespace}/{name}", summary="Why one waits", **_describing(Explanation))
    async def explanation(request: Request, namespace: str, name: str) -> Response:
        return await _send(replies, request, lambda: site.explanation(namespace, name))

    @made.get("/cluster", summary="The nodes, a page, or one", **_describing(ClusterView))
    async def cluster(request: Request, query: asked.Nodes) -> Response:
        return await _send(replies, request, lambda: site.cluster(query))

    @made.get("/calendar", summary="What is to come", **_describing(Calendar))
    async def calendar(request: Request) -> Response:
        return await _send(replies, request, site.calendar, Told.LIFE)


def _add_then(made: APIRouter, site: Site, replies: Replies, now: Callable[[], datetime]) -> None:
    @made.get("/events", summary="What happened, a page", **_describing(Events))
    async def events(
        request: Request,
        namespace: asked.Text = "",
        name: asked.Text = "",
        cursor: asked.Cursor = "",
        after: Annotated[int, Query(ge=0, le=2**53, description="Those since this id.")] = 0,
        limit: asked.Limit = sites.EVENTS,
    ) -> Response:
        return await _send(
            replies,
            request,
            lambda: site.events(namespace, name, cursor=cursor, after=after, limit=limit),
        )

    @made.get("/history", summary="How it went", **_describing(History))
    async def history(request: Request, since: asked.Moment = "") -> Response:
        at = asked.moment(since, now=now())
        return await _send(replies, request, lambda: site.history(at), Told.LIFE)

    @made.get("/usage", summary="Who used how much", **_describing(Usage))
    async def usage(
        request: Request,
        by: Annotated[str, Query(max_length=200, description="namespace, zapp or label:KEY")] = (
            "namespace"
        ),
        since: asked.Moment = "",
        until: asked.Moment = "",
    ) -> Response:
        first, last = asked.moment(since, now=now()), asked.moment(until, now=now())
        return await _send(replies, request, lambda: site.usage(by, first, last), Told.LIFE)

    @made.get("/usage.csv", summary="The same as a table", response_class=Response)
    async def usage_table(
        request: Request,
        by: Annotated[str, Query(max_length=200)] = "namespace",
        since: asked.Moment = "",
        until: asked.Moment = "",
    ) -> Response:
        first, last = asked.moment(since, now=now()), asked.moment(until, now=now())
        response = await replies.reply(
            request,
            lambda: usage_csv.to_csv(site.usage(by, first, last)).encode(),
            media_type="text/csv; charset=utf-8",
            tells=Told.LIFE,
        )
        response.headers["Content-Disposition"] = 'attachment; filename="usage.csv"'
        return response


def _add_git(made: APIRouter, site: Site, replies: Replies) -> None:
    @made.get("/commits", summary="Commits that were looked at", **_describing(Commits))
    async def commits(
        request: Request, cursor: asked.Cursor = "", limit: asked.Limit = sites.COMMITS
    ) -> Response:
        return await _send(replies, request, lambda: site.commits(cursor, limit))

    @made.get("/commits/{revision}", summary="What one did", **_describing(CommitView))
    async def commit(request: Request, revision: str) -> Response:
        return await _send(replies, request, lambda: site.commit(revision))

    @made.get("/pulls", summary="Pull requests that were reviewed", **_describing(Pulls))
    async def pulls(request: Request) -> Response:
        return await _send(replies, request, site.pulls, Told.LIFE)

    @made.get("/pulls/{number}", summary="What one was shown", **_describing(PullView))
    async def pull(request: Request, number: int) -> Response:
        return await _send(replies, request, lambda: site.pull(number), Told.LIFE)


def _add_rules(made: APIRouter, site: Site, replies: Replies) -> None:
    @made.get("/namespaces", summary="All namespaces", **_describing(Namespaces))
    async def namespaces(request: Request) -> Response:
        return await _send(replies, request, site.namespaces, Told.LIFE)

    @made.get("/namespaces/{name}", summary="Its quota and use", **_describing(NamespaceView))
    async def namespace(request: Request, name: str) -> Response:
        return await _send(replies, request, lambda: site.namespace(name), Told.LIFE)

    @made.get("/sets", summary="All sets", **_describing(Sets))
    async def all_sets(request: Request) -> Response:
        return await _send(replies, request, site.sets)

    @made.get("/sets/{namespace}/{name}", summary="Who is missing", **_describing(SetView))
    async def one_set(request: Request, namespace: str, name: str) -> Response:
        return await _send(replies, request, lambda: site.set(namespace, name))

    @made.get("/zapps", summary="The catalogue", **_describing(Catalogue))
    async def zapps(request: Request) -> Response:
        return await _send(replies, request, site.zapps)

    @made.get("/zapps/{name}", summary="One application", **_describing(ZAppView))
    async def zapp(request: Request, name: str) -> Response:
        return await _send(replies, request, lambda: site.zapp(name))

    @made.get("/reference", summary="What may be written", **_describing(Reference))
    async def reference(request: Request) -> Response:
        return await _send(replies, request, site.reference)

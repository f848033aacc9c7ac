"""The paths of the pages. Each page is made in a thread and remembered as the API's answers are."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Query, Request
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles

from webhook.api import asked
from webhook.page.pages import Pages
from webhook.problems import Problem
from webhook.replies import Replies, Told
from webhook.site import Site

HTML = "text/html; charset=utf-8"
STATIC = "/static"
# A logo is a user's file: whatever it holds, it is only a picture.
LOGO_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
LOGO_TYPES = frozenset({"image/svg+xml", "image/png"})


class _Sending(Protocol):
    """How a page becomes an answer."""

    async def __call__(
        self, request: Request, page: Callable[[], str], tells: Told = Told.STATE, /
    ) -> Response: ...


class _Kept(StaticFiles):
    """Files that browsers keep for a while: their addresses name the release."""

    def file_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().file_response(*args, **kwargs)
        response.headers["Cache-Control"] = "max-age=3600"
        return response


def static() -> StaticFiles:
    """Return what serves style sheet and scripts, to be mounted at :data:`STATIC`."""
    return _Kept(directory=Path(__file__).parent / "static")


def as_html(site: Site, problem: Problem, *, again: str = "/") -> HTMLResponse:
    """Return the answer for people to a request that went wrong."""
    body = Pages(site).trouble(problem, again)
    headers = {"Cache-Control": "no-store", **problem.headers}
    return HTMLResponse(body, problem.status, headers=headers)


def router(site: Site, replies: Replies, now: Callable[[], datetime]) -> APIRouter:
    """Return the routes."""
    made = APIRouter(include_in_schema=False, dependencies=asked.EVERYWHERE)
    pages = Pages(site)

    async def send(
        request: Request, page: Callable[[], str], tells: Told = Told.STATE, /
    ) -> Response:
        return await replies.reply(request, lambda: page().encode(), media_type=HTML, tells=tells)

    _add_now(made, pages, send)
    _add_owners(made, pages, send)
    _add_then(made, pages, send, now)
    _add_rules(made, site, pages, send)
    return made


def _add_now(made: APIRouter, pages: Pages, send: _Sending) -> None:
    @made.get("/")
    async def glance(request: Request) -> Response:
        return await send(request, pages.glance, Told.LIFE)

    @made.get("/executions")
    async def executions(request: Request, query: asked.Wanted) -> Response:
        return await send(request, lambda: pages.executions(query))

    @made.get("/executions/{namespace}/{name}")
    async def execution(
        request: Request, namespace: str, name: str, run: asked.Run = None
    ) -> Response:
        # It shows the newest lines of logs, which no version tells of.
        return await send(request, lambda: pages.execution(namespace, name, run), Told.CONTENT)

    @made.get("/queue")
    async def queue(request: Request, query: asked.WhoWaits) -> Response:
        return await send(request, lambda: pages.queue(query))

    @made.get("/cluster")
    async def cluster(request: Request, query: asked.Nodes) -> Response:
        return await send(request, lambda: pages.cluster(query))


def _add_owners(made: APIRouter, pages: Pages, send: _Sending) -> None:
    @made.get("/sets")
    async def sets(request: Request) -> Response:
        return await send(request, pages.sets)

    @made.get("/sets/{namespace}/{name}")
    async def one_set(
        request: Request, namespace: str, name: str, labels: asked.Text = ""
    ) -> Response:
        return await send(request, lambda: pages.one_set(namespace, name, labels))

    @made.get("/namespaces")
    async def namespaces(request: Request) -> Response:
        return await send(request, pages.namespaces, Told.LIFE)

    @made.get("/namespaces/{name}")
    async def namespace(request: Request, name: str, labels: asked.Text = "") -> Response:
        return await send(request, lambda: pages.namespace(name, labels), Told.LIFE)


def _add_then(made: APIRouter, pages: Pages, send: _Sending, now: Callable[[], datetime]) -> None:
    @made.get("/history")
    async def history(request: Request, since: asked.Moment = "1d") -> Response:
        at = asked.moment(since, now=now())
        return await send(request, lambda: pages.history(since, at), Told.LIFE)

    @made.get("/usage")
    async def usage(
        request: Request,
        by: Annotated[str, Query(max_length=200)] = "namespace",
        since: asked.Moment = "30d",
    ) -> Response:
        at = asked.moment(since, now=now())
        return await send(request, lambda: pages.usage(by, since, at), Told.LIFE)

    @made.get("/calendar")
    async def calendar(request: Request) -> Response:
        return await send(request, pages.calendar, Told.LIFE)

    @made.get("/commits")
    async def commits(request: Request, cursor: asked.Cursor = "") -> Response:
        return await send(request, lambda: pages.commits(cursor))

    @made.get("/commits/{revision}")
    async def commit(request: Request, revision: str) -> Response:
        return await send(request, lambda: pages.commit(revision))

    @made.get("/pulls")
    async def pulls(request: Request) -> Response:
        return await send(request, pages.pulls)

    @made.get("/pulls/{number}")
    async def pull(request: Request, number: int) -> Response:
        return await send(request, lambda: pages.pull(number))


def _add_rules(made: APIRouter, site: Site, pages: Pages, send: _Sending) -> None:
    @made.get("/zapps")
    async def zapps(request: Request) -> Response:
        return await send(request, pages.zapps)

    @made.get("/zapps/{name}")
    async def zapp(request: Request, name: str) -> Response:
        return await send(request, lambda: pages.zapp(name))

    @made.get("/zapps/{name}/logo")
    def logo(name: str) -> Response:
        body, media_type = site.zapp_logo(name)
        known = media_type if media_type in LOGO_TYPES else "application/octet-stream"
        headers = {
            "Content-Security-Policy": LOGO_POLICY,
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "max-age=300",
        }
        return Response(body, media_type=known, headers=headers)

    @made.get("/reference")
    async def reference(request: Request, kind: asked.Text = "Execution") -> Response:
        return await send(request, lambda: pages.reference(kind))

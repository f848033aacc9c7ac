"""What is read of a site, put into the application: API, stream, badges, metrics and pages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from time import perf_counter

from fastapi import APIRouter, FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from webhook import badge
from webhook.api import description, routes
from webhook.guarded import HOOKS
from webhook.metrics import MEDIA_TYPE, Metrics
from webhook.page import routes as pages
from webhook.problems import Problem, as_json, problem_of
from webhook.replies import Replies
from webhook.site import Site
from webhook.stream import Streams

STREAM = "/events"
SVG = "image/svg+xml"
_UNAVAILABLE = 503


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A site with what serves it."""

    site: Site
    replies: Replies
    streams: Streams
    metrics: Metrics
    now: Callable[[], datetime]


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of everything that is read, and how its errors are told."""
    made = routes.router(reading.site, reading.replies, reading.now)
    description.add(made, app)
    app.include_router(made)
    app.include_router(_others(reading))
    app.include_router(pages.router(reading.site, reading.replies, reading.now))
    app.mount(pages.STATIC, pages.static())


def telling(reading: Reading | None) -> Callable[[Request, Exception], Awaitable[Response]]:
    """Return the handler of errors: to forges as ever, to programs in JSON, to people a page."""

    async def tell(request: Request, error: Exception) -> Response:
        if request.url.path.startswith(HOOKS) and isinstance(error, HTTPException):
            # What may still come of a body is nobody's to read.
            headers = {**(error.headers or {}), "Connection": "close"}
            return JSONResponse({"message": error.detail}, error.status_code, headers=headers)
        problem = problem_of(error)
        if reading is not None and _is_read_by_people(request):
            return pages.as_html(reading.site, problem, again=_again(request, problem))
        return as_json(problem)

    return tell


def _is_read_by_people(request: Request) -> bool:
    is_page = not request.url.path.startswith((routes.PREFIX, STREAM, "/badge/", "/metrics"))
    return is_page and "text/html" in request.headers.get("accept", "text/html")


def _again(request: Request, problem: Problem) -> str:
    """Return where a page leads on: to itself, if it may work the next time."""
    return request.url.path if problem.status == _UNAVAILABLE else "/"


def _others(reading: Reading) -> APIRouter:
    made = APIRouter()

    @made.api_route(STREAM, methods=["GET", "HEAD"], include_in_schema=False)
    async def stream(request: Request) -> Response:
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        return reading.streams.respond(request)

    @made.get("/badge/{namespace}/{name}.svg", include_in_schema=False)
    async def badges(request: Request, namespace: str, name: str) -> Response:
        def made_badge() -> bytes:
            state = reading.site.execution(namespace, name).line.state
            return badge.svg(f"{namespace}/{name}", state).encode()

        return await reading.replies.reply(request, made_badge, media_type=SVG)

    @made.get("/metrics", include_in_schema=False)
    async def metrics() -> Response:
        body = await reading.replies.asking(reading.metrics.text)
        return Response(body, media_type=MEDIA_TYPE, headers={"Cache-Control": "no-store"})

    return made


class Measured:
    """An application around another, which counts its answers."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and count it under its route's template."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = perf_counter(), 500

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            # A path that leads nowhere is a name that anybody may make up.
            template = str(getattr(scope.get("route"), "path", "elsewhere"))
            if template != STREAM:
                self._metrics.answered(template, status, perf_counter() - began)

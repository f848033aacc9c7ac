"""The application that ``zoe web`` serves: the receiver, whether we are well, and what is read."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from datetime import datetime

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from reconciler import __version__
from reconciler.inbox import Inbox
from webhook import body as bodies
from webhook import reading as readings
from webhook.endpoint import Endpoint
from webhook.guarded import HOOKS, LOOPBACK, Guarded
from webhook.headers import Headers
from webhook.health import Readiness
from webhook.reading import Measured, Reading
from webhook.receiver import Receiver
from webhook.recorder import Recorder
from webhook.site import Absurd, Away, NotThere


def create_app(
    endpoints: Sequence[Endpoint],
    inbox: Inbox,
    clock: Callable[[], datetime],
    *,
    body_timeout_s: float = bodies.TIMEOUT_S,
    reading: Reading | None = None,
) -> FastAPI:
    """Return the application. It has no documentation pages: those would load foreign scripts."""
    app = FastAPI(
        title="Zoe",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    tell = readings.telling(reading)
    for error in (HTTPException, RequestValidationError, NotThere, Away, Absurd, Exception):
        app.add_exception_handler(error, tell)
    receiver = Receiver(endpoints, Recorder(inbox), clock, body_timeout_s=body_timeout_s)
    readiness = Readiness(inbox, clock)

    @app.post(HOOKS + "{name}", status_code=202, responses=_ANSWERS, summary="Tell of a change")
    async def hook(name: str, request: Request) -> Response:
        try:
            answer = await receiver.receive(name, Headers.of(request.headers.raw), request.receive)
        except bodies.Gone:
            return Response(status_code=400)
        return JSONResponse({"message": answer.message}, answer.status, headers=answer.headers)

    @app.get("/healthz", summary="Whether this process answers")
    async def healthz() -> JSONResponse:
        return JSONResponse({"message": "alive"})

    @app.get("/readyz", summary="Whether deliveries can be taken", responses={503: {}})
    async def readyz() -> JSONResponse:
        problem = await readiness.problem()
        return JSONResponse({"message": problem or "ready"}, 503 if problem else 200)

    if reading is not None:
        readings.install(app, reading)
    return app


def guarded(
    app: FastAPI, *, hosts: Collection[str] = LOOPBACK, reading: Reading | None = None
) -> ASGIApp:
    """Return the application with what is true of every answer around it."""
    inner: ASGIApp = app if reading is None else Measured(app, reading.metrics)
    return Guarded(inner, hosts=hosts)


_ANSWERS: dict[int | str, dict[str, str]] = {
    200: {"description": "Understood, and nothing to do"},
    400: {"description": "Signed, but not JSON"},
    401: {"description": "The signature is missing or wrong"},
    404: {"description": "No webhook is here"},
    408: {"description": "The body came too slowly"},
    413: {"description": "The body is too large"},
    415: {"description": "This provider's webhook must send JSON"},
    503: {"description": "The database is away"},
}

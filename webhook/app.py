"""The application that ``zoe web`` serves: the receiver and whether we are well."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from reconciler import __version__
from reconciler.inbox import Inbox
from webhook import body as bodies
from webhook.endpoint import Endpoint
from webhook.headers import Headers
from webhook.health import Readiness
from webhook.receiver import Receiver
from webhook.recorder import Recorder

PREFIX = "/hooks/"


def create_app(
    endpoints: Sequence[Endpoint],
    inbox: Inbox,
    clock: Callable[[], datetime],
    *,
    body_timeout_s: float = bodies.TIMEOUT_S,
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
    receiver = Receiver(endpoints, Recorder(inbox), clock, body_timeout_s=body_timeout_s)
    readiness = Readiness(inbox, clock)
    app.add_exception_handler(HTTPException, _tell)

    @app.post(PREFIX + "{name}", status_code=202, responses=_ANSWERS, summary="Tell of a change")
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

    return app


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


async def _tell(_: Request, error: Exception) -> JSONResponse:
    """Say what is wrong with a request in the same form as everything else."""
    if not isinstance(error, HTTPException):
        raise error
    # What may still come of a body is nobody's to read.
    headers = {**(error.headers or {}), "Connection": "close"}
    return JSONResponse({"message": error.detail}, error.status_code, headers=headers)

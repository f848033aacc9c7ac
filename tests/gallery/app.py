"""The application that shows the sample views, with the routes and headers of ``zoe web``."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from tests.gallery.people import NOW
from tests.gallery.site import GallerySite
from webhook.api import routes as api
from webhook.asking import Asking
from webhook.guarded import Guarded
from webhook.page import routes
from webhook.problems import problem_of
from webhook.replies import Replies
from webhook.site import Absurd, Away, NotThere


def create(shown: Any) -> Guarded:
    """Return the application around a ``Gallery``, whose ``site`` it makes."""
    site = shown.site = GallerySite()
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    replies = Replies(Asking(), state=lambda: shown.state, life=lambda: shown.life)

    async def tell(request: Request, error: Exception) -> Response:
        return routes.as_html(site, problem_of(error), again=str(request.url.path))

    for kind in (NotThere, Absurd, Away, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, tell)

    @app.get("/events")
    async def events() -> Response:
        return StreamingResponse(shown.stream(), media_type="text/event-stream")

    app.include_router(api.router(site, replies, lambda: NOW))
    app.include_router(routes.router(site, replies, lambda: NOW))
    app.mount(routes.STATIC, routes.static())
    return Guarded(app, hosts=())

"""``/api/v1/openapi.json``: made from the routes and the views, when it is first asked for."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from starlette.responses import Response

from reconciler import __version__
from reconciler.view.encoding import camel

PATH = "/openapi.json"
_TEXT = {"type": "string"}
_PROBLEM = {
    "type": "object",
    "description": "RFC 9457: what is wrong with a request, and what to try.",
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "suggestion": _TEXT,
    },
    "required": ["type", "title", "status", "detail"],
}
_ERRORS = {
    "304": {"description": "Nothing has changed since that ETag"},
    "400": {"description": "The query makes no sense"},
    "404": {"description": "Nothing has that name"},
    "503": {"description": "It can't be told now: come again after Retry-After seconds"},
}


def add(made: APIRouter, app: FastAPI) -> None:
    """Add the route of the description."""
    kept: list[bytes] = []

    @made.get(PATH, include_in_schema=False)
    async def openapi(_: Request) -> Response:
        if not kept:
            kept.append(json.dumps(describe(app)).encode())
        headers = {"Cache-Control": "no-cache"}
        return Response(kept[0], media_type="application/json", headers=headers)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the description: of what is sent, so with fields as JSON calls them."""
    told = get_openapi(title="Zoe", version=__version__, routes=app.routes)
    schemas = told.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    for schema in schemas.values():
        _rename(schema)
    schemas["Problem"] = _PROBLEM
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, operations in told["paths"].items():
        if not path.startswith("/api/"):
            continue
        for operation in operations.values():
            operation["responses"].pop("422", None)
            for status, error in _ERRORS.items():
                content = {} if status == "304" else {"content": problem}
                operation["responses"].setdefault(status, {**error, **content})
    return told


def _rename(schema: dict[str, Any]) -> None:
    """Call fields what ``view.encoding`` calls them, and say that there are no others."""
    if "properties" not in schema:
        return
    schema["properties"] = {camel(name): part for name, part in schema["properties"].items()}
    if "required" in schema:
        schema["required"] = [camel(name) for name in schema["required"]]
    schema["additionalProperties"] = False

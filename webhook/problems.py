"""What went wrong with a request, as a value: in JSON (RFC 9457) for the API, in HTML for pages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from webhook.site import Absurd, Away, NotThere

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """``detail`` says what is wrong, ``suggestion`` what to try."""

    status: int
    detail: str
    suggestion: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def title(self) -> str:
        """The status in words."""
        return HTTPStatus(self.status).phrase


def problem_of(error: Exception) -> Problem:
    """Return what an error says to whoever asked; of our own faults only that there was one."""
    match error:
        case NotThere():
            return Problem(status=404, detail=error.told, suggestion=error.suggestion)
        case Absurd():
            return Problem(status=400, detail=error.told)
        case Away():
            headers = {"Retry-After": str(error.retry_after_s)}
            return Problem(status=503, detail=error.told, headers=headers)
        case RequestValidationError():
            return Problem(status=400, detail="; ".join(map(_fault, error.errors())))
        case HTTPException():
            return _of_http(error)
        case _:
            detail = "something went wrong here; the operator finds it in the log of zoe web"
            return Problem(status=500, detail=detail)


def as_json(problem: Problem) -> JSONResponse:
    """Return the answer for machines."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": problem.title,
        "status": problem.status,
        "detail": problem.detail,
    }
    if problem.suggestion:
        body["suggestion"] = problem.suggestion
    headers = {"Cache-Control": "no-store", **problem.headers}
    return JSONResponse(body, problem.status, headers=headers, media_type=MEDIA_TYPE)


def _of_http(error: HTTPException) -> Problem:
    headers = dict(error.headers or {})
    match error.status_code:
        case 404:
            detail = "there is no such page"
        case 405:
            detail = "this can only be read: use GET or HEAD"
            headers["Allow"] = "GET, HEAD"
        case _:
            detail = error.detail
    return Problem(status=error.status_code, detail=detail, headers=headers)


def _fault(error: Mapping[str, object]) -> str:
    """Return what is wrong with one parameter; what was sent isn't repeated."""
    where = error.get("loc", ())
    name = str(where[-1]) if isinstance(where, tuple | list) and where else "a parameter"
    told = str(error.get("msg", "is wrong"))
    return f"{name}: {told[:1].lower()}{told[1:]}"

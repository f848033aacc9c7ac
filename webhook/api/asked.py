"""What may stand in a query: checked before anything is looked up, and refused in words."""

from __future__ import annotations

import difflib
import re
from datetime import UTC, datetime, timedelta
from typing import Annotated

from fastapi import Depends, Query, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from reconciler.view import cluster_page, listing, queue_page
from webhook.site import Absurd

LONGEST = 500
_AGO = re.compile(r"([1-9]\d{0,4})([smhdw])")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}

Text = Annotated[str, Query(max_length=LONGEST)]
Labels = Annotated[
    str, Query(max_length=LONGEST, description="A selector: `team=aml,stage!=test,course`.")
]
Cursor = Annotated[str, Query(max_length=LONGEST, description="`next` of the page before.")]
Limit = Annotated[int, Query(ge=1, le=listing.MOST, description="At most so many.")]
Run = Annotated[int | None, Query(ge=0, le=2**53, description="Which run; default: the newest.")]
Moment = Annotated[
    str,
    Query(
        max_length=40,
        description="A day or time (`2026-11-22`, `2026-11-22T14:20:00Z`), or how long ago: `7d`.",
    ),
]


# These are coroutines, since FastAPI would take a thread for each call of a function.


async def known_only(request: Request) -> None:
    """Refuse a parameter that isn't known: a filter that is passed over misleads.

    Raises:
        Absurd: There is one, or one is given twice.
    """
    route = request.scope.get("route")
    known = _names(route.dependant) if isinstance(route, APIRoute) else []
    given = [key for key, _ in request.query_params.multi_items()]
    for key in given:
        if key not in known:
            near = difflib.get_close_matches(key[:LONGEST], known, n=1)
            hint = f": did you mean {near[0]}?" if near else ""
            raise Absurd(f"a parameter of the query is unknown{hint}")
        if given.count(key) > 1:
            raise Absurd(f"{key} is given twice")


async def text_only(request: Request) -> None:
    """Refuse a NUL anywhere: no name holds one, and PostgreSQL takes none as text.

    Raises:
        Absurd: There is one.
    """
    values = (value for _, value in request.query_params.multi_items())
    if any("\0" in text for text in (request.scope["path"], *values)):
        raise Absurd("what is asked for holds a NUL character, which no name has")


def _names(dependant: Dependant) -> list[str]:
    own = [parameter.alias for parameter in dependant.query_params]
    return own + [name for other in dependant.dependencies for name in _names(other)]


EVERYWHERE = (Depends(known_only), Depends(text_only))
"""What is asked of every request."""


async def executions(
    namespace: Text = "",
    state: Text = "",
    zapp: Text = "",
    labels: Labels = "",
    text: Annotated[str, Query(max_length=LONGEST, description="Part of a name.")] = "",
    all_runs: Annotated[bool, Query(description="Every run that is kept.")] = False,
    limit: Limit = listing.PAGE,
    cursor: Cursor = "",
) -> listing.Query:
    """Return what executions are asked for."""
    return listing.Query(
        namespace=namespace,
        state=state,
        zapp=zapp,
        labels=labels,
        text=text,
        all_runs=all_runs,
        limit=limit,
        cursor=cursor,
    )


Wanted = Annotated[listing.Query, Depends(executions)]


async def who_waits(
    part: Annotated[str, Query(max_length=20, description="waiting, never, held or running")] = "",
    namespace: Text = "",
    labels: Labels = "",
    limit: Limit = queue_page.PAGE,
    cursor: Cursor = "",
) -> queue_page.Query:
    """Return what of the queue is asked for."""
    return queue_page.Query(
        part=part, namespace=namespace, labels=labels, limit=limit, cursor=cursor
    )


WhoWaits = Annotated[queue_page.Query, Depends(who_waits)]


async def nodes(
    node: Annotated[str, Query(max_length=LONGEST, description="One: its id or host name.")] = "",
    limit: Annotated[
        int,
        Query(
            ge=0,
            le=cluster_page.MOST_BLOCKS,
            description="Nodes, or components of the one; 0: as is usual.",
        ),
    ] = 0,
    cursor: Cursor = "",
) -> cluster_page.Query:
    """Return what of the cluster is asked for."""
    return cluster_page.Query(node=node, limit=limit, cursor=cursor)


Nodes = Annotated[cluster_page.Query, Depends(nodes)]


def moment(told: str, *, now: datetime) -> datetime | None:
    """Return the time that is meant; None for "".

    Raises:
        Absurd: It is none, or out of all measure.
    """
    if not told:
        return None
    if ago := _AGO.fullmatch(told):
        return now - timedelta(seconds=int(ago[1]) * _UNIT_S[ago[2]])
    try:
        # A plus in a query is a blank to whoever reads it.
        at = datetime.fromisoformat(told.replace(" ", "+") if "T" in told else told)
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Absurd(f"{told!r} is no time: write 2026-11-22, or how long ago: 7d") from None
    if not 1970 <= at.year <= 9998:
        raise Absurd("that time is out of all measure")
    return at

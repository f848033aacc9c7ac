"""Which executions are there: filtered on the server, a page at a time."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from reconciler.converge.status import Phase
from reconciler.view import labels, line, paging
from reconciler.view.line import Line
from reconciler.view.picture import Document, Picture, position

PAGE = 50
MOST = 500
LONGEST = 200
_STATES: Mapping[str, str] = {phase.lower(): str(phase) for phase in Phase}


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to list. ``labels`` is a selector (``labels.parse``), ``text`` part of a name.

    ``state`` is one phase or several, with commas between. ``all_runs``: every run that is kept,
    not only the newest of each name.
    """

    namespace: str = ""
    state: str = ""
    zapp: str = ""
    labels: str = ""
    text: str = ""
    all_runs: bool = False
    limit: int = PAGE
    cursor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """``total`` match; ``states`` counts them. ``next`` is the cursor of what follows, or ""."""

    total: int
    states: Mapping[str, int]
    lines: tuple[Line, ...]
    next: str = ""


def of(picture: Picture, query: Query) -> Listing:
    """Return a page of what matches, by namespace, name and run.

    Whoever follows the cursors sees each execution once that is there all the while.

    Raises:
        ValueError: The query makes no sense; says what is wrong with it.
    """
    if not 1 <= query.limit <= MOST:
        raise ValueError(f"a page holds 1 to {MOST} executions: limit can't be {query.limit}")
    after = paging.position(query.cursor, str, str, int)
    found = _matching(picture, query)
    begin = 0 if after is None else bisect_right(found, after, key=position)
    page = found[begin : begin + query.limit]
    is_more = begin + len(page) < len(found)
    return Listing(
        total=len(found),
        states=states(found),
        lines=tuple(map(line.of, page)),
        next=paging.cursor(*position(page[-1])) if is_more else "",
    )


def states(documents: Iterable[Document]) -> Mapping[str, int]:
    """Return how many there are in each state, by its name."""
    return dict(sorted(Counter(d["status"]["phase"] for d in documents).items()))


def admitting(selector: labels.Selector) -> Callable[[Document], bool]:
    """Return what tells whether a document's labels meet a selector."""
    without = labels.admits(selector, {})

    def admits(document: Document) -> bool:
        found = document["metadata"].get("labels")
        return labels.admits(selector, found) if found else without

    return admits


def _matching(picture: Picture, query: Query) -> Sequence[Document]:
    """Return all that match. One check after the other is quicker than all for each document."""
    found: Sequence[Document] = picture.all_runs if query.all_runs else picture.newest
    names = picture.orders.names_of_all if query.all_runs else picture.orders.names_of_newest
    checks = list(_checks(query))
    if text := query.text.casefold():
        found = [d for d, name in zip(found, names, strict=True) if text in name]
    for check in checks:
        found = [document for document in found if check(document)]
    return found


def _checks(query: Query) -> Iterator[Callable[[Document], bool]]:
    """Yield what tells whether a document is meant, but for the text in its name."""
    if len(query.text) > LONGEST:
        raise ValueError(f"text has at most {LONGEST} characters")
    if namespace := query.namespace:
        yield lambda d: bool(d["metadata"]["namespace"] == namespace)
    if wanted := _states(query.state):
        yield lambda d: d["status"]["phase"] in wanted
    if zapp := query.zapp:
        yield lambda d: bool(d["status"].get("zapp") == zapp)
    if selector := labels.parse(query.labels):
        yield admitting(selector)


def _states(told: str) -> frozenset[str]:
    asked = [part.strip().lower() for part in told.split(",") if part.strip()]
    if unknown := [part for part in asked if part not in _STATES]:
        choices = ", ".join(_STATES.values())
        raise ValueError(f"{unknown[0][:40]!r} is no state: choose among {choices}")
    return frozenset(_STATES[part] for part in asked)

"""Which executions are there: filtered on the server, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reconciler.view.line import Line

PAGE = 50
MOST = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What to list. ``labels`` is a selector (``labels.parse``), ``text`` part of a name.

    ``all_runs``: every run that is kept, not only the newest of each name.
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

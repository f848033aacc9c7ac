"""The first page: one sentence, what is red, who runs, who waits, what ended lately."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.view.line import Line


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that somebody must look at. ``name`` is NAMESPACE/NAME, "" where it is no one's.

    ``place`` is FILE:LINE of an invalid manifest. ``kind``: invalid, failed, held, node, source,
    or loop.
    """

    kind: str
    told: str
    name: str = ""
    place: str = ""
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Freshness:
    """How old all of this is. ``told`` is "" while database and loop are as they should be."""

    read_at: datetime
    pass_at: datetime | None = None
    commit: str = ""
    told: str = ""

    @property
    def is_stale(self) -> bool:
        """Whether a banner is due."""
        return bool(self.told)


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """``more`` counts what each list leaves out, by its name."""

    sentence: str
    freshness: Freshness
    alerts: tuple[Alert, ...] = ()
    running: tuple[Line, ...] = ()
    waiting: tuple[Line, ...] = ()
    ended: tuple[Line, ...] = ()
    scheduled: tuple[Line, ...] = ()
    states: Mapping[str, int]
    more: Mapping[str, int]

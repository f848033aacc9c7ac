"""What answers are made from: the picture, the archive, foresight; and how their lack is told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from reconciler.errors import StoreUnavailable
from reconciler.manifest.suggest import closest
from reconciler.view.archive import Archive
from reconciler.view.links import NOWHERE, Links
from reconciler.view.picture import Picture
from webhook.foresight import Foresight
from webhook.site import Absurd, Away, NotThere

RETRY_S = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where everything comes from. Any thread may ask.

    ``forge`` are the links of the configuration repository, ``forges`` those of each source by its
    id; empty where there is but that one.
    """

    newest: Callable[[], Picture | None]
    archive: Archive
    foresight: Foresight
    forge: Links
    now: Callable[[], datetime]
    forges: Mapping[str, Links] = field(default_factory=dict)

    def links(self, source_id: str) -> Links:
        """Return the links to a source's forge; of one that isn't known no link leads anywhere."""
        return self.forges.get(source_id, NOWHERE) if self.forges else self.forge

    def picture(self) -> Picture:
        """Return the newest picture. Raises Away before there is one."""
        if (picture := self.newest()) is None:
            told = "nothing is known yet: the database is away, or zoe run hasn't prepared it"
            raise Away(told, retry_after_s=RETRY_S)
        return picture

    def documents(self) -> Sequence[Mapping[str, Any]]:
        """Return the statuses of all runs."""
        return tuple(self.picture().documents.values())


def missing(what: str, place: str, *, among: Iterable[str] = ()) -> NotThere:
    """Return what to raise of what isn't there, with the nearest name."""
    near = closest(what, among)
    suggestion = f"did you mean {near}?" if near else f"see {place}"
    return NotThere(f"there is no {what}", suggestion=suggestion)


@contextmanager
def reading() -> Iterator[None]:
    """Turn a database that is away into an answer; what it said names hosts and files."""
    try:
        yield
    except StoreUnavailable as error:
        told = "the database is away, and what is asked for is only there"
        raise Away(told, retry_after_s=RETRY_S) from error


@contextmanager
def refusing() -> Iterator[None]:
    """Turn what a builder says about a query that makes no sense into an answer."""
    try:
        yield
    except ValueError as error:
        raise Absurd(str(error)) from error

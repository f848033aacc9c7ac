"""From the settings to what is read: keeper, foresight, desk and streams, wired to one another."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from typing import Protocol

from reconciler.config import Settings, SourceSettings
from reconciler.errors import ReconcilerError
from reconciler.ports import Clock
from reconciler.reporting.records import PassRow
from reconciler.view import freshness, links
from reconciler.view.archive import Archive
from reconciler.view.picture import Picture
from webhook.asking import Asking
from webhook.desk import Desk
from webhook.foresight import Foresight
from webhook.keeper import Change, Keeper, Watched
from webhook.last_view import LastView
from webhook.metrics import Metrics
from webhook.reading import Reading
from webhook.replies import Replies
from webhook.stream import Streams

FILE = "web.db"
LATELY = timedelta(hours=1)


class Watchable(Archive, Watched, Protocol):
    """An archive that can be waited for."""


@contextmanager
def observing(
    settings: Settings, archive: Watchable, clock: Clock, *, random: Random | None = None
) -> Iterator[Reading]:
    """Lend what is read, brought up to date all the while."""
    random = random or Random()
    streams = Streams(most=settings.web.streams, random=random)
    foresight = Foresight(told=streams.tell_foreseen)

    def told(change: Change) -> None:
        foresight.see(change.picture)
        streams.tell(change)
        if change.names is None:
            # Thousands of documents that stay: no collection has to look through them.
            gc.freeze()

    keeper = Keeper(
        archive,
        memory=LastView(settings.state_dir / FILE),
        told=told,
        looked=_Alarm(streams, clock).look,
        random=random,
    )

    def newest() -> Picture | None:
        return keeper.picture

    desk = Desk(
        newest=newest,
        archive=archive,
        foresight=foresight,
        forge=forge(settings),
        now=clock.now,
        forges=forges(settings),
    )
    metrics = Metrics(
        newest, clock.now, streams=lambda: len(streams), last_pass=_last_pass(archive, clock)
    )
    replies = Replies(
        Asking(), state=lambda: _state(newest(), foresight, clock), life=lambda: _life(newest())
    )
    foresight.start()
    keeper.start()
    try:
        yield Reading(site=desk, replies=replies, streams=streams, metrics=metrics, now=clock.now)
    finally:
        keeper.close()
        foresight.close()


class _Alarm:
    """Tells pages when the loop falls silent: nothing changes then, but what is to be said."""

    def __init__(self, streams: Streams, clock: Clock) -> None:
        self._streams = streams
        self._clock = clock
        self._told: str | None = None

    def look(self, picture: Picture) -> None:
        """Take the newest picture, each time that the database was asked."""
        before, self._told = self._told, freshness.of(picture, now=self._clock.now()).told
        if before is not None and bool(before) != bool(self._told):
            self._streams.tell(Change(picture=picture))


def forge(settings: Settings) -> links.Links:
    """Return the links to the pages of the configuration repository's forge."""
    of_platform = (s for s in settings.sources if s.role == "platform")
    return next(map(_links, of_platform), links.NOWHERE)


def forges(settings: Settings) -> Mapping[str, links.Links]:
    """Return the links of every source by its id, where there are several."""
    if len(settings.sources) < 2:
        return {}
    return {source.id: _links(source) for source in settings.sources}


def _links(source: SourceSettings) -> links.Links:
    found, named = source.forge, source.forge or source.webhook
    return links.of(
        source.url,
        branch=source.branch,
        provider=named.provider if named else "",
        repository=found.repository if found else "",
        api=found.api if found else "",
    )


def _state(picture: Picture | None, foresight: Foresight, clock: Clock) -> str:
    """Return what answers about executions depend on: other when these may be other."""
    if picture is None:
        return ""
    told = freshness.of(picture, now=clock.now()).told
    return f"{picture.version} {picture.snapshot_id} {foresight.generation} {told}"


def _life(picture: Picture | None) -> str:
    pulse = picture.pulse if picture is not None else None
    return f"{pulse.at.isoformat()} {pulse.problem}" if pulse is not None else ""


def _last_pass(archive: Archive, clock: Clock) -> Callable[[], PassRow | None]:
    def last_pass() -> PassRow | None:
        try:
            found = archive.passes(since=clock.now() - LATELY, limit=1)
        except ReconcilerError:
            return None
        return found[-1] if found else None

    return last_pass

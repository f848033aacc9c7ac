"""``/events``: one stream of what changed, for pages to fetch anew what they show.

A stream tells names and numbers, never what they are about. Whoever is too slow to read is told
once, at the end, that everything may have changed.
"""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from random import Random

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from reconciler.view.picture import Picture
from reconciler.view.words import instant
from webhook.keeper import Change
from webhook.problems import Problem, as_json

HEARTBEAT_S = 15.0
MOST = 200
REMEMBERED = 256
RETRY_MS = (2_000, 8_000)
AGAIN_MS = (30_000, 90_000)


class Streams:
    """Belongs to one event loop; :meth:`tell` may be called from any thread once it runs."""

    def __init__(
        self, *, most: int = MOST, random: Random, heartbeat_s: float = HEARTBEAT_S
    ) -> None:
        self._most = most
        self._random = random
        self._heartbeat_s = heartbeat_s
        self._open: OrderedDict[_Stream, None] = OrderedDict()
        self._events: deque[_Event] = deque(maxlen=REMEMBERED)
        self._epoch = f"{random.getrandbits(48):x}"  # ids of another process aren't ours
        self._number = 0
        self._life = ""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._open)

    def tell(self, change: Change) -> None:
        """Tell all streams of a change."""
        life = _life(change.picture)
        self._life = json.dumps(life)
        if change.is_state:
            self._post("changed", life | _names(change))
        else:
            self._post("pulse", life)

    def tell_foreseen(self) -> None:
        """Tell that the queue, the cluster or an explanation is another."""
        self._post("changed", {"names": []})

    def close(self) -> None:
        """End all streams: their pages come again, a little apart from one another."""
        self._is_closed = True
        for stream in self._open:
            stream.end()

    def respond(self, request: Request) -> Response:
        """Return the answer to a request for the stream."""
        self._loop = asyncio.get_running_loop()
        if self._is_closed:
            headers = {"Retry-After": str(self._random.randint(1, 5))}
            return as_json(Problem(status=503, detail="zoe web is stopping", headers=headers))
        if len(self._open) >= self._most:
            # The one that was there longest: its page comes again after a while, and still works.
            oldest, _ = self._open.popitem(last=False)
            oldest.end(f"retry: {self._random.randint(*AGAIN_MS)}\n\n")
        stream = _Stream()
        self._open[stream] = None
        stream.put(self._first(request.headers.get("last-event-id", "")))
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            self._frames(stream), media_type="text/event-stream", headers=headers
        )

    async def _frames(self, stream: _Stream) -> AsyncIterator[str]:
        try:
            # Pages that lost the server at one moment don't all come back at one.
            yield f"retry: {self._random.randint(*RETRY_MS)}\n\n"
            while not stream.is_ended:
                try:
                    async with asyncio.timeout(self._heartbeat_s):
                        frames = await stream.take()
                except TimeoutError:
                    frames = ": alive\n\n"
                yield frames
            yield stream.farewell
        finally:
            self._open.pop(stream, None)

    def _first(self, last: str) -> list[_Event]:
        """Return how things are, and what came after the event that a page heard last.

        If that isn't known any more, everything has changed.
        """
        life = [_Event("", "pulse", self._life)] if self._life else []
        return life + self._missed(last)

    def _missed(self, last: str) -> list[_Event]:
        if not last:
            return []
        known = [event.id for event in self._events]
        if last in known:
            return list(self._events)[known.index(last) + 1 :]
        return [_Event(self._last_id(), "changed", _EVERYTHING)]

    def _post(self, kind: str, data: dict[str, object]) -> None:
        if (loop := self._loop) is None or loop.is_closed():
            return  # nobody ever listened
        try:
            loop.call_soon_threadsafe(self._spread, kind, json.dumps(data))
        except RuntimeError:  # it was closed in this moment
            return

    def _spread(self, kind: str, data: str) -> None:
        self._number += 1
        event = _Event(self._last_id(), kind, data)
        if kind == "changed":
            self._events.append(event)
        for stream in self._open:
            stream.put([event])

    def _last_id(self) -> str:
        return f"{self._epoch}-{self._number}"


class _Event:
    __slots__ = ("frame", "id")

    def __init__(self, identity: str, kind: str, data: str) -> None:
        self.id = identity
        # What comes and goes with every pass is nothing to take up again from.
        named = f"id: {identity}\n" if kind == "changed" else ""
        self.frame = f"{named}event: {kind}\ndata: {data}\n\n"


_EVERYTHING = json.dumps({"everything": True})
_MOST_WAITING = 50


class _Stream:
    """One page that listens."""

    def __init__(self) -> None:
        self._waiting: list[_Event] = []
        self._news = asyncio.Event()
        self.is_ended = False
        self.farewell = ""

    def put(self, events: list[_Event]) -> None:
        self._waiting += events
        if len(self._waiting) > _MOST_WAITING:
            newest = self._waiting[-1]
            self._waiting = [_Event(newest.id, "changed", _EVERYTHING)]
        if self._waiting:
            self._news.set()

    def end(self, farewell: str = "") -> None:
        self.is_ended, self.farewell = True, farewell
        self._news.set()

    async def take(self) -> str:
        await self._news.wait()
        self._news.clear()
        events, self._waiting = self._waiting, []
        return "".join(event.frame for event in events)


def _life(picture: Picture) -> dict[str, object]:
    """Return how new a picture is."""
    data: dict[str, object] = {
        "version": picture.version,
        "readAt": instant(picture.read_at),
        "isStale": picture.is_stale,
    }
    return data if picture.pulse is None else data | {"passAt": instant(picture.pulse.at)}


def _names(change: Change) -> dict[str, object]:
    return {"everything": True} if change.names is None else {"names": list(change.names)}

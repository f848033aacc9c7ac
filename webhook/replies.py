"""Answers to GET: worked out once for all who ask the same of the same state, and 304 after that.

An ETag is weak: it names the state that an answer tells of, and not its bytes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from enum import Enum, auto
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from reconciler import __version__
from webhook.asking import Asking
from webhook.site import BeingWorkedOut

PATIENCE_S = 5.0
AGAIN_S = 0.2
MOST = 512
MOST_BYTES = 16 * 1024**2


class Told(Enum):
    """What an answer tells of, and so how long it is good."""

    STATE = auto()
    """The executions: until the state's version, the snapshot or what is foreseen moves."""
    LIFE = auto()
    """The loop's sign of life too."""
    CONTENT = auto()
    """What has no version, such as logs: worked out once a second, 304 if it came out the same."""


class Replies:
    """Belongs to one event loop. ``state`` and ``life`` return what the answers depend on."""

    def __init__(
        self, asking: Asking, *, state: Callable[[], str], life: Callable[[], str]
    ) -> None:
        self.asking = asking
        self._state = state
        self._life = life
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._kept_of = ""
        self.size_bytes = 0
        """How much all that is remembered takes."""
        self._under_way: dict[str, asyncio.Task[bytes]] = {}

    async def reply(
        self,
        request: Request,
        make: Callable[[], bytes],
        *,
        media_type: str,
        tells: Told = Told.STATE,
    ) -> Response:
        """Return what ``make`` makes, in a thread; remembered where it tells of a state."""
        tag = self._tag_of(request, media_type, tells)
        if tells is not Told.CONTENT and _is_known(request, tag):
            return _not_modified(tag)
        body = await self._body(tag, make)
        if tells is Told.CONTENT:
            tag = _tag(body)
        if _is_known(request, tag):
            return _not_modified(tag)
        headers = {"ETag": tag, "Cache-Control": "no-cache"}
        return Response(body, media_type=media_type, headers=headers)

    def _tag_of(self, request: Request, media_type: str, tells: Told) -> str:
        # Not request.url: the sender's Host is part of that, and may hold what looks like a path.
        path, query = request.scope["path"], request.scope["query_string"].decode("latin-1")
        basis = [__version__, media_type, path, query, self._state()]
        match tells:
            case Told.STATE:
                pass
            case Told.LIFE:
                basis.append(self._life())
            case Told.CONTENT:
                basis.append(f"{asyncio.get_running_loop().time():.0f}")
        return _tag("\0".join(basis).encode(errors="replace"))

    async def _body(self, tag: str, make: Callable[[], bytes]) -> bytes:
        """Return the body that a tag stands for; whoever asks meanwhile waits for the same."""
        if (kept := self._kept.get(tag)) is not None:
            self._kept.move_to_end(tag)
            return kept
        if (task := self._under_way.get(tag)) is None:
            task = asyncio.create_task(self._made(tag, make))
            self._under_way[tag] = task
        # Who goes away while waiting takes nothing from the others.
        return await asyncio.shield(task)

    async def _asked(self, make: Callable[[], bytes]) -> bytes:
        """Ask; what is just being worked out is waited for, without holding a thread."""
        loop = asyncio.get_running_loop()
        until = loop.time() + PATIENCE_S
        while True:
            try:
                return await self.asking(make)
            except BeingWorkedOut:
                if loop.time() >= until:
                    raise
            await asyncio.sleep(AGAIN_S)

    async def _made(self, tag: str, make: Callable[[], bytes]) -> bytes:
        try:
            body = await self._asked(make)
        finally:
            del self._under_way[tag]
        self._keep(tag, body)
        return body

    def _keep(self, tag: str, body: bytes) -> None:
        if (state := self._state()) != self._kept_of:
            # Nobody is told of an earlier state again.
            self._kept.clear()
            self._kept_of, self.size_bytes = state, 0
        self._kept[tag] = body
        self.size_bytes += len(body)
        while len(self._kept) > MOST or self.size_bytes > MOST_BYTES:
            _, oldest = self._kept.popitem(last=False)
            self.size_bytes -= len(oldest)


def _tag(basis: bytes) -> str:
    return f'W/"{sha256(basis).hexdigest()[:24]}"'


def _is_known(request: Request, tag: str) -> bool:
    """Tell whether ``If-None-Match`` names the tag: weak comparison, as RFC 9110 has it for GET."""
    given = request.headers.get("if-none-match", "")
    opaque = tag.removeprefix("W/")
    names = {name.strip().removeprefix("W/") for name in given.split(",")}
    return opaque in names


def _not_modified(tag: str) -> Response:
    return Response(status_code=304, headers={"ETag": tag, "Cache-Control": "no-cache"})

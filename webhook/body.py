"""The raw bytes of a body: never more than a bound in memory, and never waited for long.

A signature is over these bytes, so nothing may decode or parse them before.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from webhook.headers import Headers

LIMIT_BYTES = 1024 * 1024
TIMEOUT_S = 30.0
# Who sends a little too much is heard out, so that the refusal arrives: a connection that is
# closed over unread bytes is reset. Who sends much more is cut off.
_HEARD_BYTES = 4 * LIMIT_BYTES

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class TooLarge(Exception):
    """The body is larger than any delivery that we need."""


class TooSlow(Exception):
    """The body didn't arrive in time."""


class Gone(Exception):
    """The sender left."""


async def read(
    receive: Receive,
    headers: Headers,
    *,
    limit_bytes: int = LIMIT_BYTES,
    timeout_s: float = TIMEOUT_S,
) -> bytes:
    """Return the whole body. Raises TooLarge, TooSlow, Gone."""
    length = headers.raw("Content-Length")
    if length.isdigit() and (len(length) > 12 or int(length) > _HEARD_BYTES):
        raise TooLarge
    try:
        async with asyncio.timeout(timeout_s):
            return await _read(receive, limit_bytes)
    except TimeoutError:
        raise TooSlow from None


async def _read(receive: Receive, limit_bytes: int) -> bytes:
    body, heard, more = bytearray(), 0, True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Gone
        part: bytes = message.get("body", b"")
        heard += len(part)
        if heard > _HEARD_BYTES:
            raise TooLarge
        if heard <= limit_bytes:
            body += part
        more = message.get("more_body", False)
    if heard > limit_bytes:
        raise TooLarge
    return bytes(body)

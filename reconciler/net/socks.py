"""SOCKS5 (RFC 1928) as far as a forwarder needs it: greetings, user and password (RFC 1929).

Only the first messages are read and written; what follows is passed on as it is. So the answers to
the browser's requests are the gateway's own.
"""

from __future__ import annotations

import asyncio
from asyncio import StreamReader, StreamWriter
from dataclasses import dataclass, field

from reconciler.errors import ConfigError, TransientError

VERSION = 5
OPEN = 0
USER_AND_PASSWORD = 2
NOTHING_FITS = 0xFF
HANDSHAKE_S = 10.0
_AUTH_VERSION = 1
_MOST = 255


class NotSocks(ValueError):
    """The other side doesn't speak SOCKS5, or wants something that we don't have."""


class WrongPassword(ConfigError):
    """The gateway doesn't take the password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A SOCKS server that asks for a user and a password."""

    host: str
    port: int
    user: str
    password: str = field(repr=False)


async def greet(reader: StreamReader, writer: StreamWriter) -> None:
    """Take a browser's greeting and ask it for nothing.

    Raises:
        NotSocks: It isn't one, or insists on a password.
    """
    version, count = await reader.readexactly(2)
    if version != VERSION:
        raise NotSocks("no SOCKS5")
    methods = await reader.readexactly(count)
    if OPEN not in methods:
        writer.write(bytes([VERSION, NOTHING_FITS]))
        await writer.drain()
        raise NotSocks("a browser that wants to give a password")
    writer.write(bytes([VERSION, OPEN]))
    await writer.drain()


async def log_in(proxy: Proxy) -> tuple[StreamReader, StreamWriter]:
    """Connect to a proxy and give it the password.

    Raises:
        TransientError: It can't be reached, or isn't a SOCKS server.
        WrongPassword
    """
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    except OSError as error:  # running out of time, too
        message = f"the gateway at {proxy.host}:{proxy.port} can't be reached from here"
        raise TransientError(message) from error
    try:
        async with asyncio.timeout(HANDSHAKE_S):
            await _authenticate(reader, writer, proxy)
    except (OSError, EOFError, NotSocks) as error:
        writer.close()
        message = f"what answers at {proxy.host}:{proxy.port} isn't a gateway with a password"
        raise TransientError(message) from error
    except WrongPassword:
        writer.close()
        raise
    return reader, writer


async def _authenticate(reader: StreamReader, writer: StreamWriter, proxy: Proxy) -> None:
    writer.write(bytes([VERSION, 1, USER_AND_PASSWORD]))
    if await reader.readexactly(2) != bytes([VERSION, USER_AND_PASSWORD]):
        raise NotSocks("no password is asked for")
    writer.write(bytes([_AUTH_VERSION]) + _counted(proxy.user) + _counted(proxy.password))
    _, status = await reader.readexactly(2)
    if status:
        raise WrongPassword("the gateway refuses the password: git fetch origin, then again")


def _counted(text: str) -> bytes:
    data = text.encode()
    if not 0 < len(data) <= _MOST:
        raise NotSocks("a user or password has 1 to 255 bytes")
    return bytes([len(data)]) + data

"""A SOCKS server on this machine's loopback that adds the password that browsers can't.

It listens nowhere else, has no password of its own (who sits at this machine may use it, while it
runs), and serves a bounded number of connections at a time.
"""

from __future__ import annotations

import asyncio
import logging
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass

from reconciler.errors import ConfigError, ReconcilerError
from reconciler.net.socks import HANDSHAKE_S, NotSocks, Proxy, greet, log_in

log = logging.getLogger(__name__)

LOOPBACK = "127.0.0.1"
MOST = 256
_CHUNK = 65_536


@dataclass(slots=True)
class Forwarder:
    """Connections from here to one proxy; those beyond ``MOST`` wait."""

    proxy: Proxy
    _free: asyncio.Semaphore

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one browser's connection to its end; what goes wrong ends it alone."""
        # asyncio takes a connection that Ctrl-C ends for a fault, and prints all of it.
        with closing(writer), suppress(asyncio.CancelledError):
            async with self._free:
                try:
                    async with asyncio.timeout(HANDSHAKE_S):
                        await greet(reader, writer)
                    there = await log_in(self.proxy)
                except (NotSocks, EOFError, OSError, ReconcilerError) as error:
                    log.warning("refused", extra={"error": str(error)})
                    return
                with closing(there[1]):
                    await _joined(reader, writer, *there)


async def _joined(
    reader: StreamReader, writer: StreamWriter, far: StreamReader, far_writer: StreamWriter
) -> None:
    """Pass on both ways until both have said all."""
    await asyncio.gather(_passed_on(reader, far_writer), _passed_on(far, writer))


async def _passed_on(source: StreamReader, sink: StreamWriter) -> None:
    with suppress(OSError):
        while data := await source.read(_CHUNK):
            sink.write(data)
            await sink.drain()
    with suppress(OSError):
        if sink.can_write_eof():
            sink.write_eof()


@asynccontextmanager
async def forwarding(proxy: Proxy, port: int) -> AsyncIterator[int]:
    """Listen while the block lasts; give the port (``port`` 0: any free one).

    Raises:
        TransientError, WrongPassword: The gateway was tried once, so that it is told now.
        ConfigError: The port is taken.
    """
    _, probe = await log_in(proxy)
    probe.close()
    forwarder = Forwarder(proxy, asyncio.Semaphore(MOST))
    try:
        server = await asyncio.start_server(forwarder.serve, LOOPBACK, port)
    except OSError as error:
        told = f"port {port} of this machine is taken: choose another with --listen"
        raise ConfigError(told) from error
    async with server:
        yield server.sockets[0].getsockname()[1]

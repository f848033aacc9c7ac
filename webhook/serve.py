"""uvicorn with our limits. No header that a sender can choose changes whom we take it for."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
import signal
import socket
from collections.abc import Callable
from typing import Any

import h11
import uvicorn
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from reconciler.errors import ConfigError
from webhook.connections import Connections, Kind
from webhook.guarded import HOOKS

log = logging.getLogger(__name__)

HEADER_BYTES = 32 * 1024
KEEP_ALIVE_S = 5
SHUTDOWN_S = 2


def listen(host: str, port: int) -> socket.socket:
    """Return a listening socket; port 0 is the kernel's choice. Raises ConfigError."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.create_server(address[:2], family=family, backlog=256)
    except OSError as error:
        raise ConfigError(f"can't listen on {host} port {port}: {error.strerror}") from error
    # asyncio does this for sockets that name their protocol. An answer's body would else wait for
    # the acknowledgement of its head, which a reader holds back for 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def serve(
    app: ASGIApp,
    listener: socket.socket,
    connections: Connections,
    *,
    at_end: Callable[[], None] = lambda: None,
) -> None:
    """Serve until told to stop (SIGTERM, SIGINT); what is under way is ended first.

    ``at_end`` is called on the event loop before that, to end what would never end by itself.
    """
    server = make_server(app, connections, at_end=at_end)

    def stop(*_: object) -> None:
        server.should_exit = True

    # uvicorn has handlers of its own while it serves; when it is done it raises what it got again.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    host, port, *_ = listener.getsockname()
    log.info("listening", extra={"host": host, "port": port})  # not before it can be told to stop
    # Everything loaded until now stays: no collection has to look through it while somebody waits.
    gc.freeze()
    server.run(sockets=[listener])


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, at_end: Callable[[], None]) -> None:
        super().__init__(config)
        self._at_end = at_end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # It waits for every answer to end, and a stream has no end of its own.
        self._at_end()
        await super().shutdown(sockets=sockets)


def make_server(
    app: ASGIApp, connections: Connections, *, at_end: Callable[[], None] = lambda: None
) -> uvicorn.Server:
    """Return a server that holds its connections to ``connections``."""
    # Each malformed request would be a line; what matters is told by the receiver.
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
    config = uvicorn.Config(
        _watched(app, connections),
        http=_protocol(connections),
        ws="none",
        lifespan="off",
        loop="asyncio",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        h11_max_incomplete_event_size=HEADER_BYTES,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )
    return _Server(config, at_end)


def _protocol(connections: Connections) -> type[asyncio.Protocol]:
    """Return the protocol, which tells ``connections`` of each one that comes and goes."""

    class Protocol(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            connections.opened(_peer(transport), transport)

        def connection_lost(self, exc: Exception | None) -> None:
            connections.closed(_peer(self.transport), self.transport)
            super().connection_lost(exc)

        def data_received(self, data: bytes) -> None:
            # Nonsense after an answer that is already on its way can't be answered any more.
            with contextlib.suppress(h11.LocalProtocolError):
                super().data_received(data)
                return
            self.transport.abort()

    return Protocol


def _peer(transport: asyncio.Transport) -> tuple[Any, ...]:
    """Return the address as the scope of a request has it; empty where the peer is gone again."""
    return tuple((transport.get_extra_info("peername") or ())[:2])


def _has_body(scope: Scope) -> bool:
    return any(name in (b"content-length", b"transfer-encoding") for name, _ in scope["headers"])


_FULL = PlainTextResponse(
    "too many are here just now: come again in a moment\n",
    503,
    headers={"Retry-After": "5", "Connection": "close"},
)


def _watched(app: ASGIApp, connections: Connections) -> ASGIApp:
    """Return the application, which tells ``connections`` how far each request has come."""

    async def watched(scope: Scope, receive: Receive, send: Send) -> None:
        key = tuple(scope["client"] or ())
        kind = Kind.DELIVERING if scope["path"].startswith(HOOKS) else Kind.READING
        if not connections.has_head(key, kind):
            await _FULL(scope, receive, send)
            return
        if not _has_body(scope):
            connections.has_all(key)

        async def receiving() -> Message:
            message = await receive()
            if not message.get("more_body", False):
                connections.has_all(key)
            return message

        async def sending(message: Message) -> None:
            connections.answers(key)
            await send(message)
            if message["type"] == "http.response.body" and not message.get("more_body", False):
                connections.awaits_head(key)
            else:
                connections.has_all(key)

        await app(scope, receiving, sending)

    return watched

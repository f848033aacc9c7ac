"""The receiver on a real socket, in a thread of this process: with limits of the test's choice."""

from __future__ import annotations

import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp

from reconciler.clock import SystemClock
from reconciler.inbox import Delivery, Inbox
from tests.fixtures.postgres import wait_until
from tests.fixtures.receiver import OLD_SECRET, SECRET, Reply, reply_of
from webhook import serve
from webhook.app import create_app, guarded
from webhook.connections import Connections
from webhook.endpoint import Endpoint, derived_name
from webhook.providers import PROVIDERS


class MemoryInbox:
    """An inbox that keeps what it is given: for what isn't about the database."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []

    def record(self, deliveries: Any) -> tuple[bool, ...]:
        new = []
        for one in deliveries:
            key = (one.source_id, one.delivery_id)
            new.append(key not in {(d.source_id, d.delivery_id) for d in self.deliveries})
            self.deliveries.append(one)
        return tuple(new)

    def check(self) -> None:
        """Be well."""


@dataclass
class Serving:
    """The application on a real socket, in a thread of this process."""

    port: int
    inbox: Any

    def request(
        self,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "POST",
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            return reply_of(connection.getresponse())
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """Return a plain connection, to send whatever over."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=20)


def endpoints() -> tuple[Endpoint, ...]:
    """One source for each provider, named after it."""
    return tuple(
        Endpoint(
            source_id=name,
            provider=provider,
            names=(derived_name(name, SECRET.encode()),),
            secrets=(SECRET.encode(), OLD_SECRET.encode()),
            branch="main",
            status_branch="zoe/status",
        )
        for name, provider in PROVIDERS.items()
    )


@contextmanager
def serving(
    inbox: Inbox | None = None,
    *,
    body_timeout_s: float = 30,
    head_timeout_s: float = 10,
    most: int = 64,
    app: ASGIApp | None = None,
) -> Iterator[Serving]:
    """Serve on a loopback port of the kernel's choice; another ``app`` in the place of ours."""
    inbox = inbox or MemoryInbox()
    ours = create_app(endpoints(), inbox, SystemClock().now, body_timeout_s=body_timeout_s)
    connections = Connections(
        most=most, most_arriving=most, most_reading=most, head_timeout_s=head_timeout_s
    )
    server = serve.make_server(app or guarded(ours), connections)
    with serve.listen("127.0.0.1", 0) as listener:
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield Serving(listener.getsockname()[1], inbox)
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()

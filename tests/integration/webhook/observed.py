"""What is read, on a real socket: a real loop's SQLite database behind it, in this process."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from reconciler.clock import SystemClock
from reconciler.config import Settings, WebSettings
from reconciler.store.archive import SqlArchive
from tests.fixtures.postgres import wait_until
from tests.integration.webhook.served import MemoryInbox, endpoints
from webhook import serve
from webhook.app import create_app, guarded
from webhook.connections import Connections
from webhook.guarded import hosts
from webhook.observing import observing
from webhook.reading import Reading


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Observed:
    """The application on a real socket."""

    port: int
    reading: Reading
    app: Any
    server: Any = field(repr=False)

    def get(
        self, path: str, headers: Mapping[str, str] | None = None, *, method: str = "GET"
    ) -> Answer:
        return self._request(method, path, None, headers)

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        return self._request("POST", path, body, headers)

    def _request(
        self, method: str, path: str, body: bytes | None, headers: Mapping[str, str] | None
    ) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            found = {key.lower(): value for key, value in response.getheaders()}
            return Answer(response.status, found, response.read())
        finally:
            connection.close()

    @contextmanager
    def stream(
        self, headers: Mapping[str, str] | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request("GET", "/events", headers=dict(headers or {}))
            yield connection.getresponse()
        finally:
            connection.close()

    def version(self) -> int:
        """Return the version of the state that is shown."""
        picture = self.reading.site.newest()  # type: ignore[attr-defined]
        return -1 if picture is None else int(picture.version)


def event(response: http.client.HTTPResponse, kind: str) -> Any:
    """Read on to the next event of a kind, and return its data."""
    name = ""
    while line := response.readline().decode():
        if line.startswith("event: "):
            name = line.removeprefix("event: ").strip()
        elif line.startswith("data: ") and name == kind:
            return json.loads(line.removeprefix("data: "))
    raise AssertionError(f"the stream ended without {kind}")


@contextmanager
def observed(
    settings: Settings, *, streams: int = 200, most_reading: int = 512
) -> Iterator[Observed]:
    """Serve on a loopback port of the kernel's choice, with the database of ``settings``."""
    settings = replace(settings, web=WebSettings(streams=streams))
    clock = SystemClock()
    with (
        SqlArchive(settings.database, clock=clock, random=Random(1), poll_s=0.02) as archive,
        observing(settings, archive, clock, random=Random(1)) as reading,
        serve.listen("127.0.0.1", 0) as listener,
    ):
        app = create_app(endpoints(), MemoryInbox(), clock.now, reading=reading)
        server = serve.make_server(
            guarded(app, hosts=hosts(settings), reading=reading),
            Connections(most_reading=most_reading),
            at_end=reading.streams.close,
        )
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield Observed(listener.getsockname()[1], reading, app, server)
        finally:
            server.should_exit = True
            thread.join(20)
            assert not thread.is_alive()

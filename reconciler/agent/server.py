"""The agent's one page: counters of the containers that are asked for, to who knows the token."""

from __future__ import annotations

import hmac
import json
import threading
from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from reconciler.agent.counters import CONTAINER, Counters

PATH = "/usage"
MOST_CONTAINERS = 64
AT_ONCE = 8
TIMEOUT_S = 5.0

Read = Callable[[Collection[str]], Mapping[str, Counters]]


class Server(ThreadingHTTPServer):
    """Listens; ``server_address`` says where. ``clock_us`` only ever rises."""

    daemon_threads = True

    def __init__(
        self, address: tuple[str, int], *, token: str, read: Read, clock_us: Callable[[], int]
    ) -> None:
        self.wanted = f"Bearer {token}".encode()
        self.clock_us = clock_us
        self._read = read
        self._one = threading.Lock()
        self._free = threading.BoundedSemaphore(AT_ONCE)
        super().__init__(address, _Handler)

    def counters(self, wanted: Collection[str]) -> Mapping[str, Counters]:
        """Return the containers' counters; one reading at a time, however many ask."""
        with self._one:
            return self._read(wanted)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer in a thread of its own, while there are few of them; else hang up."""
        if not self._free.acquire(blocking=False):
            self.shutdown_request(request)
            return
        super().process_request(request, client_address)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer, and let the next one in."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()


class _Handler(BaseHTTPRequestHandler):
    """One question; the connection ends with its answer."""

    server: Server
    server_version, sys_version = "zoe-agent", ""
    timeout = TIMEOUT_S

    def do_GET(self) -> None:
        """Answer the one question that there is."""
        asked = urlsplit(self.path)
        given = self.headers.get("Authorization", "").encode("latin-1", "replace")
        if not hmac.compare_digest(given, self.server.wanted):
            self._say(HTTPStatus.UNAUTHORIZED, {"error": "the token isn't this agent's"})
        elif asked.path != PATH:
            self._say(HTTPStatus.NOT_FOUND, {"error": f"there is {PATH} and nothing else"})
        else:
            self._usage(asked.query)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as inherited
        """Write no line for each request: every execution is asked about each minute."""

    def _usage(self, query: str) -> None:
        given = [value for key, value in parse_qsl(query) if key == "container"]
        if not 0 < len(given) <= MOST_CONTAINERS or not all(map(CONTAINER.fullmatch, given)):
            message = f"ask {PATH}?container=ID, 1 to {MOST_CONTAINERS} of them, 64 digits each"
            self._say(HTTPStatus.BAD_REQUEST, {"error": message})
            return
        at_us = self.server.clock_us()
        found = self.server.counters(given)
        containers = {id_: asdict(counted) for id_, counted in found.items()}
        self._say(HTTPStatus.OK, {"at_us": at_us, "containers": containers})

    def _say(self, status: HTTPStatus, data: Mapping[str, object]) -> None:
        body = json.dumps(data).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

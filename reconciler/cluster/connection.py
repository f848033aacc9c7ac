"""The connection to one engine: a client that is kept, and answers that are read as they come.

Making a client costs forty times a call. The SDK's own connections are used for listings too, so
that TLS and ssh are as elsewhere: over a unix socket a bare ``http.client`` saves half a
millisecond of a listing of 3,000 services, of which the engine takes two hundred.
"""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from time import monotonic
from typing import Any

from reconciler.cluster.events import Stream
from reconciler.cluster.failures import reading
from reconciler.cluster.items import ANSWER_MOST_BYTES, MIB, Answer
from reconciler.errors import ClusterUnavailable

_DEFAULT_HOST = "unix:///var/run/docker.sock"
_CHUNK_BYTES = MIB
_ANSWER_WAITS = 4
"""So many times the time-out may all of an answer take of which parts keep coming."""


class Connection:
    """One engine. Nothing is connected before the first call; safe for threads.

    ``docker_host`` is as in DOCKER_HOST, which counts (with its TLS variables) where it is empty;
    ``timeout_s`` bounds each wait for the engine.
    """

    def __init__(self, docker_host: str, timeout_s: float) -> None:
        self._docker_host = docker_host
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._client: Any = None

    def close(self) -> None:
        """End it. May be called twice."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def client(self) -> Any:
        """Return the SDK's client, connected. Raises ClusterUnavailable."""
        import docker
        import docker.utils

        with reading("connecting to the engine"):
            where = docker.utils.kwargs_from_env()
            if self._docker_host:
                where["base_url"] = self._docker_host
        host = where.get("base_url", _DEFAULT_HOST)
        with reading(f"connecting to the engine at {host} (docker_host, or DOCKER_HOST)"):
            _knock(host, self._timeout_s)
            with self._lock:
                if self._client is None:
                    self._client = docker.APIClient(
                        **where, version="auto", timeout=self._timeout_s
                    )
                return self._client

    def listing(
        self, client: Any, what: str, filters: Mapping[str, Sequence[str]] | None = None
    ) -> Answer:
        """Return what the engine lists at ``/what``. What goes wrong, ``reading`` translates."""
        import docker.errors
        import requests.exceptions

        params = {"filters": json.dumps(filters)} if filters else None
        with contextlib.closing(
            client.get(url(client, f"/{what}"), params=params, stream=True, timeout=self._timeout_s)
        ) as response:
            try:
                response.raise_for_status()
            except requests.exceptions.HTTPError as error:
                docker.errors.create_api_error_from_http_exception(error)
            most_s = _ANSWER_WAITS * self._timeout_s
            parts = _in_time(response.iter_content(_CHUNK_BYTES), what, most_s)
            return Answer(what, parts, most_bytes=ANSWER_MOST_BYTES)

    def events(self) -> Stream:
        """Return the stream of what happens in the Swarm. Raises ClusterUnavailable."""
        from docker.types import CancellableStream

        client = self.client()
        with reading("listening to events"):
            response = client.get(
                url(client, "/events"),
                params={"filters": '{"scope": ["swarm"]}'},
                stream=True,
                timeout=(self._timeout_s, None),
            )
            response.raise_for_status()
        return _EventStream(response, CancellableStream(response.iter_content(None), response))


def url(client: Any, path: str) -> str:
    """Return where a client asks for something that the SDK has no words for."""
    return f"{client.base_url}/v{client.api_version}{path}"


class _EventStream:
    """A response of the events call, closable from another thread while it is read."""

    def __init__(self, response: Any, stream: Any) -> None:
        self._response = response
        self._stream = stream

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._stream)

    def close(self) -> None:
        with contextlib.suppress(OSError, AttributeError):  # closed already
            self._stream.close()
        self._response.close()


def _in_time(chunks: Iterable[bytes], what: str, most_s: float) -> Iterator[bytes]:
    """Yield an answer's parts; an engine that sends a little now and then isn't waited for."""
    end = monotonic() + most_s
    for chunk in chunks:
        if monotonic() > end:
            raise ClusterUnavailable(f"the Swarm takes more than {most_s:g} s to list its {what}")
        yield chunk


def _knock(host: str, timeout_s: float) -> None:
    """Raise OSError if nobody listens at a unix socket.

    The SDK would say so too, but it leaves the socket of a refused connection open.
    """
    scheme, _, path = host.partition("://")
    if scheme in ("unix", "http+unix"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(timeout_s)
            connection.connect(path)

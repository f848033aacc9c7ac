"""A proxy between the adapter and a real engine that can lose, cut, spoil or hold answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

Fault = Callable[[socket.socket], None]
Rewrite = Callable[[bytes], Iterable[bytes]]


def lose(client: socket.socket) -> None:
    """Close the connection instead of answering: the engine has done what was asked."""


def cut(client: socket.socket) -> None:
    """Send a listing that breaks off."""
    client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1000\r\n\r\n[{")


def spoil(client: socket.socket) -> None:
    """Send a whole answer that is no listing."""
    client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 4\r\n\r\nnull")


def fail(client: socket.socket) -> None:
    """Send the engine's apology."""
    body = b'{"message": "rpc error: no luck"}'
    head = f"HTTP/1.1 500 Internal\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    client.sendall(head.encode() + body)


class DockerProxy:
    """Listens at ``path`` and passes every connection on to ``target``, one thread each.

    ``faults`` maps the beginning of a request line to what becomes of its answer; the request
    itself always reaches the engine. A fault works once. ``rewrites`` maps one in the same way to
    what the body of each of its answers becomes. Every connection ends after one answer, so that
    each request is the first of its own; ``requests`` has their lines.
    """

    def __init__(self, path: Path, target: str) -> None:
        self.faults: dict[str, Fault] = {}
        self.rewrites: dict[str, Rewrite] = {}
        self.requests: list[str] = []
        self._target = target.removeprefix("unix://")
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._open: set[socket.socket] = set()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def break_streams(self) -> None:
        """Cut every connection that is open now."""
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        self.break_streams()
        for thread in self._threads[1:]:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(client,))
            self._threads.append(thread)
            thread.start()

    def _serve(self, client: socket.socket) -> None:
        with client, socket.socket(socket.AF_UNIX) as engine:
            self._open |= {client, engine}
            with contextlib.suppress(OSError):
                engine.connect(self._target)
                self._pass_on(client, engine)
            self._open -= {client, engine}

    def _pass_on(self, client: socket.socket, engine: socket.socket) -> None:
        request = _request(client)
        if not request:
            return
        line = request.partition(b"\r\n")[0].decode()
        self.requests.append(line)
        rewrite = _matching(self.rewrites, line)
        if rewrite is not None:
            engine.sendall(request.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1))  # unchunked
            _rewritten(client, engine, self.rewrites[rewrite])
            return
        engine.sendall(request)
        fault = self._fault(line)
        if fault is not None:
            engine.recv(65_536)  # it has answered, so it has done it
            fault(client)
            return
        while data := engine.recv(65_536):
            client.sendall(data)

    def _fault(self, line: str) -> Fault | None:
        words = _matching(self.faults, line)
        return None if words is None else self.faults.pop(words)


def _matching(known: Mapping[str, object], line: str) -> str | None:
    for words in list(known):
        method, _, path = words.partition(" ")
        if line.startswith(f"{method} ") and path in line:
            return words
    return None


def _rewritten(client: socket.socket, engine: socket.socket, rewrite: Rewrite) -> None:
    answer = b""
    while data := engine.recv(65_536):
        answer += data
    head, _, body = answer.partition(b"\r\n\r\n")
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"content-length:")]
    client.sendall(b"\r\n".join(kept) + b"\r\n\r\n")
    for part in rewrite(body):
        client.sendall(part)


def _request(client: socket.socket) -> bytes:
    """Return one whole request, told to be the last of its connection."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = client.recv(65_536)
        if not part:
            return b""
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = next(
        (
            int(line.partition(b":")[2])
            for line in head.split(b"\r\n")
            if line.lower().startswith(b"content-length:")
        ),
        0,
    )
    while len(body) < length:
        body += client.recv(65_536)
    kept = [line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")]
    return b"\r\n".join([*kept, b"Connection: close"]) + b"\r\n\r\n" + body

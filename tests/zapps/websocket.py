"""A WebSocket as far as a notebook's channel needs one: text messages, in good order (RFC 6455)."""

from __future__ import annotations

import base64
import secrets
import socket
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

_TEXT, _CLOSE, _PING, _PONG = 1, 8, 9, 10


class WebSocket:
    """One connection; :func:`connected` makes it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")

    def close(self) -> None:
        self._stream.close()

    def send(self, text: str) -> None:
        self._send(_TEXT, text.encode())

    def receive(self) -> str:
        """Return the next text message, whole."""
        message = b""
        while True:
            is_last, opcode, data = self._frame()
            if opcode == _PING:
                self._send(_PONG, data)
                continue
            assert opcode != _CLOSE, f"the server closed the connection: {data!r}"
            message += data
            if is_last:
                return message.decode()

    def shake_hands(self, target: str, headers: Mapping[str, str]) -> None:
        """Turn the HTTP connection into a WebSocket."""
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        lines = [f"GET {target} HTTP/1.1", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._connection.sendall("\r\n".join([*lines, "", ""]).encode())
        answer = [self._stream.readline()]
        while (line := self._stream.readline()).strip():
            answer.append(line)
        assert b" 101 " in answer[0], answer

    def _send(self, opcode: int, data: bytes) -> None:
        mask = secrets.token_bytes(4)
        size = len(data)
        if size < 126:
            head = struct.pack("!BB", 0x80 | opcode, 0x80 | size)
        else:
            head = struct.pack("!BBQ", 0x80 | opcode, 0x80 | 127, size)
        masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(data))
        self._connection.sendall(head + mask + masked)

    def _frame(self) -> tuple[bool, int, bytes]:
        head = self._stream.read(2)
        assert len(head) == 2, "the connection was cut"
        first, second = head
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self._stream.read(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._stream.read(8))
        return bool(first & 0x80), first & 0x0F, self._stream.read(size)


@contextmanager
def connected(url: str, headers: Mapping[str, str], *, timeout_s: float) -> Iterator[WebSocket]:
    """Open a WebSocket at an http:// address; each read waits no longer than ``timeout_s``."""
    parts = urlsplit(url)
    address = (parts.hostname or "", parts.port or 80)
    with socket.create_connection(address, timeout=timeout_s) as connection:
        opened = WebSocket(connection)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        try:
            opened.shake_hands(target, {"Host": parts.netloc, **headers})
            yield opened
        finally:
            opened.close()

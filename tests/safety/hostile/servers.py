"""A Git server that keeps to no rule: it offers and sends whatever a test made up.

Packs are built byte by byte, since no program of Git's would make these.
"""

from __future__ import annotations

import hashlib
import struct
import threading
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import chain

COMMIT, TREE, BLOB, OFFSET_DELTA = 1, 2, 3, 6
_KINDS = {COMMIT: b"commit", TREE: b"tree", BLOB: b"blob"}
_COPY_MOST = 0xFF_FFFF
MAIN = "refs/heads/main"


@dataclass(slots=True)
class Pack:
    """Objects as they are sent. ``claimed`` is how many the header says there are."""

    claimed: int | None = None
    _parts: list[bytes] = field(default_factory=list)
    _size: int = 12

    def add(self, kind: int, data: bytes) -> str:
        """Add an object; return its id."""
        self._put(_head(kind, len(data)), zlib.compress(data, 1))
        return object_id(kind, data)

    def add_compressed(self, kind: int, size: int, compressed: bytes) -> None:
        """Add an object that says to be of ``size`` bytes."""
        self._put(_head(kind, size), compressed)

    def add_copies(self, base_at: int, base_bytes: int, times: int) -> None:
        """Add an object that is what stands at ``base_at``, many times over: some bytes each."""
        step = b""
        for start in range(0, base_bytes, _COPY_MOST):
            step += _copy(start, min(_COPY_MOST, base_bytes - start))
        delta = _varint(base_bytes) + _varint(base_bytes * times) + step * times
        self._put(
            _head(OFFSET_DELTA, len(delta)) + _offset(self._size - base_at), zlib.compress(delta)
        )

    @property
    def end(self) -> int:
        """Where the next object will stand."""
        return self._size

    def chunks(self) -> Iterator[bytes]:
        """Yield the bytes."""
        count = len(self._parts) if self.claimed is None else self.claimed
        sums = hashlib.sha1(usedforsecurity=False)
        for part in (struct.pack(">4sII", b"PACK", 2, count), *self._parts):
            sums.update(part)
            yield part
        yield sums.digest()

    def _put(self, *parts: bytes) -> None:
        self._parts.append(b"".join(parts))
        self._size += len(self._parts[-1])


def object_id(kind: int, data: bytes) -> str:
    """Return the id that Git gives to an object."""
    head = _KINDS[kind] + b" %d\0" % len(data)
    return hashlib.sha1(head + data, usedforsecurity=False).hexdigest()


def commit_of(pack: Pack, entries: Iterable[tuple[int, bytes, str]]) -> str:
    """Add a commit of a tree of these (mode, name, id); return its id."""
    data = b"".join(b"%o %s\0" % (mode, name) + bytes.fromhex(oid) for mode, name, oid in entries)
    who = b"A <a@b> 1700000000 +0000"
    root = pack.add(TREE, data).encode()
    return pack.add(COMMIT, b"tree %s\nauthor %s\ncommitter %s\n\nm" % (root, who, who))


def _head(kind: int, size: int) -> bytes:
    first, size = (kind << 4) | (size & 15), size >> 4
    return bytes([first | 0x80]) + _varint(size) if size else bytes([first])


def _varint(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(0x80 | (number & 0x7F))
        number >>= 7
    return bytes([*found, number])


def _offset(back: int) -> bytes:
    found = [back & 0x7F]
    while back := back >> 7:
        back -= 1
        found.insert(0, 0x80 | (back & 0x7F))
    return bytes(found)


def _copy(start: int, count: int) -> bytes:
    flags, rest = 0x80, b""
    for bit in range(4):
        if byte := (start >> 8 * bit) & 0xFF:
            flags, rest = flags | 1 << bit, rest + bytes([byte])
    for bit in range(3):
        if byte := (count >> 8 * bit) & 0xFF:
            flags, rest = flags | 0x10 << bit, rest + bytes([byte])
    return bytes([flags]) + rest


@dataclass(slots=True)
class Offer:
    """What a server says it has, and what it sends to whoever asks for it."""

    refs: Mapping[str, str]
    sent: Callable[[], Iterable[bytes]] = tuple


@contextmanager
def offering(offer: Offer) -> Iterator[str]:
    """Serve an offer; lend the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            lines = [f"{oid} {name}".encode() for name, oid in offer.refs.items()]
            lines[0] += b"\0ofs-delta agent=nobody/1"
            told = _packet(b"# service=git-upload-pack\n") + b"0000"
            told += b"".join(_packet(line + b"\n") for line in lines) + b"0000"
            self._answer("advertisement", [told])

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", "0")))
            self._answer("result", [_packet(b"NAK\n")], offer.sent())

        def _answer(self, what: str, first: Iterable[bytes], rest: Iterable[bytes] = ()) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"application/x-git-upload-pack-{what}")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            with suppress(OSError):  # whoever asked has heard enough
                for part in chain(first, rest, [b""]):
                    self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

        def log_message(self, *_: object) -> None:
            """Stay quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/config.git"
        finally:
            server.shutdown()
            thread.join()


def _packet(data: bytes) -> bytes:
    return b"%04x" % (len(data) + 4) + data

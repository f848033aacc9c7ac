"""The framing of container output in the Docker API: 8 bytes of header, then the payload. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator

_HEADER = struct.Struct(">BxxxL")


def payloads(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what the frames of a stream carry, standard output and error alike, as it arrives.

    ``chunks`` may cut the stream anywhere; a frame that never ends is yielded as far as it came.
    Holds one chunk at a time, however large a frame claims to be.
    """
    buffer = b""
    missing = 0  # of the frame under way
    for chunk in chunks:
        buffer += chunk
        while buffer:
            if not missing:
                if len(buffer) < _HEADER.size:
                    break
                _, missing = _HEADER.unpack_from(buffer)
                buffer = buffer[_HEADER.size :]
            part, buffer = buffer[:missing], buffer[missing:]
            missing -= len(part)
            if part:
                yield part


def keep_last(parts: Iterable[bytes], *, limit: int) -> bytes:
    """Return the last ``limit`` bytes of ``parts``, holding little more than that at a time."""
    kept = bytearray()
    for part in parts:
        kept += part
        if len(kept) > 2 * limit:
            del kept[:-limit]
    return bytes(kept[-limit:])

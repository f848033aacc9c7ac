"""Writing many objects as one pack: libgit2 writes a file for each, and never gathers them.

A push after a busy minute has thousands of small files and folders; one by one they cost the disk
more than all that leads to them. The formats are Git's own (gitformat-pack): version 2 of both the
pack and its index, every object whole.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import pygit2
from pygit2.enums import ObjectType

_NAMES = {
    ObjectType.COMMIT: b"commit",
    ObjectType.TREE: b"tree",
    ObjectType.BLOB: b"blob",
    ObjectType.TAG: b"tag",
}
_FASTEST = 1
_INDEX_HEAD = b"\xfftOc" + struct.pack(">I", 2)
_FEW = 64
"""So many objects are written one by one: a pack for each would gather, too."""


class PackFile:
    """Collects objects, and writes them."""

    def __init__(self) -> None:
        self._objects: dict[bytes, tuple[ObjectType, bytes]] = {}

    def add(self, kind: ObjectType, data: bytes) -> bytes:
        """Take up an object; return its id, as 20 bytes."""
        head = b"%s %d\0" % (_NAMES[kind], len(data))
        identity = hashlib.sha1(head + data, usedforsecurity=False).digest()
        self._objects[identity] = (kind, data)
        return identity

    @property
    def name(self) -> str:
        """What a pack of these objects is called, without an ending."""
        ids = b"".join(sorted(self._objects))
        return f"pack-{hashlib.sha1(ids, usedforsecurity=False).hexdigest()}"

    def write(self, repository: pygit2.Repository) -> None:
        """Write what was collected into a repository, as one pack where it is much.

        Who is killed meanwhile leaves litter that ``Mirror.sweep`` knows, and no broken pack.
        """
        if len(self._objects) <= _FEW:
            for kind, data in self._objects.values():
                repository.odb.write(kind, data)
            return
        folder = Path(repository.path) / "objects" / "pack"
        folder.mkdir(exist_ok=True)
        pack, index = self._encoded()
        # Git looks for indexes: one that is there has its pack.
        for ending, data in (("pack", pack), ("idx", index)):
            path = folder / f"zoe_git2_{self.name}.{ending}"
            path.write_bytes(data)
            path.chmod(0o444)
            path.rename(folder / f"{self.name}.{ending}")

    def _encoded(self) -> tuple[bytes, bytes]:
        parts = [b"PACK" + struct.pack(">II", 2, len(self._objects))]
        offset, places = len(parts[0]), {}
        for identity, (kind, data) in self._objects.items():
            entry = _entry_head(kind, len(data)) + zlib.compress(data, _FASTEST)
            places[identity] = (offset, zlib.crc32(entry))
            parts.append(entry)
            offset += len(entry)
        body = b"".join(parts)
        trailer = hashlib.sha1(body, usedforsecurity=False).digest()
        return body + trailer, _index(places, trailer)


def _entry_head(kind: int, size: int) -> bytes:
    """Return kind and size of an object: four bits of it, then seven a byte."""
    byte, size = kind << 4 | size & 0x0F, size >> 4
    head = bytearray()
    while size:
        head.append(byte | 0x80)
        byte, size = size & 0x7F, size >> 7
    head.append(byte)
    return bytes(head)


def _index(places: Mapping[bytes, tuple[int, int]], trailer: bytes) -> bytes:
    """Return the index, version 2, of a pack of less than 2 GiB."""
    ids = sorted(places)
    counts = [0] * 256
    for identity in ids:
        counts[identity[0]] += 1
    totals, total = [], 0
    for count in counts:
        total += count
        totals.append(total)
    body = b"".join(
        (
            _INDEX_HEAD,
            struct.pack(">256I", *totals),
            *ids,
            struct.pack(f">{len(ids)}I", *(places[identity][1] for identity in ids)),
            struct.pack(f">{len(ids)}I", *(places[identity][0] for identity in ids)),
            trailer,
        )
    )
    return body + hashlib.sha1(body, usedforsecurity=False).digest()

"""The packs of a mirror: each fetch brings one, and each that was read from stays open.

libgit2 never puts them together. Where many have gathered, the small ones are made into one;
a large one stays as it is until as much has come again, so that nothing is packed often.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pygit2

MOST = 50
PLACE = "packing"
"""Where the new one is made; what a killed process left there is nothing to anybody."""
_HEADER, _FANOUT, _ID = 8, 4 * 256, 20


def names(repository: Path) -> frozenset[str]:
    """Return the names of its packs, as they are in file names."""
    return frozenset(path.stem for path in _folder(repository).glob("*.idx"))


def put_together(repository: Path) -> bool:
    """Make one of the small packs where there are more than ``MOST``; tell whether it was done.

    What had read from them must be opened anew. Only while nobody else writes.
    """
    packs = names(repository)
    if len(packs) <= MOST:
        return False
    small = _small({name: _count(_index(repository, name)) for name in packs})
    place = repository / PLACE
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir()

    def add(builder: pygit2.PackBuilder) -> None:
        for name in sorted(small):
            for oid in _objects(_index(repository, name)):
                builder.add(pygit2.Oid(raw=oid))

    pygit2.Repository(str(repository)).pack(path=place, pack_delegate=add, n_threads=1)
    (made,) = (path.stem for path in place.glob("*.idx"))
    for suffix in (".pack", ".idx"):  # the index last: with it, it counts
        (place / f"{made}{suffix}").replace(_folder(repository) / f"{made}{suffix}")
    place.rmdir()
    for name in small - {made}:
        for suffix in (".idx", ".pack"):
            (_folder(repository) / f"{name}{suffix}").unlink(missing_ok=True)
    return True


def _small(counts: dict[str, int]) -> frozenset[str]:
    """Return those that together have more than the next larger one."""
    found: set[str] = set()
    total = 0
    for name, count in sorted(counts.items(), key=lambda pack: (pack[1], pack[0])):
        if count > total and len(counts) - len(found) <= MOST // 2:
            break
        found.add(name)
        total += count
    return frozenset(found)


def _folder(repository: Path) -> Path:
    return repository / "objects" / "pack"


def _index(repository: Path, name: str) -> bytes:
    return (_folder(repository) / f"{name}.idx").read_bytes()


def _count(index: bytes) -> int:
    """Return how many objects an index (version 2) has: the last entry of its fan-out."""
    end = _HEADER + _FANOUT
    return int.from_bytes(index[end - 4 : end], "big")


def _objects(index: bytes) -> Iterator[bytes]:
    """Yield the ids that it has, in their order."""
    begin = _HEADER + _FANOUT
    for at in range(begin, begin + _ID * _count(index), _ID):
        yield index[at : at + _ID]

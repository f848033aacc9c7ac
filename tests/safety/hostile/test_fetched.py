"""What hostile servers send, through the fetch of production: it costs us little and ends."""

from __future__ import annotations

import hashlib
import resource
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from random import Random

import pytest

from reconciler.config import SourceSettings
from reconciler.errors import SourceUnavailable
from reconciler.git.fetchers import FetchedApart, Fetchers
from reconciler.manifest.limits import DEFAULT_LIMITS, Limits
from tests.safety.hostile.servers import (
    BLOB,
    MAIN,
    TREE,
    Offer,
    Pack,
    commit_of,
    object_id,
    offering,
)

FILE, FOLDER = 0o100644, 0o040000
MIB = 1024**2
OURS_S = 1.0
OURS_MIB = 48
LIMITS = Limits(fetch_mib=4, fetch_memory_mib=512, fetch_s=20)


@pytest.fixture(scope="module")
def fetchers() -> Iterator[Fetchers]:
    with closing(Fetchers(LIMITS)) as made:
        yield made


@pytest.fixture
def following(fetchers: Fetchers, tmp_path: Path) -> Callable[[str], FetchedApart]:
    """Return what follows an address."""
    return lambda url: FetchedApart(
        SourceSettings(id="main", url=url), tmp_path / "m.git", fetchers
    )


@contextmanager
def costing_us_little() -> Iterator[None]:
    """Whatever comes from there, this process doesn't pay for it."""
    spent, peak = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    assert time.process_time() - spent < OURS_S
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < OURS_MIB * 1024


def pack_with(data: bytes = b"hello") -> tuple[Pack, str]:
    pack = Pack()
    return pack, commit_of(pack, [(FILE, b"README.md", pack.add(BLOB, data))])


def refused(following: Callable[[str], FetchedApart], offer: Offer, why: str) -> None:
    with (
        costing_us_little(),
        offering(offer) as url,
        pytest.raises(SourceUnavailable, match=why) as told,
    ):
        following(url).fetch()
    assert all(char.isprintable() for char in str(told.value))


def test_a_pack_as_it_should_be_is_taken(following):
    pack, tip = pack_with()
    with offering(Offer({MAIN: tip}, pack.chunks)) as url:
        source = following(url)
        assert source.fetch() == tip
        assert list(source.tree(tip).files) == ["README.md"]


def test_deltas_that_unfold_into_gigabytes_end_the_fetch(following):
    pack, tip = pack_with()
    first = pack.end
    pack.add(BLOB, bytes(MIB))
    second = pack.end
    pack.add_copies(first, MIB, 64)
    pack.add_copies(second, 64 * MIB, 16)
    refused(following, Offer({MAIN: tip}, pack.chunks), r"can't fetch|fetch_memory_mib")


def test_a_header_that_claims_four_billion_objects_ends_the_fetch(following):
    pack, tip = pack_with()
    pack.claimed = 2**32 - 1
    refused(following, Offer({MAIN: tip}, pack.chunks), r"can't fetch|fetch_memory_mib")


def test_an_object_is_never_more_than_it_says(following):
    pack = Pack()
    pack.add_compressed(BLOB, 10, zlib.compress(bytes(16 * MIB)))
    tip = commit_of(pack, [(FILE, b"a", object_id(BLOB, bytes(10)))])
    with costing_us_little(), offering(Offer({MAIN: tip}, pack.chunks)) as url:
        source = following(url)
        assert source.fetch() == tip
        (blob,) = source.tree(tip).files.values()
        with pytest.raises(SourceUnavailable, match=r"can't be read|no file"):
            source.read(blob, limit_bytes=DEFAULT_LIMITS.file_bytes)


def test_a_pack_that_never_ends_is_broken_off(following):
    def sent() -> Iterator[bytes]:
        head, *_ = Pack(claimed=10**6).chunks()
        yield head
        for number in count():
            part = Pack()
            part.add(BLOB, Random(number).randbytes(64_000))
            yield list(part.chunks())[1]

    refused(following, Offer({MAIN: "1" * 40}, sent), "more than 4 MiB were sent")


@pytest.mark.parametrize(
    "refs",
    [
        {MAIN: "1" * 40},
        {MAIN: object_id(BLOB, b"hello")},
        {MAIN: "0" * 40},
        {MAIN: "not a number"},
    ],
    ids=["nowhere", "a file", "nothing", "no id"],
)
def test_a_branch_that_is_no_commit_moves_nothing(following, refs: dict[str, str]):
    pack, _ = pack_with()
    refused(following, Offer(refs, pack.chunks), ".")


def test_names_of_refs_are_no_paths_and_no_terminals(following):
    pack, tip = pack_with()
    evil = {
        "refs/heads/../../../../tmp/evil": tip,
        "refs/heads/\x1b[31mred": tip,
        "refs/heads/main.lock": tip,
        "refs/heads/ma\u202ein": tip,
        **{f"refs/heads/b{n}": tip for n in range(5_000)},
    }
    refused(following, Offer(evil, pack.chunks), "has no branch main|can't fetch")


def test_a_file_of_200_mib_is_told_by_its_header_alone(following):
    pack, size = Pack(), 200 * MIB
    oid = zeros(pack, size)
    tip = commit_of(pack, [(FILE, b"huge.yaml", oid)])
    with costing_us_little(), offering(Offer({MAIN: tip}, pack.chunks)) as url:
        source = following(url)
        assert source.fetch() == tip
        assert source.tree(tip).files == {"huge.yaml": oid}
        with pytest.raises(ValueError, match=str(size)):
            source.read(oid, limit_bytes=DEFAULT_LIMITS.file_bytes)


def zeros(pack: Pack, size: int) -> str:
    """Add a file of zeros, some whole MiB of them, without ever holding it; return its id."""
    part, sums = bytes(MIB), hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    for _ in range(size // MIB):
        sums.update(part)
    squeezed = zlib.compressobj(9)
    # After a full flush what follows stands for itself: the same bytes again are the same again.
    head = squeezed.compress(b"") + squeezed.flush(zlib.Z_FULL_FLUSH)
    block = squeezed.compress(part) + squeezed.flush(zlib.Z_FULL_FLUSH)
    last = b"\x03\x00" + struct.pack(">I", (size % 65_521) << 16 | 1)  # Adler's sum of zeros
    pack.add_compressed(BLOB, size, head + block * (size // MIB) + last)
    return sums.hexdigest()


def nested(pack: Pack, levels: int, *, width: int) -> list[tuple[int, bytes, str]]:
    """Return what a root holds: directories in directories, each of the same few objects."""
    inner = [(FILE, b"f", pack.add(BLOB, b"x"))]
    for _ in range(levels):
        data = b"".join(b"%o %s\0" % (mode, name) + bytes.fromhex(oid) for mode, name, oid in inner)
        below = pack.add(TREE, data)
        inner = [(FOLDER, b"d%d" % n, below) for n in range(width)]
    return inner


@pytest.mark.parametrize(
    ("levels", "width", "why"),
    [
        pytest.param(5_000, 1, "directories deep", id="a path of 5,000 parts"),
        pytest.param(10, 10, "more than 100000 entries", id="ten billion paths in twelve objects"),
    ],
)
def test_trees_that_unfold_arent_read(following, levels: int, width: int, why: str):
    pack = Pack()
    tip = commit_of(pack, nested(pack, levels, width=width))
    with costing_us_little(), offering(Offer({MAIN: tip}, pack.chunks)) as url:
        source = following(url)
        assert source.fetch() == tip
        with pytest.raises(SourceUnavailable, match=why):
            source.tree(tip)


def test_fifty_thousand_files_are_listed(following):
    pack = Pack()
    blob = pack.add(BLOB, b"x")
    tip = commit_of(pack, [(FILE, b"n%05d" % n, blob) for n in range(50_000)])
    with costing_us_little(), offering(Offer({MAIN: tip}, pack.chunks)) as url:
        source = following(url)
        assert source.fetch() == tip
        assert len(source.tree(tip).files) == 50_000

"""The log stream's framing, wherever it is cut."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st

from reconciler.cluster.frames import keep_last, payloads


def frame(stream: int, data: bytes) -> bytes:
    return struct.pack(">BxxxL", stream, len(data)) + data


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    chunks = []
    for size in sizes:
        chunks.append(data[:size])
        data = data[size:]
    return [*chunks, data]


@given(
    st.lists(st.tuples(st.integers(0, 3), st.binary(max_size=40)), max_size=8),
    st.lists(st.integers(0, 12), max_size=40),
)
def test_payloads_dont_depend_on_where_the_stream_is_cut(
    frames: list[tuple[int, bytes]], sizes: list[int]
) -> None:
    stream = b"".join(frame(*item) for item in frames)
    assert b"".join(payloads(cut(stream, sizes))) == b"".join(data for _, data in frames)


def test_a_frame_that_breaks_off_is_yielded_as_far_as_it_came() -> None:
    assert list(payloads([frame(1, b"abcdef")[:11]])) == [b"abc"]
    assert list(payloads([b"\x01\x00\x00"])) == []


def test_a_frame_that_claims_gigabytes_is_not_waited_for() -> None:
    huge = struct.pack(">BxxxL", 1, 2**32 - 1)
    parts = payloads(iter([huge + b"a", b"b"]))
    assert [next(parts), next(parts)] == [b"a", b"b"]


@given(st.lists(st.binary(max_size=30)), st.integers(1, 40))
def test_the_last_bytes_are_kept(parts: list[bytes], limit: int) -> None:
    assert keep_last(parts, limit=limit) == b"".join(parts)[-limit:]

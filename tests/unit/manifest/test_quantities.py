"""Amounts: exact, and refused where they could mean two things."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import quantities
from reconciler.manifest.diagnostic import Complaint
from reconciler.manifest.scalars import Number

MIB = 1024**2


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("2GiB", 2048 * MIB),
        ("2Gi", 2048 * MIB),
        ("512MiB", 512 * MIB),
        ("1.5GiB", 1536 * MIB),
        ("1Ki", 1024),
        (4096, 4096),
        (0, 0),
    ],
)
def test_memory_in_bytes(text: object, amount: int):
    assert quantities.memory_bytes(text) == amount


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("512M", "write 512MiB"),
        ("512MB", "write 512MiB"),
        ("2g", "write 2GiB"),
        ("1.5 G", "write 1.5GiB"),
        ("0.1GiB", "write 102MiB"),
        ("much", "write 512MiB or 2GiB"),
        (-1, "write a smaller amount, such as 2GiB"),
        (True, "write 512MiB or 2GiB"),
        ("9999999TiB", "write a smaller amount, such as 2GiB"),
    ],
)
def test_unclear_memory_is_refused_with_what_to_write(text: object, remedy: str):
    with pytest.raises(Complaint) as caught:
        quantities.memory_bytes(text)
    assert caught.value.remedy == remedy


@pytest.mark.parametrize(
    ("value", "millis"),
    [("1500m", 1500), (Number("1.5"), 1500), (2, 2000), ("0.001", 1), (Number("1.50"), 1500)],
)
def test_cpus_in_thousandths(value: object, millis: int):
    assert quantities.cpu_millis(value) == millis


@pytest.mark.parametrize("value", [Number("1.5555"), "-1", "1k", -1, "", Number("1e3"), 9_999_999])
def test_unclear_cpus_are_refused(value: object):
    with pytest.raises(Complaint):
        quantities.cpu_millis(value)


@pytest.mark.parametrize(
    ("text", "amount"),
    [("4h30m", 16_200_000), ("10s", 10_000), ("500ms", 500), ("1d", 86_400_000), ("1m1ms", 60_001)],
)
def test_durations_in_milliseconds(text: str, amount: int):
    assert quantities.duration_ms(text) == amount


@pytest.mark.parametrize("text", ["", "10", 10, "1.5h", "30m4h", "1h1h", "h", "-1s", "999999999d"])
def test_unclear_durations_are_refused(text: object):
    with pytest.raises(Complaint):
        quantities.duration_ms(text)


@given(st.integers(0, quantities.MAX_DURATION_MS))
def test_durations_come_back_from_their_text(amount: int):
    assert quantities.duration_ms(quantities.duration_text(amount)) == amount


@given(st.integers(0, quantities.MAX_CPU_MILLIS))
def test_cpus_come_back_from_their_text(amount: int):
    assert quantities.cpu_millis(quantities.cpus_text(amount)) == amount


@given(st.integers(0, 1024**3))
def test_memory_comes_back_from_its_text(kib: int):
    assert quantities.memory_bytes(quantities.memory_text(kib * 1024) if kib else 0) == kib * 1024


@given(st.text(max_size=30))
def test_no_text_raises_anything_else(text: str):
    for measure in (quantities.memory_bytes, quantities.cpu_millis, quantities.duration_ms):
        with contextlib.suppress(Complaint):
            assert measure(text) >= 0

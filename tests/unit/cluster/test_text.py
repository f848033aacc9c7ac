"""Text of containers and engines, made harmless."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cluster.text import escape, last_bytes, one_line


@given(st.text())
def test_what_is_shown_can_move_no_cursor_and_hide_nothing(text: str) -> None:
    shown = escape(text)
    assert all(
        character in "\n\t" or unicodedata.category(character)[0] != "C" for character in shown
    )
    assert "\u2028" not in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "plain"),
        ("\x1b[2J", "\\x1b[2J"),
        ("a\rb", "a\\x0db"),
        ("\u202eevil", "\\u202eevil"),
        ("\U000e0041", "\\U000e0041"),
        ("naïve 漢字\tok\n", "naïve 漢字\tok\n"),
    ],
)
def test_controls_become_escapes(text: str, shown: str) -> None:
    assert escape(text) == shown


@given(st.text(), st.integers(1, 50))
def test_a_message_is_one_bounded_line(text: str, limit: int) -> None:
    line = one_line(text, limit=limit)
    assert len(line) <= limit
    assert "\n" not in line


def test_a_message_holds_no_password_of_a_url() -> None:
    told = one_line('Get "https://robot:pa55@registry.example.org/v2/": unauthorized')
    assert told == 'Get "https://registry.example.org/v2/": unauthorized'


@given(st.binary(max_size=200), st.integers(1, 60))
def test_a_tail_is_bounded_in_bytes(data: bytes, limit: int) -> None:
    assert len(last_bytes(data, limit=limit).encode()) <= limit


def test_a_tail_begins_at_a_line() -> None:
    assert last_bytes(b"first line\nsecond\nthird\n", limit=16) == "second\nthird\n"
    assert last_bytes(b"one line that is long", limit=4) == "long"
    assert last_bytes(b"fits\n", limit=5) == "fits\n"


def test_bytes_that_are_no_text_are_shown() -> None:
    assert last_bytes(b"\xff\x00", limit=100) == "\\xff\\x00"

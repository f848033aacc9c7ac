"""Sentences: the instants in them, and characters that must not act."""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from reconciler.view import words

MOMENTS = st.integers(0, 2**33).map(lambda at: datetime.fromtimestamp(at, UTC))


@given(st.lists(st.one_of(MOMENTS, st.text("abc T:-Z09 .,"))))
def test_instants_come_back_out_of_a_sentence(said: list[datetime | str]) -> None:
    sentence = " ".join(words.instant(p) if isinstance(p, datetime) else p for p in said)
    found = [part for part in words.parts(sentence) if isinstance(part, datetime)]
    assert [at for at in said if isinstance(at, datetime)] == found
    assert words.with_times(sentence, words.instant) == sentence


def test_a_schedules_own_clock_is_an_instant_too() -> None:
    told = "runs next at 2026-11-23T02:30+01:00, not at 2026-02-30T00:00Z"
    assert words.with_times(told, words.instant) == (
        "runs next at 2026-11-23T01:30:00Z, not at 2026-02-30T00:00Z"
    )


@given(st.text())
def test_nothing_that_acts_is_left_and_nothing_else_is_touched(text: str) -> None:
    shown = words.escaped(text)
    left = {unicodedata.category(c) for c in shown if c not in "\n\t"}
    assert left.isdisjoint({"Cc", "Cf", "Cs", "Zl", "Zp"})
    assert words.escaped(shown) == shown


def test_escapes_are_readable() -> None:
    assert words.escaped("a\x1b[31m\u202eb\x00é\n\tc") == "a\\x1b[31m\\u202eb\\x00é\n\tc"


def test_a_name_or_path_keeps_its_small_letter_at_the_beginning() -> None:
    said = ["it waits", "a/b is first", "executions/a.yaml:1:1: no", "", "3 wait"]
    assert [words.begun(text) for text in said] == [
        "It waits",
        "a/b is first",
        "executions/a.yaml:1:1: no",
        "",
        "3 wait",
    ]


def test_what_is_held_in_words() -> None:
    assert words.grants(core=3, elastic=2, most=5) == "core 3, 2 of 5 elastic"
    assert words.grants(core=3, elastic=0, most=0) == "core 3"
    assert (words.counted(1, "node"), words.counted(0, "node")) == ("1 node", "0 nodes")

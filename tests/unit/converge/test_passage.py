"""What a gateway's log proves of use, and that whatever it doesn't show counts as use."""

from __future__ import annotations

import json
import subprocess
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge import passage

ROUTE = "/~/lab-3/notebook/8888"
PLACE = ("10.0.3.5", 8888)
START = 1_800_000_000
SECOND = timedelta(seconds=1)


def beat(second: int, *places: str) -> str:
    listed = "".join(f" {place}" for place in places)
    return f"open {START + second} of{listed} ."


def ended(second: float, route: str = ROUTE) -> str:
    return json.dumps({"ts": START + second, "request": {"uri": route}, "status": 200})


def beats(until: int, since: int = 0) -> list[str]:
    return [beat(second) for second in range(since, until + 1, passage.TOLD_EVERY_S)]


def last_use(lines: list[str], *, needed: int = 60) -> timedelta | None:
    found = passage.read("\n".join(lines))
    assert found is not None
    return found.last_use({ROUTE}, {PLACE}, needed=needed * SECOND)


def test_the_last_request_that_ended_is_the_last_use() -> None:
    lines = [*beats(100), ended(30), ended(70), ended(95, "/~/other/notebook/8888")]
    assert last_use(lines) == 30 * SECOND


def test_an_open_connection_is_use_and_a_neighbours_isnt() -> None:
    assert last_use([*beats(100), beat(100, "0503000A:22B8")]) == 0 * SECOND
    assert last_use([*beats(100), beat(100, "0603000A:22B8", "0503000A:22B9")]) is None


def test_a_request_after_the_newest_beat_is_use_now() -> None:
    assert last_use([*beats(100), ended(103.5)]) == 0 * SECOND


def test_what_isnt_known_counts_as_use() -> None:
    assert last_use(beats(100), needed=100) is None
    assert last_use(beats(100, since=50), needed=60) == 50 * SECOND
    with_a_gap = [*beats(30), ended(45), *beats(100, since=60)]
    assert last_use(with_a_gap) == 40 * SECOND


def test_a_log_without_a_beat_tells_nothing() -> None:
    cut = [
        "open 1800000000 of 0503000A:22B8",
        "open 1800000000 .",
        ended(5),
        "{",
        "[]",
        '{"ts": 1}',
    ]
    assert passage.read("\n".join([*cut, ended(5)])) is None


@given(st.sets(st.integers(0, 40), min_size=1), st.integers(1, 200))
def test_nobody_is_said_to_be_away_while_lines_may_be_missing(kept: set[int], needed: int) -> None:
    every, newest = passage.TOLD_EVERY_S, max(kept) * passage.TOLD_EVERY_S
    if last_use([beat(n * every) for n in kept], needed=needed) is not None:
        return
    for at in range(newest - needed, newest):
        before = max((n for n in kept if n * every <= at), default=None)
        assert before is not None
        following = min(n for n in kept if n * every > at)
        assert (following - before) * every * 1000 <= passage.LONGEST_SILENCE_MS


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    passage.read(text)
    passage.read(beat(0) + "\n" + text)


def test_the_script_tells_the_connections_that_are_open() -> None:
    once = passage.SCRIPT.replace(f"sleep {passage.TOLD_EVERY_S}", "exit")
    told = subprocess.run(["/bin/sh", "-c", once], capture_output=True, text=True, check=True)
    assert passage.read(told.stdout) is not None

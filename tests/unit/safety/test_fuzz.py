"""The fuzzer tells what ended or stopped its process, and goes on; a few of its cases run here."""

from __future__ import annotations

import os
import signal
import threading
from random import Random

import pytest

from tests.safety import fuzz
from tests.safety.fuzz import Cases, Part


class Harmless:
    def one(self, chance: Random) -> tuple[str, str]:
        return f"drew {chance.randrange(10**9)}", ""


class Deadly:
    """The second case that a process takes ends it, if its number is even; else it hangs."""

    def __init__(self, last_words: str) -> None:
        self._last_words = last_words

    def one(self, chance: Random) -> tuple[str, str]:
        if chance.random() != Random("7/2").random():
            return "fine", ""
        if self._last_words == "died":
            os.kill(os.getpid(), signal.SIGKILL)
        threading.Event().wait()
        raise AssertionError


def drawn(first: int, end: int) -> list[str]:
    def parts() -> tuple[Part, Part]:
        return Harmless(), Harmless()

    return [outcome for outcome, _ in Cases(seed=1, first=first, end=end).run(parts)]


def test_a_case_is_the_same_wherever_it_begins():
    assert drawn(0, 6)[3:] == drawn(3, 6)
    assert len(set(drawn(0, 6))) == 6


@pytest.mark.parametrize("how", ["died", "hung"])
def test_what_ends_or_stops_the_process_is_told_and_the_next_case_is_taken(how: str):
    found = list(
        Cases(seed=7, first=0, end=5).run_apart(lambda: (Deadly(how), Deadly(how)), hangs_s=1.0)
    )
    assert [outcome for outcome, _ in found] == ["fine", "fine", how, "fine", "fine"]
    assert [breach.partition(":")[0] for _, breach in found if breach] == ["seed 7 case 2"]


def test_what_is_recorded_adds_up_and_no_case_counts_twice(tmp_path, monkeypatch):
    monkeypatch.setattr(fuzz, "RECORD", tmp_path / "record.json")
    fuzz.RECORD.write_text('{"chaos": {"kills": 3}}')
    assert fuzz.recorded(1) == 0
    fuzz.record(1, 500, 0)
    fuzz.record(1, 500, 0)
    fuzz.record(2, 100, 1)
    assert fuzz.recorded(1) == 500
    assert fuzz._kept() == {
        "chaos": {"kills": 3},
        "fuzz": {"breaches": 1, "cases": 600, "seeds": {"1": 500, "2": 100}},
    }


def test_some_cases_of_production_have_no_breach():
    found = list(Cases(seed=3, first=0, end=60).run())
    assert [breach for _, breach in found if breach] == []
    outcomes = {outcome for outcome, _ in found}
    assert {"refused", "accepted", "answered 202"} <= outcomes

"""What ends the process is found out and set aside; nothing else is, and all else goes on."""

from __future__ import annotations

import multiprocessing
import re
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ClusterUnavailable, StoreUnavailable
from reconciler.source.probation import Key, Probation, Trial


class Rows:
    """Trials in a dictionary; as a database they may be away."""

    def __init__(self) -> None:
        self.rows: dict[Key, Trial] = {}
        self.writes = 0
        self.is_away = False

    def trials(self) -> Sequence[Trial]:
        return tuple(self.rows.values())

    def write_trials(self, found: Sequence[Trial], *, gone: Iterable[Key]) -> None:
        if self.is_away:
            raise StoreUnavailable("away")
        self.writes += 1
        for key in gone:
            self.rows.pop(key, None)
        self.rows |= {trial.key: trial for trial in found}


class Killed(BaseException):
    """The end of a process: nobody gets to clean up."""


class Site:
    """Passes over the files of some sources, by processes that may die of some of them."""

    def __init__(self, sources: dict[str, list[str]], poison: set[str]) -> None:
        self.sources, self.poison = sources, poison
        self.rows = Rows()
        self.good: set[str] = set()
        self.set_aside: dict[str, str] = {}
        self.deaths = 0

    def probation(self, *, process: str = "", version: str = "1") -> Probation:
        return Probation(self.rows, process or f"process {self.deaths}", version)

    def make_a_pass(self, probation: Probation) -> None:
        before = dict(self.rows.rows)
        try:
            with probation.over_a_pass():
                self._treat(probation)
        except Killed:
            # What the handler of our own process struck out, a dead one's never got to.
            self.rows.rows = self._at_death or before
            raise

    def _treat(self, probation: Probation) -> None:
        self.set_aside = {}
        taken: list[str] = []
        for source, blobs in self.sources.items():
            refused = probation.admit(source, set(blobs) - self.good)
            self.set_aside |= {blob: told.code for blob, told in refused.items()}
            mine = [blob for blob in blobs if blob not in refused]
            if self.poison.intersection(mine):
                self._at_death = dict(self.rows.rows)
                raise Killed
            taken += mine
        self.good.update(taken)

    def live(self, *, most: int) -> None:
        """Make passes, in a new process after each death, until nothing is left to do."""
        probation = self.probation()
        for _ in range(most):
            try:
                self.make_a_pass(probation)
            except Killed:
                self.deaths += 1
                probation = self.probation()
                continue
            if not probation.is_waiting:
                return
        raise AssertionError("it doesn't come to an end")


def blobs(number: int, of: str = "") -> list[str]:
    return [f"{of}{index:05d}" for index in range(number)]


@given(st.data())
def test_what_kills_is_set_aside_and_nothing_else(data: st.DataObject) -> None:
    sizes = data.draw(st.lists(st.integers(0, 70), min_size=1, max_size=3))
    sources = {f"s{number}": blobs(size, f"s{number}-") for number, size in enumerate(sizes)}
    every = [blob for files in sources.values() for blob in files]
    poison = set(data.draw(st.lists(st.sampled_from(every), max_size=3)) if every else [])
    site = Site(sources, poison)
    site.live(most=500)
    assert site.good == set(every) - poison
    assert site.set_aside == dict.fromkeys(poison, "Quarantined")


def test_one_of_two_thousand_is_found_in_few_lives() -> None:
    site = Site({"main": blobs(2_000)}, {"01711"})
    site.live(most=200)
    assert (len(site.good), site.deaths) == (1_999, 6)


def test_a_file_alone_is_set_aside_after_two_deaths() -> None:
    site = Site({"main": ["bad"]}, {"bad"})
    site.live(most=10)
    assert (site.deaths, site.set_aside) == (2, {"bad": "Quarantined"})


def test_other_content_is_tried_at_once_and_another_version_tries_again() -> None:
    site = Site({"main": ["bad"]}, {"bad"})
    site.live(most=10)
    with (newer := site.probation(version="2")).over_a_pass():
        assert newer.admit("main", ["bad"]) == {}
    site.sources = {"main": ["corrected"]}
    site.live(most=10)
    assert site.good == {"corrected"}


def test_after_one_kill_by_chance_all_is_taken_in_the_next_pass() -> None:
    site = Site({"main": blobs(50)}, {"00007"})
    with pytest.raises(Killed):
        site.make_a_pass(site.probation())
    site.deaths, site.poison = 1, set()
    site.make_a_pass(site.probation())
    assert len(site.good) == 50
    assert site.rows.rows == {}


def test_what_was_good_costs_nothing_and_what_is_new_two_writes() -> None:
    site = Site({"main": blobs(1000)}, set())
    probation = site.probation()
    site.make_a_pass(probation)
    assert site.rows.writes == 2
    site.make_a_pass(probation)
    assert site.rows.writes == 2


def test_content_that_stays_invalid_is_written_down_once() -> None:
    site = Site({"main": ["invalid"]}, set())
    probation = site.probation()
    for _ in range(3):
        site.make_a_pass(probation)
        site.good.clear()
    assert site.rows.writes == 2


@pytest.mark.parametrize("is_store_away", [False, True])
def test_a_part_that_is_away_is_nobodys_fault(is_store_away: bool) -> None:
    site = Site({"main": ["job"]}, set())
    for _ in range(5):
        probation = site.probation(process="the same")
        with pytest.raises(ClusterUnavailable), probation.over_a_pass():  # noqa: PT012
            assert probation.admit("main", ["job"]) == {}
            site.rows.is_away = is_store_away
            raise ClusterUnavailable("away")
        site.rows.is_away = False


def test_what_was_interrupted_is_in_hand_again_in_the_next_pass() -> None:
    site = Site({"main": ["job"]}, set())
    probation = site.probation()
    with pytest.raises(ClusterUnavailable), probation.over_a_pass():  # noqa: PT012
        probation.admit("main", ["job"])
        raise ClusterUnavailable("away")
    with probation.over_a_pass():  # read already: nobody asks again
        assert set(site.rows.rows) == {("main", "job")}
    assert site.rows.rows == {}


def test_a_fault_of_ours_counts_like_a_death() -> None:
    site = Site({"main": ["job"]}, set())
    refused = {}
    for number in count():
        try:
            with (probation := site.probation(process="the same")).over_a_pass():
                refused = probation.admit("main", ["job"])
                if not refused:
                    raise KeyError("a fault")
        except KeyError:
            continue
        assert number == 2
        break
    assert refused["job"].code == "Quarantined"


def _hangs_in_a_trial() -> None:
    probation = Probation(Rows(), "p", "1", most_s=1)
    with probation.over_a_pass():
        probation.admit("main", ["blob"])
        re.match(r"(a+)+$", "a" * 64 + "b")  # holds the interpreter for years


def _lives_on_after_a_trial() -> None:
    probation = Probation(Rows(), "p", "1", most_s=1)
    with probation.over_a_pass():
        probation.admit("main", ["blob"])
    with suppress(ClusterUnavailable), probation.over_a_pass():
        probation.admit("main", ["another"])
        raise ClusterUnavailable("away")
    threading.Event().wait(1.3)


@pytest.mark.parametrize(("live", "code"), [(_hangs_in_a_trial, 1), (_lives_on_after_a_trial, 0)])
def test_only_a_trial_that_doesnt_end_ends_the_process(live: Callable[[], None], code: int) -> None:
    """Also where what hangs never lets another thread of Python run."""
    process = multiprocessing.get_context("fork").Process(target=live)
    process.start()
    process.join(20)
    process.kill()
    assert process.exitcode == code

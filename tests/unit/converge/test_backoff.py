"""Those that fail wait longer each time, at most five minutes, and come back apart."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.converge.backoff import backoff

UIDS = st.text(alphabet="0123456789abcdef", min_size=16, max_size=16).map(Uid)
SECOND = timedelta(seconds=1)


@given(UIDS, st.integers(min_value=1, max_value=100))
def test_it_doubles_up_to_five_minutes_and_jitter_takes_at_most_half(uid: Uid, tries: int) -> None:
    whole = min(300, 10 * 2 ** (tries - 1)) * SECOND
    assert whole / 2 <= backoff(tries, uid) <= whole


@given(UIDS, st.integers(min_value=1, max_value=100))
def test_it_never_gets_shorter(uid: Uid, tries: int) -> None:
    assert backoff(tries, uid) <= backoff(tries + 1, uid)


def test_those_that_failed_together_come_back_apart() -> None:
    waits = sorted(backoff(1, Uid(f"{number:016x}")) for number in range(50))
    assert waits[-1] - waits[0] > 4 * SECOND
    assert len(set(waits)) == 50

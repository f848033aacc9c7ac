"""Which ways around windows are worth trying: waiting for one, leaving it, being gone before."""

from __future__ import annotations

from collections.abc import Iterator

from policy.model.decision import ReasonCode
from policy.remedy.candidates import Case
from policy.remedy.change import Change
from policy.remedy.of_author import LeaveReservation, ShortenLifetime
from policy.remedy.of_operator import CancelReservation
from policy.remedy.of_others import Wait
from policy.settings import MINUTE_MS


def around_windows(case: Case) -> Iterator[Change]:
    """Waiting for a window, doing without it, or being gone before it begins."""
    found: list[Change] = []
    now_ms, until_ms = case.trial.snapshot.now_ms, case.reason.until_ms
    if case.reason.code is ReasonCode.OUTSIDE_RESERVATION and until_ms is not None:
        found.append(Wait(until_ms=until_ms, for_=f"the window of {case.reason.blocks}"))
    if case.execution.reservation:
        found.append(LeaveReservation(reservation=case.execution.reservation))
    left_ms = ((until_ms or now_ms) - now_ms) // MINUTE_MS * MINUTE_MS
    if case.reason.code is ReasonCode.RESERVED and left_ms > 0:
        found.append(ShortenLifetime(lifetime_ms=left_ms))
    windows = sorted(case.trial.snapshot.reservations, key=lambda r: (r.ends_ms, r.name))
    found += [Wait(until_ms=r.ends_ms, for_=f"the end of {r.name}'s window") for r in windows[:1]]
    names = sorted({reservation.name for reservation in windows})
    found += [CancelReservation(reservation=name) for name in names]
    yield from (change for change in found if case.trial.starts(change))

"""Which ends of others, or leaving of theirs, are worth trying for a waiting execution."""

from __future__ import annotations

from collections.abc import Iterator

from policy.remedy.candidates import Case
from policy.remedy.change import Change
from policy.remedy.of_others import Wait, Withdraw, full_name
from policy.reserve import expected_end

MOST_OWN = 10
MOST_AHEAD = 25


def patience(case: Case) -> Iterator[Change]:
    """The end of what runs, the first that are enough, as far as ends are known."""
    snapshot = case.trial.snapshot
    ends = sorted(
        (max(end_ms, snapshot.now_ms + 1), e.uid, e)
        for e in snapshot.executions
        if e.is_admitted and (end_ms := expected_end(e, snapshot.now_ms)) is not None
    )

    def until(count: int) -> Change:
        gone = [execution for _, _, execution in ends[:count]]
        return Wait(
            until_ms=ends[count - 1][0],
            uids=tuple(e.uid for e in gone),
            names=tuple(full_name(e) for e in reversed(gone)),
        )

    found = case.trial.least(until, 1, len(ends))
    if found is not None:
        yield found


def leaving(case: Case) -> Iterator[Change]:
    """One of one's own stopped, or as few as possible of those ahead withdrawn."""
    own = [
        e
        for e in case.trial.snapshot.executions
        if e.is_admitted and e.namespace == case.execution.namespace
    ]
    for execution in sorted(own, key=lambda e: (e.priority, e.arrival))[:MOST_OWN]:
        change = Withdraw.of([execution], is_running=True)
        if case.trial.starts(change):
            yield change
            break
    yield from _ahead(case)


def _ahead(case: Case) -> Iterator[Change]:
    """Withdraw from those ahead: one alone if that is enough, else as many as it takes."""
    nearest = case.ahead[::-1]
    if not nearest or not case.trial.starts(Withdraw.of(case.ahead)):
        return
    for execution in (case.ahead[0], *nearest[:3]):
        if case.trial.starts(alone := Withdraw.of([execution])):
            yield alone
            return
    needed = list(case.ahead)
    if len(needed) <= MOST_AHEAD:
        for execution in case.ahead:
            left = [e for e in needed if e is not execution]
            if left and case.trial.starts(Withdraw.of(left)):
                needed = left
    yield Withdraw.of(needed)

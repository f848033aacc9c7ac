"""What happens to an installation amid its work. Each leaves a healthy ``zoe run`` behind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from random import Random
from time import monotonic

from reconciler.clock import SystemClock
from reconciler.failpoints import Point
from tests.e2e.process import RunningZoe
from tests.safety.chaos.pushes import held_push
from tests.safety.chaos.stage import DIES_S, Failed, Stage
from tests.safety.chaos.work import Burst

POINTS = tuple(Point)
_LIVES_S = 3.0
_AWAY_S = 3.0
_LEASE_S = 3.0
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """Who goes on after a misfortune, from which line of its log, and how long it was idle."""

    run: RunningZoe
    since: int = 0
    idle_ms: int = 0
    what: str = ""
    compares: bool = False
    """Whether the status branch is to be held against the database."""


Misfortune = Callable[[Stage, Random, Burst, int], After]


def killed(stage: Stage, chance: Random, burst: Burst, index: int) -> After:
    """Kill -9: at each named point in turn, then at random points' random hits and moments."""
    if index < len(POINTS):
        order = f"{POINTS[index]}=kill9"
    elif chance.random() < 0.5:
        order = f"{chance.choice(POINTS)}=kill9@{chance.randint(1, 4)}"
    else:
        order = ""
    stage.push(burst)
    run = stage.start(order)
    if order:
        _await_death(stage, run)
    else:
        stage.await_event(run, chance.choice(("leading", "action")))
        stage.witness.pause.wait(chance.uniform(0, _LIVES_S))
    was_alive = run.is_alive
    run.kill()
    what = order or "a random moment"
    return After(run=stage.start(), what=what + (" (not reached)" if order and was_alive else ""))


def without_database(stage: Stage, chance: Random, burst: Burst, index: int) -> After:
    """PostgreSQL crashes in the middle of a pass, and is started again."""
    run = stage.start()
    stage.await_event(run, "leading")
    stage.push(burst)
    stage.witness.created.clear()
    stage.witness.created.wait(chance.uniform(0, _LIVES_S))
    stage.postgres.stop()
    stage.witness.pause.wait(chance.uniform(0, _AWAY_S))
    stage.postgres.start()
    returned_at, before = SystemClock().now(), len(run.told())
    stage.await_pass(since=returned_at)
    idle = SystemClock().now() - returned_at
    return After(run=run, since=before, idle_ms=idle // _MILLISECOND, what="database")


def without_engine(stage: Stage, chance: Random, burst: Burst, index: int) -> After:
    """The manager's engine is killed while services are being made, and is started again."""
    run = stage.start()
    stage.await_event(run, "leading")
    if index % 3 == 0:
        return _called_down(stage, chance, burst, run)
    stage.witness.created.clear()
    stage.push(burst)
    stage.witness.created.wait(DIES_S)
    stage.witness.pause.wait(chance.uniform(0, 0.3))
    stage.installation.swarm.kill_node(1)
    stage.installation.swarm.start_node(1)
    stage.installation.swarm.lab.wait_ready()
    return After(run=run, since=len(run.told()), what="dockerd")


def _called_down(stage: Stage, chance: Random, burst: Burst, run: RunningZoe) -> After:
    """It comes back before a worker finds it again, and calls that one down; batches end there."""
    stage.push(burst)
    stage.await_phases(dict.fromkeys(burst.batches, ("Running", "Succeeded")))
    number, swarm = chance.choice((2, 3)), stage.installation.swarm
    swarm.kill_node(1)
    swarm.partition(number)
    try:
        swarm.start_node(1)
        stage.await_down(f"node{number}")
        stage.await_pass(since=SystemClock().now())
    finally:
        swarm.heal(number)
    swarm.lab.wait_ready()
    return After(run=run, since=len(run.told()), what=f"dockerd, node{number} called down")


def two_leaders(stage: Stage, chance: Random, burst: Burst, index: int) -> After:
    """A leader stands still, at a point, a moment or in a push; another takes over; it wakes up."""
    if index % 3 == 0:
        return _stands_still_in_a_push(stage, chance, burst)
    order = f"{chance.choice(POINTS)}=stop" if chance.random() < 0.7 else ""
    stage.push(burst)
    first = stage.start(order)
    stage.await_event(first, "leading")
    if order:
        _await_stop(stage, first)
    else:
        stage.witness.pause.wait(chance.uniform(0, _LIVES_S))
    first.pause()
    second = _taken_over(stage)
    stage.witness.pause.wait(chance.uniform(0, _LEASE_S))
    leads = _settled(stage, first, second)
    what = order.replace("=stop", "") or "a random moment"
    return After(run=leads, what=what, compares=True)


def _stands_still_in_a_push(stage: Stage, chance: Random, burst: Burst) -> After:
    """What it pushes is at the server, which takes it up before or after the other's push."""
    method, is_late = chance.choice(("GET", "POST")), chance.random() < 0.7
    first = stage.start()
    stage.await_event(first, "leading")
    with held_push(stage.http, method) as held:
        stage.push(burst)
        if not held.arrived.wait(DIES_S):
            raise Failed("nothing was pushed")
        first.pause()
        if not is_late:
            held.released.set()
        before = stage.installation.published_commit()
        second = _taken_over(stage)
        stage.await_push(since=before)
    leads = _settled(stage, first, second)
    what = f"a push's {method}, taken up {'late' if is_late else 'at once'}"
    return After(run=leads, what=what, compares=True)


def _settled(stage: Stage, first: RunningZoe, second: RunningZoe) -> RunningZoe:
    """Wake the first one; return who leads once the other stands by.

    On a loaded machine the second may have been too slow to renew its lease.
    """
    before = len(second.events("standing by"))

    def has_given_way() -> bool:
        return len(second.events("standing by")) > before

    first.go_on()
    stage.installation.wait_until(
        lambda: first.events("standing by") or has_given_way(), what="one of two to stand by"
    )
    return first if has_given_way() else second


def _taken_over(stage: Stage) -> RunningZoe:
    second = stage.start(second=True)
    stage.await_event(second, "leading")
    return second


KINDS: dict[str, Misfortune] = {
    "kills": killed,
    "postgres": without_database,
    "dockerd": without_engine,
    "leaders": two_leaders,
}


def _await_death(stage: Stage, run: RunningZoe) -> None:
    ends_at = monotonic() + DIES_S / 3
    while run.is_alive and monotonic() < ends_at:
        stage.witness.pause.wait(0.05)


def _await_stop(stage: Stage, run: RunningZoe) -> None:
    """Wait until a process has stopped itself at its point; one that never gets there goes on."""
    ends_at = monotonic() + DIES_S / 3
    stat = Path(f"/proc/{run.pid}/stat")
    while stat.read_text().rpartition(")")[2].split()[0] != "T" and monotonic() < ends_at:
        stage.witness.pause.wait(0.05)

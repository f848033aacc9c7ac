"""A node that is called down is written off only by who can know."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import NodeId
from reconciler.converge.losses import LONG_DOWN, SETTLING, Watch, look
from reconciler.converge.state import ObservedNode, ObservedState, ObservedTask, TaskState
from tests.builders import NOW, observed, observed_node
from tests.builders import task as built_task

SECOND = timedelta(seconds=1)


def _reading(
    at: datetime, *, is_ready: bool, is_heard: bool = True, watch: int | None = 0
) -> ObservedState:
    node = replace(observed_node("n1", is_ready=is_ready), is_heard=is_heard, updated_at=at)
    return replace(observed(node), taken_at=at, watch=watch)


def _after(*readings: ObservedState) -> ObservedNode:
    """Return the node as the last of several readings by one process has it."""
    watch = Watch()
    for reading in readings:
        watch, seen = look(watch, reading)
    (node,) = seen.nodes
    return node


def test_a_manager_in_good_health_that_loses_a_node_is_believed_at_once() -> None:
    assert _after(_reading(NOW, is_ready=True), _reading(NOW + SECOND, is_ready=False)).is_lost
    assert not _after(_reading(NOW, is_ready=True)).is_lost


def test_who_begins_with_a_node_down_waits() -> None:
    assert _after(_reading(NOW, is_ready=False)).is_awaited
    later = [_reading(NOW + seconds * SECOND, is_ready=False) for seconds in (0, 10, 20, 29)]
    assert not _after(*later).is_lost
    assert _after(*later, _reading(NOW + SETTLING, is_ready=False)).is_lost


def test_after_a_break_nothing_is_believed_at_once() -> None:
    down = _reading(NOW + SECOND, is_ready=False, watch=1)
    assert _after(_reading(NOW, is_ready=True), down).is_awaited
    watch, _ = look(Watch(), _reading(NOW, is_ready=True))
    _, seen = look(watch.broken(), _reading(NOW + SECOND, is_ready=False))
    assert seen.nodes[0].is_awaited


def test_a_break_begins_the_wait_anew() -> None:
    readings = [_reading(NOW, is_ready=False), _reading(NOW + SETTLING, is_ready=False, watch=1)]
    assert _after(*readings).is_awaited
    assert _after(*readings, _reading(NOW + 2 * SETTLING, is_ready=False, watch=1)).is_lost


def test_a_node_that_came_back_meanwhile_was_not_down_all_the_time() -> None:
    """As one that flickers after its manager's restart, with the manager yet to hear from it."""
    assert _after(
        _reading(NOW, is_ready=False),
        _reading(NOW + SECOND, is_ready=True, is_heard=False),
        _reading(NOW + SETTLING, is_ready=False, is_heard=False),
    ).is_awaited


def test_what_a_new_leader_of_the_swarm_has_not_heard_from_is_awaited() -> None:
    """The engine that we talk to went on: no connection of ours broke."""
    assert _after(
        _reading(NOW, is_ready=True),
        _reading(NOW + SECOND, is_ready=True, is_heard=False),
        _reading(NOW + 2 * SECOND, is_ready=False, is_heard=False),
    ).is_awaited
    unseen = _reading(NOW + SECOND, is_ready=False, is_heard=False)
    assert _after(_reading(NOW, is_ready=True), unseen).is_awaited


def test_a_reading_with_a_break_within_vouches_for_nothing() -> None:
    torn = _reading(NOW, is_ready=True, watch=None)
    assert _after(torn, _reading(NOW + SECOND, is_ready=False)).is_awaited
    assert _after(torn, replace(torn, nodes=_reading(NOW, is_ready=False).nodes)).is_awaited


def test_one_look_is_enough_where_the_manager_says_so_for_long() -> None:
    down = replace(observed_node("n1", is_ready=False), updated_at=NOW - LONG_DOWN)
    assert _after(replace(observed(down), taken_at=NOW)).is_lost


def test_a_task_that_the_swarm_stopped_with_its_node_away_is_told_apart() -> None:
    """Over a break too: what it says of itself when it is heard of again isn't its own doing."""
    running = _task(TaskState.RUNNING, TaskState.SHUTDOWN)
    watch, _ = look(Watch(), replace(_reading(NOW, is_ready=False), tasks=(running,)))
    failed = _task(TaskState.FAILED, TaskState.SHUTDOWN)
    back = replace(_reading(NOW, is_ready=True, watch=3), tasks=(failed,))
    assert look(watch.broken(), back)[1].tasks[0].is_cut_off
    assert not look(Watch(), back)[1].tasks[0].is_cut_off


def test_a_task_that_had_ended_before_is_not_cut_off() -> None:
    failed = _task(TaskState.FAILED, TaskState.SHUTDOWN)
    watch, seen = look(Watch(), replace(_reading(NOW, is_ready=False), tasks=(failed,)))
    assert not seen.tasks[0].is_cut_off
    assert not watch.cut_off


def test_what_is_forgotten_by_the_swarm_is_forgotten_here() -> None:
    running = _task(TaskState.RUNNING, TaskState.SHUTDOWN)
    watch, _ = look(Watch(), replace(_reading(NOW, is_ready=False), tasks=(running,)))
    assert look(watch, _reading(NOW, is_ready=True))[0].cut_off == frozenset()


def _task(state: TaskState, desired: TaskState) -> ObservedTask:
    return built_task("s1", state, id="t1", node=NodeId("n1"), desired_state=desired)


_steps = st.tuples(
    st.integers(0, 12),
    st.sampled_from(["up", "unknown", "down", "down unheard", "break"]),
)


@given(st.lists(_steps, min_size=1, max_size=30))
def test_lost_is_only_what_was_seen_lost_or_stayed_down(steps: list[tuple[int, str]]) -> None:
    """Told again from the whole history, without the state that is kept."""
    watch, at, told = Watch(), NOW, list[tuple[datetime, str]]()
    for seconds, what in steps:
        at += seconds * SECOND
        if what == "break":
            watch, told = watch.broken(), []
            continue
        told.append((at, what))
        reading = _reading(at, is_ready=what in ("up", "unknown"), is_heard=what in ("up", "down"))
        watch, seen = look(watch, reading)
        assert seen.nodes[0].is_lost == _should_be_lost(told)


def _should_be_lost(told: list[tuple[datetime, str]]) -> bool:
    last_at, last = told[-1]
    if not last.startswith("down"):
        return False
    ups = [number for number, (_, what) in enumerate(told) if what in ("up", "unknown")]
    down = told[ups[-1] + 1 if ups else 0 :]
    if last_at - down[0][0] >= SETTLING:
        return True
    is_heard = all(what == "down" for _, what in down)
    return is_heard and bool(ups) and told[ups[-1]][1] == "up"


def test_every_node_is_judged_by_itself() -> None:
    up, down = observed_node("n1"), observed_node("n2", is_ready=False)
    reading = replace(observed(up, down), taken_at=down.updated_at)
    _, seen = look(Watch(), reading)
    assert {node.id for node in seen.nodes if node.is_awaited} == {NodeId("n2")}

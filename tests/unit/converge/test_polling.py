"""Of whose tasks a pass must know though nobody tells of them."""

from __future__ import annotations

from dataclasses import replace

from reconciler.converge.plan import MAKING_ROOM, Note
from reconciler.converge.polling import to_poll
from reconciler.converge.state import LABEL_EXECUTION, ObservedState, TaskState
from reconciler.converge.world import Assessment
from tests.builders import (
    Ledger,
    batch,
    carried_out,
    interactive,
    manifest,
    observed,
    observed_node,
    wanted,
)

BOOK = manifest(interactive(), name="book")
JOB = manifest(batch(), name="job")


class Story:
    """An interactive execution and a batch whose tasks have come so far."""

    def __init__(self, state: TaskState = TaskState.RUNNING) -> None:
        self.ledger, self.want = Ledger(), wanted(BOOK, JOB)
        self.state: ObservedState = observed()
        self.found: Assessment = self.ledger.assess(self.want, self.state)
        while self.found.steps or self.found.plan.actions:
            seen = carried_out(self.found, self.state)
            tasks = tuple(replace(task, state=state) for task in seen.tasks)
            self.state = replace(seen, tasks=tasks)
            self.found = self.ledger.assess(self.want, self.state)

    def polled(self) -> set[str] | None:
        """The names of the executions that are polled."""
        ids = to_poll(self.found, self.state)
        if ids is None:
            return None
        services = [s for s in self.state.services if s.id in ids]
        assert len(services) == len(ids)
        return {s.spec.labels[LABEL_EXECUTION] for s in services}


def test_a_batch_that_runs_is_polled_and_what_just_runs_is_not() -> None:
    story = Story()
    assert story.polled() == {"job"}


def test_who_starts_is_polled() -> None:
    assert Story(TaskState.STARTING).polled() == {"book", "job"}


def test_all_is_read_before_anything_is_known() -> None:
    story = Story()
    assert to_poll(None, story.state) is None
    assert to_poll(story.found, None) is None


def test_all_is_read_while_something_is_done_or_comes_to_its_end() -> None:
    story = Story()
    story.found = story.ledger.assess(wanted(BOOK, message="Zoe-Confirm-Deletes: 1"), story.state)
    assert story.found.plan.actions or story.found.steps
    assert story.polled() is None
    stops = replace(story.found, plan=replace(story.found.plan, actions=()), steps=())
    assert {status.phase for status in stops.statuses} >= {"Terminating"}
    assert to_poll(stops, story.state) is None


def test_all_is_read_while_somebody_waits_for_tasks_of_others_to_go() -> None:
    story = Story()
    note = Note(uid=BOOK.uid, name="book", reason=MAKING_ROOM, message="")
    told = replace(story.found, plan=replace(story.found.plan, notes=(note,)))
    assert to_poll(told, story.state) is None


def test_all_is_read_while_a_node_or_a_task_is_in_doubt() -> None:
    story = Story()
    node = observed_node("n2", is_ready=False, is_awaited=True)
    assert to_poll(story.found, replace(story.state, nodes=(*story.state.nodes, node))) is None
    cut = tuple(replace(task, is_cut_off=True) for task in story.state.tasks)
    assert to_poll(story.found, replace(story.state, tasks=cut)) is None
    lost = replace(node, is_awaited=False)
    assert to_poll(story.found, replace(story.state, nodes=(*story.state.nodes, lost)))

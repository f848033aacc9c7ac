"""The process that decides for pages: asked, remembered, and started again when it dies."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator

import pytest

from policy.model.cluster import Snapshot
from policy.settings import PolicySettings
from reconciler.converge import snapshots
from reconciler.manifest.platform import Platform
from reconciler.view import cluster_page, queue_page
from reconciler.view.cluster import ClusterView
from reconciler.view.picture import Picture
from reconciler.view.queue import Queue
from tests.fixtures.postgres import wait_until
from tests.unit.webhook.pictures import picture
from webhook.foresight import NOTHING, Failed, Foreseer, Foresight, Question, Topic

QUEUE = Question(Topic.QUEUE, page=queue_page.EVERYBODY)
CLUSTER = Question(Topic.CLUSTER, page=cluster_page.ALL)


def seen(now_ms: int, identity: str) -> Picture:
    """A picture with the snapshot of an empty cluster."""
    made = snapshots.Writer().write(
        Snapshot(now_ms=now_ms, nodes=(), executions=()),
        PolicySettings(),
        Platform(),
        commit="c" * 40,
    )
    text = json.dumps({**json.loads(made.text), "id": identity})
    return picture(1, snapshot_id=identity, snapshot=text)


@pytest.fixture
def foresight() -> Iterator[Foresight]:
    told = threading.Event()
    made = Foresight(told=told.set)
    made.start()
    yield made
    made.close()
    assert children() == []


def children() -> list[int]:
    """Return our processes that foresee."""
    done = subprocess.run(
        ["ps", "-o", "pid=,args=", "--ppid", str(os.getpid())],
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    return [int(pid) for pid, args in lines if "webhook.foreseer" in args]


def test_nothing_is_worked_out_before_somebody_asks(foresight: Foresight) -> None:
    foresight.see(seen(1000, "s1"))
    assert children() == []
    queue = foresight.ask(QUEUE, patience_s=60)
    assert isinstance(queue, Queue)
    assert queue.snapshot == "s1"
    assert foresight.ask(QUEUE, patience_s=0) is queue
    assert isinstance(foresight.ask(CLUSTER, patience_s=60), ClusterView)
    assert foresight.generation == 2


def test_who_does_not_wait_has_no_explanation(foresight: Foresight) -> None:
    foresight.see(seen(1000, "s1"))
    assert foresight.ask(Question(Topic.EXPLANATION, "nobody"), patience_s=60) is NOTHING


def test_the_answer_before_stays_until_the_new_one_is_there(foresight: Foresight) -> None:
    foresight.see(seen(1000, "s1"))
    foresight.ask(QUEUE, patience_s=60)
    foresight.see(seen(2000, "s2"))
    early = foresight.ask(QUEUE, patience_s=0)
    assert isinstance(early, Queue)
    assert early.snapshot in ("s1", "s2")
    # It was looked at a moment ago, so it is worked out again without being asked for.
    wait_until(lambda: foresight.generation == 2)
    late = foresight.ask(QUEUE, patience_s=0)
    assert isinstance(late, Queue)
    assert late.snapshot == "s2"


def test_a_process_that_dies_is_started_again(foresight: Foresight) -> None:
    foresight.see(seen(1000, "s1"))
    foresight.ask(QUEUE, patience_s=60)
    (process,) = children()
    os.kill(process, signal.SIGKILL)
    foresight.see(seen(2000, "s2"))
    wait_until(lambda: foresight.generation >= 2)
    foresight.see(seen(3000, "s3"))
    wait_until(lambda: getattr(foresight.ask(QUEUE), "snapshot", "") == "s3")


def test_a_snapshot_that_cannot_be_read_is_told_and_left_alone(
    foresight: Foresight, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    foresight.see(picture(1, snapshot_id="bad", snapshot='{"apiVersion": "another"}'))
    assert foresight.ask(QUEUE, patience_s=60) is NOTHING
    assert foresight.ask(QUEUE, patience_s=60) is NOTHING
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == [
        "a question about a snapshot came to nothing"
    ]
    foresight.see(seen(1000, "s1"))
    assert isinstance(foresight.ask(QUEUE, patience_s=60), Queue)


def test_without_a_snapshot_there_is_nothing_to_ask(foresight: Foresight) -> None:
    assert foresight.ask(QUEUE, patience_s=0) is None
    foresight.see(picture(1, snapshot_id="", snapshot=""))
    assert foresight.ask(QUEUE, patience_s=60) is None


def test_one_that_takes_too_long_is_ended() -> None:
    foreseer = Foreseer()
    try:
        with pytest.raises(Failed):
            foreseer.answer(QUEUE, seen(1000, "s1"), longest_s=0)
        assert children() == []
        assert isinstance(foreseer.answer(QUEUE, seen(1000, "s1"), longest_s=60), Queue)
    finally:
        foreseer.close()

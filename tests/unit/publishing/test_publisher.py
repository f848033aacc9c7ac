"""The status branch follows what is told, whatever happens while a push is under way."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from policy.model.execution import Uid
from reconciler.converge.describe import invalid_status
from reconciler.converge.status import document
from reconciler.converge.world import Identity
from reconciler.publishing.publisher import Publisher
from reconciler.stored import Changes, ExecutionRow, Stored
from reconciler.working_set import WorkingSet
from tests.builders import NOW

UID = Uid("0" * 16)


class Branch:
    """A status sink in memory whose pushes wait until the gate is open."""

    def __init__(self) -> None:
        self.files: dict[str, bytes | None] = {}
        self.gate = threading.Event()

    def publish(self, files: Mapping[str, bytes | None], **_: object) -> str:
        assert self.gate.wait(10)
        self.files.update(files)
        return ""

    def read(self, paths: Sequence[str] = ()) -> Mapping[str, bytes]:
        raise NotImplementedError


def stored(published: Mapping[str, str]) -> Stored:
    return Stored(
        entries=(),
        frozen=(),
        placements={},
        executions=(),
        good_files=(),
        accepted={},
        snapshot=None,
        published=published,
        state_version=1,
    )


def row(reason: str) -> ExecutionRow:
    identity = Identity(namespace="aml", name="job", run=1)
    told = document(invalid_status(identity, UID, reason, previous=None, now=NOW))
    told["status"]["reason"] = reason
    return ExecutionRow(
        uid=UID,
        namespace="aml",
        name="job",
        run=1,
        source_id="platform",
        phase="Invalid",
        reason=reason,
        status=told,
    )


def test_the_files_of_a_run_that_was_forgotten_before_a_crash_are_deleted() -> None:
    gone = {"status/aml/2a/nightly.1792913700.yaml": "x", "ledger/00/0000000000000001.yaml": "x"}
    kept = {"status/aml/README.md": "x", "status/aml/2a/nightly.yaml": "x"}
    branch = Branch()
    branch.gate.set()
    publisher = Publisher(branch, WorkingSet(stored(gone | kept)), ledger_key=b"k" * 32)
    publisher.flush(NOW, wait=True)
    publisher.close()
    assert {path for path, data in branch.files.items() if data is None} == gone.keys()
    assert not publisher.is_dirty


def test_what_goes_back_to_what_it_was_while_it_is_pushed_is_pushed_again() -> None:
    working_set, branch = WorkingSet(stored({})), Branch()
    publisher = Publisher(branch, working_set, ledger_key=b"k" * 32, interval=timedelta())

    def tell(reason: str) -> None:
        working_set.committed(Changes(executions=(row(reason),)), ())
        publisher.refresh([UID])

    def land() -> None:
        branch.gate.set()
        while (landed := publisher.flush(NOW, wait=True)) is not None:
            working_set.committed(Changes(published=landed.digests), ())
        branch.gate.clear()

    tell("One")
    land()
    tell("Two")
    publisher.flush(NOW)
    tell("One")
    land()
    publisher.close()
    (path,) = [path for path in branch.files if path.endswith("job.yaml")]
    assert b"reason: One" in (branch.files[path] or b"")


def test_what_is_pushed_while_another_push_is_waited_for_is_remembered_with_it() -> None:
    working_set, branch = WorkingSet(stored({})), Branch()
    publisher = Publisher(branch, working_set, ledger_key=b"k" * 32, interval=timedelta())
    branch.gate.set()
    working_set.committed(Changes(executions=(row("One"),)), ())
    publisher.refresh([UID])
    publisher.flush(NOW)
    working_set.committed(
        Changes(executions=(replace(row("One"), uid=Uid("1" * 16), name="more"),)), ()
    )
    publisher.refresh([Uid("1" * 16)])
    landed = publisher.flush(NOW, wait=True)
    publisher.close()
    assert landed is not None
    assert landed.digests.keys() == branch.files.keys()


def test_a_clock_that_is_set_back_delays_no_push() -> None:
    working_set, branch = WorkingSet(stored({})), Branch()
    publisher = Publisher(branch, working_set, ledger_key=b"k" * 32)
    branch.gate.set()
    for reason, at in (("One", NOW), ("Two", NOW - timedelta(hours=1))):
        working_set.committed(Changes(executions=(row(reason),)), ())
        publisher.refresh([UID])
        publisher.flush(at, wait=reason == "One")
    publisher.close()
    (path,) = [path for path in branch.files if path.endswith("job.yaml")]
    assert b"reason: Two" in (branch.files[path] or b"")


def test_what_goes_back_to_what_it_was_after_a_lost_answer_is_pushed_again() -> None:
    """Also by whoever leads after a crash: what is about to be pushed is stored as unsure."""
    known: dict[str, str | None] = {}
    for reason, is_stored in (("One", True), ("Two", False), ("One", True)):
        there = {path: digest for path, digest in known.items() if digest is not None}
        working_set, branch = WorkingSet(stored(there)), Branch()
        branch.gate.set()
        publisher = Publisher(branch, working_set, ledger_key=b"k" * 32, interval=timedelta())
        working_set.committed(Changes(executions=(row(reason),)), ())
        publisher.refresh([UID])
        known |= publisher.ahead(NOW)
        landed = publisher.flush(NOW, wait=True)
        publisher.close()
        if landed is not None and is_stored:
            known |= landed.digests
    (path,) = [path for path in branch.files if path.endswith("job.yaml")]
    assert b"reason: One" in (branch.files[path] or b"")


def test_what_is_pushed_again_is_unsure_though_the_push_before_has_landed() -> None:
    working_set, branch = WorkingSet(stored({})), Branch()
    publisher = Publisher(branch, working_set, ledger_key=b"k" * 32, interval=timedelta())
    working_set.committed(Changes(executions=(row("One"),)), ())
    publisher.refresh([UID])
    publisher.flush(NOW)
    working_set.committed(Changes(executions=(row("Two"),)), ())
    publisher.refresh([UID])
    branch.gate.set()
    first = publisher.flush(NOW)
    while first is None:
        first = publisher.flush(NOW)
    publisher.close()
    assert not [path for path in first.digests if path.endswith("job.yaml")]


def test_a_large_snapshot_goes_every_ten_minutes_and_then_alone_too() -> None:
    working_set, branch = WorkingSet(stored({})), Branch()
    branch.gate.set()
    publisher = Publisher(branch, working_set, ledger_key=b"k" * 32)
    seen = []
    for minute, (reason, snapshot) in enumerate(
        [("One", "1"), ("Two", "2"), ("Two", None), *[("Two", None)] * 8, ("Two", None)]
    ):
        working_set.committed(Changes(executions=(row(reason),)), ())
        publisher.refresh([UID], snapshot=snapshot and snapshot * 300_000)
        landed = publisher.flush(NOW + timedelta(minutes=minute), wait=True)
        working_set.committed(Changes(published=landed.digests if landed else {}), ())
        seen.append((branch.files.get("cluster/snapshot.yaml") or b"-")[:1])
    publisher.close()
    assert seen == [b"1"] * 10 + [b"2"] * 2

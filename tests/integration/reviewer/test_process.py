"""The worker's process: what it is given, what it can't do, and how it ends."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.converge.host import Host
from reconciler.converge.world import Memory
from reconciler.errors import SourceUnavailable
from reconciler.reviewer.job import Job, Known
from reconciler.reviewer.process import Worker, WorkerFailed, WorkerSettings
from tests.fixtures.postgres import wait_until
from tests.fixtures.small_disk import SmallDisk

PROBE = "tests.integration.reviewer.probe"
MakeWorker = Callable[..., Worker]


@pytest.fixture
def make_worker(tmp_path: Path) -> MakeWorker:
    def make(*, timeout_s: int = 30, memory_mib: int = 512) -> Worker:
        folder = tmp_path / "review"
        return Worker(
            WorkerSettings(folder=folder, timeout_s=timeout_s, memory_mib=memory_mib, module=PROBE)
        )

    return make


def job(head: str, *, repository: Path = Path(), base: str = "") -> Job:
    known = Known(accepted="", memory=Memory(), snapshot=None, good={})
    return Job(
        repository=repository,
        source_id="platform",
        base=base,
        head=head,
        known=known,
        host=Host(deployment="test"),
        kept=b"",
    )


def test_it_is_given_nothing_of_ours(
    make_worker: MakeWorker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZOE_DATABASE_URL", "postgresql://zoe:s3cret@db/zoe")
    told = json.loads(make_worker().run(job("look_around")).problem)
    assert told["environment"].keys() - {"LC_CTYPE"} == {
        *("PYTHONPATH", "LC_ALL", "HOME", "TMPDIR")
    }
    assert told["folder"] == str(tmp_path / "review")
    assert not (tmp_path / "review").exists()


def test_without_room_to_work_in_it_is_for_a_later_try(
    tmp_path: Path, small_disk: Callable[..., SmallDisk]
) -> None:
    disk = small_disk(tmp_path / "state", mib=1)
    folder = disk.folder / "review"
    worker = Worker(WorkerSettings(folder=folder, timeout_s=30, memory_mib=512, module=PROBE))
    disk.fill()
    with pytest.raises(SourceUnavailable, match="No space left on device"):
        worker.run(job("look_around"))
    disk.free()
    assert worker.run(job("look_around")).problem


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, or user namespaces that may be off")
def test_it_reaches_no_network(make_worker: MakeWorker) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert make_worker().run(job("connect", base=port)).problem == "ENETUNREACH"


def test_it_is_ended_with_all_that_it_started(make_worker: MakeWorker, tmp_path: Path) -> None:
    with pytest.raises(WorkerFailed, match="takes more than 2 s; split the change"):
        make_worker(timeout_s=2).run(job("hang", repository=tmp_path / "child"))
    child = Path("/proc") / (tmp_path / "child").read_text()
    wait_until(lambda: not child.exists() or "(zombie)" in (child / "status").read_text())


def test_it_ends_when_we_stop(make_worker: MakeWorker, tmp_path: Path) -> None:
    worker, child = make_worker(timeout_s=600), tmp_path / "child"
    failures: list[WorkerFailed] = []

    def run() -> None:
        try:
            worker.run(job("hang", repository=child))
        except WorkerFailed as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(child.exists, within_s=30)
    worker.stop()
    thread.join(30)
    assert len(failures) == 1
    with pytest.raises(WorkerFailed, match="stopping"):
        worker.run(job("look_around"))


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("swallow", "took more than 512 MiB; split the change"),
        ("flood", "failed or took more than"),
        ("babble", "gave no answer; ask the operator"),
        ("shape", "gave no answer; ask the operator"),
        ("fail", "failed or took more than"),
    ],
)
def test_what_comes_to_nothing_says_what_to_do(
    make_worker: MakeWorker, does: str, says: str
) -> None:
    with pytest.raises(WorkerFailed, match=says) as failure:
        make_worker().run(job(does))
    assert "Traceback" not in str(failure.value)

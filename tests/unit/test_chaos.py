"""What chaos pushes and adds up. What it does to real parts is a run of its own."""

from __future__ import annotations

import json
import signal
import threading
from pathlib import Path
from typing import Any

import pygit2
import pytest

from tests.fixtures.git_servers import BareRepository
from tests.safety.chaos.figures import BREACHES, Figures
from tests.safety.chaos.interruption import undisturbed
from tests.safety.chaos.pushes import HeldPush, regressions
from tests.safety.chaos.results import ends
from tests.safety.chaos.work import burst, standing


def test_a_round_expects_of_the_last_one_only_what_it_takes_away() -> None:
    first, second = burst(4), burst(5, takes_away=4)
    assert {name for name, phase in second.expected.items() if phase == "Stopped"} == {
        name for name, phase in first.expected.items() if phase == "Running"
    }
    taken = {path for path, text in second.files.items() if text is None}
    assert taken == set(first.files)
    assert not taken & set(standing().files)


def test_any_broken_promise_is_a_breach() -> None:
    assert not Figures(rounds={"kills": 3}, executions=20, most_passes=2).is_breached
    assert all(Figures(**{name: 1}).is_breached for name in BREACHES)


def test_runs_add_up_beside_what_others_recorded(tmp_path: Path) -> None:
    path = tmp_path / "reliability.json"
    path.write_text('{"fuzz": {"cases": 7}}')
    Figures(rounds={"kills": 2}, executions=10, most_passes=2).add_to(path)
    Figures(rounds={"kills": 1, "dockerd": 1}, executions=5, most_passes=1).add_to(path)
    told = json.loads(path.read_text())
    assert told["fuzz"] == {"cases": 7}
    assert told["chaos"]["rounds"] == {"dockerd": 1, "kills": 3}
    assert (told["chaos"]["executions"], told["chaos"]["most_passes"]) == (15, 2)


def test_what_stands_and_a_round_are_fifty_executions() -> None:
    new = [name for name, phase in burst(4, takes_away=3).expected.items() if phase != "Stopped"]
    assert len(standing().expected) + len(new) == 50


def _service(condition: str, replicas: int = 1) -> dict[str, Any]:
    return {
        "ID": "s",
        "Spec": {
            "TaskTemplate": {"RestartPolicy": {"Condition": condition}},
            "Mode": {"Replicated": {"Replicas": replicas}},
        },
    }


def _task(state: str, at: str, *, slot: int = 1) -> dict[str, Any]:
    stamp = f"2026-01-01T00:00:{at}Z"
    status = {"State": state, "Timestamp": stamp}
    return {"ServiceID": "s", "Slot": slot, "CreatedAt": stamp, "Status": status}


@pytest.mark.parametrize(
    ("condition", "replicas", "tasks", "expected"),
    [
        ("none", 1, [_task("complete", "02.000000")], {"s": 1767225602000}),
        ("none", 1, [_task("failed", "02.500000000")], {"s": 1767225602500}),
        ("none", 1, [_task("running", "02.0")], {}),
        ("none", 2, [_task("complete", "02.0")], {}),
        ("none", 2, [_task("complete", "02.000"), _task("running", "03.0", slot=2)], {}),
        ("none", 1, [], {}),
        ("any", 1, [_task("failed", "02.000")], {}),
    ],
)
def test_what_runs_once_has_ended_when_all_of_it_has(
    condition: str, replicas: int, tasks: list[dict[str, Any]], expected: dict[str, int]
) -> None:
    assert ends([_service(condition, replicas)], tasks) == expected


def test_one_push_is_held_at_its_step_and_others_go_through() -> None:
    held = HeldPush("POST")
    held("GET", "/r.git/info/refs?service=git-receive-pack")
    held("POST", "/r.git/git-upload-pack")
    pushing = threading.Thread(target=held, args=("POST", "/r.git/git-receive-pack"))
    pushing.start()
    assert held.arrived.wait(10)
    held("POST", "/r.git/git-receive-pack")
    assert pushing.is_alive()
    held.released.set()
    pushing.join(10)
    assert not pushing.is_alive()


def test_a_status_that_knows_less_than_the_last_one_is_found(tmp_path: Path) -> None:
    pygit2.init_repository(str(tmp_path), bare=True)
    repository = BareRepository(tmp_path)
    assert regressions(repository, "zoe/status") == []
    for sequence in (3, 5, 5):
        repository.commit({"a": str(sequence)}, branch="zoe/status", message=_told(sequence))
    repository.commit({"reports/1": "x"}, branch="zoe/status", message="somebody else's")
    assert regressions(repository, "zoe/status") == []
    repository.commit({"a": "4"}, branch="zoe/status", message=_told(4))
    (found,) = regressions(repository, "zoe/status")
    assert found.endswith("of fact 4 follows one of fact 5")


def test_an_interruption_waits_until_what_starts_is_known() -> None:
    known = []

    def start() -> None:
        with undisturbed():
            signal.raise_signal(signal.SIGINT)
            known.append("a process")

    with pytest.raises(KeyboardInterrupt):
        start()
    assert known == ["a process"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def _told(sequence: int) -> str:
    return f"status: 1 changed [skip ci]\n\nZoe-Seq: {sequence}\n"

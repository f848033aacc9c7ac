"""What chaos pushes and adds up. What it does to real parts is a run of its own."""

from __future__ import annotations

import json
from pathlib import Path

from tests.safety.chaos.figures import BREACHES, Figures
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

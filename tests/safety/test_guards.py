"""Each guard that the mutation check takes out still stands where it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.safety.guard import Guard
from tests.safety.guards import GUARDS

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("guard", GUARDS, ids=lambda guard: guard.name)
def test_it_stands_in_the_source_once_and_its_tests_are_there(guard: Guard):
    assert (ROOT / guard.file).read_text().count(guard.old) == 1
    assert guard.old != guard.new
    named = [word.split("::") for word in guard.tests.split() if word.startswith("tests/")]
    assert named
    for file, *tests in named:
        assert (ROOT / file).exists()
        names = [test.partition("[")[0] for test in tests]
        assert all(f"def {name}(" in (ROOT / file).read_text() for name in names)


def test_names_are_told_apart():
    assert len({guard.name for guard in GUARDS}) == len(GUARDS)

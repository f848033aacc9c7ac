"""What authors are told, as they see it: each case is an overlay on the example repository."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from reconciler.manifest.diagnostic import to_text
from tests.repositories import Repository

CASES = sorted((Path(__file__).parents[2] / "golden" / "diagnostics").iterdir())


def load(case: Path):
    repository = Repository.example()
    overlay = {
        path.relative_to(case).as_posix(): path.read_bytes() for path in case.rglob("*.yaml")
    }
    repository.files |= overlay
    return [d for d in repository.load().diagnostics if d.file in overlay]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_diagnostics_are_as_expected(case: Path, assert_golden: Callable[[Path, str], None]):
    diagnostics = load(case)
    assert diagnostics
    assert_golden(case / "expected.txt", to_text(diagnostics) + "\n")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_diagnostic_has_a_place_a_code_and_a_remedy(case: Path):
    for diagnostic in load(case):
        assert diagnostic.remedy, diagnostic
        assert diagnostic.code.isalpha()
        assert diagnostic.message
        assert diagnostic.line > 0
        assert diagnostic.snippet

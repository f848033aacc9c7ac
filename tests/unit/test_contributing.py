"""The checklists of CONTRIBUTING.md name what is there."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from reconciler.failpoints import Point

ROOT = Path(__file__).parents[2]
OPERATORS = {"zoe.toml", "platform.yaml"}
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
# Where a path begins that is written in short.
PLACES = ("", "reconciler", "webhook", "webhook/page", "policy", "tests/safety")
NUMBERS = {15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen", 19: "nineteen"}


def test_every_file_that_is_named_is_there() -> None:
    named = re.findall(r"`([\w./-]*[\w-]\.(?:py|ya?ml|json|md|sql|sh|toml)|[\w./-]+/)`", TEXT)
    assert len(named) > 50
    wanted = [name for name in named if name not in OPERATORS]
    assert [n for n in wanted if not any((ROOT / place / n).exists() for place in PLACES)] == []


def test_every_target_that_is_named_is_one() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z-]+)", TEXT, re.MULTILINE)) <= targets


def test_the_points_for_kills_are_counted() -> None:
    assert f"any of {NUMBERS[len(Point)]} named points" in TEXT


def test_forms_for_issues_are_forms() -> None:
    forms = [f for f in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if f.stem != "config"]
    assert forms
    for form in forms:
        read = yaml.safe_load(form.read_text())
        assert {"name", "description", "body"} <= read.keys()

"""CONTRIBUTING.md and docs/architecture.md name what is there."""

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
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()
NO_MODULES = {
    *("zoe/agent", "zoe.toml", "review_requests", "verify", "retries"),
    *("attempt_intended", "attempt_ended"),
}
NUMBERS = {15: "fifteen", 16: "sixteen", 17: "seventeen", 18: "eighteen", 19: "nineteen"}


def test_every_file_that_is_named_is_there() -> None:
    named = re.findall(r"`([\w./-]*[\w-]\.(?:py|ya?ml|json|md|sql|sh|toml)|[\w./-]+/)`", TEXT)
    assert len(named) > 50
    wanted = [name for name in named if name not in OPERATORS]
    assert [n for n in wanted if not any((ROOT / place / n).exists() for place in PLACES)] == []


def test_every_module_of_the_architecture_is_there() -> None:
    """``converge/plan``, ``plan.py`` or ``plan`` alone; ``desired.Reader`` is in ``desired``."""
    there = [
        f"/{path.relative_to(ROOT).with_suffix('').as_posix()}/"
        for folder in ("policy", "reconciler", "webhook", "schema", "docs", "tests")
        for path in (ROOT / folder).rglob("*.*")
    ]
    named = set(re.findall(r"`([a-z0-9_]+(?:[./]\w+)*/?)`", ARCHITECTURE)) - NO_MODULES
    assert len(named) > 150
    places = {name: re.sub(r"(\.\w+)+$", "", name).rstrip("/") for name in named}
    assert [n for n, place in places.items() if not any(f"/{place}/" in t for t in there)] == []


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

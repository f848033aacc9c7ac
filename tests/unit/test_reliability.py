"""docs/reliability.md has the figures that were recorded, and commands that there are."""

from __future__ import annotations

import importlib.util
import json
import re
from pathlib import Path

from tests.safety.report import BEGIN, END, PAGE, RECORD, table, with_results

ROOT = Path(__file__).parents[2]
TEXT = PAGE.read_text()


def test_its_table_is_what_was_recorded() -> None:
    kept = json.loads(RECORD.read_text())
    assert with_results(TEXT, kept) == TEXT, "python -m tests.safety.report writes it anew"


def test_no_count_stands_beside_the_table() -> None:
    """What isn't recorded wasn't measured: other numbers are of issues, seeds and settings."""
    written = TEXT.replace(TEXT[TEXT.index(BEGIN) : TEXT.index(END)], "")
    assert not re.findall(r"\b\d[\d,.]* (?:breaches|executions|cases|rounds|ms|s)\b", written)


def test_all_that_proves_a_promise_is_there() -> None:
    targets = set(re.findall(r"`make ([a-z-]+)", TEXT))
    rules = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert targets <= rules
    modules = set(re.findall(r"python -m ([a-z_.]+)", TEXT))
    assert all(importlib.util.find_spec(module) for module in modules)
    paths = set(re.findall(r"`((?:tests|reconciler|benchmarks)/[\w/.]+)`", TEXT))
    assert paths
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_figures_are_told_by_the_words_of_their_names() -> None:
    kept = {
        "chaos": {"rounds": {"kills": 1200}, "most_passes": 2, "ranges": [[1, 2000]], "failed": []}
    }
    (row,) = table(kept).splitlines()[2:]
    assert row.endswith("| failed none; most passes 2; ranges 1 to 2,000; rounds kills 1,200 |")

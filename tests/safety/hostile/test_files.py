"""Hostile files come to nothing, at once, with a reason at a place; harmless ones are in force."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler.manifest.diagnostic import Diagnostic, to_text
from tests.repositories import BATCH
from tests.safety.hostile import secrets
from tests.safety.hostile.bombs import cases as bombs
from tests.safety.hostile.case import document
from tests.safety.hostile.corpus import CASES, CLASSES
from tests.safety.hostile.judging import judge, repository

ROOT = Path(__file__).parents[3]
EXECUTIONS = [case for case in CASES if case.path.startswith("executions/lab/")]


def test_the_corpus_is_broad_and_every_class_has_its_controls():
    assert len({case.name for case in CASES}) == len(CASES) >= 250
    for name, cases in CLASSES.items():
        assert {case.is_refused for case in cases} == {True, False}, name


@pytest.mark.parametrize("name", sorted(CLASSES.keys() - {"bombs"}))
def test_what_must_come_of_each_file_comes_of_it(name: str):
    found = {case.name: judge(case) for case in CLASSES[name]}
    assert {case: breaches for case, breaches in found.items() if breaches} == {}


def test_all_that_is_refused_at_once_leaves_a_thousand_others_in_force():
    held = repository()
    for team in range(4):
        name = f"team-{team}"
        held.put(f"namespaces/{name}.yaml", document("Namespace", name, "weight: 1"))
        for number in range(250):
            held.execution(f"job-{number}", BATCH, namespace=name)
    refused = [case for case in EXECUTIONS if case.is_refused and not case.beside][:490]
    for case in refused:
        held.put(case.path, case.data)
    catalogue = held.load()
    assert len(catalogue.manifests) == 1001
    assert {case.path for case in refused} <= catalogue.bad_paths


def test_bombs_cost_their_reader_little_and_never_kill_it():
    """In a process with hard limits: what ends its reader ends that one."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.safety.hostile.bombs"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0, (told[-1:], done.stderr[-2000:])
    assert [one["name"] for one in told] == [case.name for case in bombs()]
    assert [one for one in told if one["breaches"] or one["cpu_ms"] > 1000] == []
    assert told[-1]["peak_kib"] - told[0]["peak_kib"] < 64 * 1024


def test_no_diagnostic_repeats_a_secret():
    held = repository()
    for case in secrets.cases():
        held.put(case.path, case.data)
    found: tuple[Diagnostic, ...] = held.load().diagnostics
    assert {item.code for item in found} >= {
        "BadCiphertext",
        "WrongType",
        "UnknownKey",
        "LooksLikeSecret",
    }
    assert secrets.CANARY not in to_text(found)

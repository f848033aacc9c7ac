"""docs/reasons.md tells every code that the sources can show, and no other."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from policy.model.decision import ReasonCode
from reconciler.converge.ledger import EndReason, Fact
from reconciler.converge.status import Phase

ROOT = Path(__file__).parents[2]
PLACES = [
    "reconciler/manifest/*.py",
    "reconciler/converge/*.py",
    "reconciler/review/*.py",
    "reconciler/secrets/*.py",
    "reconciler/source/acceptance.py",
    "reconciler/source/objections.py",
    "reconciler/source/trust.py",
    "reconciler/reporting/alerts.py",
    "reconciler/source/probation.py",
    "reconciler/loop.py",
    "reconciler/checkup.py",
    "reconciler/cluster/probe.py",
    "reconciler/cli/validate.py",
]
CODE = re.compile(r"[A-Z][A-Za-z0-9]*[a-z][A-Za-z0-9]*")
# CamelCase that isn't a code: kinds, truth values, units, names of types, fields of Docker's API.
NO_CODES = {
    *("Platform", "Namespace", "ZApp", "Execution", "ExecutionSet", "Reservation"),
    *("ExecutionStatus", "ExecutionSetStatus", "True", "False", "TRUE", "FALSE", "Null"),
    *("Errors", "Warnings"),  # titles in a comment
    *("Factory", "Location"),  # a time zone, a header
    *("Ki", "Mi", "Gi", "Ti", "KiB", "MiB", "GiB", "TiB"),
    *("BrokenManifest", "Catalogue", "CommitLike", "Good", "Loader", "T", "CSafeDumper"),
    "CSafeLoader",
    *("ControlAvailable", "LocalNodeState", "SecurityOptions", "ServerVersion", "Swarm"),
}


def in_sources() -> set[str]:
    codes = {str(code) for kind in (ReasonCode, EndReason, Phase) for code in kind}
    codes |= {"".join(word.capitalize() for word in fact.split("_")) for fact in Fact}
    for pattern in PLACES:
        for file in ROOT.glob(pattern):
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    codes.update(CODE.findall(node.value) if CODE.fullmatch(node.value) else ())
    return codes - NO_CODES


def documented() -> list[tuple[str, str, str]]:
    text = (ROOT / "docs/reasons.md").read_text()
    return re.findall(r"^\| `(\w+)` \| (.+?) \| (.+?) \|$", text, re.MULTILINE)


def test_every_code_has_a_line_and_every_line_a_code() -> None:
    told, known = {code for code, *_ in documented()}, in_sources()
    assert (known - told, told - known) == (set(), set())


def test_every_line_says_what_it_means_and_what_to_do() -> None:
    assert all(meaning.endswith(".") and todo.endswith(".") for _, meaning, todo in documented())

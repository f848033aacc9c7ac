"""How diagnostics are printed, also where the manifest tries to get in the way."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import diagnostic
from reconciler.manifest.diagnostic import Diagnostic, Severity, quoted, snippet

FOUND = Diagnostic(
    file="executions/aml/spark.yaml",
    line=12,
    column=17,
    pointer="/spec/services/worker/resources/reservations/memory",
    code="AmbiguousQuantity",
    message='"512M" is ambiguous',
    remedy="write 512MiB",
    snippet="        memory: 512M",
)


def test_text_points_at_the_place_with_the_remedy():
    assert diagnostic.to_text([FOUND]) == (
        "executions/aml/spark.yaml:12:17: /spec/services/worker/resources/reservations/memory: "
        '"512M" is ambiguous\n'
        "  12 |         memory: 512M\n"
        "     |                 ^ write 512MiB"
    )


def test_file_as_a_whole_has_no_line():
    whole = replace(FOUND, line=0, column=0, pointer="", snippet="", severity=Severity.WARNING)
    assert diagnostic.to_text([whole]) == (
        'executions/aml/spark.yaml: warning: "512M" is ambiguous\n      write 512MiB'
    )


@given(st.integers(1, 3000))
def test_caret_stands_below_the_column_however_long_the_line(column: int):
    line = "x" * (column - 1) + "@" + "y" * 500
    found = replace(FOUND, column=column, snippet=snippet(line, column))
    _, shown, below = diagnostic.to_text([found]).splitlines()
    assert shown[below.index("^")] == "@"
    assert len(shown) < 115


@given(st.text(max_size=200), st.integers(1, 220))
def test_snippets_hold_nothing_that_moves_the_cursor(line: str, column: int):
    assert snippet(line, column).isprintable()


@pytest.mark.parametrize("text", ["a\nb", "\x1b[31m", "\u202e", "x" * 500])
def test_quoted_values_are_short_and_harmless(text: str):
    shown = quoted(text)
    assert shown.isprintable()
    assert len(shown) <= 63


@pytest.mark.parametrize("length", [3, 40, 400])
def test_a_password_in_an_address_is_not_quoted(length: int):
    told = quoted(f"https://robot:{'s3' * length}@registry.example.org/busybox")
    assert told.startswith('"https://robot:…@registry')
    assert quoted("http://registry:5000/a@b") == '"http://registry:5000/a@b"'


def test_workflow_commands_can_not_be_injected():
    hostile = replace(FOUND, file="a,b:c\n::error::x", message="m%0A\n::stop-commands::x")
    (line,) = diagnostic.to_github([hostile]).splitlines()
    assert line.startswith("::error file=a%2Cb%3Ac%0A%3A%3Aerror%3A%3Ax,line=12,col=17,title=")
    assert "m%250A%0A::stop" in line


def test_a_problem_that_only_moved_keeps_its_fingerprint():
    (one,), (other,) = (
        json.loads(diagnostic.to_gitlab([found])) for found in (FOUND, replace(FOUND, line=99))
    )
    assert one["fingerprint"] == other["fingerprint"]
    assert one["location"] != other["location"]


def test_forges_get_a_line_even_for_a_file_as_a_whole():
    whole = replace(FOUND, line=0, column=0)
    assert "line=1,col=1" in diagnostic.to_github([whole])
    sarif = json.loads(diagnostic.to_sarif([whole], version="1"))
    place = sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"]
    assert place["region"] == {"startLine": 1, "startColumn": 1}


def test_pointers_escape_as_rfc_6901_says():
    assert diagnostic.pointer(("a/b", "c~d", 0)) == "/a~1b/c~0d/0"

"""Expressions: a closed set of names, types kept, nothing scanned twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.diagnostic import Complaint
from reconciler.manifest.expressions import Substitution, evaluate, evaluate_text
from reconciler.manifest.scalars import Number

SCOPE = {
    "parameters.workers": 4,
    "parameters.memory": "4GiB",
    "parameters.rate": Number("0.50"),
    "parameters.names": ["a", "b"],
    "parameters.flag": True,
    "parameters.brace": "{",
    "parameters.evil": "{{ .Node.Hostname }}",
    "services.my-worker.host": "my-worker.lab",
}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("${{ parameters.workers }}", 4),
        ("${{parameters.workers}}", 4),
        ("${{ parameters.workers * 2 + 1 }}", 9),
        ("${{ 2 * (parameters.workers - 1) // 4 }}", 1),
        ("${{ 10 - 2 - 3 }}", 5),
        ("${{ parameters.names }}", ["a", "b"]),
        ("${{ parameters.flag }}", True),
        ("${{ parameters.rate }}", Number("0.50")),
        ("n=${{ parameters.workers }}", "n=4"),
        ("${{ parameters.rate }}x", "0.50x"),
        ("${{ parameters.flag }}!", "true!"),
        ("${{ services.my-worker.host }}:${{ 7000 + 77 }}", "my-worker.lab:7077"),
        ("${HOME} and $X stay", "${HOME} and $X stay"),
    ],
)
def test_text_takes_the_value(text: str, value: object):
    assert evaluate_text(text, SCOPE) == value


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("${{ parameters.worker }}", "UnknownName"),
        ("${{ parameters.workers-1 }}", "UnknownName"),
        ("${{ secrets.x }}", "UnknownName"),
        ("${{ item.name }}", "UnknownName"),
        ("${{ services.worker.hostfile }}", "NotSupportedYet"),
        ("${{ __import__ }}", "UnknownName"),
        ("${{ parameters.memory + 1 }}", "NotAnInteger"),
        ("${{ parameters.flag + 1 }}", "NotAnInteger"),
        ("${{ 1 // 0 }}", "DividedByZero"),
        ("${{ 9999999999 * 9999999999 }}", "NumberTooLarge"),
        ("${{ }}", "BadExpression"),
        ("${{ 1 + }}", "BadExpression"),
        ("${{ (1 }}", "BadExpression"),
        ("${{ 1 2 }}", "BadExpression"),
        ("${{ 'x' }}", "BadExpression"),
        ("${{ 1 + 1", "BadExpression"),
        ("${{ " + "1+" * 200 + "1 }}", "BadExpression"),
        ("${{ " + "(" * 150 + "}}", "BadExpression"),
        ("x${{ parameters.names }}", "ListInText"),
        ("{{ .Node.Hostname }}", "BareBraces"),
        ("${{ parameters.evil }}", "BareBraces"),
        ("{${{ parameters.brace }}", "BareBraces"),
        ("${{ ${{ 1 }} }}", "BadExpression"),
    ],
)
def test_everything_else_is_refused(text: str, code: str):
    with pytest.raises(Complaint) as caught:
        evaluate_text(text, SCOPE)
    assert caught.value.code == code
    assert caught.value.remedy


def test_unknown_name_is_met_with_the_nearest():
    with pytest.raises(Complaint, match="worker") as caught:
        evaluate("parameters.worker", SCOPE)
    assert caught.value.remedy == "did you mean parameters.workers?"


def test_minus_without_blanks_is_explained():
    with pytest.raises(Complaint) as caught:
        evaluate("parameters.workers-1", SCOPE)
    assert caught.value.remedy == "put blanks around the minus"


def test_list_is_spliced_into_a_list_and_values_are_not_scanned_again():
    scope = {"parameters.args": ["-v", "$", "{"], "parameters.one": 1}
    problems: list[object] = []
    value = ["run", "${{ parameters.args }}", "${{ parameters.one }}", ["${{ parameters.args }}"]]
    replaced = Substitution(scope, problems).apply(value, ())  # type: ignore[arg-type]
    assert replaced == ["run", "-v", "$", "{", 1, ["-v", "$", "{"]]
    assert problems == []


def test_all_problems_of_a_value_are_found_with_their_places():
    problems: list = []
    value = {"a": "${{ x }}", "b": ["ok", "{{ y }}"], "${{ z }}": 1}
    Substitution({}, problems).apply(value, ("spec",))
    assert {(p.path, p.code) for p in problems} == {
        (("spec", "a"), "UnknownName"),
        (("spec", "b", 1), "BareBraces"),
        (("spec", "${{ z }}"), "ExpressionNotAllowedHere"),
    }


@given(st.text(st.sampled_from(list("${}()+-*/ 019ab._x")), max_size=40))
def test_no_text_raises_anything_else_or_leaves_braces(text: str):
    try:
        value = evaluate_text(text, SCOPE)
    except Complaint:
        return
    assert "{{" not in str(value)


NUMBERS = st.integers(0, 1000)


@given(
    NUMBERS, NUMBERS, NUMBERS, st.sampled_from(["+", "-", "*"]), st.sampled_from(["+", "-", "*"])
)
def test_sums_are_those_of_arithmetic(a: int, b: int, c: int, first: str, second: str):
    source = f"{a} {first} {b} {second} {c}"
    assert evaluate(source, {}) == eval(source)  # the reference

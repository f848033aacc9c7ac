"""Reading files: positions, refusals, limits, and whatever an enemy may hand us."""

from __future__ import annotations

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest import source_map
from reconciler.manifest.limits import Limits
from reconciler.manifest.scalars import Number


def read(text: str | bytes, **limits: int) -> source_map.Reading:
    data = text.encode() if isinstance(text, str) else text
    return source_map.read(data, file="f.yaml", limits=Limits(**limits))


def codes(text: str | bytes) -> list[str]:
    return [diagnostic.code for diagnostic in read(text).diagnostics]


def test_values_and_keys_have_their_own_place():
    document = read("a:\n  - x\n  - {b: 1}\n").documents[0]
    assert document.value == {"a": ["x", {"b": 1}]}
    assert document.locate(("a", 1, "b")) == (3, 9)
    assert document.locate(("a", 1, "b"), at_key=True) == (3, 6)
    assert document.locate(("a",), at_key=True) == (1, 1)


def test_place_of_what_is_not_there_is_that_of_its_parent():
    document = read("a:\n  b: {c: 1}\n").documents[0]
    assert document.locate(("a", "b", "nothing", 7)) == document.locate(("a", "b"))


def test_several_documents_count_their_lines_from_the_file():
    first, second = read("a: 1\n---\n# comment\nb: 2\n").documents
    assert (first.line, second.line) == (1, 4)


def test_json_is_accepted():
    value = {"a": [1, "x", None, True], "b": {"c": "é"}}
    assert read(json.dumps(value, ensure_ascii=False)).documents[0].value == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("~", None),
        ("12", 12),
        ("-3", -3),
        ('"0400"', "0400"),
        ("v1.2", "v1.2"),
        ("1_000", "1_000"),
        ("22:22", "22:22"),
        ("2026-02-30", "2026-02-30"),
        ("=", "="),
        ("yes", "yes"),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object):
    assert read(f"a: {text}\n").documents[0].value == {"a": value}


def test_decimal_numbers_keep_their_text_and_are_no_floats():
    value = read("a: 1.50\n").documents[0].value["a"]
    assert isinstance(value, Number)
    assert not isinstance(value, float)
    assert value.text == "1.50"


@pytest.mark.parametrize("text", ["on", "No", "1:30", "1_000", "2026-11-21"])
def test_what_old_readers_take_for_something_else_is_warned_of(text: str):
    reading = read(f"a: {text}\n")
    assert [d.code for d in reading.diagnostics] == ["TextHere"]
    assert not reading.diagnostics[0].is_error
    assert f'write "{text}"' in reading.diagnostics[0].remedy


REFUSED = {
    "anchor": ("a: &x 1", "AnchorNotAllowed"),
    "alias": ("a: &x 1\nb: *x", "AliasNotAllowed"),
    "cyclic alias": ("a: &a [*a]", "AliasNotAllowed"),
    "alias as key": ("a: &x k\n*x : 1", "AliasNotAllowed"),
    "merge key": ("a: {<<: {b: 1}}", "MergeKeyNotAllowed"),
    "tag": ("a: !!str 5", "TagNotAllowed"),
    "python tag": ("a: !!python/object/apply:os.system [id]", "TagNotAllowed"),
    "duplicate key": ("a: 1\nb: 2\na: 3", "DuplicateKey"),
    "duplicate in JSON": ('{"a": 1, "a": 2}', "DuplicateKey"),
    "number as key": ("80: 1", "KeyNotText"),
    "boolean as key": ("true: 1", "KeyNotText"),
    "nothing as key": ("? \n: 1", "KeyNotText"),
    "list as key": ("? [a]\n: 1", "KeyNotText"),
    "octal": ("a: 0400", "OctalLooking"),
    "octal of YAML 1.2": ("a: 0o17", "NumberNotDecimal"),
    "hexadecimal": ("a: 0x1F", "NumberNotDecimal"),
    "not a number": ("a: .nan", "NumberNotFinite"),
    "infinity": ("a: -.INF", "NumberNotFinite"),
    "huge integer": ("a: " + "9" * 3000, "NumberTooLarge"),
    "huge exponent": ("a: 1e999999999", "NumberTooLarge"),
    "NUL": ("a: \x00", "ForbiddenCharacter"),
    "escaped NUL": ('a: "\\0"', "ForbiddenCharacter"),
    "escaped bidi in a key": ('"a\\u202eb": 1', "ForbiddenCharacter"),
    "escaped line separator": ('a: "x\\Ly"', "OddLineBreak"),
    "BOM": ("\ufeffa: 1", "ForbiddenCharacter"),
    "bidi override": ("a: x\u202ey", "ForbiddenCharacter"),
    "zero width": ("a: x\u200by", "ForbiddenCharacter"),
    "grapheme joiner": ("a: x\u034fy", "ForbiddenCharacter"),
    "filler": ("a: x\u3164", "ForbiddenCharacter"),
    "escaped filler": ('a: "\\uffa0"', "ForbiddenCharacter"),
    "vowel separator": ("a: x\u180ey", "ForbiddenCharacter"),
    "variation selector": ("a: x\U000e0100y", "ForbiddenCharacter"),
    "noncharacter": ("a: x\ufffey", "ForbiddenCharacter"),
    "bare carriage return": ("a: 1\rb: 2", "OddLineBreak"),
    "next line": ("a: 1\x85b: 2", "OddLineBreak"),
    "line separator": ("a: 1\u2028b: 2", "OddLineBreak"),
    "empty": ("", "EmptyFile"),
    "comment only": ("# nothing\n", "EmptyFile"),
    "syntax": ("a: [1", "Syntax"),
    "tab": ("a:\n\tb: 1", "Syntax"),
    "latin-1": ("a: \xe9".encode("latin-1"), "NotUtf8"),
    "utf-16": ("a: 1".encode("utf-16"), "NotUtf8"),
    "surrogate": (b"a: \xed\xa0\x80", "NotUtf8"),
    "long line": ("a: " + "x" * 5000, "LineTooLong"),
    "large file": ("# x\n" * 20_000, "FileTooLarge"),
    "deep flow": ("[" * 30_000, "TooDeep"),
    "deep blocks": ("- " * 1_900, "TooDeep"),
    "deep mappings": ("{a: " * 900, "TooDeep"),
    "deep keys": ("? " * 1_900, "TooDeep"),
    "many values": ("- 1\n" * 16_000 + "", "TooManyValues"),
    "alias bomb": (
        "a: &a [x,x,x]\nb: &b [*a,*a,*a]\nc: &c [*b,*b,*b]\nd: [*c,*c,*c]",
        "AliasNotAllowed",
    ),
    "merge bomb": ("a: &a {x: 1}\nb: &b {<<: [*a, *a]}\nc: {<<: [*b, *b]}", "MergeKeyNotAllowed"),
    "many anchors": ("\n".join(f"k{i}: &a{i} 1" for i in range(3000)), "AnchorNotAllowed"),
    "tag directive": ("%TAG ! tag:x,2000:\n---\na: !y 1", "TagNotAllowed"),
    "unknown escape": ('a: "\\q"', "Syntax"),
}


@pytest.mark.parametrize(("text", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_hostile_text_is_refused_at_once_with_a_remedy(text: str | bytes, code: str):
    limits = {"file_bytes": 65_536}
    if code == "TooManyValues":
        limits = {"nodes": 5_000, "file_bytes": 70_000}
    if code == "TooDeep":
        limits["line_chars"] = 40_000
    started = time.process_time()
    reading = read(text, **limits)
    assert time.process_time() - started < 1
    assert code in [diagnostic.code for diagnostic in reading.diagnostics]
    assert all(d.remedy for d in reading.diagnostics)
    assert len(reading.diagnostics) <= 101


def test_problems_are_collected_and_sorted():
    text = "a: 0400\nb: &x 1\nc: {d: 1, d: 2}\ne: .nan\n"
    assert [(d.line, d.code) for d in read(text).diagnostics] == [
        (1, "OctalLooking"),
        (2, "AnchorNotAllowed"),
        (3, "DuplicateKey"),
        (4, "NumberNotFinite"),
    ]


def test_duplicate_names_both_lines_and_keeps_the_first():
    reading = read("a: 1\nb: 2\na: {c: 3}\n")
    (found,) = reading.diagnostics
    assert (found.line, found.column, found.pointer) == (3, 1, "/a")
    assert "line 1" in found.message
    assert reading.documents[0].value == {"a": 1, "b": 2}


def test_windows_line_ends_are_fine():
    reading = read("a: 1\r\nb: {c: 0400}\r\n")
    (found,) = reading.diagnostics
    assert (found.line, found.column) == (2, 8)


@given(st.binary(max_size=300))
def test_no_bytes_raise(data: bytes):
    reading = read(data)
    assert reading.documents or reading.diagnostics


YAMLISH = st.text(
    st.sampled_from(list("ab:-[]{}?&*!|>'\"%@`#,~<=. \n\t0129exo\\u\x00\x85\u2028é")), max_size=60
)


@given(YAMLISH)
def test_no_text_that_looks_like_yaml_raises(text: str):
    for diagnostic in read(text).diagnostics:
        assert diagnostic.remedy
        assert diagnostic.line <= text.count("\n") + 2


def test_snippet_is_cut_around_the_column():
    reading = read("a: [" + "xxxxxxxxx, " * 100 + "0400]\n")
    (found,) = reading.diagnostics
    assert len(found.snippet) <= 102
    assert "0400" in found.snippet

"""Edits of a manifest's text: what was meant is there, and nothing else has moved."""

from __future__ import annotations

import difflib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import ManifestError
from reconciler.manifest import edit, source_map

RUN = ("spec", "run")
BLOCK = """\
# yaml-language-server: $schema=x
apiVersion: zoe/v1
kind: Execution
metadata: {name: a}   # who
spec:
  # which one
  zapp: 'tool'        # the app

  # how
  run: 3              # raised on Monday
  parameters: {workers: 4}
"""


def set_(text: str, path: tuple[str, ...], value: edit.Scalar, index: int = 0) -> str:
    return edit.set_scalar(text, index, path, value, file="x.yaml")


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return [line.rstrip("\r\n") for line in lines if line[0] in "+-"]


def test_a_replaced_value_changes_its_own_characters_only() -> None:
    assert changed_lines(BLOCK, set_(BLOCK, RUN, 4)) == [
        "-   run: 3              # raised on Monday",
        "+   run: 4              # raised on Monday",
    ]


def test_a_new_key_gets_a_line_of_its_own_below_the_first_entry() -> None:
    after = set_(BLOCK, ("spec", "suspend"), True)
    assert changed_lines(BLOCK, after) == ["+   suspend: true"]
    assert "the app\n  suspend: true\n\n  # how\n" in after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("spec: {zapp: x}\n", "spec: {run: 2, zapp: x}\n"),
        ("spec: { zapp: x } # c\n", "spec: { run: 2, zapp: x } # c\n"),
        ("spec: {}\n", "spec: {run: 2}\n"),
        ("spec: {run: }\n", "spec: {run: 2}\n"),
        ("spec: {run: 17, a: b}", "spec: {run: 2, a: b}"),
        ("spec: {\n  a: b,\n}\n", "spec: {\n  run: 2,\n  a: b,\n}\n"),
        ('{"spec": {"a": 1}}', '{"spec": {"run": 2, "a": 1}}'),
        ('{"spec": {\n  "a": 1\n}}\n', '{"spec": {\n  "run": 2,\n  "a": 1\n}}\n'),
        ("spec:\n    zapp: x", "spec:\n    zapp: x\n    run: 2"),
        ("spec:\r\n  zapp: x\r\n", "spec:\r\n  zapp: x\r\n  run: 2\r\n"),
        (
            "spec:\n  # c\n  services:\n    a: {}\n",
            "spec:\n  run: 2\n  # c\n  services:\n    a: {}\n",
        ),
        ("spec:\n  run:   # none yet\n  a: b\n", "spec:\n  run: 2   # none yet\n  a: b\n"),
        ("spec:\n  run: 'old'\n", "spec:\n  run: 2\n"),
        ("spec:\n  a: |\n    text\n\n  b: c\n", "spec:\n  run: 2\n  a: |\n    text\n\n  b: c\n"),
        ("spec:\n  a: one\n    line\n  b: c\n", "spec:\n  run: 2\n  a: one\n    line\n  b: c\n"),
        ("ä: ü # é\nspec: {ö: 1, run: 1}\n", "ä: ü # é\nspec: {ö: 1, run: 2}\n"),
        ("--- # first\nspec:\n  a: b\n...\n", "--- # first\nspec:\n  a: b\n  run: 2\n...\n"),
    ],
)
def test_every_style_is_kept(before: str, after: str) -> None:
    assert set_(before, RUN, 2) == after


def test_only_the_document_that_is_meant_is_edited() -> None:
    text = "spec: {run: 1}\n---\nspec: {run: 1}\n---\nspec: {run: 1}\n"
    assert (
        set_(text, RUN, 2, index=1) == "spec: {run: 1}\n---\nspec: {run: 2}\n---\nspec: {run: 1}\n"
    )


@pytest.mark.parametrize(
    "text", ["spec: text\n", "other: {}\n", "spec: {run: [1]}\n", "spec:\n  run: |\n    1\n"]
)
def test_what_takes_more_than_a_small_edit_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(ManifestError) as caught:
        set_(text, RUN, 2)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, diagnostic.file, diagnostic.line > 0) == ("CannotEdit", "x.yaml", True)


def test_a_file_that_cant_be_read_is_refused_with_what_is_wrong_with_it() -> None:
    with pytest.raises(ManifestError) as caught:
        set_("spec: [\n", RUN, 2)
    assert caught.value.diagnostics[0].code == "Syntax"


def test_the_only_document_leaves_nothing() -> None:
    assert edit.remove_document(BLOCK, 0, file="x.yaml") == ""


THREE = "# head\nname: a\n---\n# of b\nname: b\n--- # c\nname: c\n"


@pytest.mark.parametrize(
    ("index", "after"),
    [
        (0, "# head\n---\n# of b\nname: b\n--- # c\nname: c\n"),
        (1, "# head\nname: a\n--- # c\nname: c\n"),
        (2, "# head\nname: a\n---\n# of b\nname: b\n"),
    ],
)
def test_a_removed_document_takes_its_own_lines_along(index: int, after: str) -> None:
    assert edit.remove_document(THREE, index, file="x.yaml") == after


def test_documents_are_found_by_name() -> None:
    text = "metadata: {name: a}\n---\nnot a mapping\n---\nmetadata: {name: b}\n"
    assert edit.find_document(text, "b", file="x.yaml") == 2
    assert edit.find_document(text, "c", file="x.yaml") is None


NAMES = st.sampled_from(["zapp", "size", "labels", "lifetime", "priority", "ä"])
PLAIN = st.sampled_from(["1", "true", "x", "'q: #'", '"d, {}"', "1.50", "~", "4GiB"])
COMMENT = st.sampled_from(["", "", " # note", "  # a: {b"])


@st.composite
def mappings(draw: st.DrawFn, indent: int = 2, depth: int = 2) -> str:
    """The lines of a block mapping with comments, blank lines and nested values."""
    lines = []
    for name in draw(st.lists(NAMES, min_size=1, max_size=4, unique=True)):
        lines += draw(st.sampled_from([[], [""], [" " * indent + "# above"]]))
        kind = draw(st.sampled_from(["plain", "plain", "flow", "list", "text", "block"]))
        head = " " * indent + f"{name}:"
        comment = draw(COMMENT)
        match kind:
            case "plain":
                lines.append(f"{head} {draw(PLAIN)}{comment}")
            case "flow":
                lines.append(f"{head} {{k: {draw(PLAIN)}, l: [1, 2]}}{comment}")
            case "list":
                lines += [head + comment, " " * indent + "- a", " " * indent + "- {b: c}"]
            case "text":
                lines += [f"{head} |", " " * (indent + 2) + "run: 7", ""]
            case _ if depth:
                lines += [head + comment, draw(mappings(indent + 3, depth - 1)).rstrip("\n")]
            case _:
                lines.append(f"{head} x")
    return "\n".join(lines) + "\n"


@st.composite
def files(draw: st.DrawFn) -> tuple[str, int]:
    """A file of one to three documents, and the index of one of them."""
    count = draw(st.integers(1, 3))
    texts = []
    for number in range(count):
        spec = draw(mappings())
        if draw(st.booleans()):
            spec = draw(st.sampled_from(["  run: 1\n", "  run: 'a b' # c\n"])) + spec
        texts.append(f"# {number}\nmetadata: {{name: e{number}}}\nspec:{draw(COMMENT)}\n{spec}")
    text = draw(st.sampled_from(["", "---\n"])) + "---\n".join(texts)
    if draw(st.booleans()):
        text = text.replace("\n", "\r\n")
    return text, draw(st.integers(0, count - 1))


def values(text: str) -> list[object]:
    reading = source_map.read(text.encode(), file="x.yaml")
    assert not [item for item in reading.diagnostics if item.is_error], text
    return [document.value for document in reading.documents]


@given(files(), st.sampled_from([("run", 5), ("suspend", True), ("zapp", 'a "b"\n')]))
def test_an_edit_says_what_was_meant_and_moves_at_most_one_line(
    made: tuple[str, int], change: tuple[str, edit.Scalar]
) -> None:
    text, index = made
    key, value = change
    meant = values(text)
    before = meant[index]["spec"].get(key)
    if isinstance(before, dict | list) or (isinstance(before, str) and before.endswith("\n")):
        return  # not a scalar in one place
    after = set_(text, ("spec", key), value, index)
    meant[index]["spec"][key] = value
    assert json.dumps(values(after), sort_keys=True, default=repr) == json.dumps(
        meant, sort_keys=True, default=repr
    )
    assert len(changed_lines(text, after)) <= 2
    assert set_(after, ("spec", key), value, index) == after


@given(files())
def test_what_is_left_after_a_removal_is_untouched(made: tuple[str, int]) -> None:
    text, index = made
    meant = values(text)
    del meant[index]
    after = edit.remove_document(text, index, file="x.yaml")
    if not meant:
        assert after == ""
        return
    assert repr(values(after)) == repr(meant)
    assert all(line.startswith("-") for line in changed_lines(text, after))

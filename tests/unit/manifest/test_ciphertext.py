"""An age ciphertext in a manifest: both ways of writing it mean the same, anything else nothing."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.build import Builder
from reconciler.manifest.ciphertext import armoured, binary, one_line
from reconciler.manifest.diagnostic import Complaint, to_text
from reconciler.manifest.zapps import no_files
from tests.repositories import Repository, document

MAGIC = b"age-encryption.org/v1\n"


@given(st.binary(max_size=300))
def test_armour_and_one_line_are_the_same(rest: bytes) -> None:
    line = base64.b64encode(MAGIC + rest).decode()
    indented = "".join(f"  {row}\r\n" for row in armoured(line).splitlines())
    assert one_line(armoured(line)) == one_line(indented) == one_line(line) == line
    assert binary(line) == MAGIC + rest
    assert max(map(len, armoured(line).splitlines())) <= 64


@pytest.mark.parametrize("text", ["", "hunter2", base64.b64encode(b"no age").decode(), "é" * 30])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(Complaint, match="age") as caught:
        one_line(text)
    assert caught.value.code == "BadCiphertext"
    assert "hunter2" not in str(caught.value)


def test_a_manifest_says_where_it_stands() -> None:
    builder = Builder(attach=no_files)
    mounting = {"main": {"image": "busybox", "secrets": ["token"]}}
    builder.services(mounting, {"token": {"age": "hunter2"}}, ("spec", "services"))
    (problem,) = builder.problems
    assert (problem.path, problem.code) == (("spec", "secrets", "token", "age"), "BadCiphertext")


@pytest.mark.parametrize(
    ("path", "kind"), [("executions/lab/x.yaml", "Execution"), ("zapps/x/zapp.yaml", "ZApp")]
)
def test_a_value_that_was_never_encrypted_isnt_quoted(path: str, kind: str) -> None:
    spec = """
    type: interactive
    secrets: {token: {age: hunter22}}
    services: {main: {image: busybox, secrets: [token]}}
    """
    repository = Repository.small()
    repository.put(path, document(kind, "x", spec))
    found = repository.load().diagnostics
    assert {(d.code, d.line > 0) for d in found} == {("BadCiphertext", True)}
    assert "hunter22" not in to_text(found)

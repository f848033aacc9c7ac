"""Which names in a tree are accepted."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.git.names import is_accepted_path, refusal, shown


@pytest.mark.parametrize(
    "name", [b"zapp.yaml", b".zoe", b"a b.txt", b"x@1+2", b".gitignore", b"..a", b"x" * 100]
)
def test_usual_names_are_accepted(name):
    assert refusal(name) is None


@given(
    st.one_of(st.binary(max_size=120), st.text("./\\-git GIT~\x00\n", max_size=6).map(str.encode))
)
def test_an_accepted_name_is_one_plain_segment(name):
    if refusal(name) is None:
        text = name.decode("ascii")
        assert PurePosixPath(text).parts == (text,)
        assert text not in ("..", ".")
        assert text.lower() != ".git"
        assert text.isprintable()
        assert 1 <= len(text) <= 100


@given(st.binary(max_size=300))
def test_any_name_can_be_shown(name):
    assert shown(name).isprintable()


def test_paths_are_accepted_segment_by_segment():
    assert is_accepted_path("status/aml/3f/lab.yaml")
    assert is_accepted_path("/".join("x" * 16))
    for path in ("", "/a", "a//b", "a/../b", "a/", "é", "\udcff", "/".join("x" * 17)):
        assert not is_accepted_path(path)

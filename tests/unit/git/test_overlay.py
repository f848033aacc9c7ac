"""Laying files over a tree does to it what a dictionary's update would do to its paths."""

from __future__ import annotations

import subprocess

import pygit2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.git.objects import Objects
from reconciler.git.overlay import overlay
from reconciler.git.status_branch import commit_message

PATHS = st.sampled_from(["a", "b/c", "b/d", "b/e/f", "b/e/g", "h/i/j"])
CONTENTS = st.sampled_from([b"1", b"2", b""])
AUTHOR = pygit2.Signature("a", "b", 0, 0)


@pytest.fixture(scope="module")
def git(tmp_path_factory):
    return pygit2.init_repository(str(tmp_path_factory.mktemp("git")), bare=True)


def files_of(git, tree):
    commit = git.create_commit(None, AUTHOR, AUTHOR, "m", tree, [])
    objects = Objects(git)
    listed = objects.tree(str(commit)).files
    return {path: objects.read(blob, limit_bytes=9) for path, blob in listed.items()}


@settings(max_examples=60, deadline=None)
@given(
    base=st.dictionaries(PATHS, CONTENTS),
    changes=st.dictionaries(PATHS, st.one_of(st.none(), CONTENTS)),
)
def test_overlay_is_an_update_by_path(git, base, changes):
    before = overlay(git, None, base)
    after = overlay(git, before, changes)
    expected = {path: data for path, data in {**base, **changes}.items() if data is not None}
    assert files_of(git, after) == expected
    # Trees know no history: the same files make the same tree, without empty directories.
    assert after == overlay(git, None, expected)


def test_many_files_are_written_as_one_pack_that_git_finds_whole(tmp_path):
    git = pygit2.init_repository(str(tmp_path / "git"), bare=True)
    many = {f"status/n{n % 7}/{n % 64:02x}/e{n}.yaml": b"%d" % n * n for n in range(1000)}
    before = overlay(git, None, {"kept/there": b"1", "status.yaml": b"2", "status-x/y": b"3"})
    after = overlay(git, before, many)
    assert len(list((tmp_path / "git/objects/pack").glob("*.idx"))) == 1
    commit = git.create_commit("refs/heads/main", AUTHOR, AUTHOR, "m", after, [])
    subprocess.run(["git", "fsck", "--strict", "--full"], cwd=tmp_path / "git", check=True)
    objects = Objects(pygit2.Repository(str(tmp_path / "git")))
    found = objects.tree(str(commit)).files
    assert found.keys() == {*many, "kept/there", "status.yaml", "status-x/y"}
    assert {p: objects.read(found[p], limit_bytes=10_000) for p in many} == many
    assert overlay(git, after, dict.fromkeys(many)) == before


def test_overlay_replaces_a_file_by_a_directory_and_back(git):
    file = overlay(git, None, {"a": b"1", "z": b"0"})
    directory = overlay(git, file, {"a/b": b"2"})
    assert files_of(git, directory) == {"a/b": b"2", "z": b"0"}
    assert files_of(git, overlay(git, directory, {"a": b"1"})) == {"a": b"1", "z": b"0"}


def test_removing_below_a_file_or_a_whole_directory_by_name_removes_nothing(git):
    tree = overlay(git, None, {"a": b"1", "b/c": b"2"})
    assert overlay(git, tree, {"a/x": None, "b": None}) == tree


@pytest.mark.parametrize("paths", [("a", "a/b"), ("a/b", "a")])
def test_a_path_that_is_file_and_directory_is_refused(git, paths):
    with pytest.raises(ValueError, match=r"is a (file|directory)"):
        overlay(git, None, dict.fromkeys(paths, b"x"))


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("status: 1", "status: 1 [skip ci]\n\nZoe-Seq: 7\n"),
        ("s\n\nbody\n", "s [skip ci]\n\nbody\n\nZoe-Seq: 7\n"),
        ("s\n\nZoe-Source: ab", "s [skip ci]\n\nZoe-Source: ab\nZoe-Seq: 7\n"),
        ("s\n\nbody\n\nA-B: c\nD: e", "s [skip ci]\n\nbody\n\nA-B: c\nD: e\nZoe-Seq: 7\n"),
    ],
)
def test_trailers_are_one_last_paragraph(message, expected):
    assert commit_message(message, 7) == expected

"""Which paths a commit changes itself: a merge can't smuggle anything past their owners."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pygit2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.errors import SourceUnavailable
from reconciler.git.introduced import MOST_KEPT
from reconciler.git.provenance import GitProvenance
from reconciler.git.source import GitSource, open_local
from tests.fixtures.git_servers import BareRepository
from tests.fixtures.signing import Clone

FILE, LINK, DIRECTORY = 0o100644, 0o120000, 0o040000
BOOK, JOB = "executions/aml/book.yaml", "executions/lab/job.yaml"


def introduced(remote: BareRepository, commit: str) -> set[str]:
    return set(open_local(remote.path).provenance().introduced(commit))


def test_a_commit_introduces_what_differs_from_its_parent(bare_repo: Callable[..., BareRepository]):
    remote = bare_repo()
    assert introduced(remote, remote.commit({BOOK: "1", JOB: "1"})) == {BOOK, JOB}
    assert introduced(remote, remote.commit({BOOK: "2"})) == {BOOK}
    assert introduced(remote, remote.commit({BOOK: None})) == {BOOK}
    assert introduced(remote, remote.commit({})) == set()
    assert introduced(remote, remote.commit({JOB: "1"}, parents=[])) == {JOB}


def test_many_commits_to_a_wide_folder_are_not_all_remembered(
    bare_repo: Callable[..., BareRepository],
) -> None:
    remote = bare_repo()
    remote.commit({f"executions/aml/{number}.yaml": "1" for number in range(3000)})
    provenance = open_local(remote.path).provenance()
    for number in range(20):
        path = f"executions/aml/{number}.yaml"
        assert provenance.introduced(remote.commit({path: "2"})) == {path}
        assert provenance._levels.entries <= MOST_KEPT


@pytest.fixture
def parted(
    bare_repo: Callable[..., BareRepository], clone_of: Callable[..., Clone]
) -> tuple[Clone, BareRepository]:
    """A clone on main with a branch ``side``: one changed BOOK and removed a file, one JOB."""
    remote = bare_repo()
    remote.commit({BOOK: "a\n\n\n\nz\n", JOB: "1\n", "executions/lab/old.yaml": "1"})
    clone = clone_of(remote)
    clone.git("checkout", "--quiet", "-b", "side")
    clone.commit({BOOK: "b\n\n\n\nz\n", "executions/lab/old.yaml": None, "zapps/x/a": "1"})
    clone.git("checkout", "--quiet", "main")
    clone.commit({JOB: "2\n"})
    return clone, remote


def test_a_merge_that_git_makes_alone_introduces_nothing(
    parted: tuple[Clone, BareRepository],
) -> None:
    clone, remote = parted
    assert introduced(remote, clone.merge("side", None)) == set()
    clone.git("checkout", "--quiet", "side")
    clone.commit({BOOK: "c\n\n\n\nz\n"})
    clone.git("checkout", "--quiet", "main")
    clone.commit({JOB: "3\n"})
    assert introduced(remote, clone.merge("side", None)) == set()


def test_a_merge_answers_for_a_file_that_both_sides_changed(
    parted: tuple[Clone, BareRepository],
) -> None:
    clone, remote = parted
    clone.commit({BOOK: "a\n\n\n\ny\n"})
    assert introduced(remote, clone.merge("side", None)) == {BOOK}


def test_a_merge_answers_for_the_side_that_it_drops(parted: tuple[Clone, BareRepository]) -> None:
    clone, remote = parted
    ours = introduced(remote, clone.merge("side", None, "--strategy=ours"))
    assert ours == {BOOK, "executions/lab/old.yaml", "zapps/x/a"}


def test_a_merge_answers_for_what_it_adds_by_the_way(parted: tuple[Clone, BareRepository]) -> None:
    clone, remote = parted
    clone.merge("side", None)
    (clone.path / "platform.yaml").write_text("x")
    clone.git("add", "platform.yaml")
    clone.git("commit", "--quiet", "--amend", "--no-edit")
    assert introduced(remote, clone.push()) == {"platform.yaml"}


def test_a_merge_of_three_answers_for_all_in_which_they_differ(
    parted: tuple[Clone, BareRepository],
) -> None:
    clone, remote = parted
    clone.git("checkout", "--quiet", "-b", "third", "main~1")
    clone.commit({"README.md": "x"})
    clone.git("checkout", "--quiet", "main")
    clone.git("merge", "--quiet", "-m", "merge", "side", "third")
    paths = introduced(remote, clone.push())
    assert {BOOK, JOB, "README.md", "zapps/x/a"} <= paths


def crafted(remote: BareRepository, lab: list[tuple[int, bytes, str]], name: bytes = b"lab") -> str:
    """Put a commit on main whose executions/lab (or another name) has these entries."""
    parent = remote.tip()
    folder = remote.raw_tree([(DIRECTORY, name, remote.raw_tree(lab))])
    commit = remote.commit_tree([(DIRECTORY, b"executions", folder)])
    git = remote.git
    made = git[commit]
    person = made.author
    ref = "refs/heads/crafted"
    oid = git.create_commit(None, person, person, "x", made.tree_id, [parent] if parent else [])
    git.references.create(ref, oid, force=True)
    return str(oid)


def test_whoever_takes_a_file_out_of_sight_changes_it(
    bare_repo: Callable[..., BareRepository],
) -> None:
    remote = bare_repo()
    blob = remote.blob(b"1")
    first = remote.commit({JOB: "1"})
    twin = crafted(remote, [(FILE, b"JOB.yaml", blob), (FILE, b"job.yaml", blob)])
    assert introduced(remote, twin) == {JOB, "executions/lab/JOB.yaml"}
    remote.git.references.create("refs/heads/main", first, force=True)
    assert introduced(remote, crafted(remote, [(LINK, b"job.yaml", blob)])) == {JOB}
    remote.git.references.create("refs/heads/main", first, force=True)
    inner = remote.raw_tree([(FILE, b"x", blob)])
    swapped = crafted(remote, [(DIRECTORY, b"job.yaml", inner)])
    assert introduced(remote, swapped) == {JOB, f"{JOB}/x"}


def test_names_that_lie_stay_what_they_are(bare_repo: Callable[..., BareRepository]) -> None:
    remote = bare_repo()
    blob = remote.blob(b"1")
    found = introduced(remote, crafted(remote, [(FILE, b"../aml/job.yaml", blob)]))
    assert found == {"executions/lab/../aml/job.yaml"}


def test_a_damaged_mirror_is_mended_when_history_is_asked(
    bare_repo: Callable[..., BareRepository], source: Callable[..., GitSource], tmp_path: Path
) -> None:
    """What only a commit in the middle has isn't read by anybody else."""
    remote = bare_repo()
    remote.commit({BOOK: "1"})
    middle = remote.commit({JOB: "1"})
    remote.commit({JOB: None})
    course = source(str(remote.path))
    course.fetch()
    mirror = tmp_path / "mirror.git"
    (pack,) = mirror.glob("objects/pack/*.pack")
    aside = pack.rename(tmp_path / "pack")
    subprocess.run(
        ["git", "-C", mirror, "unpack-objects", "-q"], input=aside.read_bytes(), check=True
    )
    tree = str(remote.git[middle].tree_id)
    (mirror / "objects" / tree[:2] / tree[2:]).unlink()
    course = source(str(remote.path))
    assert course.provenance().introduced(middle) == {JOB}


def test_a_tree_of_endless_paths_ends(bare_repo: Callable[..., BareRepository]) -> None:
    remote = bare_repo()
    tree = remote.raw_tree([(FILE, b"f", remote.blob(b"1"))])
    for _ in range(12):
        tree = remote.raw_tree([(DIRECTORY, b"%02d" % n, tree) for n in range(10)])
    commit = remote.commit_tree([(DIRECTORY, b"x", tree)])
    with pytest.raises(SourceUnavailable, match="entries"):
        introduced(remote, commit)


# -- the property ---------------------------------------------------------------------------------

OWN, FOREIGN = b"own", b"foreign"
_PERSON = pygit2.Signature("Ada", "ada@example.org", 1_700_000_000, 0)
VALUES = [b"0", b"1", b"2"]


class History:
    """A repository of two files; what its commits hold is anybody's choice."""

    def __init__(self, folder: str) -> None:
        self.git = pygit2.init_repository(folder, bare=True)
        self.commits: list[str] = []
        self.made = 0

    def commit(self, foreign: bytes, own: bytes, parents: list[str]) -> str:
        builder = self.git.TreeBuilder()
        for name, value in ((FOREIGN, foreign), (OWN, own)):
            builder.insert(name.decode(), self.git.create_blob(value), FILE)
        # A number in the message: two equal commits would be one.
        self.made += 1
        message = str(self.made)
        oid = self.git.create_commit(None, _PERSON, _PERSON, message, builder.write(), parents)
        self.commits.append(str(oid))
        return str(oid)

    def foreign(self, commit: str) -> bytes:
        data: bytes = self.git[self.git[commit].tree[FOREIGN.decode()].id].data
        return data

    def provenance(self) -> GitProvenance:
        return open_local(Path(self.git.path)).provenance()


def parents_of(data: st.DataObject, history: History) -> list[str]:
    if not history.commits:
        return []
    chosen = st.lists(st.sampled_from(history.commits), min_size=1, max_size=2, unique=True)
    return data.draw(chosen)


@pytest.mark.parametrize("seed", range(4))
def test_a_criss_cross_brings_nothing_back(seed: int, tmp_path: Path) -> None:
    """Two histories parted at two commits; against one of them the file looks untouched."""
    history = History(str(tmp_path / "git"))
    history.made = seed * 100  # other ids, so another order
    first = history.commit(b"0", b"0", [])
    kept, changed = history.commit(b"0", b"1", [first]), history.commit(b"1", b"0", [first])
    merged = history.commit(b"1", b"1", [kept, changed])
    taken_back = history.commit(b"0", b"1", [merged])
    own = history.commit(b"1", b"1", [changed, kept])
    again = history.commit(b"1", b"1", [taken_back, own])
    provenance = history.provenance()
    assert provenance.introduced(own) == frozenset()
    assert provenance.introduced(again) == {FOREIGN.decode()}


@settings(max_examples=100)
@given(st.data())
def test_who_introduces_nothing_foreign_leaves_what_is_foreign_as_it_was(
    data: st.DataObject,
) -> None:
    """Whatever is merged with whatever, old commits and criss-crosses too."""
    value = st.sampled_from(VALUES)
    with tempfile.TemporaryDirectory() as folder:
        history = History(folder)
        for _ in range(data.draw(st.integers(1, 6))):
            history.commit(data.draw(value), data.draw(value), parents_of(data, history))
        base = history.commits[-1]
        past = [c for c in history.commits if c == base or history.git.descendant_of(base, c)]
        history.commits = past
        provenance = history.provenance()
        for _ in range(data.draw(st.integers(1, 5))):
            made = history.commit(data.draw(value), data.draw(value), parents_of(data, history))
            if FOREIGN.decode() in provenance.introduced(made):
                history.commits.remove(made)
            elif history.git.descendant_of(made, base):
                assert history.foreign(made) == history.foreign(base)

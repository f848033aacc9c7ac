"""Reading what hostile authors commit: by id, within bounds, and never a file beside the tree."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pygit2
import pytest

from reconciler.errors import NotAFile, SourceUnavailable
from reconciler.git.source import open_local
from reconciler.ports import RefusedEntry

FILE, LINK, SUBMODULE, DIRECTORY = 0o100644, 0o120000, 0o160000, 0o040000
CANARY = b"canary: the content of a file outside\n"


@pytest.fixture
def read_tree(bare_repo, source):
    """Commit a crafted root tree and return (source, tree)."""
    repo = bare_repo()

    def read(entries):
        commit = repo.commit_tree(entries)
        course = source(str(repo.path))
        course.fetch()
        return course, course.tree(commit)

    read.repo = repo
    return read


def test_only_regular_files_are_listed(read_tree, tmp_path):
    canary = tmp_path / "canary"
    canary.write_bytes(CANARY)
    blob = read_tree.repo.blob
    good, target = blob(b"good"), blob(str(canary).encode())

    course, tree = read_tree(
        [
            (LINK, b"link.yaml", target),
            (FILE, b"plain.yaml", good),
            (0o100755, b"run.sh", good),
            (SUBMODULE, b"sub", "1" * 40),
        ]
    )

    assert dict(tree.files) == {"plain.yaml": good, "run.sh": good}
    assert [entry.path for entry in tree.refused] == ["link.yaml", "sub"]
    assert "symbolic link" in tree.refused[0].reason
    assert "submodule" in tree.refused[1].reason
    assert all(CANARY not in course.read(b, limit_bytes=99) for b in tree.files.values())


@pytest.mark.parametrize(
    "name",
    [
        b"..",
        b".",
        b".git",
        b".GIT",
        b".git.",
        b"/etc/passwd",
        b"a/b.yaml",
        b"-rf",
        b"new\nline",
        b"\x1b[31m",
        b"caf\xc3\xa9",
        b"\xff\xfe",
        b"x" * 101,
        b"trailing ",
    ],
)
def test_a_bad_name_is_refused_whatever_its_kind(read_tree, name):
    repo = read_tree.repo
    inner = repo.raw_tree([(FILE, b"passwd", repo.blob(b"x"))])
    good = repo.blob(b"good")

    for mode, oid in ((FILE, good), (DIRECTORY, inner)):
        _, tree = read_tree([(mode, name, oid), (FILE, b"good.yaml", good)])
        assert dict(tree.files) == {"good.yaml": good}
        (refused,) = tree.refused
        assert refused.path.isprintable()
        assert refused.reason


def test_names_that_are_equal_or_differ_by_case_are_all_refused(read_tree):
    blob = read_tree.repo.blob
    one, two = blob(b"one"), blob(b"two")
    _, tree = read_tree(
        [
            (FILE, b"A.yaml", one),
            (FILE, b"a.yaml", two),
            (FILE, b"b.yaml", one),
            (FILE, b"b.yaml", two),
            (FILE, b"c.yaml", one),
        ]
    )
    assert dict(tree.files) == {"c.yaml": one}
    reason = "another entry has the same name, or one that differs by case only"
    assert tree.refused == tuple(
        RefusedEntry(path=path, reason=reason) for path in ("A.yaml", "a.yaml", "b.yaml", "b.yaml")
    )


def test_a_tree_that_unfolds_without_end_is_refused_by_number(read_tree):
    repo = read_tree.repo
    level = repo.raw_tree([(FILE, b"f%d" % n, repo.blob(b"x")) for n in range(10)])
    for _ in range(10):
        level = repo.raw_tree([(DIRECTORY, b"d%d" % n, level) for n in range(10)])
    with pytest.raises(SourceUnavailable, match="more than 100000 entries"):
        read_tree([(DIRECTORY, b"bomb", level)])


def test_a_wide_tree_is_refused_by_number(read_tree):
    blob = read_tree.repo.blob(b"x")
    with pytest.raises(SourceUnavailable, match="more than 100000 entries"):
        read_tree([(FILE, b"%06d" % n, blob) for n in range(100_001)])


def test_a_deep_tree_is_refused_by_number(read_tree):
    repo = read_tree.repo
    level = repo.raw_tree([(FILE, b"f", repo.blob(b"x"))])
    for _ in range(16):
        level = repo.raw_tree([(DIRECTORY, b"d", level)])
    with pytest.raises(SourceUnavailable, match="more than 16 directories deep"):
        read_tree([(DIRECTORY, b"d", level)])


def test_a_huge_blob_is_refused_without_being_inflated(read_tree):
    size = 200 * 1024**2
    blob = read_tree.repo.blob(bytes(size))
    course, tree = read_tree([(FILE, b"huge.yaml", blob)])
    forget_peak = Path("/proc/self/clear_refs")
    forget_peak.write_text("5")
    before = _peak_kib()
    with pytest.raises(ValueError, match=f"{size} bytes: at most 1000"):
        course.read(tree.files["huge.yaml"], limit_bytes=1000)
    assert _peak_kib() - before < 10 * 1024


def _peak_kib() -> int:
    """Return the most memory that we had in use since it was last forgotten."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@pytest.mark.parametrize("blob", ["1" * 40, "xyz", "../../etc/passwd"])
def test_an_unknown_blob_is_an_error(read_tree, blob):
    course, _ = read_tree([(FILE, b"a", read_tree.repo.blob(b"x"))])
    with pytest.raises(SourceUnavailable, match="there is no file"):
        course.read(blob, limit_bytes=10)


def test_a_directory_or_commit_is_not_read_as_a_file(read_tree):
    course, tree = read_tree([(FILE, b"a", read_tree.repo.blob(b"x"))])
    with pytest.raises(NotAFile):
        course.read(tree.commit.id, limit_bytes=1000)
    with pytest.raises(SourceUnavailable, match="is not a commit"):
        course.tree(tree.files["a"])


def test_the_tree_of_a_changed_commit_is_right_after_the_unchanged_part_was_cached(
    bare_repo, source
):
    repo = bare_repo()
    files = {f"d{n % 7}/e{n % 3}/f{n}": str(n) for n in range(100)}
    first = repo.commit(files)
    second = repo.commit({"d1/e1/f1": "changed", "d2/e2/f2": None, "d9/new": "x"})
    course = source(str(repo.path))
    course.fetch()

    before, after = course.tree(first).files, course.tree(second).files

    assert set(before) == set(files)
    assert set(after) == set(files) - {"d2/e2/f2"} | {"d9/new"}
    assert {path for path in set(before) & set(after) if before[path] != after[path]} == {
        "d1/e1/f1"
    }
    assert course.tree(first).files == before


def _commit_bytes(tree: str, *, author: bytes, seconds: bytes = b"1700000000", extra: bytes = b""):
    return (
        b"tree " + tree.encode() + b"\n"
        b"author " + author + b" " + seconds + b" +0000\n"
        b"committer " + author + b" " + seconds + b" +0000\n" + extra
    )


@pytest.mark.parametrize(
    ("extra", "author", "expected"),
    [
        (b"encoding no-such-encoding\n", b"Ren\xe9 <r@e.org>", "Ren� <r@e.org>"),
        (b"encoding ISO-8859-1\n", b"Ren\xe9 <r@e.org>", "René <r@e.org>"),
        (b"encoding punycode\n", b"Ren\xe9 <r@e.org>", "Ren� <r@e.org>"),
        (b"", "René <r@e.org>".encode(), "René <r@e.org>"),
        (b"", b"a\x1b[31m\xe2\x80\xaeb <c>", "a�[31m�b <c>"),
        (b"", b"x" * 500 + b" <" + b"y" * 500 + b">", f"{'x' * 119}… <{'y' * 119}…>"),
    ],
)
def test_authors_are_shown_whatever_their_bytes(bare_repo, source, extra, author, expected):
    repo = bare_repo()
    tree = repo.raw_tree([])
    commit = repo.raw_commit(_commit_bytes(tree, author=author, extra=extra) + b"\nm\n")
    course = source(str(repo.path))
    course.fetch()

    read = course.commit(commit)

    assert read.author == expected
    assert read.committed_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)


@pytest.mark.parametrize("seconds", [b"-5", b"99999999999999", b"9223372036854775807"])
def test_times_beyond_the_calendar_are_bounded(bare_repo, source, seconds):
    repo = bare_repo()
    data = _commit_bytes(repo.raw_tree([]), author=b"a <b>", seconds=seconds)
    commit = repo.raw_commit(data + b"\nm\n")
    course = source(str(repo.path))
    course.fetch()
    assert course.commit(commit).committed_at.tzinfo is UTC


def test_messages_are_bounded_and_clean(bare_repo, source):
    repo = bare_repo()
    head = _commit_bytes(repo.raw_tree([]), author=b"a <b>")
    commit = repo.raw_commit(head + b"\n" + b"subject\n\n\x07body \xff\n" + b"x" * 10_000)
    course = source(str(repo.path))
    course.fetch()
    message = course.commit(commit).message
    assert len(message) == 4096
    assert message.startswith("subject\n\n�body �\nxxx")


def test_a_commit_larger_than_any_real_one_is_refused(bare_repo, source):
    repo = bare_repo()
    head = _commit_bytes(repo.raw_tree([]), author=b"a <b>")
    repo.raw_commit(head + b"\n" + b"x" * 1024**2)
    course = source(str(repo.path))
    tip = course.fetch()
    with pytest.raises(SourceUnavailable, match="bytes: at most 1048576"):
        course.commit(tip)


def test_a_malformed_commit_is_its_authors_fault_not_the_disks(
    bare_repo, git_http, source, tmp_path
):
    repo = bare_repo()
    repo.raw_commit(_commit_bytes(repo.raw_tree([]), author=b"nobody at all") + b"\nm\n")
    course = source(git_http.url(repo))
    tip = course.fetch()
    with pytest.raises(SourceUnavailable, match="malformed"):
        course.tree(tip)
    assert not (tmp_path / "mirror.git.corrupt").exists()


def test_revisions_are_names_or_ids_and_never_guesses(bare_repo, source):
    repo = bare_repo()
    first = repo.commit({"a": "1"})
    tip = repo.commit({"a": "2"})
    repo.git.references.create("refs/tags/main", first)
    course = source(str(repo.path))
    course.fetch()

    for revision in ("main", "refs/heads/main", tip, tip[:7]):
        assert course.resolve(revision) == tip
    assert course.resolve(first[:12]) == first
    for guess in ("HEAD", "main~1", "main^{tree}", ":/change", first[:6], "@", "", "1" * 40, "-x"):
        with pytest.raises(SourceUnavailable, match="there is no commit or branch"):
            course.resolve(guess)
    with pytest.raises(SourceUnavailable, match="there is no commit or branch"):
        course.resolve(course.tree(tip).files["a"])


@pytest.fixture
def clone(tmp_path):
    """A clone with a work tree whose files differ from what is committed."""
    git = pygit2.init_repository(str(tmp_path / "clone"), initial_head="main")
    author = pygit2.Signature("Ada", "ada@example.org", 0, 0)
    builder = git.TreeBuilder()
    builder.insert("a.yaml", git.create_blob(b"committed"), FILE)
    tip = git.create_commit("HEAD", author, author, "m", builder.write(), [])
    git.references.create("refs/remotes/origin/main", tip)
    git.references.create("refs/heads/topic", tip)
    (tmp_path / "clone/sub").mkdir()
    (tmp_path / "clone/a.yaml").write_bytes(CANARY)
    return tmp_path / "clone", str(tip)


def test_a_clone_is_read_as_committed_from_anywhere_in_it(clone):
    path, tip = clone
    for place in (path, path / "sub"):
        local = open_local(place)
        assert local.id == "local"
        assert local.fetch() == tip
        for name in ("HEAD", "main", "topic", "origin/main", "refs/remotes/origin/main", tip[:8]):
            assert local.resolve(name) == tip
        blob = local.tree(tip).files["a.yaml"]
        assert local.read(blob, limit_bytes=100) == b"committed"
        assert local.commit(tip).author == "Ada <ada@example.org>"
        assert local.is_descendant(tip, tip)


def test_a_clone_without_commits_says_so(tmp_path):
    pygit2.init_repository(str(tmp_path / "clone"))
    with pytest.raises(SourceUnavailable, match="no commit or branch HEAD"):
        open_local(tmp_path / "clone").fetch()


def test_a_folder_outside_git_says_what_to_do(tmp_path):
    with pytest.raises(SourceUnavailable, match="git init"):
        open_local(tmp_path)

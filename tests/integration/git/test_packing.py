"""Each fetch brings a pack: they are put together, and what was read from is let go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from reconciler.config import SourceSettings
from reconciler.git import packing
from reconciler.git.fetchers import FetchedApart, Fetchers
from reconciler.git.source import GitSource
from reconciler.git.tenant import BoundedFetcher, TenantReader
from reconciler.manifest.limits import Limits
from tests.fixtures.git_servers import BareRepository, HttpServer

FETCHES = packing.MOST + 10


@pytest.fixture
def fetchers() -> Iterator[Fetchers]:
    with closing(Fetchers(Limits())) as made:
        yield made


def _open_in(folder: Path) -> int:
    """Return how many files of a folder this process has open."""
    found = 0
    for entry in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            found += entry.readlink().is_relative_to(folder)
    return found


def _commits(repository: BareRepository, read: Callable[[], GitSource]) -> list[str]:
    """Commit and fetch often, each time reading what came; return the commits."""
    made = []
    for number in range(FETCHES):
        made.append(repository.commit({f"files/{number}": f"{number}"}))
        source = read()
        assert source.fetch() == made[-1]
        assert f"files/{number}" in source.tree(made[-1]).files
    return made


def _all_is_there(source: GitSource, commits: list[str]) -> None:
    for number, commit in enumerate(commits):
        tree = source.tree(commit)
        assert source.read(tree.files[f"files/{number}"], limit_bytes=9) == b"%d" % number


def test_many_fetches_leave_few_packs_and_few_open_files(
    bare_repo: Callable[..., BareRepository], source: Callable[..., GitSource], tmp_path: Path
) -> None:
    repository = bare_repo()
    course = source(f"file://{repository.path}")
    commits = _commits(repository, lambda: course)
    assert len(packing.names(tmp_path / "mirror.git")) <= packing.MOST
    assert _open_in(tmp_path / "mirror.git") <= packing.MOST + 1
    _all_is_there(course, commits)
    _all_is_there(source(f"file://{repository.path}"), commits)


def test_what_no_branch_leads_to_any_more_stays(
    bare_repo: Callable[..., BareRepository], source: Callable[..., GitSource]
) -> None:
    """The last accepted commit is one such after a force-push."""
    repository = bare_repo()
    course = source(f"file://{repository.path}")
    base = repository.commit({"a": "1"})
    left = repository.commit({"a": "2"})
    assert course.fetch() == left
    repository.commit({"a": "3"}, parents=[base])
    course.fetch()
    _commits(repository, lambda: course)
    assert course.read(course.tree(left).files["a"], limit_bytes=9) == b"2"


def test_who_reads_what_another_process_fetches_lets_go(
    fetchers: Fetchers,
    bare_repo: Callable[..., BareRepository],
    git_http: HttpServer,
    tmp_path: Path,
) -> None:
    repository = bare_repo()
    settings = SourceSettings(id="lab", url=git_http.url(repository))
    source = FetchedApart(settings, tmp_path / "mirror.git", fetchers)
    commits = _commits(repository, lambda: source)
    assert _open_in(tmp_path / "mirror.git") <= packing.MOST + 1
    _all_is_there(source, commits)


def test_who_reads_a_tenants_mirror_lets_go(
    bare_repo: Callable[..., BareRepository], tmp_path: Path
) -> None:
    repository = bare_repo()
    settings = SourceSettings(id="group", url=f"file://{repository.path}", role="tenant")
    mirror = tmp_path / "mirror.git"
    fetcher = BoundedFetcher(settings, mirror, most_bytes=2**20, most_s=60)
    reader = TenantReader(settings, mirror)

    def read() -> GitSource:
        fetcher.fetch()
        return reader

    commits = _commits(repository, read)
    assert _open_in(mirror) <= packing.MOST + 1
    _all_is_there(reader, commits)


def test_a_process_killed_while_packing_does_no_harm(
    bare_repo: Callable[..., BareRepository],
    source: Callable[..., GitSource],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whether it ended before the new pack was in its place, or before the old ones were gone."""
    repository = bare_repo()
    url, mirror = f"file://{repository.path}", tmp_path / "mirror.git"
    commits = [repository.commit({"files/0": "0"})]
    source(url).fetch()
    (mirror / packing.PLACE).mkdir()
    (mirror / packing.PLACE / "pack-half.pack").touch()

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rmdir", dies)
        patched.setattr(packing, "MOST", 0)
        with pytest.raises(KeyboardInterrupt):
            source(url).fetch()
    commits.append(repository.commit({"files/1": "1"}))
    again = source(url)
    assert again.fetch() == commits[-1]
    assert not (mirror / packing.PLACE).exists()
    _all_is_there(again, commits)

"""Fetching from real servers: what comes, what is refused, and what the operator is told."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pygit2
import pytest

from reconciler.config import SourceSettings
from reconciler.errors import ConfigError, SourceUnavailable
from reconciler.git.source import GitSource

TOKEN = "t0ken-of-the-course"


@pytest.fixture(params=["file", "path", "http", "ssh"])
def served(request, bare_repo, git_http, source):
    """A repository and a source on it, over each transport."""
    repo = bare_repo()
    match request.param:
        case "file":
            return repo, source(f"file://{repo.path}")
        case "path":
            return repo, source(str(repo.path))
        case "http":
            return repo, source(git_http.url(repo))
        case _:
            ssh = request.getfixturevalue("git_ssh")
            return repo, source(
                ssh.url(repo), ssh_key_file=ssh.key_file, known_hosts_file=ssh.known_hosts_file
            )


def test_fetch_follows_the_branch_and_reads_its_files(served):
    repo, source = served
    first = repo.commit({"platform.yaml": "kind: Platform\n"})
    assert source.fetch() == first
    assert source.fetch() == first

    second = repo.commit({"executions/aml/lab.yaml": "kind: Execution\n"})
    assert source.fetch() == second

    tree = source.tree(second)
    assert set(tree.files) == {"platform.yaml", "executions/aml/lab.yaml"}
    assert source.read(tree.files["platform.yaml"], limit_bytes=100) == b"kind: Platform\n"
    assert source.is_descendant(second, first)
    assert source.id == "course"


def test_a_fetch_brings_what_is_new_and_not_the_other_branches_again(served, tmp_path):
    repo, source = served
    repo.commit({"a": "1"})
    repo.commit({f"status/{n}": str(n) for n in range(300)}, branch="zoe/status")
    source.fetch()
    before = _bytes_of_packs(tmp_path / "mirror.git")

    second = repo.commit({"a": "2"})

    assert source.fetch() == second
    assert _bytes_of_packs(tmp_path / "mirror.git") - before < 4000


def test_other_branches_may_come_and_go(served):
    repo, source = served
    repo.commit({"a": "1"})
    repo.commit({"b": "1"}, branch="lab")
    source.fetch()
    repo.git.references.delete("refs/heads/lab")
    repo.commit({"b": "1"}, branch="lab/two")

    second = repo.commit({"a": "2"})

    assert source.fetch() == second


def _bytes_of_packs(mirror: Path) -> int:
    return sum(path.stat().st_size for path in mirror.glob("objects/pack/*.pack"))


def test_a_fetch_without_news_asks_once(bare_repo, git_http, source):
    repo = bare_repo()
    repo.commit({"a": "1"})
    course = source(git_http.url(repo))
    course.fetch()
    git_http.requests.clear()

    course.fetch()

    assert len(git_http.requests) == 1


def test_the_mirror_holds_one_ref_and_no_work_tree(bare_repo, git_http, source, tmp_path):
    repo = bare_repo()
    tip = repo.commit({"a": "1"})
    repo.commit({"secret": "1"}, branch="private")
    repo.git.references.create("refs/tags/main", tip)
    source(git_http.url(repo, userinfo=f"git:{TOKEN}")).fetch()

    mirror = pygit2.Repository(str(tmp_path / "mirror.git"))
    assert mirror.is_bare
    assert list(mirror.references) == ["refs/zoe/source"]
    assert TOKEN not in "".join(
        path.read_text() for path in (tmp_path / "mirror.git").glob("*") if path.is_file()
    )


def test_a_force_push_is_no_descendant_and_the_old_commit_stays(served):
    repo, source = served
    base = repo.commit({"a": "1"})
    old = repo.commit({"a": "2"})
    assert source.fetch() == old

    new = repo.commit({"a": "3"}, parents=[base])

    assert source.fetch() == new
    assert not source.is_descendant(new, old)
    assert source.is_descendant(new, base)
    assert not source.is_descendant(new, "0" * 40)
    assert set(source.tree(old).files) == {"a"}


def test_a_deleted_branch_is_an_error_and_the_mirror_keeps_the_last_commit(served):
    repo, source = served
    tip = repo.commit({"a": "1"})
    repo.commit({"a": "1"}, branch="trunk")
    source.fetch()
    repo.delete_branch("main")

    with pytest.raises(SourceUnavailable, match=r"has no branch main: .* those there: trunk"):
        source.fetch()
    assert source.resolve("main") == tip


def test_an_empty_repository_asks_for_a_first_commit(served):
    _, source = served
    with pytest.raises(SourceUnavailable, match="has no commits: push a first one to main"):
        source.fetch()


def test_many_other_branches_are_not_all_listed(bare_repo, source):
    repo = bare_repo()
    for number in range(8):
        repo.commit({"a": "1"}, branch=f"b{number}")
    with pytest.raises(SourceUnavailable, match="b0, b1, b2, b3, b4 and 3 more"):
        source(str(repo.path)).fetch()


def test_a_token_is_accepted(bare_repo, git_http, source, tmp_path):
    repo = bare_repo()
    tip = repo.commit({"a": "1"})
    git_http.login = ("git", TOKEN)
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert source(git_http.url(repo), token_file=tmp_path / "token").fetch() == tip


@pytest.mark.parametrize("text", ["wrong-" + TOKEN, ""])
def test_a_refused_or_empty_token_names_the_setting(bare_repo, git_http, source, tmp_path, text):
    repo = bare_repo()
    git_http.login = ("git", TOKEN)
    (tmp_path / "token").write_text(text)
    with pytest.raises(SourceUnavailable, match="token_file of source course") as caught:
        source(git_http.url(repo), token_file=tmp_path / "token").fetch()
    assert TOKEN not in str(caught.value)
    assert len(git_http.requests) <= 2


def test_a_missing_token_is_asked_for(bare_repo, git_http, source):
    repo = bare_repo()
    git_http.login = ("git", TOKEN)
    with pytest.raises(SourceUnavailable, match="asks for a password: set token_file"):
        source(git_http.url(repo)).fetch()


def test_a_token_in_the_url_works_and_is_never_shown(bare_repo, git_http, source, tmp_path):
    repo = bare_repo()
    tip = repo.commit({"a": "1"})
    git_http.login = ("git", TOKEN)
    url = git_http.url(repo, userinfo=f"git:{TOKEN}")
    assert source(url).fetch() == tip

    git_http.login = ("git", "another")
    failures = [source(url), source(url + "-gone"), source(url, branch="gone")]
    for failing in failures:
        with pytest.raises(SourceUnavailable) as caught:
            failing.fetch()
        assert TOKEN not in repr(caught.value)
        assert TOKEN not in repr(caught.value.__cause__)


def test_a_redirect_to_another_server_gets_no_token(bare_repo, git_http, source, tmp_path):
    repo = bare_repo()
    repo.commit({"a": "1"})
    (tmp_path / "token").write_text(TOKEN)
    git_http.login = ("git", TOKEN)
    elsewhere = git_http.url(repo).replace("127.0.0.1", "localhost")
    git_http.redirects = {"127.0.0.1": elsewhere}

    with pytest.raises(SourceUnavailable, match=r"leads to http://localhost:.*set url of source"):
        source(git_http.url(repo), token_file=tmp_path / "token").fetch()
    assert not any(git_http.logins)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("ftp://example.org/x", "ftp:// isn't supported"),
        ("https:///x", "names no host"),
        ("https://example.org:port/x", "is no URL"),
        ("http://example.org/x", "token_file needs https"),
        (f"http://git:{TOKEN}@example.org/x", "token_file needs https"),
    ],
)
def test_an_unusable_url_is_found_at_start(tmp_path, url, message):
    settings = SourceSettings(id="course", url=url, token_file=tmp_path / "token")
    with pytest.raises(ConfigError, match=message):
        GitSource(settings, tmp_path / "mirror.git")


def test_an_unknown_host_key_is_refused_with_the_command_to_run(
    bare_repo, git_ssh, source, tmp_path
):
    repo = bare_repo()
    repo.commit({"a": "1"})
    nobody = tmp_path / "nobody_known"
    nobody.touch()
    with pytest.raises(SourceUnavailable) as caught:
        source(git_ssh.url(repo), ssh_key_file=git_ssh.key_file, known_hosts_file=nobody).fetch()
    assert f"ssh-keyscan -p {git_ssh.port} 127.0.0.1 >> {nobody}" in str(caught.value)


def test_a_changed_host_key_is_refused(bare_repo, git_ssh, source, tmp_path):
    repo = bare_repo()
    repo.commit({"a": "1"})
    changed = tmp_path / "changed"
    other = git_ssh.other_key_file.with_suffix(".pub").read_text()
    changed.write_text(f"[127.0.0.1]:{git_ssh.port} {other}")
    with pytest.raises(SourceUnavailable, match="or it has changed"):
        source(git_ssh.url(repo), ssh_key_file=git_ssh.key_file, known_hosts_file=changed).fetch()


def test_known_hosts_of_one_source_do_not_serve_another(bare_repo, git_ssh, source, tmp_path):
    """libgit2 keeps the place of known_hosts per process."""
    repo = bare_repo()
    repo.commit({"a": "1"})
    key = {"ssh_key_file": git_ssh.key_file}
    home = pygit2.settings.homedir
    source(git_ssh.url(repo), known_hosts_file=git_ssh.known_hosts_file, **key).fetch()
    assert pygit2.settings.homedir == home
    with pytest.raises(SourceUnavailable, match="isn't in"):
        source(git_ssh.url(repo), **key).fetch()


def test_threads_with_other_known_hosts_take_turns(bare_repo, git_ssh, tmp_path):
    """Status is pushed in a thread beside the loop, and libgit2 has one home directory."""
    repo = bare_repo()
    tip = repo.commit({"a": "1"})
    nobody = tmp_path / "nobody"
    nobody.touch()

    def fetch(number: int) -> str:
        known = git_ssh.known_hosts_file if number % 2 else nobody
        settings = SourceSettings(
            id="course",
            url=git_ssh.url(repo),
            ssh_key_file=git_ssh.key_file,
            known_hosts_file=known,
        )
        try:
            return GitSource(settings, tmp_path / f"{number}.git").fetch()
        except SourceUnavailable as error:
            return str(error)

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(fetch, range(4)))

    assert answers[1::2] == [tip, tip]
    assert all("host key" in answer for answer in answers[::2])


def test_a_refused_ssh_key_names_the_setting(bare_repo, git_ssh, source):
    repo = bare_repo()
    with pytest.raises(SourceUnavailable, match="check ssh_key_file of source course"):
        source(
            git_ssh.url(repo),
            ssh_key_file=git_ssh.other_key_file,
            known_hosts_file=git_ssh.known_hosts_file,
        ).fetch()


def test_a_stalled_server_times_out_and_is_forgiven(bare_repo, git_http, source):
    repo = bare_repo()
    tip = repo.commit({"a": "1"})
    course = source(git_http.url(repo), timeout_s=1)
    course.fetch()
    git_http.gate.clear()
    with pytest.raises(SourceUnavailable, match=r"no answer for 1 s \(timeout_s"):
        course.fetch()
    assert set(course.tree(tip).files) == {"a"}
    git_http.gate.set()
    assert course.fetch() == tip


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1/config.git", "can't fetch from"),
        ("/nowhere/config.git", "there is no such directory"),
    ],
)
def test_an_unreachable_remote_is_an_error(source, url, message):
    with pytest.raises(SourceUnavailable, match=message):
        source(url).fetch()


def test_a_certificate_that_nobody_vouches_for_is_refused(git_https, bare_repo, source):
    repo = bare_repo()
    repo.commit({"a": "1"})
    with pytest.raises(SourceUnavailable, match=r"certificate of 127\.0\.0\.1 isn't trusted"):
        source(git_https.url(repo)).fetch()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a repository away")
def test_a_repository_of_another_user_says_how_to_allow_it(bare_repo, source):
    repo = bare_repo()
    repo.commit({"a": "1"})
    os.chown(repo.path, 65534, 65534)
    with pytest.raises(SourceUnavailable, match=r"safe\.directory"):
        source(str(repo.path)).fetch()


def _damage(mirror: Path, how: str) -> None:
    match how:
        case "config":
            (mirror / "config").write_text("[core\n")
        case "head":
            (mirror / "HEAD").unlink()
        case "ref":
            (mirror / "refs/zoe/source").write_text("rubbish\n")
        case "dangling ref":
            (mirror / "refs/zoe/source").write_text("1" * 40 + "\n")
        case "objects":
            for path in (mirror / "objects").rglob("*"):
                if path.is_file():
                    path.chmod(0o644)
                    path.write_bytes(b"rubbish")
        case "no objects":
            for path in list((mirror / "objects").rglob("*")):
                if path.is_file():
                    path.unlink()


@pytest.mark.parametrize("how", ["config", "head", "ref", "dangling ref", "objects", "no objects"])
def test_a_damaged_mirror_is_set_aside_and_cloned_anew(bare_repo, git_http, source, tmp_path, how):
    repo = bare_repo()
    repo.commit({"a": "1"})
    tip = repo.commit({"b/c": "2"})
    source(git_http.url(repo)).fetch()
    _damage(tmp_path / "mirror.git", how)

    again = source(git_http.url(repo))
    again.fetch()
    tree = again.tree(tip)

    assert again.read(tree.files["b/c"], limit_bytes=10) == b"2"
    assert (tmp_path / "mirror.git.corrupt").is_dir()


def test_a_file_lost_from_the_mirror_is_fetched_again(bare_repo, git_http, source, tmp_path):
    repo = bare_repo()
    tip = repo.commit({"a": "1"})
    course = source(git_http.url(repo))
    course.fetch()
    blob = course.tree(tip).files["a"]
    _damage(tmp_path / "mirror.git", "no objects")

    assert source(git_http.url(repo)).fetch() == tip
    assert source(git_http.url(repo)).read(blob, limit_bytes=10) == b"1"


def test_a_damaged_mirror_is_cloned_once_while_the_remote_is_away(
    bare_repo, git_http, source, tmp_path
):
    repo = bare_repo()
    repo.commit({"a": "1"})
    source(git_http.url(repo)).fetch()
    _damage(tmp_path / "mirror.git", "objects")
    repo.path.rename(repo.path.with_name("away"))

    with pytest.raises(SourceUnavailable, match="404"):
        source(git_http.url(repo)).fetch()
    repo.path.with_name("away").rename(repo.path)
    assert source(git_http.url(repo)).fetch() == repo.tip()


def test_a_lock_left_by_a_killed_process_does_not_stop_us(bare_repo, git_http, source, tmp_path):
    repo = bare_repo()
    repo.commit({"a": "1"})
    source(git_http.url(repo)).fetch()
    litter = [
        tmp_path / "mirror.git/refs/zoe/source.lock",
        tmp_path / "mirror.git/objects/pack/pack_git2_0123",
    ]
    for path in litter:
        path.touch()
    tip = repo.commit({"a": "2"})

    assert source(git_http.url(repo)).fetch() == tip
    assert not [path for path in litter if path.exists()]


_FETCH = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from reconciler.config import SourceSettings
from reconciler.git.source import GitSource
print("ready", flush=True)
GitSource(SourceSettings(id="course", url=sys.argv[1]), Path(sys.argv[2])).fetch()
"""


def test_a_process_killed_while_fetching_does_no_harm(bare_repo, git_http, source, tmp_path):
    repo = bare_repo()
    repo.commit({"a": "1"})
    url = git_http.url(repo)
    source(url).fetch()
    tip = repo.commit({f"files/{number}": str(number) for number in range(200)})
    victims: list[subprocess.Popen[str]] = []

    def kill(method, target):
        if method == "POST" and victims:
            victims.pop().kill()

    git_http.before = kill
    command = [sys.executable, "-c", _FETCH, url, str(tmp_path / "mirror.git")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as victim:
        victims.append(victim)
        assert victim.wait(30) == -9

    again = source(url)
    assert again.fetch() == tip
    assert len(again.tree(tip).files) == 201


def test_two_processes_do_not_write_one_mirror_at_once(bare_repo, git_http, source):
    repo = bare_repo()
    repo.commit({"a": "1"})
    rival = source(git_http.url(repo))
    seen: list[str] = []

    def intrude(method, target):
        git_http.before = lambda method, target: None
        with pytest.raises(SourceUnavailable, match="another process is writing") as caught:
            rival.fetch()
        seen.append(str(caught.value.retry_after_s))

    git_http.before = intrude
    source(git_http.url(repo)).fetch()
    assert seen == ["5.0"]

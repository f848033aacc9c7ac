"""The status branch, against a real server and real second writers."""

from __future__ import annotations

import pygit2
import pytest

from reconciler.errors import LeaseLost, SourceUnavailable
from reconciler.failpoints import Point, hooked

BRANCH = "zoe/status"
ARGS = {"message": "m", "sequence": 1}
ONE = {"status/aml/3f/lab.yaml": b"phase: Running\n"}


def message_of(repo, commit):
    return repo.git[commit].message


def commits(repo):
    tip = repo.tip(BRANCH)
    return [] if tip is None else [str(c.id) for c in repo.git.walk(tip)]


def test_first_publish_makes_an_orphan_branch(bare_repo, git_http, status):
    repo = bare_repo()
    main = repo.commit({"platform.yaml": "kind: Platform"})

    tip = status(git_http.url(repo)).publish(ONE, message="status: 1 changed", sequence=5)

    assert repo.tip(BRANCH) == tip
    assert repo.files(BRANCH) == ONE
    assert commits(repo) == [tip]
    assert repo.tip("main") == main
    assert message_of(repo, tip) == "status: 1 changed [skip ci]\n\nZoe-Seq: 5\n"


def test_publish_works_on_an_empty_repository(bare_repo, git_http, status):
    repo = bare_repo()
    assert status(git_http.url(repo)).publish(ONE, message="m", sequence=1) == repo.tip(BRANCH)


def test_equal_content_makes_no_commit_and_no_push(bare_repo, git_http, status):
    repo = bare_repo()
    sink = status(git_http.url(repo))
    tip = sink.publish(ONE, message="m", sequence=1)
    git_http.requests.clear()

    assert sink.publish(ONE, message="m", sequence=2) == tip
    assert sink.publish({"status/aml/00/gone.yaml": None}, message="m", sequence=3) == tip
    assert commits(repo) == [tip]
    assert not [request for request in git_http.requests if "receive-pack" in request]


def test_nothing_to_write_makes_no_branch(bare_repo, git_http, status):
    repo = bare_repo()
    gone = {"status/aml/00/gone.yaml": None}
    assert status(git_http.url(repo)).publish(gone, message="m", sequence=1) == ""
    assert repo.tip(BRANCH) is None


def test_deleting_a_file_keeps_its_siblings(bare_repo, git_http, status):
    repo = bare_repo()
    sink = status(git_http.url(repo))
    sink.publish({**ONE, "ledger/ab/abcd.yaml": b"x", "ledger/cd/cdef.yaml": b"y"}, **ARGS)

    sink.publish({"ledger/ab/abcd.yaml": None}, **ARGS)

    assert repo.files(BRANCH) == {**ONE, "ledger/cd/cdef.yaml": b"y"}


def test_foreign_paths_are_kept_and_not_read(bare_repo, git_http, status):
    repo = bare_repo()
    foreign = {"README.md": b"by hand\n", "reports/a.csv": b"1\n"}
    repo.commit(foreign, branch=BRANCH)
    sink = status(git_http.url(repo))

    sink.publish(ONE, **ARGS)

    assert repo.files(BRANCH) == {**foreign, **ONE}
    assert sink.read() == ONE


@pytest.mark.parametrize("path", ["README.md", "status/../x", "/status/a", "status//a"])
def test_a_path_that_is_not_ours_is_never_written(bare_repo, git_http, status, path):
    repo = bare_repo()
    with pytest.raises(ValueError, match="isn't a path"):
        status(git_http.url(repo)).publish({path: b"x"}, **ARGS)
    assert repo.tip(BRANCH) is None


def test_a_writer_between_our_fetch_and_push_loses_nothing(bare_repo, git_http, status, waits):
    repo = bare_repo()
    sink = status(git_http.url(repo))
    sink.publish(ONE, **ARGS)
    rivals = iter([{"reports/1": "a"}, {"reports/2": "b"}, {"status/aml/3f/lab.yaml": "theirs"}])

    def intrude(method, target):
        # After our fetch: our push announces itself by asking for receive-pack's refs.
        if method == "GET" and "git-receive-pack" in target and (files := next(rivals, None)):
            repo.commit(files, branch=BRANCH)

    git_http.before = intrude
    tip = sink.publish({"status/aml/3f/lab.yaml": b"phase: Failed\n"}, **ARGS)

    assert repo.tip(BRANCH) == tip
    assert repo.files(BRANCH) == {
        "status/aml/3f/lab.yaml": b"phase: Failed\n",
        "reports/1": b"a",
        "reports/2": b"b",
    }
    assert len(commits(repo)) == 5
    assert len(waits) == 3
    assert all(0 <= wait <= 2 for wait in waits)


def test_a_writer_inside_our_push_is_not_overwritten(bare_repo, git_http, status):
    """The server itself compares: the intruder comes after it told us the tip."""
    repo = bare_repo()
    sink = status(git_http.url(repo))
    sink.publish(ONE, **ARGS)
    rivals = iter([{"reports/1": "a"}])

    def intrude(method, target):
        if method == "POST" and "git-receive-pack" in target and (files := next(rivals, None)):
            repo.commit(files, branch=BRANCH)

    git_http.before = intrude
    tip = sink.publish({"ledger/ab/abcd.yaml": b"x"}, **ARGS)

    assert repo.tip(BRANCH) == tip
    assert repo.files(BRANCH) == {**ONE, "reports/1": b"a", "ledger/ab/abcd.yaml": b"x"}


def test_one_that_stood_still_lays_nothing_over_newer_facts(bare_repo, git_http, status):
    repo = bare_repo()
    url = git_http.url(repo)
    stale, newer = status(url), status(url, mirror="newer.git")
    newest = {"status/aml/00/one.yaml": b"newer"}

    def overtake(point):
        if point is Point.STATUS_PREPARED and not overtaken:
            overtaken.append(point)
            newer.publish(newest, message="m", sequence=9)

    overtaken = []
    with hooked(overtake), pytest.raises(SourceUnavailable, match="facts up to 9"):
        stale.publish({"status/aml/00/one.yaml": b"stale"}, message="m", sequence=8)
    assert repo.files(BRANCH) == newest


def test_who_led_before_lays_nothing_over_a_successors_files(bare_repo, git_http, status):
    """Also where neither knew more facts than the other: only the lease tells."""
    repo = bare_repo()
    url = git_http.url(repo)
    before, after = status(url), status(url, mirror="after.git")
    newer = {"status/aml/3f/lab.yaml": b"phase: Succeeded\n"}

    def has_lost_it():
        after.publish(newer, **ARGS)
        raise LeaseLost("another one leads")

    with pytest.raises(LeaseLost):
        before.publish(ONE, **ARGS, still_leads=has_lost_it)

    assert repo.files(BRANCH) == newer


def test_the_lease_is_asked_for_at_each_try(bare_repo, git_http, status, waits):
    repo = bare_repo()
    sink, asked = status(git_http.url(repo)), []

    def looks():
        if not asked:
            repo.commit({"readme": "of others"}, branch=BRANCH)
        asked.append(repo.tip(BRANCH))

    sink.publish(ONE, **ARGS, still_leads=looks)
    assert len(asked) == 2
    assert repo.files(BRANCH) == {**ONE, "readme": b"of others"}


def test_two_orphans_at_once_become_one_history(bare_repo, git_http, status):
    repo = bare_repo()
    first, second = status(git_http.url(repo)), status(git_http.url(repo), mirror="second.git")
    pending = [lambda: second.publish({"ledger/cd/cdef.yaml": b"y"}, **ARGS)]

    def intrude(method, target):
        if method == "GET" and "git-receive-pack" in target and pending:
            pending.pop()()

    git_http.before = intrude
    first.publish(ONE, **ARGS)

    assert repo.files(BRANCH) == {**ONE, "ledger/cd/cdef.yaml": b"y"}
    assert len(commits(repo)) == 2


def test_who_stood_still_gives_way_to_who_knew_more(bare_repo, git_http, status):
    """Before its push or within it; a new process, which has seen nobody, does not."""
    repo = bare_repo()
    first, second = status(git_http.url(repo)), status(git_http.url(repo), mirror="second.git")
    older, newer = {"status/aml/3f/lab.yaml": b"older"}, {"status/aml/3f/lab.yaml": b"newer"}
    first.publish(ONE, message="first", sequence=3)
    second.publish(newer, message="second", sequence=9)

    for _ in range(2):
        with pytest.raises(SourceUnavailable, match="facts up to 9, and these are up to 5"):
            first.publish(older, message="late", sequence=5)
    assert repo.files(BRANCH) == newer

    first.publish(older, message="leads again", sequence=10)
    restored = status(git_http.url(repo), mirror="third.git")
    restored.publish(newer, message="from a backup", sequence=2)
    assert repo.files(BRANCH) == newer


def test_a_writer_that_never_rests_ends_in_an_error(bare_repo, git_http, status, waits):
    repo = bare_repo()
    counter = iter(range(100))

    def intrude(method, target):
        if method == "GET" and "git-receive-pack" in target:
            repo.commit({f"reports/{next(counter)}": "x"}, branch=BRANCH)

    git_http.before = intrude
    with pytest.raises(SourceUnavailable, match="doesn't take zoe/status"):
        status(git_http.url(repo)).publish(ONE, **ARGS)
    assert len(waits) == 7
    assert "status/aml/3f/lab.yaml" not in repo.files(BRANCH)


@pytest.mark.parametrize("transport", ["http", "ssh"])
def test_a_hook_that_rejects_is_reported_in_its_own_words(
    bare_repo, git_http, git_ssh, status, transport
):
    repo = bare_repo()
    repo.commit({"reports/1": "a"}, branch=BRANCH)
    repo.hook(
        "pre-receive", "printf 'only \\033[31mmaintainers\\033[0m may push here\\n' >&2; exit 1"
    )
    url, settings = git_http.url(repo), {}
    if transport == "ssh":
        url = git_ssh.url(repo)
        settings = {
            "ssh_key_file": git_ssh.key_file,
            "known_hosts_file": git_ssh.known_hosts_file,
        }
    sink = status(url, **settings)

    with pytest.raises(SourceUnavailable) as caught:
        sink.publish(ONE, **ARGS)

    assert "may push here" in str(caught.value)
    assert "pre-receive hook declined" in str(caught.value)
    assert "\033" not in str(caught.value)
    assert repo.files(BRANCH) == {"reports/1": b"a"}

    repo.hook("pre-receive", "")
    sink.publish(ONE, **ARGS)
    assert repo.files(BRANCH) == {"reports/1": b"a", **ONE}


def test_a_push_logs_in(bare_repo, git_http, status, tmp_path):
    repo = bare_repo()
    git_http.login = ("bot", "t0ken")
    (tmp_path / "token").write_text("t0ken")
    sink = status(git_http.url(repo), username="bot", token_file=tmp_path / "token")
    assert sink.publish(ONE, **ARGS) == repo.tip(BRANCH)


def test_an_answer_that_got_lost_is_found_out(bare_repo, git_http, status):
    """The server took the push, but we never heard: no second commit."""
    repo = bare_repo()
    sink = status(git_http.url(repo))
    sink.publish(ONE, **ARGS)
    git_http.drop_answers = 1

    tip = sink.publish({"ledger/ab/abcd.yaml": b"x"}, **ARGS)

    assert repo.tip(BRANCH) == tip
    assert len(commits(repo)) == 2


def test_a_damaged_repository_of_ours_is_made_anew(bare_repo, git_http, status, tmp_path):
    repo = bare_repo()
    sink = status(git_http.url(repo))
    sink.publish(ONE, **ARGS)
    for path in (tmp_path / "status.git" / "objects").rglob("*"):
        if path.is_file():
            path.chmod(0o644)
            path.write_bytes(b"rubbish")

    fresh = status(git_http.url(repo))
    fresh.publish({"ledger/ab/abcd.yaml": b"x"}, **ARGS)

    assert repo.files(BRANCH) == {**ONE, "ledger/ab/abcd.yaml": b"x"}


def test_a_repository_of_ours_grown_bulky_is_fetched_anew(bare_repo, git_http, status, tmp_path):
    repo = bare_repo()
    sink = status(git_http.url(repo))
    first = sink.publish(ONE, **ARGS)
    loose = tmp_path / "status.git" / "objects" / "17"
    loose.mkdir(exist_ok=True)
    for number in range(101):
        (loose / f"{number:038x}").write_bytes(b"x")

    second = sink.publish({"ledger/ab/abcd.yaml": b"x"}, **ARGS)

    assert commits(repo) == [second, first]
    assert not loose.exists() or len(list(loose.iterdir())) < 10


def test_read_returns_files_under_the_prefixes_only(bare_repo, git_http, status):
    repo = bare_repo()
    sink = status(git_http.url(repo))
    assert sink.read() == {}
    files = {**ONE, "status/aml-2/00/x.yaml": b"x", "ledger/ab/abcd.yaml": b"y"}
    sink.publish(files, **ARGS)

    assert sink.read() == files
    assert sink.read(["status/aml"]) == ONE
    assert sink.read(["ledger/", "status/aml-2"]) == {
        "ledger/ab/abcd.yaml": b"y",
        "status/aml-2/00/x.yaml": b"x",
    }


def test_commits_of_the_same_state_and_second_differ_by_sequence(bare_repo, git_http, status):
    one, two = bare_repo("one"), bare_repo("two")
    first = status(git_http.url(one)).publish(ONE, message="m", sequence=1)
    second = status(git_http.url(two), mirror="two.git").publish(ONE, message="m", sequence=2)
    assert first != second


def test_push_into_a_work_tree_says_what_to_do(tmp_path, status):
    pygit2.init_repository(str(tmp_path / "clone"))
    with pytest.raises(SourceUnavailable, match="make it bare"):
        status(str(tmp_path / "clone")).publish(ONE, **ARGS)

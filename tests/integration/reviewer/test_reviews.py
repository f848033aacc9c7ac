"""What a pull request is told: real Git and database, a worker as a process, a played GitHub."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pygit2
import pytest

from reconciler.cli import main
from reconciler.reviewer.process import Worker, WorkerSettings
from reconciler.reviewer.service import Reviewer
from tests.fixtures.postgres import wait_until
from tests.fixtures.registry_server import RegistryServer
from tests.fixtures.site import execution_file
from tests.integration.reviewer.conftest import Reviews

JOB, BOOK = "executions/aml/job.yaml", "executions/aml/book.yaml"
BROKEN = "kind: Exekution\n"
PLATFORM = "apiVersion: zoe/v1\nkind: Platform\nmetadata: {{name: platform}}\nspec: {{{}}}\n"


def test_a_pull_request_gets_a_status_and_one_comment_that_is_edited(reviews: Reviews) -> None:
    first = reviews.propose({JOB: execution_file()})
    assert reviews.review(first) == (first, "success", "1 created")
    assert "| `aml/job` | create |" in reviews.comment
    second = reviews.propose({BOOK: execution_file("book")})
    assert reviews.review(second) == (second, "success", "2 created")
    assert "| `aml/book` | create |" in reviews.comment
    assert reviews.site.store.review_requests() == ()
    assert reviews.site.writes() == []


def test_one_that_touches_no_manifest_succeeds(reviews: Reviews) -> None:
    head = reviews.propose({"README.md": "# Ours\n"})
    assert reviews.review(head) == (head, "success", "no execution changes")


def test_one_that_is_merely_behind_does_not_seem_to_undo_what_others_did(reviews: Reviews) -> None:
    head = reviews.propose({JOB: execution_file()})
    reviews.site.push({BOOK: execution_file("book")})
    reviews.site.reconcile(passes=2)
    assert reviews.review(head) == (head, "success", "1 created")
    assert "book" not in reviews.comment


def test_both_sides_of_one_file_are_merged_by_line(reviews: Reviews) -> None:
    lines = [f"# {number}\n" for number in range(20)]
    reviews.site.push({JOB: "".join(lines) + execution_file()})
    head = reviews.propose({JOB: "".join(lines) + execution_file(image="alpine")})
    reviews.site.push({JOB: "# more\n" + "".join(lines) + execution_file()})
    reviews.site.reconcile(passes=3)
    told = reviews.review(head)
    assert told is not None
    assert (told[1], told[2]) == ("success", "1 updated")


def test_an_image_that_its_registry_doesnt_have_is_warned_of(
    reviews: Reviews, registry: RegistryServer
) -> None:
    rules = f"images: {{allow: ['busybox*', '{registry.host}/*']}}"
    reviews.site.push({"platform.yaml": PLATFORM.format(rules)})
    reviews.site.reconcile()
    registry.images.add("lab/spark:3.5")
    image = f"{registry.host}/lab/spark"
    head = reviews.propose({JOB: execution_file(image=f"{image}:3.5")})
    assert reviews.review(head) == (head, "success", "1 created")
    assert "isn't there" not in reviews.comment
    head = reviews.propose({JOB: execution_file(image=f"{image}:3.6")})
    assert reviews.review(head) == (head, "success", "1 created")
    assert f"isn't there: {image}:3.6" in reviews.comment


def test_changed_rules_are_rehearsed_and_judge_nothing_yet(reviews: Reviews) -> None:
    reviews.site.push({"platform.yaml": PLATFORM.format("policy: {name: fair}")})
    reviews.site.reconcile()
    head = reviews.propose({"platform.yaml": PLATFORM.format("policy: {name: fifo}")})
    told = reviews.review(head)
    assert told is not None
    assert told[1] == "success"
    assert "judged by the base's rules" in reviews.comment
    assert "no history is at hand" in reviews.comment


def test_a_conflict_fails_and_names_the_files(reviews: Reviews) -> None:
    reviews.site.push({JOB: execution_file()})
    head = reviews.propose({JOB: execution_file(image="alpine")})
    reviews.site.push({JOB: execution_file(image="debian")})
    reviews.site.reconcile()
    told = f"conflicts in {JOB}: merge the base first"
    assert reviews.review(head) == (head, "failure", told)
    assert reviews.forge.comments == []


def test_a_plan_of_an_older_head_does_not_stay_in_the_comment(reviews: Reviews) -> None:
    head = reviews.propose({JOB: execution_file(image="alpine")})
    reviews.review(head)
    reviews.site.push({JOB: execution_file(image="debian")})
    reviews.site.reconcile()
    head = reviews.propose({JOB: execution_file(image="busybox")})
    reviews.review(head)
    assert "| `aml/job` |" not in reviews.comment
    assert f"`conflicts in {JOB}: merge the base first`" in reviews.comment


def test_it_fails_for_its_own_errors_and_not_for_those_of_others(reviews: Reviews) -> None:
    reviews.site.push({BOOK: BROKEN})
    reviews.site.reconcile()
    head = reviews.propose({JOB: execution_file()})
    assert reviews.review(head) == (head, "success", "1 created")
    assert BOOK not in reviews.comment
    head = reviews.propose({JOB: BROKEN})
    told = reviews.review(head)
    assert told is not None
    assert (told[0], told[1]) == (head, "failure")
    assert f"`{JOB}:1:1`" in reviews.comment
    again = reviews.propose({JOB: execution_file(), BOOK: BROKEN + "# still\n"})
    told = reviews.review(again)
    assert told is not None
    assert told[1] == "failure"


def test_what_comes_from_a_fork_is_not_looked_at(reviews: Reviews) -> None:
    head = reviews.propose({JOB: execution_file()})
    told = reviews.review(head, is_fork=True)
    assert told is not None
    assert (told[0], told[1]) == (head, "error")
    assert told[2].startswith("not reviewed: it comes from a fork")
    assert reviews.forge.comments == []
    assert not (reviews.site.settings.state_dir / "mirrors" / "platform-review.git").exists()


def test_it_is_where_the_operator_says_so(reviews: Reviews) -> None:
    reviews.restart(review_forks=True)
    reviews.site.reconcile()
    head = reviews.propose({JOB: execution_file()})
    assert reviews.review(head, is_fork=True) == (head, "success", "1 created")


@pytest.mark.parametrize("action", ["closed", "merged"])
def test_nothing_is_told_of_one_that_is_not_open_any_more(reviews: Reviews, action: str) -> None:
    head = reviews.propose({JOB: execution_file()})
    assert reviews.review(head, action=action) is None
    assert reviews.site.store.review_requests() == ()


def test_a_merge_group_gets_a_status_and_no_comment(reviews: Reviews) -> None:
    head = reviews.propose({JOB: execution_file()})
    fields = {"kind": "merge_group", "pull": None, "branch": "topic-7"}
    assert reviews.review(head, **fields) == (head, "success", "1 created")
    fields = {"kind": "merge_group", "pull": None}  # known by its commit alone
    assert reviews.review(head, **fields) is None  # nothing that wasn't told before
    assert reviews.forge.comments == []


def test_what_counts_is_what_is_fetched_and_not_what_was_delivered(reviews: Reviews) -> None:
    head = reviews.propose({JOB: execution_file()})
    assert reviews.review("f" * 40) == (head, "success", "1 created")


def test_one_that_brings_nothing_succeeds(reviews: Reviews) -> None:
    head = reviews.propose({JOB: execution_file()})
    reviews.merge(head)
    reviews.site.reconcile()
    assert reviews.review(head) == (head, "success", "nothing that isn't there already")
    assert reviews.forge.comments == []


def test_a_history_of_its_own_is_told_and_not_reviewed(reviews: Reviews) -> None:
    head = reviews.site.push({JOB: execution_file()}, branch="topic-7", parents=[])
    reviews.site.repository.git.references.create("refs/pull/7/head", head)
    told = reviews.review(head)
    assert told is not None
    assert (told[1], "no history in common" in told[2]) == ("error", True)


def test_a_head_that_is_gone_is_tried_again_and_then_told(reviews: Reviews) -> None:
    head = "f" * 40
    assert reviews.review(head) is None
    assert len(reviews.site.store.review_requests()) == 1
    for _ in range(5):
        reviews.site.cluster.advance(120_000)
        reviews.reviewer.round()
    told = "not reviewed: the repository has no refs/pull/7/head: was the branch deleted?"
    assert reviews.told() == [(head, "error", told)]
    assert reviews.site.store.review_requests() == ()


def test_a_review_that_takes_too_long_says_what_to_do(reviews: Reviews) -> None:
    reviews.site.settings = replace(reviews.site.settings, review_timeout_s=0)
    reviews.restart()
    reviews.site.reconcile()
    head = reviews.propose({JOB: execution_file()})
    told = reviews.review(head)
    assert told is not None
    assert told[:2] == (head, "error")
    assert told[2].startswith("not reviewed: it takes more than 0 s; split the change")
    assert reviews.site.reconcile().hold == ""


def test_passes_go_on_while_a_review_hangs_and_its_request_stays(reviews: Reviews) -> None:
    folder = reviews.site.settings.state_dir / "review"
    probe = "tests.integration.reviewer.probe"
    hangs = Worker(WorkerSettings(folder=folder, timeout_s=600, memory_mib=512, module=probe))
    around = replace(reviews.reviewer._around, worker=hangs)
    reviews.reviewer = Reviewer(around)
    reviews.reviewer.start()
    head = reviews.propose({JOB: execution_file()})
    reviews.ask(head)
    wait_until(lambda: (folder / "answer").exists(), within_s=30)
    reviews.site.push({BOOK: execution_file("book")})
    reviews.site.reconcile(passes=3)
    assert reviews.site.phases() == {"aml/book": "Running"}
    reviews.reviewer.close()
    assert reviews.told()[-1] == (head, "pending", "being reviewed")
    assert len(reviews.site.store.review_requests()) == 1


def test_a_request_survives_a_crash_in_its_review(reviews: Reviews) -> None:
    head = reviews.propose({JOB: execution_file()})
    reviews.ask(head)
    reviews.reviewer.close()
    reviews.reviewer.round()
    assert len(reviews.site.store.review_requests()) == 1
    reviews.restart()
    reviews.site.reconcile()
    reviews.reviewer.round()
    assert reviews.told()[-1] == (head, "success", "1 created")


def zeroed(mirror: Path, _: str) -> None:
    (pack,) = mirror.glob("objects/pack/*.pack")
    size = pack.stat().st_size
    pack.chmod(0o644)
    pack.write_bytes(b"\0" * size)


def without_the_head(mirror: Path, head: str) -> None:
    without(mirror, head)


def without_its_file(mirror: Path, head: str) -> None:
    without(mirror, str(pygit2.Repository(str(mirror))[head].peel(pygit2.Tree)[JOB].id))


def without(mirror: Path, oid: str) -> None:
    """Lose one object of many."""
    (pack,) = mirror.glob("objects/pack/*.pack")
    data = pack.read_bytes()
    pack.with_suffix(".idx").unlink()
    pack.unlink()
    unpack = ["git", "-C", str(mirror), "unpack-objects", "-q"]
    subprocess.run(unpack, input=data, check=True)
    (mirror / "objects" / oid[:2] / oid[2:]).unlink()


@pytest.mark.parametrize("damage", [zeroed, without_the_head, without_its_file])
def test_a_damaged_repository_of_heads_is_fetched_anew(
    reviews: Reviews, damage: Callable[[Path, str], None]
) -> None:
    head = reviews.propose({JOB: execution_file()})
    assert reviews.review(head) == (head, "success", "1 created")
    mirror = reviews.site.settings.state_dir / "mirrors" / "platform-review.git"
    damage(mirror, head)
    again = reviews.propose({BOOK: execution_file("book")})
    reviews.ask(again)
    for _ in range(3):
        reviews.reviewer.round()
        reviews.site.cluster.advance(60_000)
    assert reviews.told()[-1] == (again, "success", "2 created")


def test_the_same_head_base_and_queue_give_the_same_review(reviews: Reviews) -> None:
    head = reviews.propose({JOB: execution_file()})
    reviews.site.push({BOOK: execution_file("book")})
    reviews.site.reconcile(passes=4)
    found = []
    for _ in range(2):
        reviews.review(head)
        (plan,) = reviews.site.store.posted_plans("platform")
        found.append(replace(plan, at=reviews.site.clock.now()))
    assert replace(found[0], at=found[1].at) == found[1]


def test_the_review_of_one_that_is_up_to_date_is_what_zoe_plan_prints(
    reviews: Reviews,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    reviews.site.push({BOOK: execution_file("book")})
    reviews.site.reconcile(passes=4)
    head = reviews.propose({JOB: execution_file(), BOOK: execution_file("book", image="alpine")})
    reviews.review(head)
    (plan,) = reviews.site.store.posted_plans("platform")
    (tmp_path / "zoe.toml").write_text(
        f'deployment = "test"\ndatabase_url = "sqlite:///{tmp_path}/zoe.db"\n'
        f'init_image = "init"\n[[source]]\nid = "platform"\nurl = "{tmp_path}"\n'
    )
    monkeypatch.setenv("ZOE_CONFIG", str(tmp_path / "zoe.toml"))
    repository = str(reviews.site.repository.path)
    arguments = ["--repo", repository, "--base", "main", "--head", "topic-7", "-o", "json"]
    assert main(["plan", *arguments]) == 0
    assert json.loads(capsys.readouterr().out) == plan.plan

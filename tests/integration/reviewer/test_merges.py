"""After the merge: as planned, or what differs; and which deletions the merge agreed to."""

from __future__ import annotations

import random

import pytest

from reconciler.converge import guard
from reconciler.store.archive import SqlArchive
from tests.fixtures.site import PLATFORM, execution_file
from tests.integration.reviewer.conftest import Reviews

JOB = "executions/aml/job.yaml"
MANY = [f"job{number}" for number in range(guard.ALWAYS_ALLOWED + 1)]
FILES: dict[str, str | None] = {
    f"executions/aml/{name}.yaml": execution_file(name) for name in MANY
}
GONE: dict[str, str | None] = dict.fromkeys(FILES)
SUCCESS = "accepted and acted on"


def running(reviews: Reviews, files: dict[str, str | None]) -> None:
    """Let these run before anything is proposed."""
    reviews.site.push(files)
    reviews.site.reconcile(passes=6, ms=5_000)
    assert set(reviews.site.phases().values()) == {"Running"}


def recorded(reviews: Reviews) -> tuple[str, int | None]:
    """What is written down of the newest commit: its id and whose merge it is."""
    url, clock = reviews.site.settings.database, reviews.site.clock
    with SqlArchive(url, clock=clock, random=random.Random(1)) as archive:
        ((_, row),) = archive.commits(limit=1)
    return row.id, row.pull


@pytest.mark.parametrize("squash", [False, True])
def test_a_merge_that_did_what_was_shown_says_so(reviews: Reviews, *, squash: bool) -> None:
    head = reviews.propose({JOB: execution_file()})
    reviews.review(head)
    commit = reviews.merge(head, squash=squash)
    reviews.site.reconcile(passes=3)
    assert reviews.applied()[-1] == (commit, "success", f"{SUCCESS}, as planned in #7")
    assert f"**After the merge** (`{commit[:12]}`): as planned." in reviews.comment
    assert "| `aml/job` | create |" in reviews.comment
    assert recorded(reviews) == (commit, 7)
    count = len(reviews.applied())
    reviews.restart()
    reviews.site.reconcile(passes=2)
    assert len(reviews.applied()) == count


def test_a_merge_of_something_else_is_not_compared(reviews: Reviews) -> None:
    head = reviews.propose({JOB: execution_file()})
    reviews.review(head)
    commit = reviews.site.push({"executions/aml/other.yaml": execution_file("other")})
    reviews.site.reconcile(passes=2)
    assert reviews.applied()[-1] == (commit, "success", SUCCESS)
    assert "After the merge" not in reviews.comment


def test_what_differs_is_named_with_its_reason(reviews: Reviews) -> None:
    head = reviews.propose({JOB: execution_file()})
    assert reviews.review(head) == (head, "success", "1 created")
    full = execution_file("full", service="replicas: 3").replace("cpus: 1,", "cpus: 4,")
    running(reviews, {"executions/aml/full.yaml": full})
    commit = reviews.merge(head)
    reviews.site.reconcile(passes=2)
    told = f"{SUCCESS}, not as planned in #7: 1 difference(s), see its comment"
    assert reviews.applied()[-1] == (commit, "success", told)
    assert "- `aml/job: it was to start at once, and waits: " in reviews.comment


def test_what_was_pushed_along_with_a_merge_is_named(reviews: Reviews) -> None:
    head = reviews.propose({JOB: execution_file()})
    reviews.review(head)
    reviews.merge(head)
    reviews.site.push({"executions/aml/other.yaml": execution_file("other")})
    reviews.site.reconcile(passes=2)
    assert "- `aml/other: it is new, and no plan showed that`" in reviews.comment


def test_two_merges_in_one_pass_do_not_blame_each_other(reviews: Reviews) -> None:
    heads = {}
    for pull, name in ((7, "one"), (8, "two")):
        file = f"executions/aml/{name}.yaml"
        heads[pull] = reviews.propose({file: execution_file(name)}, pull=pull)
        reviews.review(heads[pull], pull=pull)
    reviews.merge(heads[7])
    commit = reviews.merge(heads[8])
    reviews.site.reconcile(passes=2)
    assert reviews.applied()[-1] == (commit, "success", f"{SUCCESS}, as planned in #7, #8")
    assert recorded(reviews) == (commit, 8)


def test_many_deletions_that_were_shown_are_carried_out(reviews: Reviews) -> None:
    running(reviews, FILES)
    head = reviews.propose(GONE)
    reviews.review(head)
    assert f"{len(MANY)} of them are held as long as nobody agrees" in reviews.comment
    commit = reviews.merge(head)
    reviews.site.reconcile(passes=3)
    assert set(reviews.site.phases().values()) == {"Stopped"}
    assert reviews.applied()[-1] == (commit, "success", f"{SUCCESS}, as planned in #7")


def test_they_are_after_a_restart_too(reviews: Reviews) -> None:
    running(reviews, FILES)
    head = reviews.propose(GONE)
    reviews.review(head)
    reviews.merge(head)
    reviews.restart()
    reviews.site.reconcile(passes=3)
    assert set(reviews.site.phases().values()) == {"Stopped"}


def test_nobody_agreed_to_what_was_pushed(reviews: Reviews) -> None:
    running(reviews, FILES)
    reviews.site.push(GONE)
    reviews.site.reconcile(passes=3)
    assert set(reviews.site.phases().values()) == {"Running"}


def test_one_more_than_was_shown_holds_them_all(reviews: Reviews) -> None:
    running(reviews, {**FILES, JOB: execution_file()})
    head = reviews.propose(GONE)
    reviews.review(head)
    reviews.merge(head)
    reviews.site.push({JOB: None})
    reviews.site.reconcile(passes=3)
    assert set(reviews.site.phases().values()) == {"Running"}


def test_a_head_that_was_never_shown_agrees_to_nothing(reviews: Reviews) -> None:
    running(reviews, FILES)
    reviews.review(reviews.propose({JOB: execution_file()}))
    reviews.merge(reviews.propose(GONE))
    reviews.site.reconcile(passes=3)
    assert {reviews.site.phases()[f"aml/{name}"] for name in MANY} == {"Running"}


@pytest.mark.parametrize(("action", "phase"), [("closed", "Running"), ("merged", "Stopped")])
def test_what_was_turned_down_was_not_agreed_to(reviews: Reviews, action: str, phase: str) -> None:
    running(reviews, FILES)
    head = reviews.propose(GONE)
    reviews.review(head)
    reviews.review(head, action=action)
    reviews.merge(head)
    reviews.site.reconcile(passes=3)
    assert set(reviews.site.phases().values()) == {phase}


def test_the_agreement_ends_with_the_next_commit(reviews: Reviews) -> None:
    running(reviews, FILES)
    head = reviews.propose(GONE)
    reviews.review(head)
    reviews.merge(head)
    reviews.site.reconcile(passes=3)
    running(reviews, FILES)
    reviews.site.push(GONE)
    reviews.site.reconcile(passes=3)
    assert set(reviews.site.phases().values()) == {"Running"}


def test_nobody_agreed_to_what_the_forge_never_showed(reviews: Reviews) -> None:
    running(reviews, FILES)
    head = reviews.propose(GONE)
    reviews.forge.gate.clear()
    reviews.ask(head)
    reviews.reviewer.round()
    reviews.merge(head)
    reviews.site.reconcile(passes=3)
    assert set(reviews.site.phases().values()) == {"Running"}
    reviews.forge.gate.set()


def test_an_agreement_outlives_a_restart_while_a_window_is_closed(reviews: Reviews) -> None:
    running(reviews, FILES)
    window = "changeWindows: [{cron: '0 20 * * *', duration: 1h}]"
    reviews.site.push({"platform.yaml": PLATFORM.replace("spec: {}", f"spec: {{{window}}}")})
    reviews.site.reconcile(passes=2)
    head = reviews.propose(GONE)
    reviews.review(head)
    commit = reviews.merge(head)
    reviews.site.reconcile(passes=2)
    assert set(reviews.site.phases().values()) == {"Running"}
    before = reviews.site.loop.merges.follow(commit, since=commit)
    assert len(before) == len(MANY)
    reviews.restart()
    reviews.site.reconcile(passes=2)
    assert reviews.site.loop.merges.follow(commit, since=commit) == before

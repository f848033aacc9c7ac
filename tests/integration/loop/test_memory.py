"""What is desired, and what is remembered: acceptance of commits, the working set."""

from __future__ import annotations

from typing import Any

from reconciler.cluster.fake import Outcome
from reconciler.converge.world import HoldRequest
from reconciler.source import acceptance
from reconciler.working_set import WorkingSet
from tests.fixtures.site import Site, execution_file

BOOK = "executions/aml/book.yaml"
JOB = "executions/aml/job.yaml"


def accept(site: Site, accepted: str, *confirmed: str) -> acceptance.Acceptance:
    return acceptance.accept(
        site.loop.reader.source, accepted=accepted, confirmed=confirmed, judge=lambda *_: ()
    )


def test_the_first_tip_and_every_descendant_are_accepted(site: Site) -> None:
    first = site.repository.tip()
    assert accept(site, "").commit == first
    site.push({BOOK: execution_file("book")})
    second = site.push({JOB: execution_file()})
    assert accept(site, first) == acceptance.Acceptance(commit=second, tip=second)


def test_a_rewritten_branch_is_held_until_its_very_tip_is_confirmed(site: Site) -> None:
    accepted = site.push({BOOK: execution_file("book")})
    tip = site.push({JOB: execution_file()}, parents=[])
    held = accept(site, accepted)
    assert (held.commit, held.tip, held.hold) == (accepted, tip, "NonDescendant")
    assert f"zoe confirm {tip[:12]}" in held.message
    assert accept(site, accepted, accepted).hold == "NonDescendant"
    assert accept(site, accepted, tip[:6]).hold == "NonDescendant"
    assert accept(site, accepted, tip[:7]).commit == tip


def test_a_source_that_fails_keeps_what_was_accepted(site: Site) -> None:
    accepted = site.repository.tip()
    site.repository.delete_branch("main")
    kept = accept(site, accepted)
    assert (kept.commit, kept.hold) == (accepted, "SourceUnavailable")
    assert "main" in kept.message


def content(working_set: WorkingSet) -> dict[str, Any]:
    return {
        name: dict(value) if isinstance(value, dict) else value
        for name, value in vars(working_set).items()
        # Which results a process has stored is its own knowledge: another offers them once more.
        if name not in ("_lock", "_harvested")
    }


def test_what_is_kept_up_to_date_is_what_a_new_leader_would_read(site: Site) -> None:
    site.cluster.script("ends", Outcome.exits(0))
    site.push({BOOK: execution_file("book"), JOB: execution_file(type_="batch", image="ends")})
    site.push({"executions/aml/bad.yaml": "kind: ["})
    site.reconcile(passes=8)
    site.push({BOOK: None, "executions/aml/late.yaml": execution_file("late")})
    site.reconcile(passes=8)
    site.published()
    site.cluster.advance(61_000)
    site.reconcile(passes=2)
    kept, read = content(site.loop.working_set), content(WorkingSet(site.store.load()))
    assert kept == read
    assert len(kept["records"]) == 3


def test_of_what_is_edited_again_and_again_only_what_may_be_in_force_is_in_memory(
    site: Site,
) -> None:
    for edit in range(5):
        site.push({BOOK: execution_file("book", image=f"book:{edit}")})
        site.reconcile(passes=4)
    kept = site.loop.working_set
    assert [generation for _, generation in kept.frozen] == [4, 5]
    assert kept.frozen == WorkingSet(site.store.load()).frozen
    assert len(site.store.load().frozen) == 5, "zoe diff shows all of them"


def test_a_review_is_given_all_that_a_pass_remembers(site: Site) -> None:
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=2)
    at = site.clock.now()
    site.store.ask_hold(HoldRequest(namespace="aml", name="book", by="ops", at=at, told="wait"))
    working_set = WorkingSet(site.store.load())
    known = working_set.known("platform").memory
    assert known == working_set.memory(published_seq=working_set.last_seq)
    assert known.holds().keys() == {("aml", "book")}
    assert known.records is not working_set.records

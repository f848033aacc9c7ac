"""Commits and pull requests: what each changed and did, what was desired as of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.converge.ledger import Entry, Fact
from reconciler.posted import PostedPlan
from reconciler.reporting.records import CommitRow, Delta, Event
from reconciler.view import commits, encoding, event, pulls
from reconciler.view.commits import Commits, CommitView, Did
from reconciler.view.event import Events
from reconciler.view.execution import Step

T0 = datetime(2026, 11, 1, tzinfo=UTC)
NAMES = ("aml/a", "aml/b", "lab/c")


def row(id_: str = "abc", **fields: Any) -> CommitRow:
    return CommitRow(
        **{
            "id": id_,
            "source_id": "platform",
            "author": "Ada",
            "committed_at": T0,
            "message": "Run it\n\nas agreed",
            "seen_at": T0 + timedelta(seconds=2),
            **fields,
        }
    )


def url(id_: str) -> str:
    return f"https://forge.example/{id_}"


def test_a_commit_in_brief_is_counted_and_a_held_one_says_why():
    held = row("def", hold="NonDescendant", told="it isn't a descendant", problems=2)
    shown = row(delta=Delta(added=("aml/a", "aml/b"), removed=("aml/c",)), signer="ada", pull=7)
    found = commits.of([(2, held), (1, shown)], limit=2, url_of=lambda row: url(row.id))
    first, second = found.lines
    assert (first.outcome, first.told, first.problems) == ("held back", "it isn't a descendant", 2)
    assert (second.outcome, second.subject, second.added, second.removed) == (
        "accepted", "Run it", 2, 1,
    )  # fmt: skip
    assert (second.pull, second.signer, second.url, found.next) == (7, "ada", url("abc"), "")
    assert encoding.from_json(Commits, encoding.to_json(found)) == found


def test_a_page_knows_where_the_older_ones_begin():
    rows = [(number, row(str(number))) for number in (9, 8, 7)]
    found = commits.of(rows, limit=2)
    assert [line.id for line in found.lines] == ["9", "8"]
    assert commits.before(found.next) == 8
    assert commits.before("") == 0
    with pytest.raises(ValueError, match="begin without one"):
        commits.before("nonsense")


def test_a_commit_tells_what_it_did_to_whom_and_what_was_desired_then():
    entries = [
        Entry(uid=Uid("u2"), run=1, fact=Fact.GENERATION, generation=1, at=T0, seq=2, commit="abc"),
        Entry(uid=Uid("u1"), run=1, fact=Fact.FIRST_SEEN, at=T0, seq=1, commit="abc"),
        Entry(uid=Uid("gone"), run=1, fact=Fact.CANCELLED, reason="Deleted", at=T0, seq=3),
    ]
    documents = {
        Uid(uid): {"metadata": {"namespace": "aml", "name": name}}
        for uid, name in (("u1", "a"), ("u2", "b"))
    }
    first = row("first", delta=Delta(added=NAMES))
    this = row(delta=Delta(changed=("aml/a",), removed=("lab/c",)))
    found = commits.one(this, entries, [first, this], documents, most=1)
    assert found == CommitView(
        line=commits.line(this),
        message="Run it\n\nas agreed",
        changed=("aml/a",),
        removed=("lab/c",),
        did=(
            Did(
                name="(one that is forgotten)",
                steps=(Step(at=T0, told="cancelled: Deleted", fact="cancelled", run="run 1"),),
            ),
            Did(
                name="aml/a",
                steps=(
                    Step(at=T0, told="first seen", fact="first_seen", run="run 1", commit="abc"),
                ),
            ),
            Did(
                name="aml/b",
                steps=(
                    Step(at=T0, told="generation 1", fact="generation", run="run 1", commit="abc"),
                ),
            ),
        ),
        desired=("aml/a",),
        more=1,
    )


@given(st.lists(st.frozensets(st.sampled_from(NAMES)), max_size=8), st.data())
def test_deltas_add_up_to_what_was_desired(states: list[frozenset[str]], data: st.DataObject):
    rows, before = [], frozenset[str]()
    for state in states:
        kept = sorted(before & state)
        changed = data.draw(st.lists(st.sampled_from(kept), unique=True)) if kept else []
        delta = Delta(
            added=tuple(sorted(state - before)),
            changed=tuple(sorted(changed)),
            removed=tuple(sorted(before - state)),
        )
        rows.append(row(delta=delta))
        # One that is held back changes nothing, whatever it asks for.
        rows.append(row(hold="Unsigned", delta=Delta(added=("x/y",), removed=NAMES)))
        before = state
    assert commits.fold(rows) == before


def plan(**fields: Any) -> PostedPlan:
    return PostedPlan(
        **{
            "source_id": "platform",
            "subject": "pull/7",
            "pull": 7,
            "head": "h",
            "base": "b",
            "tree": "t",
            "plan": {
                "actions": [{"action": "create"}, {"action": "create"}, {"action": "stop"}],
                "errors": [{}],
                "effects": [{"uid": "x"}, {"uid": "x"}],
            },
            "body": "### a plan",
            "at": T0,
            **fields,
        }
    )


@pytest.mark.parametrize(
    ("fields", "state", "more"),
    [
        ({}, "open", ""),
        ({"merged_as": "abc"}, "merged as planned", ""),
        (
            {"merged_as": "abc", "differences": ("aml/a: waits", "aml/b: refused")},
            "merged with differences",
            "; otherwise came aml/a: waits and aml/b: refused",
        ),
    ],
)
def test_a_pull_request_says_what_it_comes_to(fields: dict[str, Any], state: str, more: str):
    line = pulls.line(plan(**fields), url_of=lambda number: url(str(number)))
    assert (line.state, line.url) == (state, url("7"))
    assert line.sentence == f"2 created, 1 stopped, 1 error, 1 other affected{more}"


def test_a_merge_group_has_no_page_and_all_of_a_plan_is_there():
    line = pulls.line(plan(pull=None, subject="merge_group/h"), url_of=lambda _: url("x"))
    assert (line.number, line.url) == (None, "")
    view = pulls.one(plan(differences=("d",)))
    assert (view.comment, view.differences, view.plan) == ("### a plan", ("d",), plan().plan)
    assert pulls.of([plan(), plan()]).lines == (pulls.line(plan()),) * 2


def happened(id_: int) -> Event:
    return Event(id=id_, at=T0, reason="Admitted", message="m", namespace="aml", name="a", uid="u")


def test_events_come_a_page_at_a_time_and_those_after_one_in_their_order():
    page = event.of([happened(9), happened(8), happened(7)], limit=2)
    assert [line.id for line in page.lines] == [9, 8]
    assert event.before(page.next) == 8
    assert event.of([happened(9)], limit=2).next == ""
    assert [line.id for line in event.later([happened(4), happened(5)]).lines] == [4, 5]
    assert encoding.from_json(Events, encoding.to_json(page)) == page

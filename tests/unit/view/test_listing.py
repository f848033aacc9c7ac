"""Lists of executions: filtered, counted, and a page at a time."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.view import labels, listing
from reconciler.view.line import Line
from reconciler.view.listing import Listing, Query
from tests.documents import component, condition, picture, told

NIGHT = 1_795_350_000
SEEN = picture(
    told("aml/lab-1", "Running", labels={"course": "aml"}, zapp="spark"),
    told("aml/lab-2", "Queued", "NoCapacity", labels={"course": "aml", "late": "yes"}),
    told("aml/nightly", "Scheduled", run=0),
    told("aml/nightly", "Succeeded", "Completed", run=NIGHT),
    told("aml/nightly", "Failed", "NonZeroExit", run=NIGHT - 86_400),
    told("bio/Fold", "Running", zapp="mpi", run=2),
    told("bio/Fold", "Failed", "NonZeroExit", run=1),
)


def names(found: Listing) -> list[tuple[str, int]]:
    return [(line.full_name, line.run) for line in found.lines]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (
            Query(),
            [
                ("aml/lab-1", 1),
                ("aml/lab-2", 1),
                ("aml/nightly", 0),
                ("aml/nightly", NIGHT),
                ("bio/Fold", 2),
            ],
        ),
        (Query(namespace="bio", all_runs=True), [("bio/Fold", 1), ("bio/Fold", 2)]),
        (Query(state="queued, SCHEDULED"), [("aml/lab-2", 1), ("aml/nightly", 0)]),
        (Query(zapp="mpi"), [("bio/Fold", 2)]),
        (Query(labels="course=aml,!late"), [("aml/lab-1", 1)]),
        (Query(text="fo"), [("bio/Fold", 2)]),
        (Query(text="aml/lab", labels="late!=yes"), [("aml/lab-1", 1)]),
        (Query(namespace="nobody"), []),
    ],
)
def test_what_matches_is_listed_in_order(query: Query, expected: list[tuple[str, int]]) -> None:
    assert names(listing.of(SEEN, query)) == expected


def test_all_that_matches_is_counted_however_short_the_page() -> None:
    found = listing.of(SEEN, Query(limit=1))
    assert (found.total, len(found.lines)) == (5, 1)
    assert found.states == {"Queued": 1, "Running": 2, "Scheduled": 1, "Succeeded": 1}


@pytest.mark.parametrize(
    ("query", "words"),
    [
        (Query(limit=0), "1 to 500"),
        (Query(limit=501), "1 to 500"),
        (Query(state="Runing"), "'runing' is no state: choose among Pending, Queued"),
        (Query(labels="a=b=c"), "isn't part of a selector"),
        (Query(text="x" * 201), "at most 200 characters"),
        (Query(cursor="bm9wZQ"), "isn't one that was given out"),
    ],
)
def test_an_absurd_query_is_refused_in_words(query: Query, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        listing.of(SEEN, query)


@given(
    runs=st.sets(st.tuples(st.sampled_from("ab"), st.sampled_from("xyz"), st.integers(0, 3))),
    limit=st.integers(1, 5),
    is_all=st.booleans(),
)
def test_pages_visit_each_once_whatever_their_size(
    runs: set[tuple[str, str, int]], limit: int, is_all: bool
) -> None:
    seen = picture(*(told(f"{ns}/{name}", "Running", run=run) for ns, name, run in runs))
    query = Query(limit=limit, all_runs=is_all)
    visited: list[tuple[str, int]] = []
    while True:
        page = listing.of(seen, query)
        visited += names(page)
        if not page.next:
            break
        assert len(page.lines) == limit
        query = replace(query, cursor=page.next)
    assert visited == names(listing.of(seen, Query(limit=500, all_runs=is_all)))
    assert len(visited) == page.total == len(set(visited))


@given(
    stars=st.dictionaries(st.sampled_from("abc"), st.sampled_from(["1", "2"])),
    key=st.sampled_from("abc"),
    value=st.sampled_from(["1", "2"]),
)
def test_a_selector_and_its_negation_part_everything(
    stars: dict[str, str], key: str, value: str
) -> None:
    for yes, no in ((f"{key}={value}", f"{key}!={value}"), (key, f"!{key}")):
        admitted = [labels.admits(labels.parse(text), stars) for text in (yes, no)]
        assert sorted(admitted) == [False, True]
    assert labels.admits(labels.parse(f"{key}=={value}"), stars) == (stars.get(key) == value)


def test_a_line_says_what_is_held_where_and_by_whom() -> None:
    document = told(
        "aml/x",
        "Running",
        message="all core components are up",
        held=("HeldByOperator", "held by root: tests"),
        components=[component("a", 1, 2, 2), component("b", 2, 3, 3)],
        endpoints=[{"component": "a", "name": "web", "url": "http://10.0.0.1:80/"}],
        type="interactive",
        attempt=1,
        attempts=3,
    )
    (found,) = listing.of(picture(document), Query()).lines
    assert found == Line(
        namespace="aml",
        name="x",
        uid="aml/x:1",
        run=1,
        state="Running",
        reason="Running",
        message="all core components are up",
        type="interactive",
        replicas="core 3, 2 of 5 elastic",
        urls=("http://10.0.0.1:80/",),
        attempt=1,
        attempts=3,
        held="held by root: tests",
    )
    conditions = [condition("Held", "HeldByOperator", "")]
    (bare,) = listing.of(picture(told("a/x", "Pending", conditions=conditions)), Query()).lines
    assert bare.held == "held by an operator"
    (ended,) = listing.of(
        picture(told("a/x", "Failed", components=[component("a", 1, 0, 1)])), Query()
    ).lines
    assert ended.replicas == ""


def test_a_line_has_the_addresses_to_open_even_told_by_a_newer_version() -> None:
    port = {"component": "a", "name": "web", "url": "http://node:1/"}
    endpoints = [
        {**port, "tellsMore": "of what this version doesn't know"},
        {**port, "name": "ui", "url": "http://node:2/"},
        {**port, "name": "ui", "url": "http://gateway/ui", "via": "gateway"},
        {**port, "name": "linked", "url": "http://a.x/", "via": "socks", "proxy": "node:3"},
    ]
    document = told("aml/x", "Running", endpoints=endpoints)
    (found,) = listing.of(picture(document), Query()).lines
    assert found.urls == ("http://node:1/", "http://gateway/ui")

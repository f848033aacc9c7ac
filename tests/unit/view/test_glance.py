"""One glance: the sentence, what is red, and the lists; and how old it all is."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from reconciler.reporting.records import Board, Pulse
from reconciler.view import freshness, glance, labels
from reconciler.view.cluster import ClusterView, NodeView, Share
from reconciler.view.glance import Alert
from tests.documents import EARLIER, NOW, picture, told

PULSE = Pulse(at=NOW - timedelta(seconds=3), interval_s=30, commit="abc1234def", problem="")
LONG_AGO = "2026-11-20T12:00:00+00:00"
HALF = Share(capacity=1000, reserved=600, foreign=115)
NODE = NodeView(id="1", hostname="n1", role="worker", state="ready", cpu=HALF, memory=HALF)
CLUSTER = ClusterView(
    snapshot="s",
    taken_at=NOW,
    sentence="",
    cpu=HALF,
    memory=HALF,
    nodes=(NODE, replace(NODE, hostname="n2", state="down"), replace(NODE, state="drained")),
    down=("n2",),
)
PROBLEM = {
    "path": "executions/aml/bad.yaml",
    "line": 3,
    "column": 1,
    "code": "UnknownKey",
    "message": "no key imgae",
    "remedy": "did you mean image?",
    "severity": "error",
}
SEEN = picture(
    told("aml/old", "Running", startedAt=LONG_AGO),
    told("aml/new", "Starting", startedAt=EARLIER),
    told("aml/second", "Queued", "BehindInQueue", position=2, queuedAt=LONG_AGO),
    told("aml/first", "Queued", "NoCapacity", position=1, queuedAt=EARLIER),
    told("aml/later", "Pending", "NotBefore", queuedAt=EARLIER),
    told("aml/night", "Scheduled", run=0, nextRunAt=EARLIER),
    told("aml/broke", "Failed", "NonZeroExit", endedAt=EARLIER, exitCode=1),
    told("aml/ancient", "Failed", "NonZeroExit", endedAt=LONG_AGO, exitCode=1),
    told("bio/bad", "Invalid", "ManifestInvalid", "executions/aml/bad.yaml:3:1: no key", run=0),
    told("bio/kept", "Pending", queuedAt=EARLIER, held=("HeldByOperator", "held by root: x")),
    pulse=PULSE,
    board=Board(problems=(PROBLEM, {**PROBLEM, "severity": "warning"})),
)


def test_the_sentence_says_how_it_stands() -> None:
    found = glance.of(SEEN, now=NOW, cluster=CLUSTER)
    assert found.sentence == ("2 running, 4 waiting, 1 invalid; 71 % of the CPUs are reserved")
    assert glance.of(picture(), now=NOW).sentence == "0 running, 0 waiting"


def test_what_is_red_comes_with_its_place_the_worst_first() -> None:
    found = glance.of(SEEN, now=NOW, cluster=CLUSTER)
    assert [(a.kind, a.name, a.place, a.told) for a in found.alerts] == [
        (
            "invalid",
            "bio/bad",
            "executions/aml/bad.yaml:3",
            "no key imgae: did you mean image?",
        ),
        ("failed", "aml/broke", "", "It failed with exit code 1."),
        ("held", "bio/kept", "", "held by root: x"),
        ("node", "", "", "node n2 is down"),
    ]


def test_what_is_invalid_is_red_also_where_no_board_tells() -> None:
    alone = picture(told("a/x", "Invalid", message="f.yaml:1:1: no"), pulse=PULSE)
    assert glance.of(alone, now=NOW).alerts == (
        Alert(kind="invalid", told="f.yaml:1:1: no", name="a/x"),
    )


def test_lists_are_in_the_order_that_people_look_for() -> None:
    found = glance.of(SEEN, now=NOW)
    assert [line.name for line in found.running] == ["new", "old"]
    assert [line.name for line in found.waiting] == ["first", "second", "later", "kept"]
    assert [line.name for line in found.ended] == ["broke"]
    assert [line.name for line in found.scheduled] == ["night"]
    assert found.states["Failed"] == 2


def test_a_list_that_is_too_long_says_how_many_it_leaves_out() -> None:
    many = [told(f"a/x{number}", "Running") for number in range(glance.MOST + 3)]
    failed = [told(f"a/y{number}", "Failed", endedAt=EARLIER) for number in range(glance.MOST + 1)]
    found = glance.of(picture(*many, *failed, pulse=PULSE), now=NOW)
    assert len(found.running) == glance.MOST
    assert found.more == {"running": 3, "ended": 1, "alerts": 1}


def test_a_selector_leaves_only_its_own() -> None:
    seen = picture(told("a/x", "Running", labels={"c": "1"}), told("a/y", "Running"), pulse=PULSE)
    found = glance.of(seen, now=NOW, selector=labels.parse("c=1"))
    assert (found.sentence.partition(";")[0], len(found.running)) == ("1 running, 0 waiting", 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"pulse": replace(PULSE, at=NOW - timedelta(seconds=90))}, ""),
        (
            {"pulse": replace(PULSE, at=NOW - timedelta(seconds=91))},
            "nobody has looked at Git and the cluster since 2026-11-22T13:58:29Z: what runs",
        ),
        (
            {"pulse": replace(PULSE, at=NOW - timedelta(hours=1), problem="Git is away")},
            "(Git is away)",
        ),
        # An interval of a second isn't a promise that a busy machine can keep.
        ({"pulse": replace(PULSE, at=NOW - timedelta(seconds=10), interval_s=1)}, ""),
        ({"pulse": replace(PULSE, at=NOW - timedelta(seconds=11), interval_s=1)}, "nobody has"),
        ({"pulse": None}, "has the operator started zoe run?"),
        ({"is_stale": True}, "the database can't be reached: this is what was known at 2026"),
    ],
)
def test_a_picture_that_is_too_old_says_since_when_and_what_to_do(
    changes: dict[str, object], words: str
) -> None:
    found = freshness.of(replace(SEEN, **changes), now=NOW)  # type: ignore[arg-type]
    assert (words in found.told, found.is_stale) == (True, bool(words))
    first = glance.of(replace(SEEN, **changes), now=NOW).alerts[0]  # type: ignore[arg-type]
    assert (first.kind == "loop") is bool(words)


def test_a_pass_that_fails_is_red_while_others_are_made() -> None:
    seen = replace(SEEN, pulse=replace(PULSE, problem="the repository can't be reached"))
    first = glance.of(seen, now=NOW).alerts[0]
    assert (first.kind, first.told) == ("source", "the repository can't be reached")

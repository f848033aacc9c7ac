"""Is it running, why not, and when: an answer for every state, in words without codes."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model.decision import ReasonCode
from reconciler.converge.ledger import EndReason
from reconciler.converge.status import Phase, published
from reconciler.view import answer, line
from reconciler.view.answer import Told
from reconciler.view.execution import Answer
from reconciler.view.queue import Holding, Start, Waiting
from reconciler.view.reasons import ENDED, GOES_ON, WAITS
from reconciler.view.waiting import Explanation, Remedy
from reconciler.view.words import parts
from tests.documents import EARLIER, NOW, condition, told

AT = "2026-11-22T12:00:00Z"
SCHEDULED_RUN = 1_795_350_000


def answered(document: dict[str, Any], **known: Any) -> tuple[str, str, str]:
    found = answer.of(Told(line=line.of(document), status=document["status"], **known))
    return found.running, found.why, found.when


CASES = {
    "pending": (
        told("a/x", "Pending", "DependencyNotReady", "waits until first has succeeded"),
        "No, not yet.",
        "Waits until first has succeeded.",
        "As soon as that is so.",
    ),
    "later": (
        told("a/x", "Pending", "NotBefore", "starts later, as it asks", nextTryAt=EARLIER),
        "No, not yet.",
        "Starts later, as it asks.",
        f"Not before {AT}.",
    ),
    "backing off": (
        told("a/x", "Pending", "BackOff", "failed with exit code 1", nextTryAt=EARLIER),
        "No, not yet.",
        "Failed with exit code 1.",
        f"It is tried again at {AT}.",
    ),
    "held by an operator": (
        told(
            "a/x",
            "Pending",
            "HeldByOperator",
            "held by root: the disk is changed",
            held=("HeldByOperator", "held by root: the disk is changed"),
        ),
        "No, it is held.",
        "Held by root: the disk is changed.",
        "When the operator releases it.",
    ),
    "queued": (
        told("a/x", "Queued", "NoCapacity", "waits for 2 CPUs: n1 is full", position=2),
        "No, it waits in the queue: number 2.",
        "Waits for 2 CPUs: n1 is full.",
        "When it starts isn't known here: the queue has to be asked.",
    ),
    "behind": (
        told("a/x", "Queued", "BehindInQueue", "b/y is first in the queue and waits for room"),
        "No, it waits in the queue.",
        "b/y is first in the queue and waits for room.",
        "When it starts isn't known here: the queue has to be asked.",
    ),
    "too large": (
        told("a/x", "Queued", "NeverFits", "doesn't fit even on the empty cluster: n1 is small"),
        "No, and as things are it can't start.",
        "Doesn't fit even on the empty cluster: n1 is small.",
        "Not before that has changed.",
    ),
    "only observed": (
        told("a/x", "Queued", "ObserveOnly", "would start now, but mode is observe"),
        "No, it waits.",
        "Would start now, but mode is observe.",
        "When the operator lets Zoe act.",
    ),
    "starting": (
        told("a/x", "Starting", "Starting", "No such image: nope:1"),
        "No, not yet: it is starting.",
        "No such image: nope:1.",
        "As soon as its core components are up.",
    ),
    "running": (
        told("a/x", "Running", message="all core components are up", startedAt=EARLIER),
        f"Yes, since {AT}.",
        "",
        "",
    ),
    "running as it was": (
        told(
            "a/x",
            "Running",
            startedAt=EARLIER,
            held=("UpdateFailed", "generation 2 failed; 1 stays in force"),
            conditions=[
                condition("Validated", "ManifestInvalid", "its newest version is invalid", "False"),
                condition("ElasticSatisfied", "NoRoom", "1 of 3 elastic replicas granted", "False"),
                condition("Ready", "Running"),
            ],
        ),
        f"Yes, since {AT}.",
        "Its newest version is invalid; generation 2 failed; 1 stays in force; "
        "1 of 3 elastic replicas granted.",
        "",
    ),
    "running unasked": (
        told(
            "a/x",
            "Running",
            "MassDelete",
            "4 deletes at once",
            startedAt=EARLIER,
            held=("MassDelete", "4 deletes at once"),
        ),
        f"Yes, since {AT}.",
        "4 deletes at once.",
        "",
    ),
    "succeeded": (
        told("a/x", "Succeeded", "Completed", "completed with exit code 0", endedAt=EARLIER),
        f"No, it succeeded at {AT}.",
        "All that had to complete did.",
        "",
    ),
    "failed": (
        told("a/x", "Failed", "NonZeroExit", "…", endedAt=EARLIER, exitCode=3, attempt=2),
        f"No, it failed at {AT}.",
        "It failed with exit code 3, after 2 attempts.",
        "Not again by itself: zoe rerun a/x starts it again.",
    ),
    "failed in a schedule": (
        told("a/x", "Failed", "CrashLoop", endedAt=EARLIER, run=SCHEDULED_RUN),
        f"No, it failed at {AT}.",
        "One of its services kept crashing.",
        "",
    ),
    "deleted": (
        told("a/x", "Stopped", "Deleted", "its file was deleted", endedAt=EARLIER),
        f"No, it was stopped at {AT}.",
        "Its file was deleted or renamed.",
        "",
    ),
    "at its lifetime": (
        told("a/x", "Stopped", "LifetimeReached", endedAt=EARLIER),
        f"No, it was stopped at {AT}.",
        "Its lifetime is over.",
        "Not again by itself: zoe rerun a/x starts it again.",
    ),
    "suspended": (
        told("a/x", "Suspended", message="its manifest says suspend: true"),
        "No, it is suspended.",
        "Its manifest says suspend: true.",
        "When it is resumed: zoe resume a/x.",
    ),
    "terminating": (
        told("a/x", "Terminating", "Deleted", "its services are being stopped"),
        "No longer: its services are being stopped.",
        "Its file was deleted or renamed.",
        "",
    ),
    "a schedule": (
        told("a/x", "Scheduled", message="runs next at 02:00", run=0, nextRunAt=EARLIER),
        "No, it is a schedule: it begins a run at each of its times.",
        "",
        f"It runs next at {AT}.",
    ),
    "a schedule that is over": (
        told("a/x", "Scheduled", message="its times are over", run=0),
        "No, it is a schedule: it begins a run at each of its times.",
        "",
        "Its times are over.",
    ),
    "unknown": (
        told("a/x", "Unknown"),
        "No, and nobody can tell any more what became of it.",
        "What was remembered of it is lost, so it isn't run again unasked.",
        "When its run is raised in its manifest.",
    ),
    "invalid": (
        told("a/x", "Invalid", "ManifestInvalid", "executions/a/x.yaml:3:1: no such key", run=0),
        "No, its manifest is invalid.",
        "executions/a/x.yaml:3:1: no such key.",
        "As soon as the file is corrected; zoe validate shows every error.",
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_every_state_has_its_answer(case: str) -> None:
    document, *sentences = CASES[case]
    assert list(answered(document)) == sentences


def test_no_state_is_forgotten() -> None:
    assert {document["status"]["phase"] for document, *_ in CASES.values()} == set(Phase)


def waiting(**fields: Any) -> Waiting:
    whole: dict[str, Any] = {
        "position": 2,
        "uid": "u",
        "namespace": "a",
        "name": "x",
        "queued_at": NOW,
        "needs": "2 CPUs",
        "amounts": {},
        "sentence": "waits for 2 CPUs: lacks 1 CPU",
        "start": Start(told=f"starts about {AT}, by lifetimes"),
    }
    return Waiting(**{**whole, **fields})


def explained(**fields: Any) -> Explanation:
    whole: dict[str, Any] = {
        "uid": "u",
        "namespace": "a",
        "name": "x",
        "snapshot": "s",
        "taken_at": NOW,
        "sentence": "a/x waits for 2 CPUs: lacks 1 CPU",
        "start": Start(told=f"starts about {AT}, by lifetimes"),
        "position": 2,
        "waiting": 7,
    }
    return Explanation(**{**whole, **fields})


QUEUED = CASES["queued"][0]


def test_the_queue_says_when_and_its_explanation_says_the_same() -> None:
    why, when = "It waits for 2 CPUs: lacks 1 CPU.", f"Starts about {AT}, by lifetimes."
    by_line = answered(QUEUED, waiting=waiting())
    assert by_line == ("No, it waits in the queue: number 2.", why, when)
    by_explanation = answered(QUEUED, waiting=waiting(), explanation=explained())
    assert by_explanation == ("No, it waits in the queue: number 2 of 7.", why, when)


def test_who_is_served_before_it_is_named() -> None:
    ahead = ("b/y: it came earlier", "b/z: it came earlier")
    why = "It waits for 2 CPUs: lacks 1 CPU; behind b/y: it came earlier."
    assert answered(QUEUED, waiting=waiting(ahead=ahead))[1] == why
    assert answered(QUEUED, waiting=waiting(ahead=ahead), explanation=explained())[1] == why


def test_a_start_that_nobody_knows_is_said_to_be_unknown() -> None:
    start = Start(told="unknown, because a/y has no lifetime")
    assert answered(QUEUED, waiting=waiting(start=start))[2] == (
        "When it starts: unknown, because a/y has no lifetime."
    )


def test_what_can_never_start_is_told_what_would_let_it() -> None:
    remedies = (Remedy(told="ask for 4 CPUs"), Remedy(told="wait", about=NOW), Remedy(told="no"))
    found = answered(CASES["too large"][0], explanation=explained(remedies=remedies))
    assert found[2] == (
        "Not before that has changed; what would let it start: ask for 4 CPUs or wait, "
        "about 2026-11-22T14:00:00Z."
    )


@pytest.mark.parametrize(
    ("type_", "ends_at", "when"),
    [
        ("batch", NOW, "It ends at 2026-11-22T14:00:00Z at the latest."),
        ("batch", None, "It ends by itself."),
        ("interactive", None, "It runs until it is stopped."),
    ],
)
def test_what_runs_says_when_it_ends(type_: str, ends_at: datetime | None, when: str) -> None:
    holding = Holding(uid="u", namespace="a", name="x", replicas="", nodes=(), ends_at=ends_at)
    document = told("a/x", "Running", startedAt=EARLIER, type=type_)
    assert answered(document, holding=holding)[2] == when


def test_what_the_engine_said_is_told_with_a_failure() -> None:
    document = told("a/x", "Failed", "ImageUnavailable", endedAt=EARLIER)
    assert answered(document, error="No such image: nope:1")[1] == (
        "A node couldn't get one of its images: No such image: nope:1."
    )


REASONS = [*WAITS, *ENDED, *ReasonCode, *EndReason, "SomethingNew"]
CODE = re.compile(r"\b[A-Z][a-z]+[A-Z][A-Za-z]+\b")


@given(
    phase=st.sampled_from(Phase),
    reason=st.sampled_from(REASONS),
    times=st.dictionaries(
        st.sampled_from(["startedAt", "endedAt", "nextTryAt", "nextRunAt"]),
        st.integers(0, 2**31).map(
            lambda at: datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
        ),
    ),
    run=st.sampled_from([0, 1, SCHEDULED_RUN]),
    is_published=st.booleans(),
)
def test_any_document_gets_three_short_sentences_without_codes(
    phase: Phase, reason: str, times: dict[str, str], run: int, is_published: bool
) -> None:
    document = told("a/x", phase, str(reason), "", run=run, **times)
    document = published(document) if is_published else document
    running, why, when = answered(document)
    assert re.match(r"(Yes|No)\b", running)
    for sentence in (running, why, when):
        assert not sentence or (sentence[-1] == "." and len(sentence) < 120)
        assert not CODE.search(re.sub(r"queueTimeout", "", sentence)), sentence
        instants = [part for part in parts(sentence) if isinstance(part, datetime)]
        assert all(at.isoformat(timespec="seconds") in times.values() for at in instants)


def test_every_reason_to_wait_has_words() -> None:
    assert set(ReasonCode) <= WAITS.keys()
    assert set(EndReason) <= ENDED.keys()
    assert GOES_ON.keys() <= WAITS.keys()


def test_an_answer_is_a_sentence_even_of_nothing() -> None:
    assert answer.of(Told(line=line.of(told("a/x", "Running")), status={})) == Answer(
        running="Yes."
    )

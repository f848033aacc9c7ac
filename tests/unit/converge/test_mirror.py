"""The ledger's copy on the status branch: read back as it was written, or not at all."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Allocation, NodeId, Uid
from reconciler.converge import mirror, publication
from reconciler.converge.ledger import EndReason, Entry, Fact, fold
from reconciler.converge.mirror import Head, RunFile
from tests.builders import NOW

KEY = b"k" * 32
UID = Uid("0123456789abcdef")
PATH = publication.ledger_path(UID)
FACTS = (
    Entry(uid=UID, run=1, fact=Fact.FIRST_SEEN, at=NOW, seq=1),
    Entry(uid=UID, run=1, fact=Fact.FINISHED, at=NOW, seq=2, reason="Completed", code=0),
)
RUN = RunFile(
    uid=UID,
    namespace="aml",
    name="job",
    run=1,
    source_id="platform",
    type="batch",
    facts=FACTS,
    frozen={"2": "abc"},
    groups=(Allocation(component="main", node=NodeId("n1"), count=2),),
)
FILE = mirror.run_file(RUN, key=KEY)


@st.composite
def histories(draw: st.DrawFn) -> tuple[Entry, ...]:
    """Facts of one run in any order that begins with its first sight."""
    reasons = st.sampled_from([str(reason) for reason in EndReason])
    entry = st.builds(
        Entry,
        uid=st.just(UID),
        run=st.just(1),
        fact=st.sampled_from([*Fact]),
        at=st.integers(0, 10**9).map(lambda ms: NOW + timedelta(milliseconds=ms)),
        generation=st.integers(0, 9),
        attempt=st.integers(0, 9),
        spec_hash=st.text(max_size=4),
        code=st.none() | st.integers(0, 255),
        reason=reasons,
        node=st.text(max_size=4),
        by=st.text(max_size=4),
        told=st.text(max_size=9),
    )
    first = Entry(uid=UID, run=1, fact=Fact.FIRST_SEEN, at=NOW)
    numbered = enumerate([first, *draw(st.lists(entry, max_size=8))], 1)
    return tuple(
        Entry(**{name: getattr(e, name) for name in Entry.__slots__} | {"seq": seq})
        for seq, e in numbered
    )


@given(histories())
def test_facts_that_are_read_back_come_to_the_same(history: tuple[Entry, ...]) -> None:
    written = RunFile(uid=UID, namespace="a", name="b", run=1, source_id="", type="", facts=history)
    read = mirror.read_run_file(mirror.run_file(written, key=KEY), path=PATH, key=KEY)
    assert read == written
    assert fold(read.facts) == fold(history)


def test_all_of_a_file_is_read_back() -> None:
    assert mirror.read_run_file(FILE, path=PATH, key=KEY) == RUN


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Completed", b"Deleted"),
        (b"name: job", b"name: other"),
        (b"seq: 2", b"seq: 3"),
        (b"source_id: platform", b"source_id: theirs"),
        (b"type: batch", b"type: streaming"),
    ],
)
def test_whatever_is_changed_is_noticed(old: bytes, new: bytes) -> None:
    assert old in FILE
    assert mirror.read_run_file(FILE.replace(old, new), path=PATH, key=KEY) is None
    assert mirror.read_run_file(FILE, path=PATH, key=b"x" * 32) is None


def test_the_file_of_another_run_says_nothing() -> None:
    assert mirror.read_run_file(FILE, path=publication.ledger_path("f" * 16), key=KEY) is None


@pytest.mark.parametrize(
    "data", [b"", b"[1]", b"{", b"facts: []\n", b"a: 2020-01-01\n", b"a: 1.5\n", b"\xff\xfe\x00"]
)
def test_whatever_else_stands_there_is_not_ours(data: bytes) -> None:
    assert mirror.read_run_file(data, path=PATH, key=KEY) is None
    assert mirror.read_head_file(data, key=KEY) is None


@given(st.binary(max_size=60))
def test_no_bytes_make_reading_fail(data: bytes) -> None:
    assert mirror.read_run_file(data, path=PATH, key=KEY) is None


def test_a_file_doesnt_pass_for_the_head_nor_the_head_for_a_file() -> None:
    head = mirror.head_file(Head(deployment="test", last=FACTS[-1]), key=KEY)
    assert mirror.read_head_file(head, key=KEY) == Head(deployment="test", last=FACTS[-1])
    assert mirror.read_head_file(FILE, key=KEY) is None
    assert mirror.read_run_file(head, path=PATH, key=KEY) is None


def test_a_folder_tells_when_a_file_is_missing_or_older() -> None:
    whole = mirror.folders([(UID, 2), (Uid("01ff"), 5), (Uid("aa00"), 3)])
    assert mirror.folders([(Uid("aa00"), 3), (Uid("01ff"), 5), (UID, 2)]) == whole
    assert mirror.folders([(UID, 1), (Uid("01ff"), 5), (Uid("aa00"), 3)])["01"] != whole["01"]
    assert mirror.folders([(UID, 2), (Uid("aa00"), 3)])["01"] != whole["01"]
    assert mirror.folders([(UID, 2), (Uid("aa00"), 3)])["aa"] == whole["aa"]


def test_no_alias_is_followed_even_where_it_says_what_we_signed() -> None:
    """We write none, and a few lines of them expand without bound."""
    accepted = {"one": "0123", "two": "0123"}
    text = mirror.head_file(Head(deployment="d", accepted=accepted), key=KEY).decode()
    aliased = text.replace("'0123'", "&a '0123'", 1)
    aliased = aliased.replace(": '0123'", ": *a", 1)
    assert aliased.count("*a") == aliased.count("&a") == 1
    assert mirror.read_head_file(text.encode(), key=KEY) is not None
    assert mirror.read_head_file(aliased.encode(), key=KEY) is None

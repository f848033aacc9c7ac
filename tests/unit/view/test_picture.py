"""Pictures of the same documents are put in order once."""

from __future__ import annotations

from dataclasses import replace

from tests.documents import picture, told

SEEN = picture(
    told("aml/b", "Running"),
    told("aml/a", "Failed", run=1),
    told("aml/a", "Running", run=2),
)


def test_a_sign_of_life_costs_no_sorting():
    later = replace(SEEN, version=2, is_stale=True)
    assert later.newest is SEEN.newest
    assert later.by_name is SEEN.by_name
    assert [d["metadata"]["name"] for d in SEEN.newest] == ["a", "b"]
    assert [d["metadata"]["run"] for d in SEEN.by_name["aml", "a"]] == [1, 2]


def test_other_documents_have_an_order_of_their_own():
    known = SEEN.newest
    fewer = {uid: d for uid, d in SEEN.documents.items() if d["metadata"]["name"] == "b"}
    other = replace(SEEN, documents=fewer)
    assert [d["metadata"]["name"] for d in other.newest] == ["b"]
    assert SEEN.newest is known

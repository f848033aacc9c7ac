"""A document that is kept as text is the document, and says the same of itself."""

from __future__ import annotations

import json
import pickle
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.converge.describe import invalid_status
from reconciler.converge.status import SetName, document, set_of
from reconciler.converge.status_document import StatusDocument
from reconciler.converge.world import Identity
from reconciler.store.column_types import dump_json
from tests.builders import NOW

plain = st.one_of(st.none(), st.booleans(), st.integers(), st.text())
bodies = st.dictionaries(st.text(), plain | st.lists(plain) | st.dictionaries(st.text(), plain))
sets = st.sampled_from([None, ("aml", "course"), ("", "all")])


def whole(body: dict[str, Any], of_set: SetName | None) -> dict[str, Any]:
    identity = Identity(namespace="aml", name="job", run=1)
    told = document(invalid_status(identity, Uid("0" * 16), "", previous=None, now=NOW))
    told["metadata"] |= (
        {"set": dict(zip(("namespace", "name"), of_set, strict=True))} if of_set else {}
    )
    return told | {"status": body | told["status"]}


@given(bodies, sets)
def test_it_reads_as_the_document(body: dict[str, Any], of_set: SetName | None) -> None:
    told = whole(body, of_set)
    kept = StatusDocument.of(told)
    assert kept == told
    assert kept.whole() == told
    assert dict(kept) == told
    assert len(kept) == len(told)
    assert kept.of_set == set_of(kept) == set_of(told)
    assert (kept.phase, kept.reason) == (told["status"]["phase"], told["status"]["reason"])
    assert StatusDocument.of(kept) is kept


@given(bodies)
def test_equal_documents_are_equal_however_they_are_kept(body: dict[str, Any]) -> None:
    told = whole(body, None)
    other = json.loads(json.dumps(told, sort_keys=True, indent=1))
    one, same = StatusDocument.of(told), StatusDocument.of(other)
    assert one == same
    assert hash(one) == hash(same)
    assert pickle.loads(pickle.dumps(one)) == one  # previews get it so
    assert one != StatusDocument.of(whole(body | {"more": 1}, None))


@given(bodies)
def test_the_database_gets_the_text_that_it_would_make(body: dict[str, Any]) -> None:
    told = whole(body, None)
    assert dump_json(StatusDocument.of(told)) == dump_json(told)


def test_one_as_there_are_many_takes_a_third_of_its_text() -> None:
    kept = StatusDocument.of(whole({}, ("aml", "course")))
    assert len(kept.packed) < len(kept.text) // 3


def test_one_that_says_less_is_kept_too() -> None:
    kept = StatusDocument.of({"status": {"phase": "Running"}})
    assert (kept.phase, kept.reason, kept.of_set) == ("Running", "", None)
    assert StatusDocument.of({}) == {}

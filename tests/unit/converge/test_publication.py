"""What goes onto the status branch: canonical, nothing volatile, nothing that others can fake."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge import publication
from reconciler.converge.ledger import Entry, Fact
from reconciler.converge.status import document
from tests.builders import NOW, Ledger, interactive, manifest, observed, status_of, wanted

KEY = b"k" * 32
ENTRIES = (
    Entry(uid="u", run=1, fact=Fact.FIRST_SEEN, at=NOW, seq=1),
    Entry(uid="u", run=1, fact=Fact.FINISHED, at=NOW, seq=2, reason="Completed", code=0),
)
FILE = publication.ledger_file(ENTRIES, namespace="aml", name="job", key=KEY)


def test_a_mirrored_ledger_is_read_back_as_it_was() -> None:
    assert publication.read_ledger_file(FILE, key=KEY) == ENTRIES


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"Completed", b"Deleted"), (b"name: job", b"name: other"), (b"seq: 2", b"seq: 3")],
)
def test_a_changed_fact_or_name_or_key_is_noticed(old: bytes, new: bytes) -> None:
    assert old in FILE
    assert publication.read_ledger_file(FILE.replace(old, new), key=KEY) is None
    assert publication.read_ledger_file(FILE, key=b"x" * 32) is None


@pytest.mark.parametrize(
    "data", [b"", b"[1]", b"{", b"facts: []\n", b"a: 2020-01-01\n", b"a: 1.5\n", b"\xff\xfe\x00"]
)
def test_whatever_else_stands_there_is_not_ours(data: bytes) -> None:
    assert publication.read_ledger_file(data, key=KEY) is None


@given(st.binary(max_size=60))
def test_no_bytes_make_reading_fail(data: bytes) -> None:
    assert publication.read_ledger_file(data, key=KEY) is None


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(), max_size=4))
def test_equal_data_is_equal_bytes_in_any_order(data: dict[str, object]) -> None:
    turned = dict(reversed(data.items()))
    assert publication.dump(data) == publication.dump(turned)
    assert publication.dump(data).isascii()


def test_a_published_status_holds_nothing_that_changes_by_itself() -> None:
    ledger, book = Ledger(), manifest(interactive())
    whole = document(status_of(ledger.assess(wanted(book), observed()), book))
    told = yaml.safe_load(publication.status_file(whole))
    assert told["status"]["phase"] == whole["status"]["phase"]
    volatile = {"position", "nextTryAt", "refusals", "components", "message"}
    assert not volatile & told["status"].keys()
    assert all("message" not in condition for condition in told["status"]["conditions"])


def test_the_table_begins_with_what_needs_somebody() -> None:
    def row(name: str, phase: str) -> dict[str, object]:
        metadata = {"namespace": "aml", "name": name, "run": 1}
        return {"metadata": metadata, "status": {"phase": phase}}

    table = publication.readme_file(
        "aml", [row("b", "Succeeded"), row("a", "Running"), row("c", "Failed")]
    ).decode()
    names = [line.split("[")[1].split("]")[0] for line in table.splitlines() if "[" in line]
    assert names == ["c", "a", "b"]
    link = publication.status_path("aml", "c").removeprefix("status/aml/")
    assert f"[c]({link})" in table


def test_paths_are_sharded_and_never_leave_their_folder() -> None:
    assert publication.status_path("aml", "lab-3").startswith("status/aml/")
    assert publication.ledger_path("0123456789abcdef") == "ledger/01/0123456789abcdef.yaml"

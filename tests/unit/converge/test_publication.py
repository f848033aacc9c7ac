"""What goes onto the status branch: canonical, nothing volatile, nothing that others can fake."""

from __future__ import annotations

import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.converge import publication
from reconciler.converge.status import document
from tests.builders import Ledger, interactive, manifest, observed, status_of, wanted


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

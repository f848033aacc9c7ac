"""Holds through whole passes: an operator's, and those of a version that is invalid or fails."""

from __future__ import annotations

from typing import Any

from policy.model.execution import Uid
from reconciler.converge.ledger import HELD_BY_OPERATOR, Fact
from reconciler.converge.world import HoldRequest
from tests.fixtures.site import Site, execution_file

BOOK = "executions/aml/book.yaml"


def running(site: Site) -> None:
    site.push({BOOK: execution_file("book")})
    site.reconcile(passes=6)
    assert site.status("aml/book")["phase"] == "Running"


def ask(site: Site, *, is_release: bool = False) -> None:
    site.store.ask_hold(
        HoldRequest(
            namespace="aml",
            name="book",
            by="ann",
            told="" if is_release else "the forge is down",
            at=site.clock.now(),
            is_release=is_release,
        )
    )


def images(site: Site) -> list[str]:
    return [service.spec.image for service in site.cluster.observe().services]


def condition(site: Site, type_: str) -> Any:
    return {c["type"]: c["reason"] for c in site.status("aml/book")["conditions"]}.get(type_)


def facts(site: Site) -> list[str]:
    found = [e for e in site.store.load().entries if e.fact in (Fact.HELD, Fact.RELEASED)]
    return [f"{e.fact} {e.by} {e.told}".strip() for e in found]


def test_an_edit_and_a_deletion_wait_for_the_release(site: Site) -> None:
    running(site)
    ask(site)
    site.push({BOOK: execution_file("book", image="newer")})
    site.reconcile(passes=3)
    assert images(site) == ["busybox"]
    assert condition(site, "Held") == HELD_BY_OPERATOR
    other = execution_file("other", extra="suspend: true")
    site.push({BOOK: None, "executions/aml/other.yaml": other})
    site.reconcile(passes=3)
    assert images(site) == ["busybox"]
    assert site.status("aml/book")["phase"] == "Running"
    ask(site, is_release=True)
    site.reconcile(passes=6)
    assert images(site) == []
    assert facts(site) == ["held ann the forge is down", "released ann"]


def test_a_hold_writes_once_and_outlives_a_restart_and_its_own_request(site: Site) -> None:
    running(site)
    ask(site)
    site.reconcile(passes=2)
    version, writes = site.store.state_version(), len(site.cluster.effects)
    site.restart()
    site.push({"README.md": "nothing of ours"})
    site.reconcile(passes=3)
    assert len(site.cluster.effects) == writes
    assert facts(site) == ["held ann the forge is down"]
    assert site.store.state_version() - version <= 3  # the commit, and its status branch


def test_it_is_on_the_status_branch_signed_with_who_and_why(site: Site) -> None:
    running(site)
    ask(site)
    site.reconcile(passes=2)
    (ledger,) = [data for path, data in site.published().items() if path.startswith("ledger/")]
    text = ledger.decode()
    assert "by: ann" in text
    assert "told: the forge is down" in text
    assert "reason: HeldByOperator" in text


def test_a_hold_works_while_the_forge_is_down(site: Site) -> None:
    running(site)
    site.push({BOOK: execution_file("book", image="newer")})
    site.repository.path.rename(site.repository.path.with_name("away"))
    ask(site)
    assert site.reconcile(passes=2).hold
    site.repository.path.with_name("away").rename(site.repository.path)
    site.reconcile(passes=3)
    assert images(site) == ["busybox"]
    ask(site, is_release=True)
    site.reconcile(passes=6)
    assert images(site) == ["newer"]


def test_an_invalid_version_keeps_the_good_one_until_the_next_valid_commit(site: Site) -> None:
    running(site)
    site.push({BOOK: execution_file("book", image="newer").replace("services:", "servces:")})
    site.reconcile(passes=3)
    assert images(site) == ["busybox"]
    assert condition(site, "Validated") == "ManifestInvalid"
    site.push({"README.md": "of no relevance"})
    site.reconcile(passes=2)
    assert (images(site), condition(site, "Validated")) == (["busybox"], "ManifestInvalid")
    site.push({BOOK: execution_file("book", image="newest")})
    site.reconcile(passes=6)
    assert (images(site), condition(site, "Validated")) == (["newest"], "Valid")


def test_a_version_that_fails_keeps_the_good_one_until_the_next_edit(site: Site) -> None:
    running(site)
    site.cluster.remove_image("broken")
    site.push({BOOK: execution_file("book", image="broken")})
    site.reconcile(passes=30)
    assert (images(site), condition(site, "Held")) == (["busybox"], "UpdateFailed")
    writes = len(site.cluster.effects)
    site.push({"executions/aml/other.yaml": execution_file("other")})
    site.reconcile(passes=6)
    assert not any("book" in write for write in site.writes()[writes:])
    assert condition(site, "Held") == "UpdateFailed"
    site.push({BOOK: execution_file("book", image="newest")})
    site.reconcile(passes=8)
    assert "newest" in images(site)
    assert condition(site, "Held") is None


def test_a_failed_version_is_tried_once_also_where_the_zapp_is_followed(site: Site) -> None:
    site.cluster.remove_image("broken")
    site.push({BOOK: execution_file("book", extra="update: auto")})
    site.reconcile(passes=6)
    site.push({BOOK: execution_file("book", extra="update: auto", image="broken")})
    site.reconcile(passes=60)
    entries = site.store.load().entries
    assert len([e for e in entries if e.fact is Fact.GENERATION]) == 2
    assert (images(site), condition(site, "Held")) == (["busybox"], "UpdateFailed")


def test_a_broken_zapp_is_no_matter_to_what_runs_until_it_is_whole_again(site: Site) -> None:
    zapp = (
        execution_file("notebook")
        .replace("kind: Execution", "kind: ZApp")
        .replace("  run: 1\n", "")
    )
    book = "apiVersion: zoe/v1\nkind: Execution\nmetadata: {name: book}\nspec: {zapp: notebook}\n"
    site.push({"zapps/notebook/zapp.yaml": zapp, BOOK: book})
    site.reconcile(passes=6)
    assert images(site) == ["busybox"]
    site.push({"zapps/notebook/zapp.yaml": zapp.replace("type:", "typ:")})
    site.reconcile(passes=4)
    assert images(site) == ["busybox"]
    assert site.status("aml/book")["phase"] == "Running"


def test_generations_say_which_commit_brought_them(site: Site) -> None:
    first = site.push({BOOK: execution_file("book")})
    site.reconcile(passes=6)
    second = site.push({BOOK: execution_file("book", image="newer")})
    site.reconcile(passes=2)
    entries = site.store.load().entries
    assert [e.commit for e in entries if e.fact is Fact.GENERATION] == [first, second]
    assert {e.uid for e in entries} == {Uid(entries[0].uid)}


def test_what_moves_into_a_set_that_cant_be_read_goes_on(site: Site) -> None:
    """By the beginning of its name it may be a member: invalid isn't absent."""
    here = {f"executions/aml/{n}.yaml": execution_file(n) for n in ("course-ann", "other")}
    site.push({**here, BOOK: execution_file("book")})
    site.reconcile(passes=4)
    site.push({**dict.fromkeys(here), "sets/course.yaml": "kind: ExecutionSet\nspec: {]\n"})
    site.reconcile(passes=4)
    assert site.phases() == {
        "aml/book": "Running",
        "aml/course-ann": "Running",
        "aml/other": "Stopped",
    }
    assert "the set course can't be read" in str(site.condition("aml/course-ann", "Held"))

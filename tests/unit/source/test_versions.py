"""Which spec a version stands for: what was frozen, else what its commit resolves to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from reconciler.converge.world import Identity, Wanted
from reconciler.errors import Missing, SourceUnavailable
from reconciler.manifest.spec import ExecutionSpec, Manifest
from reconciler.source.versions import Versions
from tests.builders import Ledger, batch, interactive, manifest, observed, service, wanted
from tests.unit.converge.passes import started

OLD, NEW = interactive(service(image="old")), interactive(service(image="new"))
FIRST, EDITED = manifest(OLD, name="book"), manifest(NEW, name="book")
COMMIT = "c" * 40


def of(ledger: Ledger, commits: Mapping[str, Wanted], **fields: object) -> Versions:
    def resolve(revision: str) -> str:
        found = [commit for commit in commits if commit.startswith(revision)]
        if len(found) != 1:
            raise SourceUnavailable(f"no commit or branch {revision}")
        return found[0]

    base = Versions(
        namespace="aml",
        name="book",
        entries=ledger.entries,
        frozen=ledger.memory.frozen,
        resolve=resolve,
        read=commits.__getitem__,
    )
    return replace(base, **fields)  # type: ignore[arg-type]


@pytest.fixture
def ledger() -> Ledger:
    """A notebook that runs in its second generation."""
    made = Ledger()
    state = started(made, FIRST)
    made.assess(wanted(EDITED), state)
    return made


def spec(versions: Versions, version: str) -> ExecutionSpec | None:
    return versions.named(version).spec


def test_what_is_in_force_is_what_was_frozen_last(ledger: Ledger) -> None:
    found = of(ledger, {}).in_force()
    assert (found.spec, found.told) == (NEW, "generation 2 of run 1, in force")


def test_a_generation_is_named_alone_or_with_its_run(ledger: Ledger) -> None:
    versions = of(ledger, {})
    assert [spec(versions, v) for v in ("1", "2", "1.1", "1.2")] == [OLD, NEW, OLD, NEW]


def test_a_generation_that_isnt_frozen_here_is_what_its_commit_resolves_to(
    ledger: Ledger,
) -> None:
    versions = of(ledger, {COMMIT: wanted(EDITED)}, frozen={})
    found = versions.named("2")
    assert (found.spec, found.told) == (NEW, f"generation 2 of run 1 (commit {COMMIT[:12]})")
    assert versions.in_force().spec == NEW


def test_a_generation_without_spec_or_commit_asks_for_the_commit(ledger: Ledger) -> None:
    before = [replace(entry, commit="") for entry in ledger.entries]
    with pytest.raises(Missing, match="name the commit"):
        of(ledger, {}, frozen={}, entries=before).named("2")


def test_a_higher_run_is_the_one_that_is_meant(ledger: Ledger) -> None:
    second = manifest(batch(), name="book", run=2)
    ledger.assess(wanted(second), observed())
    ledger.assess(wanted(second), observed())
    versions = of(ledger, {})
    assert (spec(versions, "1"), spec(versions, "1.1")) == (second.spec, OLD)


def test_anything_else_is_a_revision(ledger: Ledger) -> None:
    versions = of(ledger, {COMMIT: wanted(FIRST), "d" * 40: Wanted(commit="d" * 40)})
    assert versions.named("ccccccc").spec == OLD
    gone = versions.named("dddd")
    assert (gone.spec, gone.digest) == (None, "")
    with pytest.raises(SourceUnavailable):
        versions.named("1234567")


@pytest.mark.parametrize("version", ["9", "2.1"])
def test_what_there_never_was_is_missing(ledger: Ledger, version: str) -> None:
    with pytest.raises(Missing, match="zoe history"):
        of(ledger, {}).named(version)


def test_an_invalid_manifest_is_no_version(ledger: Ledger) -> None:
    broken: Manifest = FIRST
    told = (Identity(namespace="aml", name="book", run=0), broken.uid, "book.yaml:3:1: oh")
    with pytest.raises(Missing, match=r"it is invalid: book.yaml:3:1: oh"):
        of(ledger, {COMMIT: Wanted(commit=COMMIT, invalid=(told,))}).named("cccc")


def test_before_anything_was_admitted_nothing_is_in_force() -> None:
    assert of(Ledger(), {}).in_force().spec is None

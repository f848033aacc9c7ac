"""Whose commits are followed, from real Git with real signatures to what the cluster is told."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import pytest

from reconciler.source import acceptance
from reconciler.source.trust import Referee
from reconciler.store.archive import SqlArchive
from tests.fixtures.signing import Clone, Person, namespace_with, trusting
from tests.fixtures.site import Site, execution_file

MINE, THEIRS = "executions/aml/book.yaml", "executions/lab/book.yaml"


@dataclass
class Guarded:
    """A site that requires signatures. Root is admin, Ada of aml, Bob of lab."""

    site: Site
    clone: Clone
    root: Person
    ada: Person
    bob: Person
    eve: Person

    def hold(self) -> tuple[str, str]:
        """Make a pass; return the code and sentence of the hold, or twice nothing."""
        self.site.reconcile()
        accepted = self.site.loop._accepted
        assert accepted is not None
        return accepted.hold, accepted.message

    def recorded(self) -> tuple[str, str, str]:
        """What is written down of the newest commit: its id, why it is held back, who signed it."""
        clock, url = self.site.clock, self.site.settings.database
        with SqlArchive(url, clock=clock, random=random.Random(1)) as archive:
            ((_, row),) = archive.commits(limit=1)
        return row.id, row.hold, row.signer

    @property
    def accepted(self) -> str:
        return self.site.store.load().accepted["platform"]


@pytest.fixture
def guarded(site: Site, people: Callable[[str], Person], clone_of: Callable[..., Clone]) -> Guarded:
    root, ada, bob, eve = map(people, ("root", "ada", "bob", "eve"))
    clone = clone_of(site.repository)
    made = Guarded(site, clone, root, ada, bob, eve)
    assert made.hold() == ("", "")
    clone.commit(
        {
            "platform.yaml": trusting(root),
            "namespaces/aml.yaml": namespace_with("aml", ada),
            "namespaces/lab.yaml": namespace_with("lab", bob),
        },
        root,
    )
    assert made.hold() == ("", "")
    return made


def test_a_member_changes_what_is_theirs(guarded: Guarded) -> None:
    tip = guarded.clone.commit(
        {MINE: execution_file("book"), "executions/aml/files/a.py": "x"}, guarded.ada
    )
    assert guarded.hold() == ("", "")
    assert guarded.accepted == tip
    assert "aml/book" in guarded.site.phases()
    assert guarded.recorded() == (tip, "", "ada")
    guarded.clone.commit({MINE: None, "executions/aml/files/a.py": None}, guarded.ada)
    assert guarded.hold() == ("", "")


def test_an_unsigned_commit_is_held_and_named_and_changes_nothing(guarded: Guarded) -> None:
    before = guarded.accepted
    tip = guarded.clone.commit({MINE: execution_file("book")}, author="Zoë 🦊")
    code, message = guarded.hold()
    assert code == "Unsigned"
    for part in (
        tip[:12],
        "Zoë 🦊 <author@example.org>",
        "git commit -S",
        f"zoe confirm {tip[:12]}",
    ):
        assert part in message
    assert guarded.accepted == before
    assert guarded.site.phases() == {}
    assert [event.reason for event in guarded.site.store.events()][-1] == "Unsigned"
    assert guarded.recorded() == (tip, "Unsigned", "")


def test_confirming_the_tip_lets_it_through_once(guarded: Guarded) -> None:
    tip = guarded.clone.commit({MINE: execution_file("book")})
    assert guarded.hold()[0] == "Unsigned"
    guarded.site.store.confirm(tip, by="root", at=guarded.site.clock.now())
    assert guarded.hold() == ("", "")
    assert guarded.accepted == tip
    assert guarded.recorded() == (tip, "", "")
    guarded.clone.commit({MINE: None})
    assert guarded.hold()[0] == "Unsigned"


def test_a_stranger_is_held_by_the_fingerprint_of_the_key(guarded: Guarded) -> None:
    guarded.clone.commit({MINE: execution_file("book")}, guarded.eve)
    code, message = guarded.hold()
    assert code == "UnknownSigner"
    assert "SHA256:" in message


@pytest.mark.parametrize(
    "path",
    [
        *(THEIRS, "platform.yaml", "namespaces/aml.yaml", "zapps/x/zapp.yaml", "README.md"),
        *("executions/aml", "executions/AML/x.yaml", ".github/workflows/check.yaml"),
    ],
)
def test_a_member_changes_nothing_else(guarded: Guarded, path: str) -> None:
    tip = guarded.clone.commit({path: "kind: x\n"}, guarded.ada)
    code, message = guarded.hold()
    assert code == "NotOwner"
    assert f"{tip[:12]} by Ada <author@example.org>, signed by ada, changes {path}" in message
    assert "root" in message


def test_a_commit_in_the_middle_is_checked_too(guarded: Guarded) -> None:
    guarded.clone.commit({MINE: execution_file("book")}, guarded.ada)
    bad = guarded.clone.commit({THEIRS: execution_file("book")}, guarded.ada)
    guarded.clone.commit({THEIRS: None}, guarded.root)
    code, message = guarded.hold()
    assert (code, bad[:12] in message) == ("NotOwner", True)


def test_the_author_that_a_commit_claims_counts_for_nothing(guarded: Guarded) -> None:
    guarded.clone.commit({THEIRS: execution_file("book")}, guarded.ada, author="bob")
    assert guarded.hold()[0] == "NotOwner"


def test_what_was_changed_after_it_was_signed_is_held(guarded: Guarded) -> None:
    signed = guarded.clone.commit({MINE: execution_file("book")}, guarded.ada)
    raw = guarded.clone.remote.git[signed].read_raw()
    forged = raw.replace(b"author Ada", b"author Eve")
    assert forged != raw
    guarded.clone.remote.raw_commit(forged)
    code, message = guarded.hold()
    assert (code, "Eve" in message) == ("BadSignature", True)


def test_the_next_commit_is_judged_by_what_an_admin_declared_before_it(guarded: Guarded) -> None:
    eve_joins = {"namespaces/aml.yaml": namespace_with("aml", guarded.ada, guarded.eve)}
    guarded.clone.commit(eve_joins, guarded.root)
    guarded.clone.commit({MINE: execution_file("book")}, guarded.eve)
    assert guarded.hold() == ("", "")
    guarded.clone.commit({"namespaces/aml.yaml": namespace_with("aml", guarded.ada)}, guarded.root)
    guarded.clone.commit({MINE: None}, guarded.eve)
    assert guarded.hold()[0] == "UnknownSigner"


def test_nobody_lets_themselves_in(guarded: Guarded) -> None:
    joins = {"namespaces/aml.yaml": namespace_with("aml", guarded.ada, guarded.eve)}
    guarded.clone.commit({**joins, MINE: execution_file("book")}, guarded.eve)
    assert guarded.hold()[0] == "UnknownSigner"
    guarded.clone.commit({"platform.yaml": trusting(guarded.eve)}, guarded.eve)
    assert guarded.hold()[0] == "UnknownSigner"


def test_only_an_admin_switches_it_off(guarded: Guarded) -> None:
    off = {"platform.yaml": trusting(guarded.root, signatures="optional")}
    guarded.clone.commit(off, guarded.ada)
    assert guarded.hold()[0] == "NotOwner"
    guarded.clone.git("reset", "--hard", "--quiet", "HEAD~1")
    guarded.clone.commit(off, guarded.root)
    guarded.clone.commit({MINE: execution_file("book")})
    assert guarded.hold() == ("", "")


def test_what_was_accepted_is_repaired_while_the_tip_is_held(guarded: Guarded) -> None:
    guarded.clone.commit({MINE: execution_file("book")}, guarded.ada)
    guarded.hold()
    guarded.site.reconcile(passes=4)
    guarded.clone.commit({MINE: None})
    guarded.site.restart()
    assert guarded.hold()[0] == "Unsigned"
    assert guarded.site.phases() == {"aml/book": "Running"}


def test_merging_takes_a_signature_unless_the_platform_says_otherwise(guarded: Guarded) -> None:
    def branches() -> None:
        guarded.clone.git("checkout", "--quiet", "-b", "side")
        guarded.clone.commit({MINE: execution_file("book")}, guarded.ada)
        guarded.clone.git("checkout", "--quiet", "-")
        guarded.clone.commit({THEIRS: execution_file("book")}, guarded.bob)

    branches()
    guarded.clone.merge("side", None)
    assert guarded.hold()[0] == "Unsigned"
    guarded.clone.git("reset", "--hard", "--quiet", "HEAD~1")
    guarded.clone.merge("side", guarded.bob)
    assert guarded.hold() == ("", "")
    plain = {"platform.yaml": trusting(guarded.root, merges="plain")}
    guarded.clone.commit(plain, guarded.root)
    guarded.clone.git("branch", "--quiet", "-D", "side")
    guarded.clone.git("checkout", "--quiet", "-b", "side")
    guarded.clone.commit({MINE: None}, guarded.ada)
    guarded.clone.git("checkout", "--quiet", "-")
    guarded.clone.commit({THEIRS: None}, guarded.bob)
    guarded.clone.merge("side", None)
    assert guarded.hold() == ("", "")


def test_a_merge_with_the_past_brings_nothing_back(guarded: Guarded) -> None:
    """Against all parents this differs nowhere: it takes each file from one of the two."""
    old = guarded.clone.tip
    guarded.clone.commit({"namespaces/aml.yaml": namespace_with("aml")}, guarded.root)
    guarded.clone.git("checkout", "--quiet", old)
    guarded.clone.commit({"executions/lab/x.yaml": execution_file("x")}, guarded.bob)
    tree = guarded.clone.git("rev-parse", "HEAD^{tree}")
    mine, theirs = guarded.clone.tip, guarded.clone.git("rev-parse", "main")
    signing = ["-c", "gpg.format=ssh", "-c", f"user.signingkey={guarded.bob.private}"]
    merge = guarded.clone.git(
        *signing, "commit-tree", "-S", tree, "-p", theirs, "-p", mine, "-m", "merge"
    )
    guarded.clone.git("reset", "--hard", "--quiet", merge)
    guarded.clone.push()
    code, message = guarded.hold()
    assert (code, "namespaces/aml.yaml" in message) == ("NotOwner", True)


def test_who_switches_it_on_must_be_an_admin_by_it(
    site: Site, people: Callable[[str], Person], clone_of: Callable[..., Clone]
) -> None:
    site.reconcile()
    clone, root, eve = clone_of(site.repository), people("root"), people("eve")
    guarded = Guarded(site, clone, root, people("ada"), people("bob"), eve)
    clone.commit({"platform.yaml": trusting(root)})
    assert guarded.hold()[0] == "Unsigned"
    clone.commit({"platform.yaml": trusting(root) + "  suspend: false\n"}, eve)
    assert guarded.hold()[0] == "UnknownSigner"
    clone.commit({MINE: execution_file("book")})
    tip = clone.commit({"platform.yaml": trusting(root)}, root)
    assert guarded.hold() == ("", "")
    assert guarded.accepted == tip


def test_a_repository_that_requires_signatures_can_be_adopted(guarded: Guarded) -> None:
    """Whoever points Zoe at a repository trusts what is there; what comes next is checked."""
    tip = guarded.clone.commit({MINE: execution_file("book")})
    site = guarded.site
    referee = Referee(site.loop.reader)
    judge = partial(referee.objections, good={})
    accept = partial(acceptance.accept, site.loop.reader.source, confirmed=(), judge=judge)
    assert accept(accepted="").commit == tip
    guarded.clone.commit({MINE: None})
    assert accept(accepted=tip).hold == "Unsigned"


def test_without_ssh_keygen_nothing_new_is_followed(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = guarded.accepted
    guarded.clone.commit({MINE: execution_file("book")}, guarded.ada)
    monkeypatch.setenv("PATH", "/nonexistent")
    code, message = guarded.hold()
    assert (code, guarded.accepted) == ("CannotVerify", before)
    assert "openssh-client" in message
    monkeypatch.undo()
    assert guarded.hold() == ("", "")


def test_many_commits_at_once(guarded: Guarded) -> None:
    for number in range(40):
        guarded.clone.commit({MINE: execution_file("book", run=number + 1)}, guarded.ada)
    assert guarded.hold() == ("", "")
    assert guarded.accepted == guarded.clone.tip

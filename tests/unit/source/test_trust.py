"""Ranges of commits, judged: how they are cut up by fetching makes no difference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.ownership import Rules, Signer
from reconciler.source import trust
from reconciler.source.objections import diagnostics, told
from reconciler.source.provenance import Signature, SignatureKind, Step

ROOT = Signer(names=("root",), is_admin=True)
ADA = Signer(names=("ada",), namespaces=frozenset({"aml"}))
KEYS = {"root": "ssh-ed25519 cm9vdA==", "ada": "ssh-ed25519 YWRh", "eve": "ssh-ed25519 ZXZl"}
WITH_ADA = Rules(is_required=True, signers={KEYS["root"]: ROOT, KEYS["ada"]: ADA})
WITHOUT = Rules(is_required=True, signers={KEYS["root"]: ROOT})
OFF = Rules(signers={KEYS["root"]: ROOT})
RULES = {"ada is in": WITH_ADA, "ada is out": WITHOUT, "off": OFF}
MINE, NAMESPACE, PLATFORM = "executions/aml/x.yaml", "namespaces/aml.yaml", "platform.yaml"


@dataclass(frozen=True)
class Made:
    """A commit: who signed it, what it changes, and the rules that it leaves behind."""

    by: str
    paths: frozenset[str]
    rules: Rules
    is_good: bool = True


@dataclass
class Line:
    """A history without merges, in memory. Commits are called by their number; 0 is the base."""

    made: Mapping[int, Made]
    asked: list[str] = field(default_factory=list)

    def history(self, tip: str, *, since: str, limit: int) -> tuple[Step, ...]:
        numbers = range(int(tip), int(since), -1)
        return tuple(Step(id=str(n), parents=(str(n - 1),), author="Ada") for n in numbers)[:limit]

    def changed(self, before: str, after: str) -> frozenset[str]:
        numbers = range(int(before) + 1, int(after) + 1)
        return frozenset().union(*(self.made[number].paths for number in numbers))

    def introduced(self, commit: str) -> frozenset[str]:
        return self.made[int(commit)].paths

    def signature(self, commit: str) -> Signature:
        by = self.made[int(commit)].by
        if not by:
            return Signature(kind=SignatureKind.NONE)
        return Signature(kind=SignatureKind.SSH, key=KEYS[by])

    def is_signed_by(self, commit: str, key: str) -> bool:
        self.asked.append(commit)
        made = self.made[int(commit)]
        return made.is_good and KEYS.get(made.by) == key

    def check(self, base: int, head: int) -> list[str]:
        found = trust.check_range(
            self, base=str(base), head=str(head), rules=self.rules(str(base)), rules_at=self.rules
        )
        assert not found or told(found)
        assert len(diagnostics(found)) == min(len(found), 20)
        return [objection.code for objection in found]

    def rules(self, commit: str) -> Rules:
        return self.made[int(commit)].rules


def line(*made: Made, base: Rules = WITH_ADA) -> Line:
    first = Made(by="", paths=frozenset(), rules=base)
    return Line(dict(enumerate((first, *made))))


def change(by: str, *paths: str, rules: Rules = WITH_ADA, is_good: bool = True) -> Made:
    return Made(by=by, paths=frozenset(paths), rules=rules, is_good=is_good)


@st.composite
def lines(draw: st.DrawFn) -> Line:
    rules = draw(st.sampled_from([WITH_ADA, WITHOUT]))
    made = [Made(by="", paths=frozenset(), rules=rules)]
    for _ in range(draw(st.integers(1, 6))):
        paths = draw(st.frozensets(st.sampled_from([MINE, NAMESPACE, "README.md"]), max_size=2))
        if NAMESPACE in paths:
            rules = draw(st.sampled_from([WITH_ADA, WITHOUT]))
        by = draw(st.sampled_from(["root", "root", "ada", "ada", "eve", ""]))
        made.append(Made(by=by, paths=paths, rules=rules, is_good=draw(st.integers(0, 9)) > 0))
    return Line(dict(enumerate(made)))


@given(lines(), st.data())
def test_it_makes_no_difference_how_many_commits_a_fetch_brings(
    made: Line, data: st.DataObject
) -> None:
    last = len(made.made) - 1
    cuts = sorted(data.draw(st.sets(st.integers(1, last))) | {last})
    one_by_one = [
        made.check(before, after) for before, after in zip([0, *cuts], cuts, strict=False)
    ]
    assert any(one_by_one) == bool(made.check(0, last))


def test_all_that_can_be_told_without_asking_ssh_keygen_is_told_at_once() -> None:
    made = line(change("", MINE), change("eve", MINE), change("ada", "README.md"))
    assert made.check(0, 3) == ["Unsigned", "UnknownSigner", "NotOwner"]
    assert made.asked == []


def test_rules_are_read_from_no_commit_whose_signature_wasnt_checked() -> None:
    forged = change("root", NAMESPACE, rules=WITH_ADA, is_good=False)
    made = line(forged, change("ada", MINE), base=WITHOUT)
    assert made.check(0, 2) == ["BadSignature"]
    assert made.asked == ["1"]


def test_the_first_bad_signature_ends_the_checking() -> None:
    """Or a stranger could have thousands checked, each claiming a member's key."""
    made = line(*(change("ada", MINE, is_good=False) for _ in range(50)))
    assert made.check(0, 50) == ["BadSignature"]
    assert made.asked == ["1"]


def test_an_admin_switches_it_off_for_what_follows() -> None:
    off = change("root", PLATFORM, rules=OFF)
    assert line(off, change("", MINE, rules=OFF)).check(0, 2) == []
    assert line(change("", MINE), off).check(0, 2) == ["Unsigned"]


def test_of_what_switches_it_on_only_the_writer_is_looked_at() -> None:
    before, after = change("", MINE, rules=OFF), change("", MINE)
    assert line(before, change("root", PLATFORM), after, base=OFF).check(0, 3) == []
    assert line(before, change("ada", PLATFORM), after, base=OFF).check(0, 3) == ["NotOwner"]
    assert line(before, after, base=OFF).check(0, 1) == []


def test_too_many_are_not_looked_at() -> None:
    made = line(*(change("ada", MINE) for _ in range(trust.MOST_COMMITS + 1)))
    assert made.check(0, trust.MOST_COMMITS + 1) == ["RangeTooLong"]
    assert made.asked == []
    assert made.check(1, trust.MOST_COMMITS + 1) == []

"""Signatures of commits: those that Git makes, and those that somebody made up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.git.provenance import GitProvenance
from reconciler.git.source import GitSource
from reconciler.source.provenance import Signature, SignatureKind
from tests.fixtures.git_servers import BareRepository
from tests.fixtures.signing import Clone, Person, make_key, sign, signed_commit

PGP = b"-----BEGIN PGP SIGNATURE-----\n\niHUEABYKAB0\n-----END PGP SIGNATURE-----\n"
PERSON = b"Ada <ada@example.org> 1700000000 +0000"


@dataclass
class Course:
    """A repository, with commits made of bytes, and what is read of it."""

    remote: BareRepository
    source: GitSource
    payload: bytes = field(default=b"")

    def put(self, commit: bytes) -> tuple[GitProvenance, str]:
        oid = self.remote.raw_commit(commit)
        assert self.source.fetch() == oid
        return self.source.provenance(), oid

    def signature(self, commit: bytes) -> Signature:
        provenance, oid = self.put(commit)
        return provenance.signature(oid)

    def is_by(self, commit: bytes, person: Person) -> bool:
        provenance, oid = self.put(commit)
        assert provenance.signature(oid) == Signature(kind=SignatureKind.SSH, key=person.key)
        return provenance.is_signed_by(oid, person.key)


@pytest.fixture
def course(bare_repo: Callable[..., BareRepository], source: Callable[..., GitSource]) -> Course:
    remote = bare_repo()
    tree = remote.raw_tree([(0o100644, b"a", remote.blob(b"a"))]).encode()
    payload = b"tree %s\nauthor %s\ncommitter %s\n\nhello\n" % (tree, PERSON, PERSON)
    return Course(remote, source(str(remote.path)), payload)


@pytest.mark.parametrize(
    "options", [(), ("-t", "ecdsa"), ("-t", "rsa", "-b", "3072")], ids=["ed25519", "ecdsa", "rsa"]
)
def test_what_git_signs_is_of_the_key_that_signed_it(
    options: tuple[str, ...],
    course: Course,
    clone_of: Callable[..., Clone],
    tmp_path: Path,
    people: Callable[[str], Person],
) -> None:
    course.remote.commit({"a": "a"})
    ada = make_key(tmp_path, "ada", *options)
    tip = clone_of(course.remote).commit({"b": "ü\n"}, ada, author="Zoë 🦊")
    assert course.source.fetch() == tip
    provenance = course.source.provenance()
    assert provenance.signature(tip).key == ada.key
    assert provenance.is_signed_by(tip, ada.key)
    assert not provenance.is_signed_by(tip, people("eve").key)


def test_a_message_isnt_needed(course: Course, people: Callable[[str], Person]) -> None:
    payload = course.payload.removesuffix(b"hello\n")
    assert course.is_by(signed_commit(payload, sign(payload, people("ada"))), people("ada"))


def test_a_signature_for_another_purpose_is_none(
    course: Course, people: Callable[[str], Person]
) -> None:
    """Or a signed mail or release could be made a commit."""
    armour = sign(course.payload, people("ada"), purpose="file")
    assert not course.is_by(signed_commit(course.payload, armour), people("ada"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"hello", b"Hello"),
        (b"author Ada", b"author Eve"),
        (b"\n\nhello", b"\nx-more 1\n\nhello"),
        (b"\n\nhello", b"\nencoding latin-1\n\nhello"),
        (b"+0000\ncommitter", b"+0100\ncommitter"),
    ],
)
def test_nothing_of_a_commit_can_be_changed_after_it_was_signed(
    old: bytes, new: bytes, course: Course, people: Callable[[str], Person]
) -> None:
    armour = sign(course.payload, people("ada"))
    forged = course.payload.replace(old, new, 1)
    assert forged != course.payload
    assert not course.is_by(signed_commit(forged, armour), people("ada"))


def test_the_signature_of_another_commit_is_none(
    course: Course, people: Callable[[str], Person]
) -> None:
    armour = sign(course.payload.replace(b"hello", b"other"), people("ada"))
    assert not course.is_by(signed_commit(course.payload, armour), people("ada"))


def test_a_signature_within_another_header_is_no_signature(
    course: Course, people: Callable[[str], Person]
) -> None:
    """As in the tag that Git keeps in a merge."""
    value = sign(course.payload, people("ada")).rstrip(b"\n").replace(b"\n", b"\n ")
    tag = b"\nmergetag object 1\n gpgsig " + value + b"\n\n"
    commit = course.payload.replace(b"\n\n", tag, 1)
    assert course.signature(commit).kind is SignatureKind.NONE


def test_kinds_that_arent_read_are_told_apart(
    course: Course, people: Callable[[str], Person]
) -> None:
    armour = sign(course.payload, people("ada"))
    lines = armour.split(b"\n")
    cases = {
        SignatureKind.NONE: [course.payload],
        SignatureKind.OTHER: [
            signed_commit(course.payload, PGP),
            signed_commit(course.payload, armour, header=b"gpgsig-sha256"),
            signed_commit(course.payload, b"x"),
        ],
        SignatureKind.MALFORMED: [
            signed_commit(signed_commit(course.payload, armour), armour),
            signed_commit(signed_commit(course.payload, armour), PGP),
            signed_commit(course.payload, b"\n".join([lines[0], b"U1NI*", *lines[2:]])),
            signed_commit(course.payload, b"\n".join([lines[0], b"QUJD", lines[-2]])),
            signed_commit(course.payload, b"\n".join([lines[0], b"U1NIU0lHAAAAAQ==", lines[-2]])),
            signed_commit(course.payload, armour + b"more\n"),
            signed_commit(
                course.payload, armour.replace(b"\n-----END", b"\nAAAA" * 5000 + b"\n--")
            ),
        ],
    }
    for kind, commits in cases.items():
        for commit in commits:
            assert course.signature(commit).kind is kind, commit[:400]

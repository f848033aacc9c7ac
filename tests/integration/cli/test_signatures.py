"""plan, once and confirm where signatures are required: what is checked, and what is said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fixtures import signing
from tests.fixtures.signing import Person, namespace_with, trusting
from tests.fixtures.site import execution_file
from tests.fixtures.verbs import Clone, Installation, Result, Zoe

BOOK = "executions/aml/book.yaml"


def sign_as(clone: Clone, person: Person | None) -> None:
    clone.git("config", "gpg.format", "ssh")
    clone.git("config", "commit.gpgsign", "true" if person else "false")
    if person:
        clone.git("config", "user.signingkey", str(person.private))


@pytest.fixture
def plan(clone: Clone, zoe: Zoe, people: Callable[[str], Person]) -> Callable[..., Result]:
    """Require signatures, let somebody commit on a topic branch, and plan that."""
    root = people("root")
    sign_as(clone, root)
    members = namespace_with("aml", people("ada"))
    clone.commit({"platform.yaml": trusting(root), "namespaces/aml.yaml": members})

    def planned(files: dict[str, str], by: str = "", output: str = "json") -> Result:
        clone.git("checkout", "-q", "-b", "topic")
        sign_as(clone, people(by) if by else None)
        clone.commit(files)
        return zoe("plan", "--base", "main", "--head", "topic", "-o", output, cwd=clone.path)

    return planned


def test_what_a_member_signs_has_no_errors(plan: Callable[..., Result]) -> None:
    result = plan({BOOK: execution_file("book")}, by="ada")
    assert (result.code, result.data["errors"]) == (0, [])


def test_an_unsigned_commit_is_an_error_at_the_file_that_it_changes(
    plan: Callable[..., Result],
) -> None:
    result = plan({BOOK: execution_file("book")})
    (error,) = result.data["errors"]
    assert (result.code, error["code"], error["file"]) == (1, "Unsigned", BOOK)
    assert "git commit -S" in error["remedy"]


def test_nobody_makes_himself_an_admin(plan: Callable[..., Result]) -> None:
    result = plan({"platform.yaml": trusting()}, by="ada", output="github")
    assert result.code == 1
    assert "file=platform.yaml" in result.out
    assert "title=NotOwner" in result.out


def test_without_ssh_keygen_a_plan_says_so_and_goes_on(
    plan: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.git.signatures.shutil.which", lambda _: None)
    result = plan({BOOK: execution_file("book")}, by="ada")
    assert (result.code, result.data["errors"]) == (0, [])
    assert [w["code"] for w in result.data["warnings"] if w["code"] != "NoLifetime"] == [
        "CannotVerify"
    ]


def test_what_is_held_is_told_by_once_until_it_is_confirmed(
    installation: Installation,
    clone_of: Callable[..., signing.Clone],
    people: Callable[[str], Person],
) -> None:
    clone = clone_of(installation.repository)
    accepted = clone.commit({"platform.yaml": trusting(people("root"))}, people("root"))
    installation.process("once", "--single")
    tip = clone.commit({"executions/aml/book.yaml": execution_file("book")})
    held = installation.process("once", "--single")
    assert (held.code, f"at {accepted[:12]}" in held.out) == (1, True)
    assert "isn't signed" in held.err
    assert f"zoe confirm {tip[:12]}" in held.err
    assert "Unsigned" in installation("events").out
    assert installation("confirm", tip[:12]).code == 0
    followed = installation.process("once", "--single")
    assert (followed.code, f"at {tip[:12]}" in followed.out) == (0, True)
    assert "held" not in followed.err

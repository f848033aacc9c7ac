"""What a pull request is told of who may make its commits: what the merge would be told."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fixtures.signing import Clone, Person, namespace_with, trusting
from tests.fixtures.site import execution_file
from tests.integration.reviewer.conftest import PULL, Reviews

MINE, THEIRS = "executions/aml/book.yaml", "executions/lab/book.yaml"

Propose = Callable[..., str]


@pytest.fixture
def propose(
    reviews: Reviews, clone_of: Callable[..., Clone], people: Callable[[str], Person]
) -> Propose:
    """Open a pull request with a commit of somebody, while the branch goes on: it must merge."""
    site = reviews.site
    clone, root = clone_of(site.repository), people("root")
    rules = {
        "platform.yaml": trusting(root, merges="plain"),
        "namespaces/aml.yaml": namespace_with("aml", people("ada")),
        "namespaces/lab.yaml": namespace_with("lab", people("bob")),
    }
    base = clone.commit(rules, root)
    clone.commit({"README.md": "x"}, root)
    site.reconcile(passes=2)

    def proposed(path: str, by: Person | None) -> str:
        clone.git("checkout", "--quiet", base)
        head = clone.commit({path: execution_file("book")}, by, to="topic")
        site.repository.git.references.create(f"refs/pull/{PULL}/head", head, force=True)
        return head

    return proposed


def test_a_member_is_told_nothing_and_the_merge_is_followed(
    reviews: Reviews, propose: Propose, people: Callable[[str], Person]
) -> None:
    head = propose(MINE, people("ada"))
    assert reviews.review(head) == (head, "success", "1 created")
    merged = reviews.merge(head)
    reviews.site.reconcile()
    assert reviews.site.store.load().accepted["platform"] == merged


@pytest.mark.parametrize(
    ("who", "path", "words"),
    [("", MINE, "isn't signed"), ("eve", MINE, "nobody is known"), ("ada", THEIRS, "changes")],
)
def test_who_would_be_held_after_the_merge_is_told_before(
    who: str,
    path: str,
    words: str,
    reviews: Reviews,
    propose: Propose,
    people: Callable[[str], Person],
) -> None:
    head = propose(path, people(who) if who else None)
    told = reviews.review(head)
    assert told is not None
    assert told[:2] == (head, "failure")
    assert words in reviews.comment
    assert head[:12] in reviews.comment
    before = reviews.site.store.load().accepted
    merged = reviews.merge(head)
    reviews.site.reconcile()
    assert reviews.site.store.load().accepted == before
    assert reviews.applied()[-1][:2] == (merged, "failure")

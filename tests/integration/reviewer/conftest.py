"""A site whose forge is played, and whose pull requests are reviewed."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from reconciler import wire
from reconciler.inbox import Delivery, Outcome, ReviewRequest
from reconciler.reviewer.service import Reviewer
from reconciler.store.inbox import SqlInbox
from tests.fixtures.forge_server import ForgeServer
from tests.fixtures.site import Site

PULL = 7


@dataclass
class Reviews:
    """A site with a reviewer, whose rounds are made by hand."""

    site: Site
    forge: ForgeServer
    inbox: SqlInbox
    reviewer: Reviewer

    def propose(
        self, files: Mapping[str, str | None], *, pull: int = PULL, onto: str = "main"
    ) -> str:
        """Open a pull request, or push to it; return its head."""
        branch, git = f"topic-{pull}", self.site.repository.git
        if self.site.repository.tip(branch) is None:
            git.references.create(
                f"refs/heads/{branch}", git.references[f"refs/heads/{onto}"].target
            )
        head: str = self.site.push(files, branch=branch)
        git.references.create(f"refs/pull/{pull}/head", head, force=True)
        return head

    def ask(self, head: str, **fields: Any) -> None:
        """Let the receiver put a request down."""
        at = self.site.clock.now()
        asked: dict[str, Any] = {
            "source_id": "platform",
            "kind": "pull_request",
            "pull": PULL,
            "head": head,
            "action": "updated",
            "requested_at": at,
        }
        review = ReviewRequest(**{**asked, **fields})
        delivery = Delivery(
            source_id="platform",
            delivery_id=f"{at.isoformat()} {review.subject} {head}",
            provider="github",
            kind=review.kind,
            outcome=Outcome.REVIEW,
            received_at=at,
            review=review,
        )
        self.inbox.record([delivery])

    def review(self, head: str, **fields: Any) -> tuple[str, str, str] | None:
        """Ask for a review, make it and return what was told of a commit in the end."""
        before = len(self.told())
        self.ask(head, **fields)
        self.reviewer.round()
        self.site.cluster.advance(1_000)
        return next(iter(self.told()[before:][::-1]), None)

    def told(self) -> list[tuple[str, str, str]]:
        """Return what ``zoe/plan`` said: commit, state, description."""
        self.site.loop.deliver()
        return [
            (sha, status["state"], status["description"])
            for sha, status in self.forge.statuses
            if status["context"] == "zoe/plan"
        ]

    def applied(self) -> list[tuple[str, str, str]]:
        """Return what ``zoe/apply`` said."""
        self.site.loop.deliver()
        return [
            (sha, status["state"], status["description"])
            for sha, status in self.forge.statuses
            if status["context"] == "zoe/apply"
        ]

    @property
    def comment(self) -> str:
        """Return the one comment."""
        self.site.loop.deliver()
        (comment,) = self.forge.comments
        return comment.body

    def merge(self, head: str, *, squash: bool = False) -> str:
        """Merge a pull request as forges do: a commit with two parents or, squashed, with one."""
        git = self.site.repository.git
        base = str(self.site.repository.tip())
        index = git.merge_commits(git[base], git[head])
        assert index.conflicts is None
        by, parents = git[head].author, [base] if squash else [base, head]
        commit = git.create_commit(None, by, by, "Merge", index.write_tree(), parents)
        git.references.create("refs/heads/main", commit, force=True)
        return str(commit)

    def restart(self, **forge: Any) -> None:
        """Begin anew, with other settings of the forge."""
        source = self.site.settings.platform_source
        assert source.forge is not None
        source = replace(source, forge=replace(source.forge, **forge))
        self.site.settings = replace(self.site.settings, sources=(source,))
        self.reviewer.close()
        self.site.restart()
        made = wire.reviewer(self.site.settings, self.site.loop)
        assert made is not None
        self.reviewer = made


@pytest.fixture
def reviews(
    site: Site, forge_server: Callable[..., ForgeServer], tmp_path: Path
) -> Iterator[Reviews]:
    """A site on GitHub, after a first pass."""
    github = forge_server("github")
    forge = github.settings(tmp_path, provider="github", timeout_s=5)
    source = replace(site.settings.platform_source, forge=forge)
    site.settings = replace(site.settings, sources=(source,), deployment="test")
    site.restart()
    site.reconcile(passes=2)
    reviewer = wire.reviewer(site.settings, site.loop)
    assert reviewer is not None
    with SqlInbox(f"sqlite:///{tmp_path}/zoe.db", random=random.Random(1)) as inbox:
        made = Reviews(site, github, inbox, reviewer)
        yield made
        made.reviewer.close()

"""Hostile repositories change nothing beyond themselves, and the next good commit is followed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from reconciler.config import SourceSettings
from reconciler.errors import SourceUnavailable
from reconciler.git.source import GitSource
from reconciler.manifest.catalogue import Catalogue, Loader
from reconciler.manifest.diagnostic import to_text
from reconciler.manifest.limits import DEFAULT_LIMITS
from reconciler.source.acceptance import Acceptance, accept
from tests.fixtures.git_servers import BareRepository
from tests.safety.hostile.case import GOOD
from tests.safety.hostile.repositories import BASE, CANARY, Attack, attacks

ATTACKS = tuple(attacks())


@dataclass
class Follower:
    """Follows a repository as the loop does: accepts tips, reads trees, keeps what was good."""

    source: GitSource
    accepted: str = ""
    good: dict[str, tuple[str, str]] = field(default_factory=dict)
    loader: Loader = field(
        default_factory=lambda: Loader(
            deployment="test", source_id="main", security_profiles=(), storages={}
        )
    )

    def accept(self) -> Acceptance:
        answer = accept(self.source, accepted=self.accepted, confirmed=(), judge=lambda *_: ())
        self.accepted = answer.commit
        return answer

    def load(self) -> Catalogue:
        tree = self.source.tree(self.accepted)
        catalogue = self.loader.load(
            tree.files,
            lambda blob: self.source.read(blob, limit_bytes=DEFAULT_LIMITS.file_bytes),
            commit=tree.commit,
            commit_of=self.source.commit,
            good=self.good,
            refused=[(entry.path, entry.reason) for entry in tree.refused],
        )
        self.good = dict(catalogue.good)
        return catalogue


@pytest.fixture
def attacked(
    bare_repo: Callable[..., BareRepository], tmp_path: Path
) -> Callable[[Attack], tuple[Follower, BareRepository, str]]:
    def push(attack: Attack) -> tuple[Follower, BareRepository, str]:
        repo = bare_repo()
        repo.commit({"README.md": "before"})
        base = repo.commit(BASE)
        settings = SourceSettings(id="main", url=str(repo.path))
        follower = Follower(GitSource(settings, tmp_path / "mirror.git"))
        assert follower.accept().commit == base
        assert follower.load().diagnostics == ()
        attack.push(repo, base)
        return follower, repo, base

    return push


def names(catalogue: Catalogue) -> set[str]:
    return {manifest.name for manifest in catalogue.manifests}


def test_there_are_enough_and_some_of_them_are_harmless():
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 15
    assert sum(attack.name.startswith("good-") for attack in ATTACKS) >= 3


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_what_must_come_of_it_comes_of_it(attack: Attack, attacked):
    follower, _, base = attacked(attack)
    answer = follower.accept()
    assert answer.hold == attack.hold, answer
    assert (answer.commit == base) == bool(attack.hold or attack.name == "refs-that-look-alike")
    if attack.unread:
        with pytest.raises(SourceUnavailable, match=attack.unread):
            follower.load()
        return
    catalogue = follower.load()
    assert names(catalogue) - {"bystander"} == attack.names
    assert _is_told(attack, catalogue.bad_paths)
    told = to_text(catalogue.diagnostics) + answer.message
    assert CANARY not in told
    assert all(char.isprintable() or char == "\n" for char in told)


def _is_told(attack: Attack, bad: frozenset[str]) -> bool:
    if attack.bad == {"*"}:
        return bool(bad)
    return bad == attack.bad - {"-"}


@pytest.mark.parametrize(
    "attack",
    [attack for attack in ATTACKS if attack.unread or attack.hold == "SourceUnavailable"],
    ids=lambda attack: attack.name,
)
def test_the_next_good_commit_is_followed(attack: Attack, attacked):
    follower, repo, base = attacked(attack)
    follower.accept()
    repo.git.references.create("refs/heads/main", base, force=True)
    repo.commit({**BASE, "executions/lab/next.yaml": GOOD.replace("NAME", "next")})
    follower.accepted = base
    assert follower.accept().hold == ""
    assert names(follower.load()) == {"bystander", "job", "next"}

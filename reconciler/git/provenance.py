"""The history of a repository as trust asks for it: ranges, changes, merge bases, signatures."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

import pygit2
from pygit2.enums import SortMode

from reconciler.errors import SourceUnavailable
from reconciler.git import signatures
from reconciler.git.integrity import whole
from reconciler.git.introduced import Comparison, Levels
from reconciler.git.objects import Objects
from reconciler.source.provenance import Signature, SignatureKind, Step

_MOST_APART = 10_000
_MOST_BASES = 8
_MOST_REMEMBERED = 20_000


T = TypeVar("T")


class Healing(Protocol):
    """Does something, and once more after it has mended what was damaged."""

    def __call__(self, work: Callable[[], T]) -> T:
        """Return what ``work`` returns."""


class GitProvenance:
    """Reads one repository. Which signatures are good is remembered: it never changes."""

    def __init__(self, opened: Callable[[], Objects], healing: Healing) -> None:
        self._opened = opened
        self._healing = healing
        self._levels = Levels()
        self._verified: dict[tuple[str, str], bool] = {}

    def history(self, tip: str, *, since: str, limit: int) -> tuple[Step, ...]:
        """Return the commits that ``tip`` has and ``since`` hasn't, children before parents."""
        return self._healing(lambda: self._history(tip, [since] if since else [], limit))

    def changed(self, before: str, after: str) -> frozenset[str]:
        """Return the paths at which two commits differ."""
        return self._healing(lambda: self._compared(after, [before], []))

    def introduced(self, commit: str) -> frozenset[str]:
        """Return the paths that a commit itself changes."""
        return self._healing(lambda: self._introduced(commit))

    def signature(self, commit: str) -> Signature:
        """Return whose signature a commit claims to carry."""
        raw = self._healing(lambda: self._objects.raw(commit))
        try:
            return signatures.claim(signatures.take_apart(raw))
        except signatures.Malformed:
            return Signature(kind=SignatureKind.MALFORMED)

    def is_signed_by(self, commit: str, key: str) -> bool:
        """Tell whether the commit's signature is really of this key."""
        known = self._verified.get((commit, key))
        if known is not None:
            return known
        signed = signatures.take_apart(self._healing(lambda: self._objects.raw(commit)))
        is_good = signed is not None and signatures.verify(signed, key)
        if len(self._verified) >= _MOST_REMEMBERED:
            self._verified.clear()
        self._verified[commit, key] = is_good
        return is_good

    @property
    def _objects(self) -> Objects:
        return self._opened()

    def _history(self, tip: str, hidden: Iterable[str], limit: int) -> tuple[Step, ...]:
        with whole(f"the history of {tip[:12]}"):
            ids = self._between(tip, hidden, limit)
        return tuple(self._step(commit) for commit in ids)

    def _introduced(self, commit: str) -> frozenset[str]:
        parents = self._objects.commit(commit).parents
        if len(parents) != 2:
            # A first commit brings in all it has; of three parents and more none has the say.
            return self._compared(commit, parents or [None], [])
        return self._compared(commit, parents, self._bases(*parents))

    def _step(self, commit: str) -> Step:
        found = self._objects.commit(commit)
        return Step(id=found.id, parents=found.parents, author=found.author)

    def _between(self, tip: str, hidden: Iterable[str], limit: int) -> list[str]:
        walk = self._objects.repository.walk(pygit2.Oid(hex=tip), SortMode.TOPOLOGICAL)
        for ancestor in hidden:
            walk.hide(pygit2.Oid(hex=ancestor))
        found: list[str] = []
        for commit in walk:
            if len(found) == limit:
                break
            found.append(str(commit.id))
        return found

    def _compared(
        self, result: str, parents: Iterable[str | None], bases: Iterable[str]
    ) -> frozenset[str]:
        given = tuple(parents)
        comparison = Comparison(self._objects.repository, self._levels, len(given))
        commits = (result, *given, *bases)
        with whole(f"the changes of {result[:12]}"):
            comparison.compare(tuple(self._objects.root(c) if c else None for c in commits))
        return frozenset(comparison.paths)

    def _bases(self, one: str, other: str) -> list[str]:
        """Return every commit at which two histories parted and that none of the others has.

        libgit2 names one of them only, and after a criss-cross that isn't enough: against the
        wrong one a file that somebody took back looks untouched.
        """
        if self._objects.is_descendant(one, other):
            return [other]
        if self._objects.is_descendant(other, one):
            return [one]
        with whole(f"the history of {one[:12]}"):
            ours = self._between(one, [other], _MOST_APART)
            theirs = self._between(other, [one], _MOST_APART)
        if len(ours) == _MOST_APART or len(theirs) == _MOST_APART:
            raise SourceUnavailable(
                f"{one[:12]} and {other[:12]} are more than {_MOST_APART} commits apart: "
                "rebase one of them before merging"
            )
        apart = {*ours, *theirs}
        parents = {parent for commit in apart for parent in self._objects.commit(commit).parents}
        candidates = sorted(parents - apart)
        if len(candidates) > _MOST_BASES**2:
            raise SourceUnavailable(f"{one[:12]} and {other[:12]} are merged too often: rebase one")
        return [c for c in candidates if not self._is_outrun(c, candidates)]

    def _is_outrun(self, commit: str, candidates: Iterable[str]) -> bool:
        return any(
            other != commit and self._objects.is_descendant(other, commit) for other in candidates
        )

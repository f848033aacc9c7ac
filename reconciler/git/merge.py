"""What merging two commits would leave, worked out without a work tree.

The objects that this makes go into the repository that it is given: lend it a throw-away one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pygit2

from reconciler.errors import SourceUnavailable
from reconciler.git.integrity import whole
from reconciler.text import clean

_BY = pygit2.Signature("Zoe", "zoe@localhost", 0, 0)
_SHOWN = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """The commit that has the merged tree; with conflicts there is none, and they are told."""

    commit: str = ""
    conflicts: tuple[str, ...] = ()


def merge(repository: pygit2.Repository, base: str, head: str) -> Merged:
    """Merge ``head`` into ``base`` as a forge does: three ways, by path and by line.

    The same two commits give the same commit. Where one contains the other nothing is made.

    Raises:
        SourceUnavailable: They have no history in common.
        RepositoryCorrupt: A part of either is missing.
    """
    with whole(f"the histories of {base[:12]} and {head[:12]}"):
        ours, theirs = (repository[commit].peel(pygit2.Commit) for commit in (base, head))
        common = repository.merge_base(ours.id, theirs.id)
        if common is None:
            raise SourceUnavailable(
                f"{head[:12]} and {base[:12]} have no history in common: branch off again"
            )
        if common in (ours.id, theirs.id):
            return Merged(commit=base if common == theirs.id else head)
        index = repository.merge_commits(ours, theirs)
        if index.conflicts is not None:
            return Merged(conflicts=tuple(sorted(set(_paths(index.conflicts)))))
        tree = index.write_tree(repository)
        at = pygit2.Signature(_BY.name, _BY.email, theirs.commit_time, 0)
        text = f"Merge {head} into {base}\n"
        parents = [ours.id, theirs.id]
        return Merged(commit=str(repository.create_commit(None, at, at, text, tree, parents)))


def _paths(conflicts: pygit2.index.ConflictCollection) -> Iterator[str]:
    """Yield the files that both sides changed; at most so many as anybody reads."""
    for _, sides in zip(range(_SHOWN), conflicts, strict=False):
        for side in sides:
            if side is not None:
                yield clean(side.path, limit=200)

"""Git in memory: a source whose branch the script moves, and a status branch."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.errors import SourceUnavailable
from reconciler.failpoints import Point, reach
from reconciler.ports import Commit, Tree
from reconciler.publishing.status_sink import unasked
from reconciler.source.provenance import Provenance, Signature, SignatureKind, Step

_ATTEMPTS = 8


@dataclass
class MemorySource:
    """A repository: commits by id, blobs by id, one branch. It survives every crash."""

    id: str = "platform"
    tip: str = ""
    commits: dict[str, Commit] = field(default_factory=dict)
    trees: dict[str, Mapping[str, str]] = field(default_factory=dict)
    blobs: dict[str, bytes] = field(default_factory=dict)

    def push(
        self, files: Mapping[str, str], *, at: datetime, message: str, parent: str | None = None
    ) -> str:
        """Move the branch to a new commit on ``parent`` (the tip by default; "" = none)."""
        tree = {path: _blob_id(text.encode()) for path, text in files.items()}
        self.blobs |= {tree[path]: text.encode() for path, text in files.items()}
        parents = tuple(filter(None, (self.tip if parent is None else parent,)))
        told = f"{sorted(tree.items())} {parents} {at} {message} {len(self.commits)}"
        commit = Commit(
            id=hashlib.sha1(told.encode()).hexdigest(),
            author="ada",
            committed_at=at,
            message=message,
            parents=parents,
        )
        self.commits[commit.id], self.trees[commit.id], self.tip = commit, tree, commit.id
        return commit.id

    def fetch(self) -> str:
        """Return the branch's tip."""
        return self.tip

    def fetch_anew(self) -> str:
        """Return it: nothing is ever damaged here."""
        return self.tip

    def resolve(self, revision: str) -> str:
        """Return a commit's id."""
        return self.commit(revision).id

    def commit(self, commit: str) -> Commit:
        """Return a commit."""
        try:
            return self.commits[commit]
        except KeyError:
            raise SourceUnavailable(f"no commit {commit}") from None

    def tree(self, commit: str) -> Tree:
        """Return the files of a commit."""
        return Tree(commit=self.commit(commit), files=self.trees[commit])

    def read(self, blob: str, *, limit_bytes: int) -> bytes:
        """Return a blob; all of ours are small."""
        assert len(self.blobs[blob]) <= limit_bytes
        return self.blobs[blob]

    def is_descendant(self, commit: str, ancestor: str) -> bool:
        """Tell whether ``ancestor`` is reachable."""
        return any(step.id == ancestor for step in self.history(commit, since="", limit=10_000))

    def provenance(self) -> Provenance:
        """Return the history: this is it."""
        return self

    def history(self, tip: str, *, since: str, limit: int) -> tuple[Step, ...]:
        """Return the line of commits from ``tip`` back to ``since``."""
        found: list[Step] = []
        at = tip
        while at and at != since and len(found) < limit:
            commit = self.commit(at)
            found.append(Step(id=at, parents=commit.parents, author=commit.author))
            at = commit.parents[0] if commit.parents else ""
        return tuple(found)

    def changed(self, before: str, after: str) -> frozenset[str]:
        """Return the paths at which two commits differ."""
        return frozenset(path for path, _ in self.trees[before].items() ^ self.trees[after].items())

    def introduced(self, commit: str) -> frozenset[str]:
        """Return the paths that a commit changes."""
        parents = self.commit(commit).parents
        return self.changed(parents[0], commit) if parents else frozenset(self.trees[commit])

    def signature(self, commit: str) -> Signature:
        """Return that nobody signs here."""
        return Signature(kind=SignatureKind.NONE)

    def is_signed_by(self, commit: str, key: str) -> bool:
        """Return that nobody signs here."""
        return False


@dataclass
class MemoryBranch:
    """The status branch, as ``git.status_branch`` moves it: by comparing and swapping.

    ``pushes`` stands for its tip; somebody may move it between a look at it and the push.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    pushes: int = 0
    sequence: int = 0

    def publish(
        self,
        files: Mapping[str, bytes | None],
        *,
        message: str,
        sequence: int,
        still_leads: Callable[[], None] = unasked,
    ) -> str:
        """Lay files over what is there."""
        for attempt in range(_ATTEMPTS):
            tip = self.pushes
            if attempt and self.sequence > sequence:
                break
            reach(Point.STATUS_PREPARED)
            still_leads()
            if tip == self.pushes:
                return self._move(files, sequence)
        raise SourceUnavailable("the branch was written meanwhile")

    def _move(self, files: Mapping[str, bytes | None], sequence: int) -> str:
        self.pushes, self.sequence = self.pushes + 1, sequence
        for path, data in files.items():
            if data is None:
                self.files.pop(path, None)
            else:
                self.files[path] = data
        return f"{self.pushes:040x}"

    def read(self, paths: Sequence[str] = ()) -> Mapping[str, bytes]:
        """Return what is there under the prefixes."""
        return _under(self.files, paths)


class BranchSeen:
    """The status branch as one host has it: what it last saw stays there."""

    def __init__(self, branch: MemoryBranch) -> None:
        """Have seen nothing yet."""
        self._branch = branch
        self._seen: Mapping[str, bytes] = {}

    def publish(
        self,
        files: Mapping[str, bytes | None],
        *,
        message: str,
        sequence: int,
        still_leads: Callable[[], None] = unasked,
    ) -> str:
        """Lay files over what is there; it is seen on the way."""
        try:
            return self._branch.publish(
                files, message=message, sequence=sequence, still_leads=still_leads
            )
        finally:
            self._seen = self._branch.read()

    def read(self, paths: Sequence[str] = ()) -> Mapping[str, bytes]:
        """Return what is there under the prefixes."""
        self._seen = self._branch.read()
        return self.read_last(paths)

    def read_last(self, paths: Sequence[str] = ()) -> Mapping[str, bytes]:
        """Return what was there when this host looked last."""
        return _under(self._seen, paths)


def _under(files: Mapping[str, bytes], paths: Sequence[str]) -> Mapping[str, bytes]:
    return {p: data for p, data in files.items() if not paths or p.startswith(tuple(paths))}


def _blob_id(data: bytes) -> str:
    return hashlib.sha1(data).hexdigest()

"""A source as far as one namespace goes: for looking at one execution among very many."""

from __future__ import annotations

from dataclasses import dataclass, replace

from reconciler.ports import Commit, Source, Tree

_SHARED = ("platform.yaml", "namespaces/", "reservations/", "zapps/", "sets/")
"""What executions of every namespace are resolved against."""


@dataclass(frozen=True, slots=True)
class OneNamespace:
    """Another source without the executions of other namespaces."""

    whole: Source
    namespace: str

    @property
    def id(self) -> str:
        """Return the id of the source."""
        return self.whole.id

    def fetch(self) -> str:
        """Bring the mirror up to date and return the tip's commit id."""
        return self.whole.fetch()

    def resolve(self, revision: str) -> str:
        """Return the commit id of a revision."""
        return self.whole.resolve(revision)

    def commit(self, commit: str) -> Commit:
        """Return who committed what and when."""
        return self.whole.commit(commit)

    def tree(self, commit: str) -> Tree:
        """Return the files that the namespace's executions are made from."""
        tree = self.whole.tree(commit)
        wanted = (*_SHARED, f"executions/{self.namespace}/")
        files = {path: blob for path, blob in tree.files.items() if path.startswith(wanted)}
        return replace(tree, files=files)

    def read(self, blob: str, *, limit_bytes: int) -> bytes:
        """Return a blob's bytes."""
        return self.whole.read(blob, limit_bytes=limit_bytes)

    def is_descendant(self, commit: str, ancestor: str) -> bool:
        """Tell whether ``ancestor`` is ``commit`` or reachable from it."""
        return self.whole.is_descendant(commit, ancestor)

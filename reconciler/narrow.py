"""A source as far as one namespace goes: for looking at one execution among very many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from reconciler.ports import Source, Tree

_SHARED = ("platform.yaml", "namespaces/", "reservations/", "zapps/", "sets/")
"""What executions of every namespace are resolved against."""


def narrowed(source: Source, namespace: str) -> Source:
    """Return a source without the executions of other namespaces; all else is the source's."""
    return cast("Source", _OneNamespace(source, namespace))


class _OneNamespace:
    """Shows fewer files; whatever it doesn't know, the whole source answers."""

    def __init__(self, whole: Source, namespace: str) -> None:
        self._whole = whole
        self._prefixes = (*_SHARED, f"executions/{namespace}/")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def tree(self, commit: str) -> Tree:
        """Return the files that the namespace's executions are made from."""
        tree = self._whole.tree(commit)
        files = {p: blob for p, blob in tree.files.items() if p.startswith(self._prefixes)}
        return replace(tree, files=files)

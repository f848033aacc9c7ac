"""A source as far as one namespace goes: for looking at one execution among very many."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from reconciler.ports import Source, Tree

_EXECUTIONS = "executions/"


def narrowed(source: Source, namespace: str) -> Source:
    """Return a source without the executions of other namespaces; all else is the source's."""
    return cast("Source", _OneNamespace(source, namespace))


class _OneNamespace:
    """Shows fewer files; whatever it doesn't know, the whole source answers."""

    def __init__(self, whole: Source, namespace: str) -> None:
        self._whole = whole
        self._own = f"{_EXECUTIONS}{namespace}/"

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)

    def tree(self, commit: str) -> Tree:
        """Return the files without other namespaces' executions: none is resolved against those."""
        tree = self._whole.tree(commit)
        files = {
            path: blob
            for path, blob in tree.files.items()
            if path.startswith(self._own) or not path.startswith(_EXECUTIONS)
        }
        return replace(tree, files=files)

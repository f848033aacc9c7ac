"""Items of sets in a clone: verbs can't edit one, but they can say where it stands."""

from __future__ import annotations

from pathlib import Path

from reconciler.cli import repository
from reconciler.manifest import documents, source_map
from reconciler.manifest.limits import DEFAULT_LIMITS
from reconciler.manifest.places import Standing, place_of
from reconciler.manifest.sets import ExecutionSet


def where(root: Path, namespace: str, name: str) -> str:
    """Return what to edit for NAMESPACE/NAME if it is an item of a set; "" if it isn't."""
    folders = iter([f"executions/{namespace}", "sets"])
    found = (_within(root, path, namespace, name) for path in repository.files_of(root, folders))
    return next(filter(None, found), "")


def _within(root: Path, path: str, namespace: str, name: str) -> str:
    place = place_of(path)
    if place is None or place.standing is not Standing.READ:
        return ""
    data = (root / path).read_bytes()
    for content in documents.parse(data, path=path, place=place).contents:
        for member in content.members if isinstance(content, ExecutionSet) else ():
            if (member.namespace, member.name) == (namespace, name):
                reading = source_map.read(data, file=path, limits=DEFAULT_LIMITS)
                line, _ = reading.documents[member.index].locate(member.item_path)
                of_set = member.item.set.full_name if member.item else ""
                return f"an item of the set {of_set}: edit {path}, line {line}"
    return ""

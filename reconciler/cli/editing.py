"""What ``rerun``, ``suspend``, ``extend`` and their like share: find a manifest, change it.

They change files as a person would with an editor; nothing happens before the commit is pushed.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from reconciler.cli import repository, set_items, work_tree
from reconciler.cli.names import EXECUTION
from reconciler.errors import ConfigError, ManifestError, Missing
from reconciler.manifest import edit, source_map
from reconciler.manifest.diagnostic import Path as Keys
from reconciler.manifest.edit import Scalar
from reconciler.manifest.places import Standing, place_of
from reconciler.manifest.suggest import did_you_mean

F = TypeVar("F", bound=Callable[..., object])


def options(function: F) -> F:
    """Add the argument and options of a verb that edits a manifest."""
    return click.argument("name", type=EXECUTION)(committing(function))


def committing(function: F) -> F:
    """Add the options of a verb that may commit what it did."""
    message = click.option("-m", "--message", help="Its message.")
    commit = click.option("--commit", is_flag=True, help="Commit what is changed, and only that.")
    return commit(message(function))


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The document of an Execution, or of a set, in a file of a clone."""

    root: Path
    path: str
    name: str
    text: str
    index: int
    is_set: bool = False

    def value(self, keys: Keys) -> Any:
        """Return what is written at ``keys``; None if nothing is."""
        return edit.value_at(self.text, self.index, keys, file=self.path)

    def with_value(self, keys: Keys, value: Scalar) -> str:
        """Return the file's text with a value set."""
        return edit.set_scalar(self.text, self.index, keys, value, file=self.path)

    def without(self) -> str:
        """Return the file's text without the document; "" if nothing else is in it."""
        return edit.remove_document(self.text, self.index, file=self.path)


def find(namespace: str, name: str) -> Target:
    """Return the one document of this clone that asks for an execution, or else for a set.

    Raises:
        Missing: There is none; the message names a similar one.
        ManifestError: The file that should hold it can't be read, or two hold it.
        ConfigError: We aren't in a clone of a configuration repository.
    """
    root = repository.find_root(Path())
    targets, unreadable = _targets(root, namespace, name, "Execution")
    if not targets:
        targets, _ = _targets(root, namespace, name, "ExecutionSet")
    if not targets:
        raise _unknown(root, namespace, name, unreadable)
    if len(targets) > 1:
        paths = " and ".join(target.path for target in targets)
        raise click.ClickException(f"{namespace}/{name} is in {paths}: remove one of them")
    return targets[0]


def _targets(
    root: Path, namespace: str, name: str, kind: str
) -> tuple[list[Target], dict[str, ManifestError]]:
    """Return the documents of a kind and name, and the files that can't be read."""
    unreadable: dict[str, ManifestError] = {}
    found: list[Target] = []
    for path in manifest_paths(root, namespace):
        try:
            text = _text(root, path)
            index = edit.find_document(text, name, file=path, kind=kind)
        except ManifestError as error:
            unreadable[path] = error
            continue
        if index is not None:
            full = f"{namespace}/{name}"
            is_set = kind == "ExecutionSet"
            found.append(
                Target(root=root, path=path, name=full, text=text, index=index, is_set=is_set)
            )
    return found, unreadable


def is_last(target: Target) -> bool:
    """Tell whether nothing else in ``executions/`` of its clone asks for an execution."""
    return all(name == target.name for name in _names(target.root))


def carry_out(target: Target, text: str, *, did: str, message: str, commit: bool) -> None:
    """Write the new text (deleting the file if it is empty), and say what to do next.

    Args:
        target: What is changed.
        text: The new content of its file.
        did: What was done, for people.
        message: What the commit says.
        commit: Whether to commit it.
    """
    if commit:
        work_tree.require_committed(target.root, target.path)
    file = target.root / target.path
    if text:
        file.write_bytes(text.encode())
        click.echo(f"{target.path}: {did}")
    else:
        file.unlink()
        click.echo(f"{target.path}: deleted")
    if commit:
        click.echo(f"committed {work_tree.commit(target.root, message, target.path)}")
        click.echo("next: git push")
    else:
        quoted = f"git commit -m {shlex.quote(message)} -- {shlex.quote(target.path)}"
        click.echo(f"next: {quoted}, then git push")


def manifest_paths(root: Path, namespace: str) -> Iterator[str]:
    """Yield the files of a clone that hold a namespace's Executions; "" = of all namespaces."""
    folder = f"executions/{namespace}".rstrip("/")
    for path in sorted(repository.files_of(root, iter([folder]))):
        place = place_of(path)
        is_read = place is not None and place.standing is Standing.READ
        if is_read and place is not None and place.kind == "Execution":
            yield path


def _text(root: Path, path: str) -> str:
    data = (root / path).read_bytes()
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        raise ManifestError(source_map.read(data, file=path).diagnostics) from error


def _unknown(
    root: Path, namespace: str, name: str, unreadable: dict[str, ManifestError]
) -> ManifestError | Missing:
    if place := set_items.where(root, namespace, name):
        return Missing(f"{namespace}/{name} is {place}")
    own = f"executions/{namespace}/{name}.yaml"
    if own in unreadable:
        return unreadable[own]
    remedy = did_you_mean(f"{namespace}/{name}", _names(root), otherwise="there are none here")
    return Missing(f"no execution {namespace}/{name}: {remedy}")


def beginning_with(text: str) -> list[str]:
    """Return what a shell may complete: NAMESPACE/NAMEs of this clone, or several NAMESPACE/.

    Outside a clone there are none; nobody wants an error while typing.
    """
    try:
        root = repository.find_root(Path())
        folders = sorted({path.split("/")[1] for path in manifest_paths(root, "")})
        namespaces = [name for name in folders if f"{name}/".startswith(text)]
        if len(namespaces) > 1:
            return [f"{name}/" for name in namespaces]
        within = namespaces[0] if namespaces else text.partition("/")[0]
        return sorted(name for name in _names(root, within) if name.startswith(text))
    except (ConfigError, OSError):
        return []


def _names(root: Path, namespace: str = "") -> Iterator[str]:
    for path in manifest_paths(root, namespace):
        for document in source_map.read((root / path).read_bytes(), file=path).documents:
            metadata = document.value.get("metadata") if isinstance(document.value, dict) else None
            if isinstance(metadata, dict) and isinstance(metadata.get("name"), str):
                yield f"{path.split('/')[1]}/{metadata['name']}"

"""``zoe tidy``: take the manifests of what has ended out of the repository."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import click

from reconciler.cli import editing, every, repository, show, work_tree
from reconciler.cli.columns import aligned
from reconciler.cli.duration import DURATION
from reconciler.cli.place import here
from reconciler.clock import SystemClock
from reconciler.converge.ledger import EndReason
from reconciler.converge.status import Phase
from reconciler.errors import ManifestError
from reconciler.manifest import edit, source_map
from reconciler.view.line import Line
from reconciler.view.listing import Query

ENDED = frozenset({Phase.SUCCEEDED, Phase.FAILED, Phase.STOPPED})
# Whose file was away: one that is here again may start again.
GONE = frozenset({EndReason.DELETED, EndReason.SUPERSEDED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A document of this clone whose execution has ended, and when."""

    path: str
    line: Line
    at: datetime


@click.command("tidy")
@click.argument("namespace", required=False)
@click.option(
    "--older", "older_ms", type=DURATION, default="14d", show_default=True,
    help="Only what ended longer ago than this.",
)  # fmt: skip
@click.option("--yes", "is_sure", is_flag=True, help="Don't ask.")
@editing.committing
def command(
    *, namespace: str | None, older_ms: int, is_sure: bool, commit: bool, message: str | None
) -> None:
    """Delete the manifests of executions that have ended, of all namespaces or of NAMESPACE.

    Lists them and asks first; with --commit or --yes it doesn't ask. What runs, waits, recurs, or
    is to run again is never among them.
    """
    root, now = repository.find_root(Path()), SystemClock().now()
    found = list(ended(root, namespace or "", before=now - timedelta(milliseconds=older_ms)))
    if not found:
        click.echo("nothing to tidy: no manifest here is of an execution that ended long ago")
        return
    rows = [
        (one.line.full_name, one.line.state, show.age(one.at, now=now), one.path) for one in found
    ]
    for line in aligned(rows):
        click.echo(line)
    if not (commit or is_sure or _agrees(len(found))):
        click.echo("nothing deleted; with --yes they are, with --commit they are committed, too")
        return
    _delete(root, found, message=message or f"Tidy {_counted(len(found))}", commit=commit)


def ended(root: Path, namespace: str, *, before: datetime) -> Iterator[Ended]:
    """Yield the documents of a clone whose execution ended before a time, by path.

    The run that has ended must be the one that the document asks for: a higher one starts soon.
    A file that can't be read is left alone.
    """
    with here() as place:
        lines = every.execution(place, Query(namespace=namespace)).lines
    # A schedule comes with its newest run; it has no end, whatever became of that.
    scheduled = {line.full_name for line in lines if line.state == Phase.SCHEDULED}
    known = {line.full_name: line for line in lines if line.full_name not in scheduled}
    for path in editing.manifest_paths(root, namespace):
        for document in source_map.read((root / path).read_bytes(), file=path).documents:
            name, run = _asked(document.value)
            line = known.get(f"{path.split('/')[1]}/{name}")
            if line is None or line.run != run or line.state not in ENDED or line.reason in GONE:
                continue
            if line.ended_at is not None and line.ended_at < before:
                yield Ended(path=path, line=line, at=line.ended_at)


def _asked(value: Any) -> tuple[str, int]:
    """Return the name and run that a document asks for; run 0 where it isn't plain."""
    if not isinstance(value, Mapping) or value.get("kind") != "Execution":
        return "", 0
    metadata, spec = value.get("metadata"), value.get("spec")
    if not isinstance(metadata, Mapping) or not isinstance(spec, Mapping):
        return "", 0
    run = spec.get("run", 1)
    is_plain = isinstance(run, int) and not isinstance(run, bool) and "schedule" not in spec
    return str(metadata.get("name", "")), run if is_plain else 0


def _agrees(count: int) -> bool:
    return sys.stdin.isatty() and click.confirm(f"delete {_counted(count)}?")


def _delete(root: Path, found: Sequence[Ended], *, message: str, commit: bool) -> None:
    paths = sorted({one.path for one in found})
    if commit:
        work_tree.require_committed(root, *paths)
    done: list[str] = []
    for path in paths:
        names = [one.line.name for one in found if one.path == path]
        try:
            text = _without((root / path).read_text(encoding="utf-8"), names, path)
        except ManifestError as error:
            click.echo(f"{path}: left as it is: {error.diagnostics[0].message}", err=True)
            continue
        if text:
            (root / path).write_bytes(text.encode())
        else:
            (root / path).unlink()
        done.append(path)
    click.echo(f"changed or deleted {len(done)} file{'' if len(done) == 1 else 's'}")
    if commit and done:
        click.echo(f"committed {work_tree.commit(root, message, *done)}")
        click.echo("next: git push")
    elif done:
        click.echo("next: git commit, then git push")


def _without(text: str, names: Sequence[str], path: str) -> str:
    """Return a file's text without some of its documents; "" if none is left."""
    for name in names:
        index = edit.find_document(text, name, file=path)
        if index is not None:
            text = edit.remove_document(text, index, file=path)
    return text


def _counted(count: int) -> str:
    return f"{count} ended execution{'' if count == 1 else 's'}"

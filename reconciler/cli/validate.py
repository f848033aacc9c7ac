"""``zoe validate``: all that is wrong with manifests, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import click

from reconciler.cli import repository
from reconciler.cli.problems import FORMS, printed
from reconciler.cli.repository import Tenancy
from reconciler.manifest import diagnostic
from reconciler.manifest.catalogue import Catalogue
from reconciler.manifest.diagnostic import Diagnostic
from reconciler.manifest.places import is_managed


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Choice(["text", "json", *FORMS]),
    default="text",
    show_default=True,
    help="How to print problems.",
)
@click.option("--source", "source_id", help="Of a group's own repository: its id in zoe.toml.")
@click.option(
    "--platform",
    type=click.Path(path_type=Path),
    help="Of a group's own repository: a clone of the platform's, whose rules count.",
)
def command(
    paths: tuple[Path, ...], output: str, source_id: str | None, platform: Path | None
) -> int:
    """Check manifests without a Swarm or a database.

    PATHS are configuration repositories, or folders or files within one; by default the one that
    you are in. Ends with 1 if there are errors; warnings alone are fine.

    A group's own repository needs --source and --platform.
    """
    if (source_id is None) != (platform is None):
        raise click.UsageError("--source and --platform belong together")
    tenancy = None
    if source_id is not None and platform is not None:
        tenancy = Tenancy(source_id, repository.find_root(platform))
    diagnostics: set[Diagnostic] = set()
    valid = 0
    for path in paths or (Path(),):
        found, count = check(path, tenancy)
        diagnostics |= set(found)
        valid += count
    ordered = sorted(diagnostics)
    errors = sum(item.is_error for item in ordered)
    if text := _printed(ordered, valid, output):
        click.echo(text)
    return 1 if errors else 0


def check(path: Path, tenancy: Tenancy | None = None) -> tuple[list[Diagnostic], int]:
    """Return the problems of what is at ``path``, and how many documents have no errors.

    Raises:
        ConfigError: It isn't in a configuration repository.
    """
    root = repository.find_root(path)
    within = path.resolve().relative_to(root).as_posix()
    if within == ".":
        files = repository.files_of(root)
        catalogue = repository.load(root, files, tenancy=tenancy)
        return list(catalogue.diagnostics), _valid(catalogue, files)
    selected = repository.files_of(root, iter([within]))
    needed = {**repository.needed_for(root, selected), **selected}
    catalogue = repository.load(root, needed, tenancy=tenancy)
    found = [
        item
        for item in catalogue.diagnostics
        if item.file == within or item.file.startswith(f"{within}/")
    ]
    return found + _unmanaged(within, selected), _valid(catalogue, selected)


def _unmanaged(within: str, selected: Iterable[str]) -> list[Diagnostic]:
    """Say so where somebody asks for a file that nothing is read from."""
    if within not in selected or is_managed(within):
        return []
    return [
        Diagnostic(
            file=within,
            line=0,
            column=0,
            pointer="",
            code="NothingReadHere",
            message="no manifest is read from here",
            remedy="move it to executions/NAMESPACE/NAME.yaml or zapps/NAME/zapp.yaml",
        )
    ]


def _valid(catalogue: Catalogue, files: Iterable[str]) -> int:
    wanted = frozenset(files)
    return sum(catalogue.documents.get(path, 0) for path in wanted - catalogue.bad_paths)


def _printed(diagnostics: list[Diagnostic], valid: int, output: str) -> str:
    match output:
        case "json":
            return diagnostic.to_json(diagnostics, valid=valid)
        case form if form in FORMS:
            return printed(diagnostics, form)
        case _:
            parts = [diagnostic.to_text(diagnostics), _summary(diagnostics, valid)]
            return "\n".join(part for part in parts if part)


def _summary(diagnostics: list[Diagnostic], valid: int) -> str:
    errors = sum(item.is_error for item in diagnostics)
    warnings = len(diagnostics) - errors
    files = len({item.file for item in diagnostics if item.is_error})
    parts = [f"{valid} valid {_plural('document', valid)}"]
    if errors:
        parts.append(f"{errors} {_plural('error', errors)} in {files} {_plural('file', files)}")
    if warnings:
        parts.append(f"{warnings} {_plural('warning', warnings)}")
    return ", ".join(parts)


def _plural(noun: str, count: int) -> str:
    return noun if count == 1 else f"{noun}s"

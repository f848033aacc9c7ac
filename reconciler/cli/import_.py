"""``zoe import``: manifests out of descriptions of the original Zoe and out of Compose files."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.errors import ConfigError
from reconciler.importing.notes import Note, Refused

if TYPE_CHECKING:
    from reconciler.importing.result import Imported

_LARGEST = 4 * 1024**2
_TYPES = click.Choice(["interactive", "batch", "streaming"])


@click.group("import")
def command() -> None:
    """Print a manifest made of another format's file.

    The manifest is on standard output and valid; what was left out or changed is on standard error,
    one line each. A file that can't be imported ends it with 1, and nothing is printed.
    """


def _shared(function: Any) -> Any:
    """Add what both formats have."""
    options: tuple[Any, ...] = (
        click.option(
            "-o",
            "--output",
            type=click.Choice(["yaml", "json"]),
            default="yaml",
            show_default=True,
            help="How to print the documents.",
        ),
        click.option("--type", "type_", type=_TYPES, help="What it is, if the file can't tell."),
        click.option(
            "--kind",
            type=click.Choice(["ZApp", "Execution"]),
            default="ZApp",
            show_default=True,
            help="What to print: an application for everybody, or one execution of it.",
        ),
        click.option("--name", default="", help="Its name. Default: the file's own."),
        click.argument("file", type=click.Path(path_type=Path, allow_dash=True)),
    )
    for option in options:
        function = option(function)
    return function


@command.command()
@_shared
@click.option("--keep-names", is_flag=True, help="Set the variables that the original injected.")
@click.option("--no-workspace", is_flag=True, help="Leave the workspace at /mnt/workspace out.")
@click.option(
    "--placeholder",
    "placeholders",
    multiple=True,
    metavar="NAME=TEXT",
    help="What a placeholder without an equivalent stands for.",
)
def zapp(
    file: Path,
    name: str,
    kind: str,
    type_: str | None,
    output: str,
    *,
    keep_names: bool,
    no_workspace: bool,
    placeholders: tuple[str, ...],
) -> int:
    """Import a description of the original Zoe, or its shop's manifest.json.

    Formats 0 to 3, also within a saved answer of its REST API.
    """
    from reconciler.importing.original import shop
    from reconciler.importing.original.application import Choices, import_description

    choices = Choices(
        name=_checked(name),
        type=type_ or "",
        kind=kind,
        keeps_names=keep_names,
        has_workspace=not no_workspace,
        placeholders=_pairs(placeholders),
    )

    def imported() -> Imported:
        data = _read(file)
        names = shop.descriptions(data)
        if not names:
            return import_description(data, choices)
        beside = {
            item: _read(file.parent / item) for item in names if (file.parent / item).is_file()
        }
        return shop.import_shop(data, beside, choices)

    return _print(file, imported, output)


@command.command()
@_shared
@click.option(
    "--volumes",
    type=click.Choice(["storage", "workspace"]),
    default="storage",
    show_default=True,
    help="What a named volume becomes: a storage of that name, or the namespace's workspace.",
)
@click.option("--profile", "profiles", multiple=True, help='Take services of it in; "*" for all.')
@click.option(
    "--image", "images", multiple=True, metavar="SERVICE=REFERENCE", help="The image of a service."
)
def compose(
    file: Path,
    name: str,
    kind: str,
    type_: str | None,
    output: str,
    volumes: str,
    profiles: tuple[str, ...],
    images: tuple[str, ...],
) -> int:
    """Import a Compose file, of any version."""
    from reconciler.importing.compose.application import Choices, import_compose

    choices = Choices(
        name=_checked(name),
        fallback=_fallback(file),
        type=type_ or "",
        kind=kind,
        volumes=volumes,
        profiles=profiles,
        images=_pairs(images),
    )
    return _print(file, lambda: import_compose(_read(file), choices), output)


def _fallback(file: Path) -> str:
    """Return the name of a file, or of its folder where the file is called as all of them are."""
    stem = file.stem
    is_usual = stem.startswith(("docker-compose", "compose")) or stem == "-"
    return (file.resolve().parent.name or stem) if is_usual else stem


def _checked(name: str) -> str:
    from reconciler.manifest.places import is_name

    if name and not is_name(name):
        raise click.UsageError(f"{name} isn't a name: lower-case letters, digits and hyphens")
    return name


def _pairs(given: tuple[str, ...]) -> Mapping[str, str]:
    pairs = {}
    for item in given:
        key, sign, value = item.partition("=")
        if not (key and sign):
            raise click.UsageError(f"{item} isn't NAME=VALUE")
        pairs[key.strip("{}")] = value
    return pairs


def _read(file: Path) -> bytes:
    try:
        if str(file) == "-":
            data = sys.stdin.buffer.read(_LARGEST + 1)
        else:
            with file.open("rb") as opened:
                data = opened.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigError(f"{file} can't be read: {error.strerror}") from error
    if len(data) > _LARGEST:
        raise ConfigError(f"{file} is larger than {_LARGEST // 1024**2} MiB: no manifest is")
    return data


def _print(file: Path, imported: Any, output: str) -> int:
    """Print the result on standard output and its notes on standard error."""
    label = "standard input" if str(file) == "-" else str(file)
    try:
        result: Imported = imported()
    except Refused as error:
        note = Note(path=error.path, message=error.message, remedy=error.remedy)
        click.echo(note.text(label), err=True)
        return 1
    for note in result.notes:
        click.echo(note.text(label), err=True)
    click.echo(_as_json(result) if output == "json" else result.text, nl=False)
    return 0


def _as_json(result: Imported) -> str:
    return json.dumps(result.documents, indent=2, ensure_ascii=False, default=float) + "\n"

"""``zoe init``: a whole configuration repository to begin with."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import click

from reconciler.errors import ConfigError
from reconciler.manifest import schema

SCHEMA_FILE = Path(".zoe") / "schema" / "v1" / "manifest.schema.json"
_SETTINGS = """\
  [[source]]
  id = "platform"
  url = "URL of this repository"
  branch = "main"
"""
_PACKAGE = Path(__file__).resolve().parent.parent


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
def command(directory: Path) -> None:
    """Write platform, namespaces, ZApps, executions, CODEOWNERS and editor schema into DIR.

    DIR is new, empty, or a Git repository that has none of these files. Nothing is committed.
    """
    example = example_repository()
    files = sorted(_files(example))
    _refuse_overwriting(directory, files)
    for path in files:
        target = directory / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(example / path, target)
    write_schema(directory)
    click.echo(f"wrote {len(files) + 1} files to {directory}")
    click.echo(f"next: edit platform.yaml and CODEOWNERS there, then zoe validate {directory}")
    click.echo("with your first push lab/hello starts; zoe resume NS/NAME --commit starts another")
    click.echo("your SSH key belongs under members of your file in namespaces/: what is generated,")
    click.echo("such as a notebook's password, is told to nobody else")
    click.echo(f"the machine that runs zoe needs this in its zoe.toml:\n{_SETTINGS}", nl=False)


def example_repository() -> Path:
    """Return the example, from the package or else from the checkout.

    Raises:
        ConfigError: The installation lacks it.
    """
    for place in (_PACKAGE / "_examples", _PACKAGE.parent / "examples"):
        if (place / "repository" / "platform.yaml").is_file():
            return place / "repository"
    raise ConfigError("this installation has no examples: install it again")


def _files(example: Path) -> Iterator[Path]:
    for path in example.rglob("*"):
        relative = path.relative_to(example)
        if path.is_file() and relative != SCHEMA_FILE:
            yield relative


def _refuse_overwriting(directory: Path, files: list[Path]) -> None:
    if directory.exists() and not directory.is_dir():
        raise ConfigError(f"{directory} is a file: name a folder")
    there = [path for path in (*files, SCHEMA_FILE) if (directory / path).exists()]
    if there:
        raise ConfigError(f"{directory / there[0]} is there already: nothing was written")
    is_repository = (directory / ".git").exists()
    if directory.is_dir() and any(directory.iterdir()) and not is_repository:
        raise ConfigError(f"{directory} isn't empty: name a new folder or a Git repository")


def write_schema(directory: Path) -> None:
    """Write the schema that editors use into a repository."""
    target = directory / SCHEMA_FILE
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(editor_schema(), encoding="utf-8")


def editor_schema() -> str:
    """Return the schema in the draft that editors know."""
    twin = schema.draft7(schema.published().document)
    return json.dumps(twin, indent=1, ensure_ascii=False) + "\n"

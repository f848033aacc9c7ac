"""``zoe new``: a commented manifest for a ZApp, ready to be edited and committed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from reconciler.cli import repository
from reconciler.errors import ConfigError
from reconciler.manifest import source_map
from reconciler.manifest.places import is_name
from reconciler.manifest.suggest import did_you_mean
from reconciler.manifest.template import manifest_text


@click.command()
@click.argument("execution", metavar="NS/NAME")
@click.option("--zapp", required=True, help="The ZApp to run.")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The configuration repository. Default: the one that you are in.",
)
def command(execution: str, zapp: str, directory: Path) -> None:
    """Write executions/NS/NAME.yaml for a ZApp, with all of its parameters.

    Parameters with a default are commented out. Nothing is committed.
    """
    namespace, _, name = execution.partition("/")
    if not (is_name(namespace) and is_name(name)):
        raise click.UsageError(f"{execution} isn't NS/NAME, such as lab/my-notebook")
    root = repository.find_root(directory)
    catalogue = repository.load(root, repository.files_of(root))
    found = next((item for item in catalogue.zapps if item.name == zapp), None)
    if found is None:
        known = [item.name for item in catalogue.zapps]
        raise ConfigError(f"no ZApp {zapp}: {did_you_mean(zapp, known, otherwise='none at all')}")
    target = root / "executions" / namespace / f"{name}.yaml"
    text = manifest_text(name, zapp, _parameters(root / found.path, zapp))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError(f"{target} is there already: edit it, or choose another name") from error
    click.echo(f"wrote {target.relative_to(root)}: edit it, then zoe validate, commit and push")
    if namespace not in catalogue.namespaces:
        click.echo(f"nobody declared the namespace {namespace} yet: namespaces/{namespace}.yaml")


def _parameters(path: Path, zapp: str) -> Mapping[str, Mapping[str, Any]]:
    reading = source_map.read(path.read_bytes(), file=path.name)
    for document in reading.documents:
        if document.value["metadata"]["name"] == zapp:
            declared: Mapping[str, Mapping[str, Any]] = document.value["spec"].get("parameters", {})
            return declared
    return {}

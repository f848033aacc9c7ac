"""``zoe render``: an execution as it would run, with everything filled in."""

from __future__ import annotations

import json
from pathlib import Path

import click
import yaml

from reconciler import canonical
from reconciler.cli import repository
from reconciler.errors import ManifestError, Missing
from reconciler.manifest.catalogue import Catalogue
from reconciler.manifest.spec import Manifest
from reconciler.manifest.suggest import did_you_mean


@click.command()
@click.argument("execution", metavar="NS/NAME")
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The configuration repository. Default: the one that you are in.",
)
@click.option(
    "-o",
    "--output",
    type=click.Choice(["yaml", "json"]),
    default="yaml",
    show_default=True,
    help="How to print it.",
)
def command(execution: str, directory: Path, output: str) -> None:
    """Print an execution with its ZApp, parameters, defaults and caps filled in.

    Amounts are in bytes, milli-CPUs and milliseconds; what is at its default is left out.
    """
    root = repository.find_root(directory)
    catalogue = repository.load(root, repository.files_of(root))
    data = canonical.to_data(find(catalogue, execution))
    if output == "json":
        click.echo(json.dumps(data, indent=2))
    else:
        click.echo(yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False), nl=False)


def find(catalogue: Catalogue, execution: str) -> Manifest:
    """Return the manifest of ``NS/NAME``.

    Raises:
        ManifestError: It is there, but broken.
        Missing: There is none.
    """
    known = {f"{item.namespace}/{item.name}": item for item in catalogue.manifests}
    if execution in known:
        return known[execution]
    for broken in catalogue.broken:
        if execution == f"{broken.namespace}/{broken.name}":
            found = tuple(item for item in catalogue.diagnostics if item.file == broken.path)
            raise ManifestError(found)
    remedy = did_you_mean(execution, known, otherwise="there are none at all")
    raise Missing(f"no execution {execution}: {remedy}")

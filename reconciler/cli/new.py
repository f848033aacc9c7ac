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

_HEAD = """\
# yaml-language-server: $schema=../../.zoe/schema/v1/manifest.schema.json
apiVersion: zoe/v1
kind: Execution
metadata:
  name: {name}
spec:
  zapp: {zapp}
"""
_TAIL = """\
  run: 1                # raise it to start again what has ended
  # priority: normal    # filler, low, normal or high
  # lifetime: 4h        # stopped after that, counted from its start
  # suspend: true       # frees everything, keeps this file
"""
_EXAMPLES = {
    "string": '""',
    "integer": "1",
    "number": "1",
    "boolean": "false",
    "quantity": "1GiB",
    "duration": "1h",
    "list": "[]",
}


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


def manifest_text(name: str, zapp: str, declarations: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the text of a manifest that names every parameter."""
    text = _HEAD.format(name=name, zapp=zapp)
    if declarations:
        is_any_required = any("default" not in item for item in declarations.values())
        text += "  parameters:\n" if is_any_required else "  # parameters:\n"
        for parameter, declaration in declarations.items():
            text += _line(parameter, declaration)
    return text + _TAIL


def _line(name: str, declaration: Mapping[str, Any]) -> str:
    is_required = "default" not in declaration
    value = _flow(declaration["default"]) if not is_required else _example(declaration)
    notes = [declaration.get("description", declaration["type"]).splitlines()[0]]
    notes += [
        f"{key} {_flow(declaration[key])}" for key in ("minimum", "maximum") if key in declaration
    ]
    if "values" in declaration:
        notes.append(f"one of {', '.join(declaration['values'])}")
    mark = "" if is_required else "# "
    return f"  {mark}  {name}: {value}".ljust(34) + f"  # {'; '.join(notes)}\n"


def _example(declaration: Mapping[str, Any]) -> str:
    if declaration["type"] == "enum":
        return _flow(declaration["values"][0])
    return _flow(declaration.get("minimum", _Bare(_EXAMPLES[declaration["type"]])))


class _Bare(str):
    """Text that is YAML already."""

    __slots__ = ()


def _flow(value: object) -> str:
    """Return a value in YAML's flow style."""
    if isinstance(value, _Bare):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    text = str(getattr(value, "text", value))
    is_plain = not isinstance(value, str) or (text[:1].isalnum() and text.isalnum())
    return text if is_plain else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'

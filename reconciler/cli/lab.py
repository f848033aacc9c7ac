"""``zoe lab``: a throw-away Swarm of real engines on this machine.

Only what a shell may evaluate, or what was asked for, goes to standard output; progress goes to
standard error.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from reconciler.config import Settings

if TYPE_CHECKING:
    from reconciler.cluster.lab.lab import Lab, NodeStatus
    from reconciler.cluster.lab.layout import NodeOptions

_Function = TypeVar("_Function", bound=Callable[..., object])
_DURATION = re.compile(r"(?P<number>\d+)(?P<unit>ms|s|m)")
_UNITS = {"ms": "milliseconds", "s": "seconds", "m": "minutes"}
_FOR_NODE = re.compile(r"(?:(?P<node>\d+):)?(?P<value>[^=:]+=.+)")


class _Duration(click.ParamType[timedelta]):
    """A number with its unit, such as 500ms, 1s or 2m."""

    name = "duration"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        match = _DURATION.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} isn't a duration such as 500ms, 1s or 2m", param, ctx)
        return timedelta(**{_UNITS[match["unit"]]: int(match["number"])})


class _ForNode(click.ParamType[tuple[int | None, str]]):
    """``name=value`` for all nodes, or ``2:name=value`` for node 2; becomes (2 or None, text)."""

    name = "[node:]name=value"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int | None, str]:
        match = _FOR_NODE.fullmatch(str(value))
        if match is None:
            self.fail(f"{value!r} isn't name=value or, for node 2 alone, 2:name=value", param, ctx)
        return (int(match["node"]) if match["node"] else None), match["value"]


def _in_directory(function: _Function) -> _Function:
    return click.option(
        "--dir",
        "directory",
        type=click.Path(file_okay=False, path_type=Path),
        default=Settings().state_dir / "lab",
        show_default=True,
        help="Where the lab keeps its engines' data.",
    )(function)


def _with_cache(function: _Function) -> _Function:
    return click.option(
        "--cache",
        type=click.Path(file_okay=False, path_type=Path),
        default=Settings().state_dir / "images",
        show_default=True,
        help="Where built images are kept.",
    )(function)


@click.group("lab")
def command() -> None:
    """Run a throw-away Swarm of real engines on this machine (Linux, root)."""


@command.command()
@_in_directory
@_with_cache
@click.option("--nodes", default=1, show_default=True, help="How many engines.")
@click.option("--managers", default=1, show_default=True, help="How many of them manage.")
@click.option("--heartbeat", type=_Duration(), default="5s", show_default=True)
@click.option("--label", "labels", type=_ForNode(), multiple=True, help="Engine label.")
@click.option(
    "--generic-resource", "resources", type=_ForNode(), multiple=True, help="Such as gpu=2."
)
@click.option("--image", "images", multiple=True, default=("busybox",), show_default=True)
def up(
    *,
    directory: Path,
    cache: Path,
    nodes: int,
    managers: int,
    heartbeat: timedelta,
    labels: tuple[tuple[int | None, str], ...],
    resources: tuple[tuple[int | None, str], ...],
    images: tuple[str, ...],
) -> None:
    """Bring a lab up, or what is missing of it.

    Prints a line for the shell: eval "$(zoe lab up --nodes 3)".
    """
    lab = _lab(directory)
    options = _options(nodes, labels, resources)
    lab.up(nodes=nodes, managers=managers, heartbeat=heartbeat, options=options)
    for image in images:
        _provide(lab, image, cache)
    click.echo(f"export DOCKER_HOST={shlex.quote(lab.docker_host)}")


@command.command()
@_in_directory
def down(directory: Path) -> None:
    """Take the lab down: nothing of it is left."""
    _lab(directory).down()


@command.command()
@_in_directory
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text")
def status(directory: Path, output: str) -> None:
    """Show the nodes: name, engine, link, Swarm, address, socket."""
    nodes = _lab(directory).status()
    if output == "json":
        click.echo(json.dumps([asdict(node) for node in nodes], indent=2))
    elif nodes:
        for node in nodes:
            click.echo("\t".join(_columns(node)))
    else:
        click.echo(f"no lab is up in {directory}", err=True)


@command.command("kill-node")
@click.argument("number", type=int)
@_in_directory
def kill_node(number: int, directory: Path) -> None:
    """Let a node lose its power."""
    _lab(directory).kill_node(number)


@command.command("start-node")
@click.argument("number", type=int)
@_in_directory
def start_node(number: int, directory: Path) -> None:
    """Bring a killed node back with its data."""
    _lab(directory).start_node(number)


@command.command()
@click.argument("number", type=int)
@_in_directory
def partition(number: int, directory: Path) -> None:
    """Cut a node off the network; what runs on it goes on."""
    _lab(directory).partition(number)


@command.command()
@click.argument("number", type=int)
@_in_directory
def heal(number: int, directory: Path) -> None:
    """Connect a cut-off node again."""
    _lab(directory).heal(number)


@command.command()
@click.argument("name")
@_in_directory
@_with_cache
def image(name: str, directory: Path, cache: Path) -> None:
    """Build an image from packages and load it into every node; without a lab, say where it is.

    NAME is a built-in image (busybox), an example ZApp with a recipe (jupyter) or a folder that
    holds a recipe.yaml.
    """
    for tag in _provide(_lab(directory), name, cache):
        click.echo(tag)


def _lab(directory: Path) -> Lab:
    from reconciler.cluster.lab.lab import Lab  # the SDK is slow to import

    return Lab(directory, say=_say)


def _provide(lab: Lab, name: str, cache: Path) -> tuple[str, ...]:
    from reconciler.cluster.lab import image as images
    from reconciler.cluster.lab import recipe

    built = images.build(recipe.read(recipe.locate(name)), cache, say=_say)
    if not lab.status():
        _say(f"no lab is up: for engines of yours, docker load -i {built.archive}")
    elif lab.lacks_image(built.tags[0], built.id):
        _say(f"loading the image {built.tags[0]} into every node")
        lab.load_image(built.archive)
    return built.tags


def _say(sentence: str) -> None:
    click.echo(f"lab: {sentence}", err=True)


def _options(
    nodes: int,
    labels: tuple[tuple[int | None, str], ...],
    resources: tuple[tuple[int | None, str], ...],
) -> dict[int, NodeOptions]:
    from reconciler.cluster.lab.layout import NodeOptions

    def of(number: int, values: tuple[tuple[int | None, str], ...]) -> tuple[str, ...]:
        return tuple(value for node, value in values if node in {None, number})

    named = {node for node, _ in (*labels, *resources)}
    numbers = set(range(1, nodes + 1)) if None in named else set()
    numbers |= {node for node in named if node is not None}
    return {
        number: NodeOptions(labels=of(number, labels), generic_resources=of(number, resources))
        for number in sorted(numbers)
    }


def _columns(node: NodeStatus) -> tuple[str, ...]:
    return (
        node.endpoint.hostname,
        "running" if node.is_running else "stopped",
        "connected" if node.is_connected else "cut off",
        node.swarm,
        node.endpoint.address,
        node.endpoint.docker_host,
    )

"""``zoe new``: a commented manifest for a ZApp of the catalogue, ready to be committed."""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from reconciler.cli import editing, letters, repository, shelf, work_tree
from reconciler.cli.columns import aligned
from reconciler.cli.duration import DURATION
from reconciler.converge.letters import readers
from reconciler.converge.secrets import generated
from reconciler.errors import ConfigError
from reconciler.manifest import diagnostic
from reconciler.manifest.answers import hint, read_answer
from reconciler.manifest.catalogue import Catalogue
from reconciler.manifest.diagnostic import Complaint
from reconciler.manifest.places import is_name
from reconciler.manifest.quantities import duration_text
from reconciler.manifest.suggest import did_you_mean
from reconciler.manifest.template import Filling, flow, manifest_text

_RANGE = re.compile(r"(.*?)([0-9]+)\.\.(.*?)([0-9]+)")
_MOST_NAMESPACES = 1000
_KEEP = object()


@click.command()
@click.argument("zapp", metavar="ZAPP", required=False)
@click.argument("execution", metavar="NS/NAME", required=False)
@click.option("--list", "lists", is_flag=True, help="Show the catalogue, and write nothing.")
@click.option("--set", "given", multiple=True, metavar="NAME=VALUE", help="Set a parameter.")
@click.option("--lifetime", type=DURATION, help="How long it may run, such as 4h.")
@click.option("--priority", default="", help="A priority class, such as low.")
@click.option("--suspend", is_flag=True, help="Write it suspended: it starts with suspend: false.")
@click.option(
    "--for",
    "groups",
    metavar="NAMESPACES",
    help="Write NAME for many namespaces: group-01..group-25, or a,b,c.",
)
@click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path),
    default=Path(),
    help="The configuration repository. Default: the one that you are in.",
)
@editing.committing
def command(
    zapp: str | None,
    execution: str | None,
    *,
    lists: bool,
    given: tuple[str, ...],
    lifetime: int | None,
    priority: str,
    suspend: bool,
    groups: str | None,
    directory: Path,
    commit: bool,
    message: str | None,
) -> int:
    """Write executions/NS/NAME.yaml for a ZApp, with all of its parameters.

    On a terminal it asks for those that --set doesn't set; what keeps its default is commented out.
    A ZApp that isn't in the repository yet is copied there from the installation's own.
    """
    root = repository.find_root(directory)
    if lists:
        _show_catalogue(root)
        return 0
    if not (zapp and execution):
        raise click.UsageError("name a ZApp and NS/NAME, such as: zoe new jupyter lab/my-notebook")
    targets = _targets(execution, groups)
    entry = shelf.find(root, zapp)
    filling = Filling(
        values=_values(entry, given),
        priority=priority,
        lifetime=duration_text(lifetime) if lifetime else "",
        suspend=suspend,
    )
    paths = [root / "executions" / namespace / f"{name}.yaml" for namespace, name in targets]
    _refuse_overwriting(paths)
    copied = [] if entry.is_in_clone else shelf.copy(entry, root)
    if copied:
        click.echo(f"copied the ZApp {zapp} to {_folder(copied, root)}: it comes with zoe")
    for path, (_, name) in zip(paths, targets, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(manifest_text(name, zapp, entry.parameters, filling), encoding="utf-8")
        click.echo(f"wrote {path.relative_to(root)}")
    catalogue = _checked(root, paths)
    if _tell_problems(catalogue, paths, root):
        return 1
    _tell_of_passwords(catalogue, targets)
    _tell_next(root, [*copied, *paths], message or f"Add {execution}", commit=commit)
    return 0


def _folder(copied: Sequence[Path], root: Path) -> str:
    """Return the folder of a ZApp that was copied, from the repository's root."""
    return "/".join(copied[0].relative_to(root).parts[:2])


def _show_catalogue(root: Path) -> None:
    """Print a line for each ZApp: its name, what it is, and whether the repository has it."""
    rows = [
        (entry.name, entry.type, "here" if entry.is_in_clone else "comes with zoe", entry.title)
        for entry in shelf.entries(root)
    ]
    lines = aligned(rows) if sys.stdout.isatty() else ("\t".join(row) for row in rows)
    for line in lines:
        click.echo(line)


def _targets(execution: str, groups: str | None) -> list[tuple[str, str]]:
    """Return namespace and name of every manifest to write."""
    namespace, slash, name = execution.rpartition("/")
    if groups is not None:
        if slash or not is_name(name):
            raise click.UsageError("with --for, name the execution without a namespace: NAME")
        return [(group, name) for group in _namespaces(groups)]
    if not (is_name(namespace) and is_name(name)):
        raise click.UsageError(f"{execution} isn't NS/NAME, such as lab/my-notebook")
    return [(namespace, name)]


def _namespaces(groups: str) -> list[str]:
    found: list[str] = []
    for part in groups.split(","):
        match = _RANGE.fullmatch(part.strip())
        if match is None:
            found.append(part.strip())
            continue
        head, first, other, last = match.groups()
        if other not in (head, ""):
            raise click.UsageError(f"{part} isn't a range, such as group-01..group-25")
        if not 0 <= int(last[:6]) - int(first[:6]) < _MOST_NAMESPACES:
            raise click.UsageError(f"{part} goes backwards, or has over {_MOST_NAMESPACES} names")
        numbers = range(int(first[:6]), int(last[:6]) + 1)
        found += [f"{head}{number:0{len(first)}}" for number in numbers]
    if wrong := [name for name in found if not is_name(name)]:
        raise click.UsageError(f"{wrong[0]!r} isn't a namespace: write group-01..group-25")
    return list(dict.fromkeys(found))


def _values(entry: shelf.Entry, given: Sequence[str]) -> dict[str, Any]:
    """Return the parameters that are set; on a terminal those that aren't are asked for."""
    values: dict[str, Any] = {}
    for item in given:
        name, sign, text = item.partition("=")
        if not sign:
            raise click.UsageError(f"{item} isn't NAME=VALUE")
        if name not in entry.parameters:
            remedy = did_you_mean(name, entry.parameters, otherwise="it has no parameters")
            raise click.UsageError(f"{entry.name} has no parameter {name}: {remedy}")
        try:
            values[name] = read_answer(text, entry.parameters[name])
        except Complaint as complaint:
            raise click.UsageError(f"--set {name}: {complaint}: {complaint.remedy}") from complaint
    left = {name: item for name, item in entry.parameters.items() if name not in values}
    if sys.stdin.isatty() and sys.stdout.isatty():
        return values | _asked(left)
    missing = [name for name, item in left.items() if "default" not in item]
    if missing:
        wanted = " ".join(f"--set {name}=VALUE ({hint(left[name])})" for name in missing)
        raise click.UsageError(f"{entry.name} needs {wanted}")
    return values


def _asked(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Ask for parameters; an answer that won't do is asked for again, with the reason."""
    answers: dict[str, Any] = {}
    for name, declaration in parameters.items():
        if about := declaration.get("description"):
            click.echo(f"# {about}")
        answer = _ask(name, declaration)
        if answer is not _KEEP:
            answers[name] = answer
    return answers


def _ask(name: str, declaration: Mapping[str, Any]) -> Any:
    """Return the answer for a parameter, or _KEEP where that is its default."""
    default = flow(declaration["default"]) if "default" in declaration else None

    def read(text: str) -> Any:
        if text == default:
            return _KEEP
        try:
            return read_answer(text, declaration)
        except Complaint as complaint:
            raise click.UsageError(f"{complaint}: {complaint.remedy}") from complaint

    return click.prompt(f"{name} ({hint(declaration)})", default=default, value_proc=read)


def _refuse_overwriting(paths: Sequence[Path]) -> None:
    there = next((path for path in paths if path.exists()), None)
    if there is not None:
        raise ConfigError(f"{there} is there already: edit it, or choose another name")


def _checked(root: Path, paths: Sequence[Path]) -> Catalogue:
    """Check what was written as ``zoe validate`` does."""
    files = {path.relative_to(root).as_posix(): "" for path in paths}
    return repository.load(root, repository.needed_for(root, files))


def _tell_problems(catalogue: Catalogue, paths: Sequence[Path], root: Path) -> bool:
    """Tell what is wrong with what was written, and whether there are errors."""
    files = {path.relative_to(root).as_posix() for path in paths}
    found = [item for item in catalogue.diagnostics if item.file in files]
    if found:
        click.echo(diagnostic.to_text(found), err=True)
    is_wrong = any(item.is_error for item in found)
    if is_wrong:
        click.echo("next: correct that, then zoe validate, commit and push", err=True)
    return is_wrong


def _tell_of_passwords(catalogue: Catalogue, targets: Sequence[tuple[str, str]]) -> None:
    """Say who has to be named where a password is generated that nobody would be told."""
    wanted = {
        (manifest.namespace, manifest.name): manifest.spec
        for manifest in catalogue.manifests
        if (manifest.namespace, manifest.name) in targets and manifest.spec is not None
    }
    told = {name for name, owner in catalogue.namespaces.items() if readers(owner.members)}
    unheard = [
        f"namespaces/{namespace}.yaml"
        for (namespace, _), spec in wanted.items()
        if generated(spec) and namespace not in told
    ]
    if unheard:
        more = f" and {len(unheard) - 1} more" if len(unheard) > 1 else ""
        click.echo("note: what is generated, such as a password, is told only to members with an")
        click.echo(f"SSH key, and there are none; under spec of {unheard[0]}{more}:")
        click.echo(f"  {letters.HOW}")


def _tell_next(root: Path, paths: Sequence[Path], message: str, *, commit: bool) -> None:
    names = [path.relative_to(root).as_posix() for path in paths]
    if commit:
        work_tree.add(root, *names)
        click.echo(f"committed {work_tree.commit(root, message, *names)}")
        click.echo("next: git push")
        return
    folders = " ".join(sorted({shlex.quote(name.split("/")[0]) for name in names}))
    shown = names[0] if len(names) == 1 else folders
    click.echo(f"next: git add {shown}, git commit -m {shlex.quote(message)}, git push")

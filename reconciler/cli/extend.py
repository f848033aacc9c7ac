"""``zoe extend``: give an execution more time before its lifetime ends it."""

from __future__ import annotations

from collections.abc import Iterator

import click

from reconciler.cli import editing, render, repository
from reconciler.cli.duration import DURATION
from reconciler.cli.names import EXECUTION
from reconciler.manifest.catalogue import Catalogue
from reconciler.manifest.quantities import duration_text

LIFETIME = ("spec", "lifetime")


@click.command("extend")
@click.argument("name", type=EXECUTION)
@click.argument("more_ms", metavar="DURATION", type=DURATION)
@editing.committing
def command(*, name: tuple[str, str], more_ms: int, commit: bool, message: str | None) -> None:
    """Raise the lifetime of NAMESPACE/NAME by DURATION, such as 2h, in its manifest.

    What runs goes on without a restart.
    """
    target = editing.find(*name)
    files = repository.needed_for(target.root, {target.path: target.path})
    catalogue = repository.load(target.root, files)
    spec = render.find(catalogue, target.name).spec
    lifetime_ms = None if spec is None else spec.lifetime_ms
    if lifetime_ms is None:
        raise click.ClickException(f"{target.name} has no lifetime: it runs until it is stopped")
    _check(target.name, lifetime_ms, more_ms, catalogue)
    before, after = duration_text(lifetime_ms), duration_text(lifetime_ms + more_ms)
    editing.carry_out(
        target,
        target.with_value(LIFETIME, after),
        did=f"lifetime of {target.name} raised from {before} to {after}",
        message=message or f"Let {target.name} run for {after}",
        commit=commit,
    )


def _check(name: str, lifetime_ms: int, more_ms: int, catalogue: Catalogue) -> None:
    """Refuse what the checks after a push would refuse, with the number that is possible."""
    bound = min(_bounds(name, catalogue), default=None)
    if bound is None or lifetime_ms + more_ms <= bound[0]:
        return
    most_ms, whose = bound
    left_ms = most_ms - lifetime_ms
    remedy = f"extend it by {duration_text(left_ms)} at most" if left_ms > 0 else "it has all of it"
    raise click.ClickException(
        f"{name} may run for {duration_text(most_ms)} at most ({whose} limit), and has "
        f"{duration_text(lifetime_ms)}: {remedy}"
    )


def _bounds(name: str, catalogue: Catalogue) -> Iterator[tuple[int, str]]:
    if catalogue.platform.maximum_lifetime_ms is not None:
        yield catalogue.platform.maximum_lifetime_ms, "the platform's"
    namespace = catalogue.namespaces.get(name.partition("/")[0])
    if namespace is not None and namespace.maximum_lifetime_ms is not None:
        yield namespace.maximum_lifetime_ms, f"the namespace {namespace.name}'s"

"""``zoe rerun``: raise ``run``, so that what has ended starts again."""

from __future__ import annotations

import click

from reconciler.cli import editing

RUN = ("spec", "run")
SCHEDULE = ("spec", "schedule")
TEMPLATE = ("spec", "template")
REPEAT = ("spec", "repeat")


@click.command("rerun")
@editing.options
def command(*, name: tuple[str, str], commit: bool, message: str | None) -> None:
    """Raise the run of NAMESPACE/NAME by one in its manifest.

    What has ended starts again; what still runs is stopped for the new run. Of a set, all of it.
    """
    target = editing.find(*name)
    within = TEMPLATE if target.is_set else ()
    if target.value(REPEAT) is not None:
        raise click.ClickException(f"{target.name} repeats: what has ended is started again anyway")
    if target.value((*within, *SCHEDULE)) is not None:
        raise click.ClickException(
            f"{target.name} runs by its schedule, each time once: for one run now, copy "
            f"{target.path} under another name without schedule"
        )
    run = target.value((*within, *RUN))
    run = 1 if run is None else run
    if not isinstance(run, int) or isinstance(run, bool):
        key = ".".join((*within, *RUN))
        raise click.ClickException(f"{target.path}: {key} isn't a whole number: write one")
    editing.carry_out(
        target,
        target.with_value((*within, *RUN), run + 1),
        did=f"run of {target.name} raised from {run} to {run + 1}",
        message=message or f"Run {target.name} again (run {run + 1})",
        commit=commit,
    )

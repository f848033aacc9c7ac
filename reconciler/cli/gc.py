"""``zoe gc``: remove now what ``zoe run`` removes when it is past its time."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass

import click

from reconciler import config
from reconciler.cli import reading, show
from reconciler.clock import SystemClock
from reconciler.converge.forgetting import KNOWN
from reconciler.errors import StoreUnavailable
from reconciler.ports import TIDYING, Store
from reconciler.stored import ExecutionRow

WORDS = {
    "deliveries": "deliveries of forges",
    "reviews": "requests for reviews",
    "plans": "posted plans",
    "letters": "messages that were sent",
    "events": "events",
    "results": "results of runs that aren't known any more",
    "passes": "passes",
    "commits": "commits",
    "facts": "facts of runs that aren't known any more",
    "accounts": "accounts",
    "logs": "log tails for pages",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """What went, or would: how many rows of each kind, runs that a pass looks at, bytes."""

    removed: Mapping[str, int]
    runs: int
    freed_bytes: int
    is_dry_run: bool


@click.command("gc")
@click.option("--dry-run", "is_dry", is_flag=True, help="Remove nothing: say what would go.")
@show.output_option()
def command(*, is_dry: bool, output: str) -> None:
    """Remove what is past its time: history after 90 days, deliveries after 7.

    zoe run does so each hour; it may go on meanwhile. Runs that ended over 90 days ago and that no
    manifest asks for are forgotten by its next pass, which this asks for. A SQLite file is made
    smaller where that is worth while; PostgreSQL does that by itself.
    """
    with reading.required_database(config.load()) as store:
        runs = sum(map(_is_old, store.load().executions))
        removed = store.forget(tries_only=is_dry)
        freed = 0
        if not is_dry:
            if runs:
                store.request_pass(TIDYING)
            freed = _compacted(store)
    found = Removed(removed=removed, runs=runs, freed_bytes=freed, is_dry_run=is_dry)
    if output == "text":
        _tell(found)
    else:
        show.as_data(found, output)


def _is_old(row: ExecutionRow) -> bool:
    changed = row.updated_at
    return row.is_final and changed is not None and changed <= SystemClock().now() - KNOWN


def _compacted(store: Store) -> int:
    with contextlib.suppress(StoreUnavailable):  # others write all the time: another day
        return store.compact()
    return 0


def _tell(found: Removed) -> None:
    would = "would remove" if found.is_dry_run else "removed"
    for kind, count in found.removed.items():
        if count:
            click.echo(f"{would} {count} {WORDS[kind]}")
    if not any(found.removed.values()):
        click.echo("nothing is past its time" if not found.runs else "no row is past its time")
    if found.runs:
        told = "would be looked at" if found.is_dry_run else "are looked at"
        click.echo(
            f"{found.runs} runs ended over {KNOWN.days} days ago: they {told} by the next pass of "
            "zoe run or zoe once, and those that no manifest asks for are forgotten"
        )
    if found.freed_bytes:
        click.echo(f"the database is {found.freed_bytes // 1024} KiB smaller")

"""How verbs print: tables on a terminal, tabs and instants into a pipe, views for machines."""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import zip_longest
from types import MappingProxyType
from typing import TypeVar

import click

from reconciler.cli import when
from reconciler.view import encoding, words

STATES: Mapping[str, str] = MappingProxyType(
    {
        "Running": "green",
        "ready": "green",
        "Failed": "red",
        "Invalid": "red",
        "Unknown": "red",
        "down": "red",
        "Starting": "blue",
        "Terminating": "blue",
        "Queued": "yellow",
        "Pending": "yellow",
        "drained": "yellow",
        "Scheduled": "dim",
        "Suspended": "dim",
        "Succeeded": "dim",
        "Stopped": "dim",
    }
)
"""How states look, as on the page; the word says it all where there are no colours."""

_WORD, _GAP = 8, 2

F = TypeVar("F", bound=Callable[..., object])


def output_option(*others: str) -> Callable[[F], F]:
    """Return the option ``-o``: text, json, yaml, and what else a verb knows."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(["text", "json", "yaml", *others]),
        default="text",
        show_default=True,
        help="How to print it.",
    )


def is_terminal() -> bool:
    """Tell whether somebody looks at what is printed."""
    return sys.stdout.isatty()


def as_data(view: object, output: str) -> None:
    """Print a view for machines, as the API has it."""
    data = encoding.to_json(view)
    if output == "json":
        click.echo(json.dumps(data, indent=2))
        return
    import yaml

    click.echo(yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False), nl=False)


def say(text: str) -> None:
    """Print a sentence; on a terminal it goes on between words, below where it began."""
    if is_terminal():
        began = text[: len(text) - len(text.lstrip(" -"))]
        text = textwrap.fill(
            text[len(began) :],
            shutil.get_terminal_size().columns,
            initial_indent=began,
            subsequent_indent=" " * len(began),
            break_long_words=False,
            break_on_hyphens=False,
        )
    click.echo(text)


def sentence(text: str, *, now: datetime) -> str:
    """Return a sentence with its times on the reader's clock; unchanged into a pipe."""
    shown = cell(text)
    return words.with_times(shown, lambda at: when.at(at, now=now)) if is_terminal() else shown


def cell(text: str) -> str:
    """Return text that neither acts on the terminal nor breaks its line."""
    return words.escaped(text).replace("\n", " ").replace("\t", " ")


def time(at: datetime) -> str:
    """Return a time to the second: on the reader's clock, or as an instant into a pipe."""
    return at.astimezone().strftime("%Y-%m-%d %H:%M:%S") if is_terminal() else words.instant(at)


def moment(at: datetime | None, *, now: datetime) -> str:
    """Return a time as :func:`sentence` has it; "" for none."""
    if at is None:
        return ""
    return when.at(at, now=now) if is_terminal() else words.instant(at)


def age(at: datetime, *, now: datetime) -> str:
    """Return how long ago something was; into a pipe, when."""
    return when.age(at, now=now) if is_terminal() else words.instant(at)


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    numbers: Iterable[int],
    colours: Mapping[int, Mapping[str, str]] = MappingProxyType({}),
    whole: Iterable[int] = (0,),
) -> None:
    """Print rows: below a head on a terminal, else alone and parted by tabs.

    ``numbers`` are the columns that are ranged right, ``whole`` those that never go on in another
    line: the others do, and nothing is left out. ``colours`` say by the column how its words look
    on a terminal that has colours.
    """
    cells = [[cell(text) for text in row] for row in rows]
    if not is_terminal():
        for row in cells:
            click.echo("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    right, unbroken = set(numbers), set(whole)
    shown = Table(box=None, pad_edge=False, show_header=any(head))
    for number, title in enumerate(head):
        shown.add_column(
            title,
            justify="right" if number in right else "left",
            no_wrap=number in unbroken,
            overflow="fold",
        )
    for row in cells:
        styles = [colours.get(number, {}).get(text, "") for number, text in enumerate(row)]
        shown.add_row(*map(Text, row, styles))
    console = Console()
    # Narrower, rich leaves columns out; longer lines the terminal itself lets go on.
    least = _narrowest(cells, unbroken)  # titles may be broken
    (console if console.width >= least else Console(width=least)).print(shown)


def _narrowest(rows: Sequence[Sequence[str]], unbroken: Container[int]) -> int:
    """Return how wide a table is in which columns that go on have room for a word."""
    from rich.cells import cell_len

    longest = [max(map(cell_len, column)) for column in zip_longest(*rows, fillvalue="")]
    needed = (w if n in unbroken else min(w, _WORD) for n, w in enumerate(longest))
    return sum(needed) + _GAP * (len(longest) - 1)

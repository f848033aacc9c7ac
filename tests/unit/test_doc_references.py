"""What the documents lead to is there: pages, headings, verbs and their options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconciler.cli.verbs import zoe
from tests.fixtures.pages import PAGES, ROOT, SHELL, blocks, without_blocks

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_COMMAND = re.compile(
    r"(?:^|[&|;(] *|`)(?:\$ )?(?:[A-Z_]+=\S+ )*(zoe [a-z][^`&|;#\n)>]*)", re.MULTILINE
)


def anchors(page: Path) -> set[str]:
    """Return the headings of a page as forges make anchors of them."""
    titles = re.findall(r"^#+ (.+)$", without_blocks(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    broken = []
    for link in _LINK.findall(without_blocks(page)):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = ((ROOT / page).parent / path) if path else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def commands(page: str) -> Iterator[str]:
    """Yield what a page shows to be typed: lines of blocks for a shell, and code in the text."""
    for block in blocks(page, "", *SHELL):
        yield from _COMMAND.findall(block.text.replace("\\\n", " "))
    yield from re.findall(r"`(zoe [^`]+)`", without_blocks(page))


@pytest.mark.parametrize("page", PAGES)
def test_every_command_is_there_with_its_options(page: str) -> None:
    wrong = []
    for shown in commands(page):
        command: click.Command = zoe
        try:
            words = shlex.split(shown, comments=True)[1:]
        except ValueError:
            words = shown.split()[1:]
        for word in words:
            if not isinstance(command, click.Group) or word.startswith("-"):
                break
            found = command.get_command(click.Context(command), word.rstrip(".,:"))
            if found is None:
                if re.fullmatch(r"[a-z-]+", word):
                    wrong.append(shown)
                break
            command = found
        known = {option for each in command.params for option in each.opts + each.secondary_opts}
        given = {
            word.partition("=")[0] for word in words if re.fullmatch(r"--?[a-z][a-z-]*(=.*)?", word)
        }
        if given - known - {"--help", "--version", "-h"}:
            wrong.append(shown)
    assert wrong == []

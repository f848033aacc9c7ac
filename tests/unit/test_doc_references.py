"""What the documents lead to is there: pages, headings, verbs and their options."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from reconciler.cli.verbs import zoe

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_COMMAND = re.compile(
    r"(?:^|[&|;(] *|`)(?:\$ )?(?:[A-Z_]+=\S+ )*(zoe [a-z][^`&|;#\n)>]*)", re.MULTILINE
)


def anchors(page: Path) -> set[str]:
    """Return the headings of a page as forges make anchors of them."""
    text = _BLOCK.sub("", page.read_text())
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    broken = []
    for link in _LINK.findall(_BLOCK.sub("", page.read_text())):
        path, _, anchor = link.partition("#")
        if re.match(r"[a-z]+:", link):
            continue
        target = (page.parent / path) if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def commands(page: Path) -> Iterator[str]:
    """Yield what a page shows to be typed: lines of blocks for a shell, and code in the text."""
    text = page.read_text()
    for language, block in _BLOCK.findall(text):
        if language in ("", "sh", "console"):
            yield from _COMMAND.findall(block.replace("\\\n", " "))
    yield from re.findall(r"`(zoe [^`]+)`", _BLOCK.sub("", text))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_is_there_with_its_options(page: Path) -> None:
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

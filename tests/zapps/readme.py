"""The steps that a ZApp's README tells people to follow: its fenced blocks, in their order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_PATH = re.compile(r"# (?P<path>[\w./-]+\.\w+)\n")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One block of a README.

    ``sh`` is run, ``python`` goes into a cell of a notebook, ``text`` is what the block before it
    prints; any other is a file of the repository, whose first line is its path in a comment.
    """

    language: str
    text: str
    path: str = ""


def steps(readme: Path, heading: str = "Steps") -> tuple[Step, ...]:
    """Return the blocks below a heading, up to the next one of its level."""
    _, found, rest = readme.read_text().partition(f"\n## {heading}\n")
    assert found, f"{readme} has no heading {heading!r}"
    section = re.split(r"^## ", rest, maxsplit=1, flags=re.MULTILINE)[0]
    return tuple(_step(match) for match in _FENCE.finditer(section))


def _step(match: re.Match[str]) -> Step:
    path = _PATH.match(match["text"])
    is_file = match["language"] not in {"sh", "text"} and path is not None
    return Step(
        language="file" if is_file else match["language"],
        text=match["text"],
        path=path["path"] if path and is_file else "",
    )

"""Pages as text and as tags, with the instants that they hold written as views hold them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from reconciler.view import words

SHORT = r"\S(?:.{0,60}?\S)?"
"""How else than as an instant a time may be written, in a line of text."""


@dataclass
class Document(HTMLParser):
    """A parsed page: its text, its tags and attributes, and where it leads."""

    text: str = ""
    tags: Counter[str] = field(default_factory=Counter)
    attributes: Counter[tuple[str, str]] = field(default_factory=Counter)
    values: list[tuple[str, str, str]] = field(default_factory=list)
    links: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, html: str) -> Document:
        """Parse a page."""
        document = cls()
        document.feed(html)
        document.close()
        return document

    def __post_init__(self) -> None:
        super().__init__()
        self._instant = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        for name, value in attrs:
            self.attributes[tag, name] += 1
            self.values.append((tag, name, value or ""))
            if name in ("href", "src") and (value or "").startswith("/"):
                self.links.add(str(value).partition("#")[0])
            if (tag, name) == ("time", "datetime"):
                self._instant = value or ""
                self.text += self._instant

    def handle_endtag(self, tag: str) -> None:
        if tag == "time":
            self._instant = ""

    def handle_data(self, data: str) -> None:
        if not self._instant:
            self.text += data


def says(text: str, sentence: str) -> bool:
    """Tell whether a text holds a sentence, however it writes the sentence's instants."""
    return re.search(_pattern(sentence), _flat(text)) is not None


def _pattern(sentence: str) -> str:
    return "".join(_parts(_flat(sentence)))


def _parts(sentence: str) -> Iterator[str]:
    for part in words.parts(sentence):
        yield re.escape(part) if isinstance(part, str) else SHORT


def _flat(text: str) -> str:
    return " ".join(text.split())

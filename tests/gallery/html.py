"""Pages taken apart: elements, attributes, text."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser


@dataclass
class Page:
    """``elements`` are (tag, attributes) in their order; ``text`` is all of it, joined."""

    elements: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    pieces: list[tuple[str, str]] = field(default_factory=list)

    @property
    def text(self) -> str:
        return " ".join(" ".join(piece for _, piece in self.pieces).split())

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def within(self, tag: str) -> list[str]:
        return [piece for name, piece in self.pieces if name == tag]

    def ids(self) -> list[str]:
        return [a["id"] for _, a in self.elements if "id" in a]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self._last = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.page.elements.append((tag, {key: value or "" for key, value in attrs}))
        self._last = tag

    def handle_data(self, data: str) -> None:
        self.page.pieces.append((self._last, data))


def parsed(source: str) -> Page:
    reader = _Reader()
    reader.feed(source)
    reader.close()
    return reader.page

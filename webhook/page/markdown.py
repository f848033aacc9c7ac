"""README files and posted comments as HTML, without what their authors could do harm with.

No HTML of theirs, no links, no images, no attributes: an address is text behind what it was under.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from webhook.page.text import visible

LONGEST = 100_000
_MARKER = re.compile(r"^<!--[^>\n]*-->\n?")
_FOLDED = re.compile(
    r"^<details><summary>([^<>\n]*)</summary>\n(.*?)^</details>$", re.DOTALL | re.MULTILINE
)
_ABOVE = 2
"""The page's own heading and that of its section come first."""


def readme(text: str) -> Markup:
    """Return a user's Markdown as HTML."""
    source = visible(text[:LONGEST].replace("\r\n", "\n"))
    tokens = _PARSER.parse(source)
    _nest_headings(tokens)
    for token in tokens:
        _plain(token)
    return Markup(_PARSER.renderer.render(tokens, _PARSER.options, {}))  # noqa: S704 - made here


def posted(comment: str) -> Markup:
    """Return a comment of ours as HTML: what it folds away can be opened."""
    rest = _MARKER.sub("", comment)
    parts: list[Markup] = []
    while found := _FOLDED.search(rest):
        folded = Markup("<details><summary>{}</summary>{}</details>")
        inside = folded.format(html.unescape(visible(found[1])), readme(found[2]))
        parts += [readme(rest[: found.start()]), inside]
        rest = rest[found.end() :]
    return Markup("").join((*parts, readme(rest)))


def _nest_headings(tokens: Sequence[Token]) -> None:
    """Put headings below ours, none more than one level below the one before it."""
    level = _ABOVE
    for token in tokens:
        if token.type == "heading_open":
            level = min(6, level + 1, int(token.tag[1]) + _ABOVE)
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{level}"


def _plain(token: Token) -> None:
    """Take away what a token would say in attributes; links and images become text."""
    if token.type in ("fence", "code_block"):
        token.info = ""
    token.attrs = {}
    if token.children:
        token.children = _without_links(token.children)


def _without_links(tokens: Sequence[Token]) -> list[Token]:
    found: list[Token] = []
    open_links: list[str] = []
    for token in tokens:
        address = str(token.attrs.get("href") or token.attrs.get("src") or "")
        token.attrs = {}
        match token.type:
            case "link_open":
                open_links.append("" if token.info == "auto" else address)
            case "link_close":
                found += _behind(open_links.pop())
            case "image":
                found += [_text(token.content or "image"), *_behind(address)]
            case _:
                found.append(token)
    return found


def _behind(address: str) -> list[Token]:
    return [_text(f" ({address})")] if address else []


def _text(content: str) -> Token:
    return Token("text", "", 0, content=content)


def _render_code(tokens: Sequence[Token], at: int, *_: Any) -> str:
    return f'<pre tabindex="0"><code>{escape(tokens[at].content)}</code></pre>\n'


def _render_table(*_: Any) -> str:
    return '<div class="scroll" tabindex="0" role="group" aria-label="Table"><table>\n'


def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark", {"html": False, "maxNesting": 20}).enable("table")
    for kind in ("fence", "code_block"):
        parser.renderer.rules[kind] = _render_code  # type: ignore[attr-defined]
    parser.renderer.rules["table_open"] = _render_table  # type: ignore[attr-defined]
    parser.renderer.rules["table_close"] = lambda *_: "</table></div>\n"  # type: ignore[attr-defined]
    return parser


_PARSER = _parser()

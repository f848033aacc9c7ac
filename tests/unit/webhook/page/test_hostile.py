"""Whatever stands in a view, no page gets an element, an attribute or a hidden character of it."""

from __future__ import annotations

import re
from collections import Counter

import pytest

from tests.gallery.html import parsed
from tests.gallery.pages import DRAWN, draw

CORPUS = {
    "an element": "<x-evil data-evil=1>",
    "out of an attribute": "\"'><x-evil data-evil='1'>",
    "an attribute": '" data-evil="1" onmouseover="alert(1)',
    "a script": "</title></pre></code><script>alert(1)</script><x-evil>",
    "an address": "javascript:alert(1)//<x-evil>",
    "markdown": "[x](javascript:alert(1)) ![x](http://evil.example/) <http://a.example> <x-evil>",
    "a template": "{{ frame }}{% raw %}<x-evil>",
    "turned around": "\u202eevil\u2066\u200f\u061c <x-evil>",
    "control characters": "\x1b[31m\x00\x9b\x7f\ufeff\U000e0041<x-evil>",
    "half a pair": "\ud800\udfff<x-evil>",
    "a fold of ours": "<details><summary>a</summary>\n<x-evil data-evil>\n</details>",
    "nothing": "",
}
ADDRESSES = (
    "javascript:alert(1)//evil.example",
    "//evil.example/",
    "/\\evil.example/",
    "\thttp://evil.example/",
    "..",
    "http://evil.example/<x-evil>",
)
HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)


@pytest.mark.parametrize("page", DRAWN)
def test_no_value_becomes_markup(page: str):
    for name, evil in CORPUS.items():
        source = draw(page, lambda value, evil=evil: evil if value else "")  # type: ignore[misc]
        found = parsed(source)
        tags = Counter(tag for tag, _ in found.elements)
        assert not tags["x-evil"], name
        assert tags["script"] == 2, name  # ours
        attributes = {key for _, attributes in found.elements for key in attributes}
        assert not {key for key in attributes if "evil" in key or key.startswith("on")}, name
        assert "style" not in attributes, name
        hidden = HIDDEN.search(source)
        assert hidden is None, (name, hidden)
        source.encode()


@pytest.mark.parametrize("page", DRAWN)
def test_no_value_becomes_an_address(page: str):
    for value in ADDRESSES:
        for tag, attributes in parsed(draw(page, lambda _, value=value: value)).elements:  # type: ignore[misc]
            address = attributes.get("href", attributes.get("src", attributes.get("action")))
            if address is None or re.fullmatch(r"[/#]([^/\\].*)?", address):
                continue  # none, or a page of ours
            # A view's own field for an address: it says where it leads, and that is the web.
            assert (tag, attributes.get("rel")) == ("a", "noreferrer"), value
            assert address == "http://evil.example/<x-evil>"

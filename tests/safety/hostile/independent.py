"""A second opinion on an accepted text, from other code than the loader's: what must not be in it.

PyYAML composes the nodes, the general validator checks what they say, and Unicode's own categories
tell what can be seen.
"""

from __future__ import annotations

import json
import re
import unicodedata
from functools import cache
from typing import Any

import jsonschema
import referencing
import yaml

from reconciler.manifest.schema import schema_text

_SEEN_CONTROLS = frozenset("\n\t")
_PICTURES = frozenset("\ufe0e\ufe0f")
_VISIBLE_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2")
_LAST_OF_THE_BASIC_PLANE = 0xFFFF


def objection(data: bytes) -> str:
    """Return why a file that was accepted shouldn't have been; "" if nothing speaks against it."""
    try:
        text = data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError:
        return "it isn't UTF-8"
    if unseen := _unseen(text):
        return f"U+{ord(unseen):04X} is in it"
    try:
        documents = [_plain(node) for node in yaml.compose_all(text, Loader=yaml.CSafeLoader)]
    except (yaml.YAMLError, _Refused) as error:
        return f"{type(error).__name__}: {str(error)[:200]}"
    for document in documents:
        if document is None:
            continue
        if error := next(_validator().iter_errors(document), None):
            return f"the schema refuses it: {error.message[:200]}"
    return ""


class _Refused(Exception):
    """What a tree of nodes must not hold."""


def _unseen(text: str) -> str:
    for char in text:
        if char.isascii() and (char.isprintable() or char in _SEEN_CONTROLS):
            continue
        kind = unicodedata.category(char)
        if kind in ("Cc", "Cs", "Zl", "Zp"):
            return char
        is_basic = ord(char) <= _LAST_OF_THE_BASIC_PLANE
        if kind == "Cf" and is_basic and char not in _PICTURES | _VISIBLE_FORMATS:
            return char
    return ""


def _plain(node: Any, depth: int = 0) -> Any:
    """Return the value of a node as JSON would have it; plain scalars by the JSON grammar."""
    if depth > 32:
        raise _Refused("more than 32 levels")
    if isinstance(node, yaml.MappingNode):
        made: dict[str, Any] = {}
        for key, value in node.value:
            name = key.value
            if not isinstance(name, str) or name in made:
                raise _Refused(f"the key {name!r} twice, or no text")
            made[name] = _plain(value, depth + 1)
        return made
    if isinstance(node, yaml.SequenceNode):
        return [_plain(value, depth + 1) for value in node.value]
    if node.style:
        if unseen := _unseen(node.value):
            raise _Refused(f"U+{ord(unseen):04X} is in it, escaped")
        return node.value
    return _scalar(node.value)


_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


_NUMBER = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _NUMBER.fullmatch(text) is None:
        return text
    return int(text) if text.lstrip("+-").isdigit() else float(text)


@cache
def _validator() -> Any:
    document = json.loads(schema_text())
    # The kinds exclude one another by their const: anyOf tells the same and costs less.
    return jsonschema.Draft202012Validator(
        {"anyOf": document["oneOf"], "$defs": document["$defs"]}, registry=referencing.Registry()
    )

"""A Compose file's bytes to plain values: anchors, aliases and merge keys allowed, bombs refused.

One pass over the parser's events with a stack of our own, as for manifests: composing nodes
recurses in C. Every alias counts with all that it stands for, so ten lines can't become a billion
values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from reconciler.importing.notes import Refused
from reconciler.manifest import scalars
from reconciler.manifest.diagnostic import Complaint, quoted

MOST_VALUES = 50_000
MOST_DEPTH = 40
_MERGE = "<<"
_RESET = frozenset({"!reset"})


@dataclass(frozen=True, slots=True)
class _Node:
    """A value, how many values it holds with itself, and how deep they are."""

    value: Any
    size: int
    depth: int


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is being read. In a mapping keys and values alternate."""

    is_mapping: bool
    anchor: str | None
    is_reset: bool
    nodes: list[_Node] = field(default_factory=list)


def read(data: bytes) -> Any:
    """Return what the first document of a file says; None if there is nothing in it.

    Numbers that aren't plainly integers keep their text; words such as ``yes`` are text.

    Raises:
        Refused: It isn't YAML in UTF-8, or too much of it.
    """
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Refused((), "the file isn't UTF-8 text", "save it as UTF-8") from error
    reader = _Reader()
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            if isinstance(event, DocumentStartEvent) and reader.result is not None:
                break
            reader.take(event)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it can't be read"
        raise Refused((), f"not YAML: {problem}{place}", "correct it there") from error
    return reader.result


class _Reader:
    """Builds values out of events."""

    def __init__(self) -> None:
        self.result: Any = None
        self._stack: list[_Frame] = []
        self._anchors: dict[str, _Node | None] = {}
        self._count = 0

    def take(self, event: Any) -> None:
        match event:
            case ScalarEvent():
                self._put(_Node(_scalar(event), 1, 0), event.anchor)
            case AliasEvent():
                self._alias(str(event.anchor))
            case MappingStartEvent() | SequenceStartEvent():
                self._open(event)
            case MappingEndEvent() | SequenceEndEvent():
                self._close()
            case _:
                pass

    def _open(self, event: Any) -> None:
        if len(self._stack) >= MOST_DEPTH:
            raise Refused((), f"it is nested deeper than {MOST_DEPTH}", "write it flatter")
        if event.anchor:
            self._anchors[event.anchor] = None
        is_mapping = isinstance(event, MappingStartEvent)
        self._stack.append(_Frame(is_mapping, event.anchor, event.tag in _RESET))

    def _close(self) -> None:
        frame = self._stack.pop()
        value = _mapping(frame.nodes) if frame.is_mapping else [item.value for item in frame.nodes]
        size = 1 + sum(item.size for item in frame.nodes)
        depth = 1 + max((item.depth for item in frame.nodes), default=0)
        if len(self._stack) + depth > MOST_DEPTH:
            raise Refused((), f"it is nested deeper than {MOST_DEPTH}", "write it flatter")
        self._put(_Node(None if frame.is_reset else value, size, depth), frame.anchor, counted=True)

    def _alias(self, name: str) -> None:
        node = self._anchors.get(name)
        if node is None:
            message = f"the alias *{name[:40]} stands for nothing, or for what it is in"
            raise Refused((), message, f"set &{name[:40]} before it")
        self._put(node, None)

    def _put(self, node: _Node, anchor: str | None, *, counted: bool = False) -> None:
        """Add a value to what it is in; what a list holds was counted one by one."""
        self._count += 1 if counted else node.size
        if self._count > MOST_VALUES:
            message = f"it holds more than {MOST_VALUES} values, aliases written out"
            raise Refused((), message, "import a part of it")
        if anchor:
            self._anchors[anchor] = node
        if self._stack:
            self._stack[-1].nodes.append(node)
        else:
            self.result = node.value


def _mapping(nodes: list[_Node]) -> dict[str, Any]:
    """Return a mapping; own keys win over merged ones, and those of earlier mappings over later."""
    own: dict[str, Any] = {}
    merged: dict[str, Any] = {}
    for key, item in zip(nodes[::2], nodes[1::2], strict=True):
        if key.value == _MERGE:
            sources = item.value if isinstance(item.value, list) else [item.value]
            for source in sources:
                if not isinstance(source, dict):
                    raise Refused((), "<< merges mappings only", "write <<: *NAME")
                merged = {**source, **merged}
        elif isinstance(key.value, (dict, list)):
            raise Refused((), "a key isn't text", "write a name as the key")
        else:
            own[plain_text(key.value)] = item.value
    return {**merged, **own}


def _scalar(event: ScalarEvent) -> Any:
    if event.tag in _RESET:
        return None
    if event.style or event.tag is not None:
        return event.value
    try:
        return scalars.resolve(event.value).value
    except Complaint:
        return event.value  # octal-looking, huge: a text to us


def plain_text(value: Any) -> str:
    """Return a single value as the text that it was written as, or as good as that."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(getattr(value, "text", value))


def kind_of(value: Any) -> str:
    """Return what a value is, for people."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case _:
            return quoted(plain_text(value))

"""Names of other formats to names that are valid here, the same one for the same one."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

from reconciler.manifest.characters import FORBIDDEN

NAME_CHARS = 40
COMPONENT_CHARS = 20
_ODD = re.compile(r"[^a-z0-9]+")


def slug(text: str, *, chars: int, otherwise: str, joint: str = "-") -> str:
    """Return lower-case letters, digits and ``joint``, from a letter on, of at most ``chars``.

    Cut between words where that leaves at least half; ``otherwise`` where nothing is left.
    """
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    words = _ODD.sub(joint, ascii_text.lower()).strip(joint)
    words = words.lstrip("0123456789" + joint)
    if len(words) > chars:
        whole, _, _ = words[: chars + 1].rpartition(joint)
        words = whole if len(whole) >= chars // 2 else words[:chars]
    return words.strip(joint) or otherwise


def one_line(text: str, *, chars: int) -> str:
    """Return what a title or label may hold of a text: one line without odd characters."""
    seen = "".join(char if char.isprintable() else " " for char in text.replace("{{", "{"))
    return " ".join(FORBIDDEN.sub("", seen).split())[:chars].strip()


@dataclass(slots=True)
class Namer:
    """Gives every old name a new one, no two the same."""

    chars: int
    otherwise: str
    joint: str = "-"
    _given: dict[str, str] = field(default_factory=dict)

    def name(self, old: str) -> str:
        """Return the new name of ``old``."""
        if old not in self._given:
            self._given[old] = self._free(
                slug(old, chars=self.chars, otherwise=self.otherwise, joint=self.joint)
            )
        return self._given[old]

    def known(self, old: str) -> str | None:
        """Return the name that was given to ``old``, if one was."""
        return self._given.get(old)

    def _free(self, wanted: str) -> str:
        taken = set(self._given.values())
        candidate, count = wanted, 2
        while candidate in taken:
            tail = f"{self.joint}{count}"
            candidate = wanted[: self.chars - len(tail)].rstrip(self.joint) + tail
            count += 1
        return candidate


def components() -> Namer:
    """Return what names services."""
    return Namer(chars=COMPONENT_CHARS, otherwise="service")


def ports() -> Namer:
    """Return what names the ports of one service."""
    return Namer(chars=COMPONENT_CHARS, otherwise="port")


def parameters() -> Namer:
    """Return what names parameters."""
    return Namer(chars=NAME_CHARS, otherwise="parameter", joint="_")


def application(text: str) -> str:
    """Return the name of a ZApp or an execution."""
    return slug(text, chars=NAME_CHARS, otherwise="imported")

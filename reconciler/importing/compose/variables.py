"""``${VAR:-default}`` of Compose to parameters.

In text a variable becomes a parameter with the variable's default. Where only a value can stand,
such as a count, it is replaced by its default. ``$$`` is a dollar.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from reconciler.importing import naming
from reconciler.importing.naming import Namer
from reconciler.importing.notes import Notes
from reconciler.manifest.characters import FORBIDDEN
from reconciler.manifest.diagnostic import Path
from reconciler.review.masking import is_secret

_MOST = 64
_DEFAULT_CHARS = 1000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_OPERATOR = re.compile(r":?[-?+]")


@dataclass(frozen=True, slots=True)
class _Variable:
    """A variable in a text. ``operator`` is one of "", -, ?, + (or with a colon before it)."""

    name: str
    operator: str
    word: str

    @property
    def default(self) -> str | None:
        return self.word if self.operator.endswith("-") else None


def parts_of(text: str) -> list[str | _Variable]:
    """Return a text as plain pieces and variables. What only looks like a variable stays text."""
    parts: list[str | _Variable] = []
    plain, position = "", 0
    while position < len(text):
        found = _variable_at(text, position) if text[position] == "$" else None
        if found is None:
            step = 2 if text.startswith("$$", position) else 1
            plain += text[position]
            position += step
            continue
        variable, position = found
        parts += [plain, variable]
        plain = ""
    return [part for part in (*parts, plain) if part != ""]


def _variable_at(text: str, start: int) -> tuple[_Variable, int] | None:
    is_braced = text.startswith("{", start + 1)
    match = _NAME.match(text, start + 1 + is_braced)
    if match is None:
        return None
    if not is_braced:
        return _Variable(match[0], "", ""), match.end()
    end = _closing(text, match.end())
    if end < 0:
        return None
    operator = _OPERATOR.match(text, match.end(), end)
    if operator is None and match.end() != end:
        return None
    word = text[operator.end() : end] if operator else ""
    return _Variable(match[0], operator[0] if operator else "", word), end + 1


def _closing(text: str, start: int) -> int:
    """Return where the brace ends that was opened before ``start``; -1 if nowhere."""
    depth = 1
    for position in range(start, len(text)):
        if text[position] == "}":
            depth -= 1
            if not depth:
                return position
        elif text.startswith("${", position):
            depth += 1
    return -1


@dataclass(slots=True)
class Variables:
    """The variables of a file, and the parameters that they become."""

    notes: Notes
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)
    _names: Namer = field(default_factory=naming.parameters)

    def text(self, raw: str, path: Path) -> str:
        """Return a text with parameters for its variables."""
        if "$" not in raw:
            return raw
        pieces = (
            part.replace("${{", "{{") if isinstance(part, str) else self._expression(part, path)
            for part in parts_of(raw.replace("${{", "{{"))
        )
        return "".join(pieces)

    def value(self, raw: str, path: Path) -> str:
        """Return a text with defaults for its variables; "" where there is none."""
        if "$" not in raw:
            return raw
        pieces = (
            part if isinstance(part, str) else self._default(part, path) for part in parts_of(raw)
        )
        return "".join(pieces)

    def declare(self, name: str, declaration: dict[str, Any]) -> str:
        """Return the expression for a parameter of ours."""
        own = self._names.name(name)
        self.parameters.setdefault(own, declaration)
        return f"${{{{ parameters.{own} }}}}"

    def _default(self, variable: _Variable, path: Path) -> str:
        if variable.default is not None:
            default = self._plain(variable.default)
            self.notes.add(path, f"${variable.name} is {default or 'empty'} here, its default")
            return default
        why = f"${variable.name} has no default, so it is empty here"
        if not variable.operator.endswith("+"):
            self.notes.add(path, why, "write the value into the manifest")
        return ""

    def _plain(self, text: str) -> str:
        """Return a default, which may hold variables with defaults itself."""
        return "".join(
            part if isinstance(part, str) else self._plain(part.default or "")
            for part in parts_of(text)
        )

    def _holdable(self, variable: _Variable) -> str | None:
        """Return a variable's default, if it has one that a manifest can hold."""
        default = None if variable.default is None else self._plain(variable.default)
        is_odd = default is not None and ("{{" in default or FORBIDDEN.search(default))
        return None if is_odd else default

    def _expression(self, variable: _Variable, path: Path) -> str:
        if variable.operator.endswith("+"):
            self.notes.add(path, f"${variable.name} counts as not set, so this part is empty")
            return ""
        known = self._names.known(variable.name)
        default = self._holdable(variable)
        if known is None:
            if len(self.parameters) >= _MOST or len(default or "") > _DEFAULT_CHARS:
                return self._default(variable, path)
            return self._declared(variable, default, path)
        declaration = self.parameters[known]
        if default and default != declaration.setdefault("default", default):
            message = (
                f"${variable.name} has another default ({default}) elsewhere: the first counts"
            )
            self.notes.add(path, message)
        return f"${{{{ parameters.{known} }}}}"

    def _declared(self, variable: _Variable, default: str | None, path: Path) -> str:
        declaration: dict[str, Any] = {"type": "string"}
        what = "it must be set"
        if default is not None:
            declaration["default"] = default
            what = f"default {default}" if default else "default empty"
        expression = self.declare(variable.name, declaration)
        name = self._names.name(variable.name)
        if is_secret(variable.name, default or "unknown"):
            remedy = (
                "it looks like a secret: write secrets: {NAME: {age: ...}} (zoe secret encrypt)"
            )
            self.notes.add(path, f"${variable.name} is the parameter {name}", remedy)
        else:
            self.notes.add(path, f"${variable.name} is the parameter {name}: {what}")
        return expression

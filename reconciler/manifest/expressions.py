"""``${{ … }}``: names of a closed set and integer sums, replaced when a manifest is resolved.

A text that is one expression takes the value's type, a list in a list is spliced into it, anything
else becomes text. What comes out isn't looked at again. ``{{`` by itself is refused: Swarm would
expand it on the node, after everything has been checked.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.scalars import MAX_INTEGER, Number
from reconciler.manifest.suggest import did_you_mean

_EXPRESSION = re.compile(r"\$\{\{([^{}]*)\}\}")
_TOKEN = re.compile(r"\s*(?:([0-9]+)|([A-Za-z_][A-Za-z0-9_.-]*)|(//|[-+*()]))")
_LATER = re.compile(r"services\.[^.]+\.hostfile")
_OF_SETS = re.compile(r"(?:item|matrix|set)\..*")
_MAX_CHARS = 200

Scope = Mapping[str, object]
"""Every name that an expression may use, and its value."""


def is_expression(value: object) -> bool:
    """Tell whether a value is text that holds an expression."""
    return isinstance(value, str) and "${{" in value


def refuse_braces(text: str) -> None:
    """Refuse text with ``{{`` that Swarm would expand.

    Raises:
        Complaint: There is one.
    """
    if "{{" in text:
        raise Complaint(
            "BareBraces",
            "{{ outside of ${{ }} would be expanded on the node",
            "write ${{ NAME }} for a value of ours; {{ itself can't be used",
        )


def texts(value: object, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Yield every text in a plain value with its place, keys included (as the place of theirs)."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield (*path, key), key
            yield from texts(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from texts(item, (*path, index))


def holds_expression(value: object) -> bool:
    """Tell whether there is an expression anywhere in a plain value."""
    if isinstance(value, str):
        return "${{" in value
    if isinstance(value, dict):
        return any(map(holds_expression, value.values()))
    if isinstance(value, list):
        return any(map(holds_expression, value))
    return False


def refuse_outside(value: object, *, path: Path, reason: str) -> list[Problem]:
    """Return a problem for every text that holds an expression or ``{{`` where none may stand."""
    problems = []
    for place, text in texts(value, path):
        if is_expression(text):
            complaint = Complaint("ExpressionNotAllowedHere", reason, "write the value itself")
            problems.append(complaint.at(place))
        elif "{{" in text:
            try:
                refuse_braces(text)
            except Complaint as found:
                problems.append(found.at(place))
    return problems


@dataclass(slots=True)
class Substitution:
    """Replaces the expressions of a value and keeps what was wrong with them."""

    scope: Scope
    problems: list[Problem]

    def apply(self, value: Any, path: Path) -> Any:
        """Return ``value`` with every expression replaced; what can't be is None."""
        if isinstance(value, str):
            return self._text(value, path) if "{{" in value else value
        if isinstance(value, dict):
            for key in value:
                if "{{" in key:
                    complaint = Complaint(
                        "ExpressionNotAllowedHere", "no expression in a key", "write the key itself"
                    )
                    self.problems.append(complaint.at((*path, key), at_key=True))
            return {key: self.apply(item, (*path, key)) for key, item in value.items()}
        if isinstance(value, list):
            return self._list(value, path)
        return value

    def _list(self, items: list[Any], path: Path) -> list[Any]:
        result: list[Any] = []
        for index, item in enumerate(items):
            value = self.apply(item, (*path, index))
            if isinstance(item, str) and isinstance(value, list):
                result.extend(value)
            else:
                result.append(value)
        return result

    def _text(self, text: str, path: Path) -> object:
        try:
            return evaluate_text(text, self.scope)
        except Complaint as complaint:
            self.problems.append(complaint.at(path))
            return None


def evaluate_text(text: str, scope: Scope) -> object:
    """Return what a text with expressions stands for.

    Raises:
        Complaint: A name is unknown, a sum isn't one, or braces stand alone.
    """
    if whole := _EXPRESSION.fullmatch(text):
        value = evaluate(whole[1], scope)
        for _, part in texts(value):
            refuse_braces(part)
        return value
    if "{{" in _EXPRESSION.sub("", text):
        if "${{" in _EXPRESSION.sub("", text):
            message = f"{quoted(text)} has an expression without an end, or with braces inside"
            raise Complaint("BadExpression", message, "write ${{ NAME }}")
        refuse_braces(text)
    result = _EXPRESSION.sub(lambda match: _as_text(evaluate(match[1], scope)), text)
    refuse_braces(result)
    return result


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)) or value is None:
        raise Complaint(
            "ListInText", "a list can't become a part of a text", "use it as an item of a list"
        )
    return value.text if isinstance(value, Number) else str(value)


def evaluate(source: str, scope: Scope) -> object:
    """Return the value of what stands between the braces.

    Raises:
        Complaint: It isn't an expression of ours, or of an unknown name.
    """
    if len(source) > _MAX_CHARS:
        message = f"the expression has more than {_MAX_CHARS} characters"
        raise Complaint("BadExpression", message, "write a shorter one")
    return _Sum(source, scope).value()


class _Sum:
    """``+ -`` over ``* //`` over names, integers and parentheses, by recursive descent."""

    def __init__(self, source: str, scope: Scope) -> None:
        self._source = source.strip()
        self._scope = scope
        self._tokens = self._split()
        self._next = 0

    def _split(self) -> list[str]:
        tokens: list[str] = []
        position = 0
        while position < len(self._source):
            match = _TOKEN.match(self._source, position)
            if match is None:
                raise self._bad()
            tokens.append(match[0].strip())
            position = match.end()
        return tokens

    def _bad(self) -> Complaint:
        message = f"{quoted(self._source)} isn't an expression"
        remedy = "write a name, or whole numbers and names with + - * //"
        return Complaint("BadExpression", message, remedy)

    def value(self) -> object:
        result = self._sum()
        if self._next != len(self._tokens):
            raise self._bad()
        return result

    def _peek(self) -> str:
        return self._tokens[self._next] if self._next < len(self._tokens) else ""

    def _take(self) -> str:
        token = self._peek()
        self._next += 1
        return token

    def _sum(self) -> object:
        left = self._product()
        while self._peek() in ("+", "-"):
            left = self._apply(self._take(), left, self._product())
        return left

    def _product(self) -> object:
        left = self._atom()
        while self._peek() in ("*", "//"):
            left = self._apply(self._take(), left, self._atom())
        return left

    def _atom(self) -> object:
        taken = self._take()
        if taken == "(":
            inner = self._sum()
            if self._take() != ")":
                raise self._bad()
            return inner
        if taken[:1].isdigit():
            return self._bounded(int(taken) if len(taken) < 20 else MAX_INTEGER + 1)
        if not taken or taken in ("+", "-", "*", "//", ")"):
            raise self._bad()
        return self._look_up(taken)

    def _look_up(self, name: str) -> object:
        if name in self._scope:
            return self._scope[name]
        if _LATER.fullmatch(name):
            message = f"{quoted(name)} isn't supported yet"
            raise Complaint("NotSupportedYet", message, "write the value itself")
        if _OF_SETS.fullmatch(name) and "set.index" not in self._scope:
            message = f"{quoted(name)} is known in the template of an ExecutionSet only"
            raise Complaint("UnknownName", message, "write the value itself")
        remedy = did_you_mean(name, self._scope, otherwise="nothing is known here")
        if "-" in name and name.split("-")[0] in self._scope:
            remedy = "put blanks around the minus"
        raise Complaint("UnknownName", f"{quoted(name)} isn't known here", remedy)

    def _apply(self, operator: str, left: object, right: object) -> int:
        for value in (left, right):
            if not isinstance(value, int) or isinstance(value, bool):
                message = f"{quoted(value)} isn't a whole number"
                raise Complaint("NotAnInteger", message, f"use {operator} with whole numbers only")
        assert isinstance(left, int)  # noqa: S101 - told to the type checker, checked above
        assert isinstance(right, int)  # noqa: S101
        match operator:
            case "+":
                return self._bounded(left + right)
            case "-":
                return self._bounded(left - right)
            case "*":
                return self._bounded(left * right)
            case _:
                if right == 0:
                    raise Complaint("DividedByZero", "a division by zero", "divide by 1 or more")
                return self._bounded(left // right)

    def _bounded(self, value: int) -> int:
        if abs(value) > MAX_INTEGER:
            raise Complaint("NumberTooLarge", "the number is too large", "use smaller numbers")
        return value

"""Parameters: what a ZApp declares and what an Execution sets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.manifest import quantities
from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.expressions import refuse_braces, texts
from reconciler.manifest.scalars import Number
from reconciler.manifest.suggest import did_you_mean

Declarations = Mapping[str, Mapping[str, Any]]

_EXAMPLES = {
    "string": "write text",
    "integer": "write a whole number such as 2",
    "number": "write a number such as 0.5",
    "boolean": "write true or false",
    "quantity": "write 512MiB or 2GiB",
    "duration": "write 4h30m",
    "list": "write a list such as [a, b]",
}
_HAS_ORDER = frozenset({"integer", "number", "quantity", "duration"})


def check_declarations(declarations: Declarations, *, path: Path) -> list[Problem]:
    """Return what is wrong with a ZApp's parameters themselves."""
    problems: list[Problem] = []
    for name, declaration in declarations.items():
        sound = dict(declaration)
        for key in ("minimum", "maximum", "default"):
            if key not in declaration:
                continue
            try:
                _check_part(sound, key)
            except Complaint as complaint:
                problems.append(complaint.at((*path, name, key)))
                del sound[key]  # nothing else is compared with it
        if declaration["type"] == "enum" and "values" not in declaration:
            missing = Complaint("MissingKey", "an enum needs values", "add values: [a, b]")
            problems.append(missing.at((*path, name), at_key=True))
    return problems


def _check_part(declaration: Mapping[str, Any], key: str) -> None:
    if key == "default":
        check_value(declaration["default"], declaration)
    elif declaration["type"] not in _HAS_ORDER:
        message = f"{key} has no meaning for the type {declaration['type']}"
        raise Complaint("BoundWithoutOrder", message, "remove it")
    else:
        measure = _measure(declaration[key], declaration["type"])
        if key == "maximum" and "minimum" in declaration:
            least = _measure(declaration["minimum"], declaration["type"])
            if measure is not None and least is not None and measure < least:
                message = "minimum is more than maximum: no value is between them"
                raise Complaint("BadRange", message, "swap the two")


def bind(
    declarations: Declarations, given: Mapping[str, Any], *, path: Path
) -> tuple[dict[str, Any], list[Problem]]:
    """Return every parameter's value, given or default, and what is wrong with those given.

    ``path`` is where the Execution sets them; problems point there.
    """
    problems: list[Problem] = []
    values: dict[str, Any] = {}
    for name, value in given.items():
        place = (*path, name)
        if name not in declarations:
            problems.append(_unknown(name, declarations).at(place, at_key=True))
            continue
        try:
            check_value(value, declarations[name])
            values[name] = value
        except Complaint as complaint:
            problems.append(complaint.at(place))
    for name, declaration in declarations.items():
        if name in given:
            continue
        if "default" in declaration:
            values[name] = declaration["default"]
        else:
            problems.append(_missing(name, declaration).at(path, at_key=True))
    return values, problems


def _unknown(name: str, declarations: Declarations) -> Complaint:
    remedy = did_you_mean(name, declarations, otherwise="the ZApp has no parameters")
    return Complaint("UnknownParameter", f"no parameter {quoted(name)}", remedy)


def _missing(name: str, declaration: Mapping[str, Any]) -> Complaint:
    example = _EXAMPLES.get(declaration["type"], "write one of its values")
    remedy = f"add {name}: under parameters ({example})"
    return Complaint("MissingParameter", f"the parameter {quoted(name)} has no value", remedy)


def check_value(value: Any, declaration: Mapping[str, Any]) -> None:
    """Check a value against its declaration.

    Raises:
        Complaint: It has another type, isn't one of the choices, or is out of bounds.
    """
    kind = declaration["type"]
    for _, text in texts(value):
        refuse_braces(text)
    if kind == "enum":
        choices = declaration.get("values", [])
        if value not in choices:
            remedy = did_you_mean(str(value), choices, otherwise="give the parameter values")
            raise Complaint("BadValue", f"{quoted(value)} isn't one of the choices", remedy)
        return
    for bound in ("minimum", "maximum"):
        if bound in declaration:
            _check_bound(value, bound, declaration)
    _measure(value, kind)


def _check_bound(value: Any, bound: str, declaration: Mapping[str, Any]) -> None:
    measure = _measure(value, declaration["type"])
    limit = _measure(declaration[bound], declaration["type"])
    if measure is None or limit is None:
        return
    is_minimum = bound == "minimum"
    if measure < limit if is_minimum else measure > limit:
        text = getattr(declaration[bound], "text", declaration[bound])
        side, other = ("less", "more") if is_minimum else ("more", "less")
        message = f"{quoted(value)} is {side} than the {bound} {text}"
        raise Complaint("OutOfRange", message, f"write {text}, or {other}")


def _measure(value: Any, kind: str) -> int | Number | None:
    """Return what orders values of this type; None where they have none."""
    if kind == "quantity":
        return quantities.memory_bytes(value)
    if kind == "duration":
        return quantities.duration_ms(value)
    is_integer = isinstance(value, int) and not isinstance(value, bool)
    fits = {
        "string": isinstance(value, str),
        "integer": is_integer,
        "number": is_integer or isinstance(value, Number),
        "boolean": isinstance(value, bool),
        "list": isinstance(value, list),
    }[kind]
    if not fits:
        article = "an" if kind == "integer" else "a"
        raise Complaint("WrongType", f"{quoted(value)} isn't {article} {kind}", _EXAMPLES[kind])
    return value if kind in ("integer", "number") else None

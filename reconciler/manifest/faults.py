"""What a schema validator found, in words: what is wrong with a value and what to write.

All faults of a document are told, but of alternatives only the one that was meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from reconciler.manifest import compose, quantities, times
from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.schema import EXPRESSION, published, strict
from reconciler.manifest.suggest import did_you_mean

# Part of the design, but not of this version: better said than called unknown.
_LATER_KEYS = frozenset(
    {
        ("Execution", "isolation"),
        ("ZApp", "isolation"),
        ("Platform", "storage"),
        ("Platform", "registries"),
    }
)

_OWNERS = ("Platform", "Namespace", "ZApp", "Execution")

# Written beside where it belongs.
_ELSEWHERE = {
    ("service", "speedup"): "write replicas: {core: 1, max: 3, speedup: [1, 1.9, 2.7]}",
    ("service", "revocable"): "write replicas: {core: 1, max: 3, revocable: false}",
    ("quota", "cpus"): "write maximum: {cpus: 16}",
    ("quota", "memory"): "write maximum: {memory: 64GiB}",
    ("quota", "generic"): "write maximum: {generic: {gpu: 1}}",
}

_TYPE_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What the validator found, in the few terms that we need.

    ``arms`` are the faults of each arm of an ``anyOf``; ``depth`` is how far below the schema
    that holds the arm the value is.
    """

    keyword: str
    argument: Any
    instance: Any
    schema: Mapping[str, Any]
    path: Path
    depth: int
    is_of_name: bool
    arms: Mapping[int, list[Fault]]


def fault_of(error: Any) -> Fault:
    """Return a validator's error in our terms."""
    arms: dict[int, list[Fault]] = {}
    for inner in error.context or ():
        arms.setdefault(int(inner.schema_path[0]), []).append(fault_of(inner))
    return Fault(
        keyword=str(error.validator),
        argument=error.validator_value,
        instance=error.instance,
        schema=error.schema if isinstance(error.schema, Mapping) else {},
        path=tuple(error.absolute_path),
        depth=len(error.relative_path),
        is_of_name="propertyNames" in error.absolute_schema_path,
        arms=arms,
    )


def not_yet(what: str) -> Complaint:
    """Return the complaint about what is part of the design but not of this version."""
    return Complaint("NotSupportedYet", f"{what} isn't supported yet", "remove it for now")


def problems_of(fault: Fault) -> Iterator[Problem]:
    """Yield the problems that a fault amounts to; paths are those of the validated value."""
    path, keyword = fault.path, fault.keyword
    if keyword in ("anyOf", "oneOf"):
        yield from _of_arms(fault, path)
    elif keyword == "additionalProperties":
        yield from _unknown_keys(fault, path)
    elif fault.is_of_name:
        complaint = _bad_text(fault)
        yield complaint.at((*path, str(fault.instance)), at_key=True)
    elif keyword == "required":
        for key in fault.argument:
            if key not in fault.instance:
                remedy = _example(fault.schema, key)
                # Its parent's key: the parent's own place is that of its first key.
                complaint = Complaint("MissingKey", f"{key} is missing", remedy)
                yield complaint.at(path, at_key=True)
    else:
        yield _WORDS.get(keyword, _bad_value)(fault).at(path)


def _context(path: Path) -> str:
    """Return what kind of mapping is at ``path``: a service, a spec, a secret, a quota."""
    match _in_template(path):
        case ("spec",):
            return "spec"
        case ("spec", "quota"):
            return "quota"
        case ("spec", "services", _):
            return "service"
        case ("spec", "secrets", _):
            return "secret"
        case _:
            return ""


def _in_template(path: Path) -> Path:
    """Return a place within the template of a set as if it were in an Execution."""
    return path[2:] if path[:3] == ("spec", "template", "spec") else path


def _unknown_keys(fault: Fault, path: Path) -> Iterator[Problem]:
    known = fault.schema.get("properties", {})
    for key, value in fault.instance.items():
        if key not in known:
            place = (*path, key)
            yield _unknown_key(key, value, path, known).at(place, at_key=True)


def _unknown_key(key: str, value: object, path: Path, known: Mapping[str, Any]) -> Complaint:
    context = _context(path)
    if (context, key) in _ELSEWHERE:
        return Complaint("UnknownKey", f"unknown key {quoted(key)}", _ELSEWHERE[context, key])
    if context == "service" and (refusal := compose.refuse_service_key(key, value)):
        return refusal
    owners = {context}
    if context == "spec":
        owners = {kind for kind in _OWNERS if _spec_keys(kind) == frozenset(known)}
    if any((owner, key) in _LATER_KEYS for owner in owners):
        return not_yet(key)
    if context == "spec" and "services" in known and (refusal := compose.refuse_spec_key(key)):
        return refusal
    remedy = did_you_mean(key, known, otherwise="remove it")
    return Complaint("UnknownKey", f"unknown key {quoted(key)}", remedy)


@cache
def _spec_keys(kind: str) -> frozenset[str]:
    return frozenset(published().definitions[kind]["properties"]["spec"]["properties"])


def _of_arms(fault: Fault, path: Path) -> Iterator[Problem]:
    """Report on the arm that was meant: the one whose type fits the value."""
    if refusal := _short_syntax(path, fault.instance):
        yield refusal.at(path)
        return
    meant = [
        faults
        for index, faults in sorted(fault.arms.items())
        if fault.argument[index] != EXPRESSION and not _is_of_other_type(faults)
    ]
    if meant:
        for inner in max(meant, key=_depth):
            yield from problems_of(inner)
        return
    if (refusal := _as_amount(fault)) is not None:
        yield refusal.at(path)
        return
    types = _types_of(fault.argument)
    words = " or ".join(dict.fromkeys(_TYPE_NAMES[name] for name in types))
    yield _wrong_type(fault.instance, words).at(path)


def _as_amount(fault: Fault) -> Complaint | None:
    """Return why a number isn't an amount with a unit, where one is expected."""
    schemas = [inner.schema for faults in fault.arms.values() for inner in faults]
    names = [schema["x-quantity"] for schema in schemas if "x-quantity" in schema]
    if not names or not isinstance(fault.instance, int) or isinstance(fault.instance, bool):
        return None
    try:
        _MEASURES[names[0]](fault.instance)
    except Complaint as complaint:
        return complaint
    return None


def _depth(faults: list[Fault]) -> int:
    return max(len(fault.path) for fault in faults)


def _is_of_other_type(faults: list[Fault]) -> bool:
    """Tell whether an arm was refused for the value's type, so that it can't have been meant."""
    return any(
        fault.depth == 0
        and (
            fault.keyword == "type"
            or (fault.keyword == "anyOf" and all(map(_is_of_other_type, fault.arms.values())))
        )
        for fault in faults
    )


def _types_of(arms: list[Any]) -> list[str]:
    types: list[str] = []
    definitions = strict().definitions
    for arm in arms:
        if arm == EXPRESSION:
            continue
        target = definitions.get(str(arm.get("$ref", "")).removeprefix("#/$defs/"), arm)
        if "anyOf" in target:
            types += _types_of(target["anyOf"])
        elif "type" in target:
            types.append(target["type"])
    return types


def _wrong_type(value: object, expected: str) -> Complaint:
    if isinstance(value, bool) and "text" in expected:
        text = str(value).lower()
        return Complaint("WrongType", f"{text} isn't text", f'write "{text}"')
    if value is None:
        return Complaint("WrongType", "there is no value", f"write {expected}")
    return Complaint("WrongType", f"{_kind_of(value)} isn't {expected}", f"write {expected}")


def _kind_of(value: object) -> str:
    match value:
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case bool():
            return str(value).lower()
        case str():
            return quoted(value)
        case _:
            return quoted(getattr(value, "text", value))


def _short_syntax(path: Path, value: object) -> Complaint | None:
    match _in_template(path), value:
        case ("spec", "services", _, "ports", int()), str() | int():
            return compose.refuse_short_port(value)
        case ("spec", "services", _, "volumes", int()), str():
            return compose.refuse_short_volume(value)
        case _:
            return None


def _type(fault: Fault) -> Complaint:
    path = fault.path
    if refusal := _short_syntax(path, fault.instance):
        return refusal
    if "x-quantity" in fault.schema and isinstance(fault.instance, int):
        return _bad_text(fault)
    return _wrong_type(fault.instance, _TYPE_NAMES[str(fault.argument)])


def _bad_text(fault: Fault) -> Complaint:
    schema = fault.schema
    measure = _MEASURES.get(schema.get("x-quantity", ""))
    if measure is not None:
        try:
            measure(fault.instance)
        except Complaint as complaint:
            return complaint
    if "x-message" in schema:
        message = f"{quoted(fault.instance)} {schema['x-message']}"
        return Complaint("BadFormat", message, schema["x-remedy"])
    if fault.keyword == "maxLength":
        message = f"more than {fault.argument} characters"
        return Complaint("TooLong", message, "write a shorter text")
    return Complaint("BadFormat", f"{quoted(fault.instance)} is too short", "write some text")


def _bad_choice(fault: Fault) -> Complaint:
    if fault.keyword == "const":
        choices = [str(fault.argument)]
    else:
        choices = [str(choice) for choice in fault.argument]
    if fault.instance is None:
        return Complaint("BadValue", "there is no value", f"write {' or '.join(choices)}")
    message = f"{_kind_of(fault.instance)} isn't one of {', '.join(choices)}"
    written = fault.instance if isinstance(fault.instance, str) else ""
    return Complaint("BadValue", message, did_you_mean(written, choices, otherwise=""))


def _out_of_range(fault: Fault) -> Complaint:
    value = getattr(fault.instance, "text", fault.instance)
    bound = fault.argument
    side = "less" if fault.keyword == "minimum" else "more"
    word = "at least" if side == "less" else "at most"
    return Complaint("OutOfRange", f"{value} is {side} than {bound}", f"write {word} {bound}")


def _bad_count(fault: Fault) -> Complaint:
    bound = fault.argument
    if fault.keyword.startswith("min"):
        return Complaint("TooFew", f"fewer than {bound}", f"write at least {bound}")
    return Complaint("TooMany", f"more than {bound}", f"write at most {bound}")


def _not_unique(_: Fault) -> Complaint:
    return Complaint("Duplicate", "an item stands there twice", "keep one of the two")


def _bad_value(fault: Fault) -> Complaint:
    return Complaint("BadValue", f"{quoted(fault.instance)} isn't valid", "see zoe's reference")


def _example(schema: object, key: str) -> str:
    known = schema.get("properties", {}) if isinstance(schema, Mapping) else {}
    description = str(known.get(key, {}).get("description", ""))
    first = description.split(". ")[0].rstrip(".")
    return f"add {key}:" + (f" ({first[0].lower()}{first[1:]})" if first else "")


_MEASURES: Mapping[str, Callable[[object], object]] = {
    "memory": quantities.memory_bytes,
    "cpus": quantities.cpu_millis,
    "duration": quantities.duration_ms,
    "moment": times.moment,
    "cron": times.cron,
}
_WORDS: Mapping[str, Callable[[Fault], Complaint]] = {
    "type": _type,
    "pattern": _bad_text,
    "minLength": _bad_text,
    "maxLength": _bad_text,
    "enum": _bad_choice,
    "const": _bad_choice,
    "minimum": _out_of_range,
    "maximum": _out_of_range,
    "minItems": _bad_count,
    "maxItems": _bad_count,
    "minProperties": _bad_count,
    "maxProperties": _bad_count,
    "uniqueItems": _not_unique,
}

"""The schema's verdict on a document as problems that an author can act on.

Whether a value is valid the screen says. What is wrong with one that isn't is asked of a general
validator, all of it at once, and put into words here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from reconciler.manifest import compose, quantities
from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.schema import EXPRESSION, Schema, published, strict
from reconciler.manifest.screen import compile_pattern
from reconciler.manifest.suggest import did_you_mean

KINDS = ("Platform", "Namespace", "ZApp", "Execution")
API_VERSION = "zoe/v1"
MAX_PROBLEMS = 100

# Part of the design, but not of this version: better said than called unknown.
_LATER_KINDS = frozenset({"ExecutionSet", "Reservation"})
_LATER_KEYS = frozenset(
    {
        ("Execution", "schedule"),
        ("Execution", "notBefore"),
        ("Execution", "idle"),
        ("Execution", "notify"),
        ("Execution", "logs"),
        ("Execution", "isolation"),
        ("ZApp", "idle"),
        ("ZApp", "isolation"),
        ("Platform", "storage"),
        ("Platform", "registries"),
        ("Platform", "namespaceDefaults"),
        ("Platform", "changeWindows"),
        ("Namespace", "members"),
        ("Namespace", "quota"),
        ("Namespace", "weight"),
        ("Namespace", "cohort"),
        ("secret", "generate"),
        ("secret", "age"),
        ("service", "speedup"),
    }
)

_TYPE_NAMES = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
}


def check_envelope(value: object) -> tuple[str, list[Problem]]:
    """Return the kind of a document, or nothing and why it has none that we know."""
    if not isinstance(value, dict):
        remedy = "begin with apiVersion: zoe/v1 and kind: Execution"
        return "", [Complaint("NotAMapping", "a document is a mapping", remedy).at(())]
    if "apiVersion" not in value or "kind" not in value:
        missing = " and ".join(key for key in ("apiVersion", "kind") if key not in value)
        remedy = "add apiVersion: zoe/v1 and kind: " + " | ".join(KINDS)
        return "", [Complaint("MissingKey", f"{missing} is missing", remedy).at(())]
    if value["apiVersion"] != API_VERSION:
        message = f"{quoted(value['apiVersion'])} isn't a version that is known here"
        return "", [
            Complaint("UnknownVersion", message, f"write {API_VERSION}").at(("apiVersion",))
        ]
    kind = value["kind"]
    if kind in KINDS:
        return str(kind), []
    if isinstance(kind, str) and kind in _LATER_KINDS:
        complaint = _not_yet(f"kind {kind}")
    else:
        remedy = did_you_mean(str(kind), KINDS, otherwise="")
        complaint = Complaint("UnknownKind", f"{quoted(kind)} isn't a kind", remedy)
    return "", [complaint.at(("kind",))]


def _not_yet(what: str) -> Complaint:
    return Complaint("NotSupportedYet", f"{what} isn't supported yet", "remove it for now")


def check_raw(definition: str, value: object) -> list[Problem]:
    """Return what is wrong with a value as written: values, or expressions where they may stand."""
    return _check(published(), definition, value, ())


def check_resolved(definition: str, value: object, *, path: Path) -> list[Problem]:
    """Return what is wrong with a value in which all expressions have been replaced."""
    return _check(strict(), definition, value, path)


def _check(schema: Schema, definition: str, value: object, path: Path) -> list[Problem]:
    if schema.admits(definition, value):
        return []
    binds = _binds(value)
    report = _Report(base=path)
    for error in _validator(schema, definition).iter_errors(value):
        fault = _fault(error)
        if not any(fault.path[: len(place)] == place for place in binds):
            report.add(_problems(fault))
    report.add(refusal.at(place) for place, refusal in binds.items())
    return report.problems()


def _binds(value: object) -> dict[Path, Complaint]:
    """Return the mounts of folders of the node: one complaint each instead of one per key."""
    match value:
        case {"spec": {"services": dict() as services}}:
            return {
                ("spec", "services", name, "volumes", index): compose.refuse_bind(volume)
                for name, service in services.items()
                if isinstance(service, dict) and isinstance(service.get("volumes"), list)
                for index, volume in enumerate(service["volumes"])
                if isinstance(volume, dict) and volume.get("type") == "bind"
            }
        case _:
            return {}


@cache
def _validator(schema: Schema, definition: str) -> Any:
    # Imported here: it takes longer to import than most runs take altogether.
    import jsonschema
    import referencing

    def pattern(_: object, expected: str, instance: object, __: object) -> Iterator[object]:
        if isinstance(instance, str) and compile_pattern(expected).search(instance) is None:
            yield jsonschema.ValidationError(f"{instance!r} doesn't match")

    extend: Any = jsonschema.validators.extend
    kind = extend(jsonschema.Draft202012Validator, {"pattern": pattern})
    document = {
        "$schema": schema.document["$schema"],
        "$ref": f"#/$defs/{definition}",
        "$defs": schema.definitions,
    }
    # An empty registry: a default one would fetch references from the network.
    return kind(document, registry=referencing.Registry())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
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
    arms: Mapping[int, list[_Fault]]


def _fault(error: Any) -> _Fault:
    arms: dict[int, list[_Fault]] = {}
    for inner in error.context or ():
        arms.setdefault(int(inner.schema_path[0]), []).append(_fault(inner))
    return _Fault(
        keyword=str(error.validator),
        argument=error.validator_value,
        instance=error.instance,
        schema=error.schema if isinstance(error.schema, Mapping) else {},
        path=tuple(error.absolute_path),
        depth=len(error.relative_path),
        is_of_name="propertyNames" in error.absolute_schema_path,
        arms=arms,
    )


class _Report:
    """Collects the problems of one value, each place and code once."""

    def __init__(self, *, base: Path) -> None:
        self._base = base
        self._found: dict[tuple[Path, str, str], Problem] = {}

    def add(self, problems: Iterable[Problem]) -> None:
        for problem in problems:
            placed = Problem(
                path=(*self._base, *problem.path),
                code=problem.code,
                message=problem.message,
                remedy=problem.remedy,
                at_key=problem.at_key,
            )
            self._found.setdefault((placed.path, placed.code, placed.message), placed)

    def problems(self) -> list[Problem]:
        ordered = sorted(self._found.values(), key=lambda item: [str(part) for part in item.path])
        return ordered[:MAX_PROBLEMS]


def _problems(fault: _Fault) -> Iterator[Problem]:
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
    """Return what kind of mapping is at ``path``: a service, a spec, a secret."""
    match path:
        case ("spec",):
            return "spec"
        case ("spec", "services", _):
            return "service"
        case ("spec", "secrets", _):
            return "secret"
        case _:
            return ""


def _unknown_keys(fault: _Fault, path: Path) -> Iterator[Problem]:
    known = fault.schema.get("properties", {})
    for key, value in fault.instance.items():
        if key not in known:
            place = (*path, key)
            yield _unknown_key(key, value, path, known).at(place, at_key=True)


def _unknown_key(key: str, value: object, path: Path, known: Mapping[str, Any]) -> Complaint:
    context = _context(path)
    if context == "service" and (refusal := compose.refuse_service_key(key, value)):
        return refusal
    owners = {context}
    if context == "spec":
        owners = {kind for kind in KINDS if _spec_keys(kind) == frozenset(known)}
    if any((owner, key) in _LATER_KEYS for owner in owners):
        return _not_yet(key)
    if context == "spec" and "services" in known and (refusal := compose.refuse_spec_key(key)):
        return refusal
    remedy = did_you_mean(key, known, otherwise="remove it")
    return Complaint("UnknownKey", f"unknown key {quoted(key)}", remedy)


@cache
def _spec_keys(kind: str) -> frozenset[str]:
    return frozenset(published().definitions[kind]["properties"]["spec"]["properties"])


def _of_arms(fault: _Fault, path: Path) -> Iterator[Problem]:
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
            yield from _problems(inner)
        return
    if (refusal := _as_amount(fault)) is not None:
        yield refusal.at(path)
        return
    types = _types_of(fault.argument)
    words = " or ".join(dict.fromkeys(_TYPE_NAMES[name] for name in types))
    yield _wrong_type(fault.instance, words).at(path)


def _as_amount(fault: _Fault) -> Complaint | None:
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


def _depth(faults: list[_Fault]) -> int:
    return max(len(fault.path) for fault in faults)


def _is_of_other_type(faults: list[_Fault]) -> bool:
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
    match path, value:
        case ("spec", "services", _, "ports", int()), str() | int():
            return compose.refuse_short_port(value)
        case ("spec", "services", _, "volumes", int()), str():
            return compose.refuse_short_volume(value)
        case _:
            return None


def _type(fault: _Fault) -> Complaint:
    path = fault.path
    if refusal := _short_syntax(path, fault.instance):
        return refusal
    if "x-quantity" in fault.schema and isinstance(fault.instance, int):
        return _bad_text(fault)
    return _wrong_type(fault.instance, _TYPE_NAMES[str(fault.argument)])


def _bad_text(fault: _Fault) -> Complaint:
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


def _bad_choice(fault: _Fault) -> Complaint:
    if fault.keyword == "const":
        choices = [str(fault.argument)]
    else:
        choices = [str(choice) for choice in fault.argument]
    message = f"{quoted(fault.instance)} isn't one of {', '.join(choices)}"
    return Complaint("BadValue", message, did_you_mean(str(fault.instance), choices, otherwise=""))


def _out_of_range(fault: _Fault) -> Complaint:
    value = getattr(fault.instance, "text", fault.instance)
    bound = fault.argument
    side = "less" if fault.keyword == "minimum" else "more"
    word = "at least" if side == "less" else "at most"
    return Complaint("OutOfRange", f"{value} is {side} than {bound}", f"write {word} {bound}")


def _bad_count(fault: _Fault) -> Complaint:
    bound = fault.argument
    if fault.keyword.startswith("min"):
        return Complaint("TooFew", f"fewer than {bound}", f"write at least {bound}")
    return Complaint("TooMany", f"more than {bound}", f"write at most {bound}")


def _not_unique(_: _Fault) -> Complaint:
    return Complaint("Duplicate", "an item stands there twice", "keep one of the two")


def _bad_value(fault: _Fault) -> Complaint:
    return Complaint("BadValue", f"{quoted(fault.instance)} isn't valid", "see zoe's reference")


def _example(schema: object, key: str) -> str:
    known = schema.get("properties", {}) if isinstance(schema, Mapping) else {}
    description = str(known.get(key, {}).get("description", ""))
    first = description.split(". ")[0].rstrip(".")
    return f"add {key}:" + (f" ({first[0].lower()}{first[1:]})" if first else "")


_MEASURES: Mapping[str, Callable[[object], int]] = {
    "memory": quantities.memory_bytes,
    "cpus": quantities.cpu_millis,
    "duration": quantities.duration_ms,
}
_WORDS: Mapping[str, Callable[[_Fault], Complaint]] = {
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

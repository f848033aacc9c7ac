"""The schema's verdict on a document as problems that an author can act on.

Whether a value is valid the screen says. What is wrong with one that isn't is asked of a general
validator, all of it at once, and put into words by ``faults``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from typing import Any

from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.schema import Schema, published, strict
from reconciler.manifest.screen import compile_pattern
from reconciler.manifest.suggest import did_you_mean

KINDS = ("Platform", "Namespace", "ZApp", "Execution", "ExecutionSet", "Reservation")
API_VERSION = "zoe/v1"
MAX_PROBLEMS = 100


def check_envelope(value: object) -> tuple[str, list[Problem]]:
    """Return the kind of a document, or nothing and why it has none that we know."""
    if not isinstance(value, dict):
        remedy = "begin with apiVersion: zoe/v1 and kind: Execution"
        return "", [Complaint("NotAMapping", "a document is a mapping", remedy).at(())]
    if missing := [key for key in ("apiVersion", "kind") if value.get(key) is None]:
        told = " and ".join(missing) + (" are missing" if missing[1:] else " is missing")
        remedy = "add apiVersion: zoe/v1 and kind: " + " | ".join(KINDS)
        place = (missing[0],) if missing[0] in value else ()
        return "", [Complaint("MissingKey", told, remedy).at(place)]
    if value["apiVersion"] != API_VERSION:
        message = f"{quoted(value['apiVersion'])} isn't a version that is known here"
        return "", [
            Complaint("UnknownVersion", message, f"write {API_VERSION}").at(("apiVersion",))
        ]
    kind = value["kind"]
    if kind in KINDS:
        return str(kind), []
    remedy = did_you_mean(str(kind), KINDS, otherwise="")
    complaint = Complaint("UnknownKind", f"{quoted(kind)} isn't a kind", remedy)
    return "", [complaint.at(("kind",))]


def check_raw(definition: str, value: object) -> list[Problem]:
    """Return what is wrong with a value as written: values, or expressions where they may stand."""
    return _check(published(), definition, value, ())


def check_resolved(definition: str, value: object, *, path: Path) -> list[Problem]:
    """Return what is wrong with a value in which all expressions have been replaced."""
    return _check(strict(), definition, value, path)


def _check(schema: Schema, definition: str, value: object, path: Path) -> list[Problem]:
    if schema.admits(definition, value):
        return []
    # Imported here, as what is asked for it is: most runs have nothing to report.
    from reconciler.manifest.faults import fault_of, problems_of

    binds = _binds(value)
    report = _Report(base=path)
    for error in _validator(schema, definition).iter_errors(value):
        fault = fault_of(error)
        if not any(fault.path[: len(place)] == place for place in binds):
            report.add(problems_of(fault))
    report.add(refusal.at(place) for place, refusal in binds.items())
    return report.problems()


def _binds(value: object) -> dict[Path, Complaint]:
    """Return the mounts of folders of the node: one complaint each instead of one per key."""
    from reconciler.manifest import compose

    match value:
        case {"spec": {"template": dict() as template}}:
            return {("spec", "template", *path): told for path, told in _binds(template).items()}
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

    compare_all = jsonschema.Draft202012Validator.VALIDATORS["uniqueItems"]

    def unique(validator: object, wanted: bool, instance: object, beside: Any) -> Iterable[object]:
        # Of many items that have no order it compares all pairs: a full file of them takes a
        # minute. That a list is too long has been said by maxItems.
        is_long = isinstance(instance, list) and len(instance) > beside.get("maxItems", 0)
        return () if is_long else compare_all(validator, wanted, instance, beside) or ()

    extend: Any = jsonschema.validators.extend
    kind = extend(jsonschema.Draft202012Validator, {"pattern": pattern, "uniqueItems": unique})
    document = {
        "$schema": schema.document["$schema"],
        "$ref": f"#/$defs/{definition}",
        "$defs": schema.definitions,
    }
    # An empty registry: a default one would fetch references from the network.
    return kind(document, registry=referencing.Registry())


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

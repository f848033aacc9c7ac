"""ExecutionSet documents: one Execution for each item, whatever place the item has in the list.

Everything here depends on the document alone. What an item becomes is checked as an Execution
would be; a problem that all items have is told once, at the template, any other at its item.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reconciler.manifest import matrix as matrices
from reconciler.manifest import quantities
from reconciler.manifest.build import Builder, labels_of
from reconciler.manifest.diagnostic import Complaint, Path, Problem, pointer, quoted
from reconciler.manifest.execution import Execution, check_execution, check_folder
from reconciler.manifest.expressions import Substitution
from reconciler.manifest.limits import Limits
from reconciler.manifest.marks import Document
from reconciler.manifest.places import Place, is_name
from reconciler.manifest.rules import check_labels
from reconciler.manifest.spec import Item, SetSpec
from reconciler.manifest.validate import check_raw
from reconciler.manifest.zapps import no_files

_SPEC: Path = ("spec",)
_TEMPLATE: Path = (*_SPEC, "template")
_UNSAFE = re.compile(r"[^a-z0-9]+")
LONGEST_NAME = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecutionSet:
    """An ExecutionSet document, and the Executions that it stands for."""

    spec: SetSpec
    index: int
    line: int
    members: tuple[Execution, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    """An item before it is an Execution: its key, what expressions may use, where it stands."""

    key: str
    told: str
    scope: Mapping[str, object]
    path: Path


Told = tuple[Execution, Problem]
"""A problem in the terms of the Execution that an item became."""


def build_set(
    document: Document, index: int, place: Place, limits: Limits
) -> tuple[ExecutionSet, list[Problem]]:
    """Return what a document that meets the schema stands for, and what is wrong with it."""
    value = document.value
    spec, metadata = value["spec"], value["metadata"]
    builder = Builder(attach=no_files)
    found = SetSpec(
        namespace=place.folder,
        name=metadata["name"],
        parallel=spec.get("parallel", 0),
        max_failed=spec.get("maxFailed"),
        stagger_ms=builder.measured(
            quantities.duration_ms, spec.get("stagger", "0s"), (*_SPEC, "stagger"), 0
        ),
        repeats="repeat" in spec,
    )
    problems = [*builder.problems, *_check(value, place), *_check_size(spec, limits)]
    members: tuple[Execution, ...] = ()
    if not problems:
        points = list(_points(spec))
        problems = list(_check_keys(found.name, points) if points else _refuse_none(spec))
        if not problems:
            members, problems = _members(document, index, found, points)
    return ExecutionSet(spec=found, index=index, line=document.line, members=members), problems


# -- the set itself -------------------------------------------------------------------------------


def _check(value: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    spec, metadata = value["spec"], value["metadata"]
    if place.folder:
        yield from check_folder(metadata, place.folder)
    elif "namespace" in metadata:
        complaint = Complaint(
            "NotTheFolder", "a set in sets/ is in no namespace", "write namespace: under template"
        )
        yield complaint.at(("metadata", "namespace"), at_key=True)
    if not place.folder and "namespace" not in spec["template"]:
        remedy = "add namespace: group-${{ item.key }}"
        complaint = Complaint("MissingKey", "namespace is missing", remedy)
        yield complaint.at(_TEMPLATE, at_key=True)
    yield from _check_repeat(spec)


def _check_repeat(spec: Mapping[str, Any]) -> Iterator[Problem]:
    if "repeat" not in spec:
        return
    if "maxFailed" in spec:
        remedy = "remove maxFailed: what fails is tried again, later each time"
        complaint = Complaint("Contradiction", "repeat and maxFailed are both there", remedy)
        yield complaint.at((*_SPEC, "maxFailed"), at_key=True)
    for key in ("schedule", "run"):
        if key in spec["template"]["spec"]:
            message = f"repeat and {key} are both there"
            complaint = Complaint("Contradiction", message, "keep one of the two")
            yield complaint.at((*_TEMPLATE, "spec", key), at_key=True)


def _check_size(spec: Mapping[str, Any], limits: Limits) -> Iterator[Problem]:
    """Refuse by arithmetic what would be too many, before any of it is made."""
    if ("items" in spec) == ("matrix" in spec):
        if "items" in spec:
            complaint = Complaint("Contradiction", "items and matrix are both there", "keep one")
            yield complaint.at((*_SPEC, "matrix"), at_key=True)
        else:
            remedy = "add items: [a, b], items: {from: 1, to: 10}, or matrix: {axis: [1, 2]}"
            complaint = Complaint("MissingKey", "neither items nor matrix is there", remedy)
            yield complaint.at(_SPEC, at_key=True)
        return
    key = "items" if "items" in spec else "matrix"
    count = matrices.size(spec[key]) if key == "matrix" else _length(spec[key])
    if count > limits.items_per_set:
        message = f"{count} items, more than {limits.items_per_set} (limits.items_per_set)"
        complaint = Complaint("TooManyItems", message, "make several sets")
        yield complaint.at((*_SPEC, key), at_key=True)


def _refuse_none(spec: Mapping[str, Any]) -> Iterator[Problem]:
    """Refuse a range without numbers, and a matrix of which everything is excluded."""
    complaint = Complaint("TooFew", "no items", "write at least one")
    yield complaint.at((*_SPEC, "items" if "items" in spec else "matrix"), at_key=True)


def _length(items: Sequence[Any] | Mapping[str, int]) -> int:
    return len(_range(items)) if isinstance(items, Mapping) else len(items)


def _range(items: Mapping[str, int]) -> range:
    return range(items["from"], items["to"] + 1, items.get("step", 1))


# -- items and their keys -------------------------------------------------------------------------


def _points(spec: Mapping[str, Any]) -> Iterator[_Point]:
    """Yield what there is one Execution for."""
    if "matrix" in spec:
        for number, combination in enumerate(matrices.combinations(spec["matrix"])):
            key = "-".join(_safe(value) for value in combination.named_by).strip("-")
            scope = {f"matrix.{name}": value for name, value in combination.values.items()}
            told = ", ".join(_text(value) for value in combination.named_by)
            path = (*_SPEC, "matrix", *combination.place)
            yield _point(key, told, {**scope, "item.key": key}, number, path)
        return
    items = spec["items"]
    values: Sequence[Any] = _range(items) if isinstance(items, Mapping) else items
    for number, value in enumerate(values):
        item = value if isinstance(value, Mapping) else {"key": value}
        scope = {f"item.{name}": part for name, part in item.items()}
        path = (*_SPEC, "items") if isinstance(items, Mapping) else (*_SPEC, "items", number)
        yield _point(_safe(item["key"]), _text(item["key"]), scope, number, path)


def _point(key: str, told: str, scope: Mapping[str, object], number: int, path: Path) -> _Point:
    return _Point(key=key, told=told, scope={**scope, "set.index": number}, path=path)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(getattr(value, "text", value))


def _safe(value: object) -> str:
    """Return a value as it may stand in a name."""
    return _UNSAFE.sub("-", _text(value).lower()).strip("-")


def _check_keys(name: str, points: Iterable[_Point]) -> Iterator[Problem]:
    seen: dict[str, _Point] = {}
    for point in points:
        whole = f"{name}-{point.key}"
        if point.key in seen:
            other = seen[point.key].told
            message = f"{quoted(other)} and {quoted(point.told)} both make {whole}"
            yield Complaint("DuplicateItem", message, "give one of them another key").at(point.path)
        elif not point.key:
            message = f"{quoted(point.told)} makes no name"
            yield Complaint("BadFormat", message, "add key: NAME").at(point.path)
        elif len(whole) > LONGEST_NAME:
            message = f"{whole} has {len(whole)} characters, more than {LONGEST_NAME}"
            yield Complaint("TooLong", message, "shorten the key or the set's name").at(point.path)
        seen.setdefault(point.key, point)


# -- from items to Executions ---------------------------------------------------------------------


def _members(
    document: Document, index: int, found: SetSpec, points: Sequence[_Point]
) -> tuple[tuple[Execution, ...], list[Problem]]:
    members: list[Execution] = []
    told: list[Told] = []
    for number, point in enumerate(points):
        problems: list[Problem] = []
        item = Item(set=found, key=point.key, index=number)
        member = _member(document, index, item, point, problems)
        members.append(member)
        told += [(member, problem) for problem in problems or _check_member(member)]
    return tuple(members), list(at_items(told, of=members))


def _member(
    document: Document, index: int, item: Item, point: _Point, problems: list[Problem]
) -> Execution:
    """Return an item as an Execution; what its expressions can't say is left in ``problems``."""
    value, template = document.value, document.value["spec"]["template"]
    substitution = Substitution(point.scope, problems)
    spec = {
        key: part if key == "services" else substitution.apply(part, ("spec", key))
        for key, part in template["spec"].items()
    }
    if value["spec"].get("suspend", False):
        spec["suspend"] = True
    labels = substitution.apply(template.get("labels", {}), ("metadata", "labels"))
    namespace = substitution.apply(template.get("namespace", item.set.namespace), _NAMESPACE)
    return Execution(
        namespace=str(namespace),
        name=f"{item.set.name}-{item.key}",
        index=index,
        line=document.line,
        spec=spec,
        labels=tuple(sorted((dict(labels_of(value["metadata"])) | labels).items())),
        given=point.scope,
        item=item,
        item_path=point.path,
    )


_NAMESPACE: Path = ("metadata", "namespace")


def _check_member(member: Execution) -> list[Problem]:
    """Return what is wrong with an item as an Execution; its services were checked as written."""
    written = {key: part for key, part in member.spec.items() if key != "services"}
    whole = {
        "apiVersion": "zoe/v1",
        "kind": "Execution",
        "metadata": {"name": member.name, "labels": dict(member.labels)},
        "spec": written,
    }
    problems = check_raw("Execution", whole)
    problems += check_labels((name for name, _ in member.labels), path=("metadata", "labels"))
    folder = member.item.set.namespace if member.item else ""
    if folder and member.namespace != folder:
        message = f"{quoted(member.namespace)} isn't the folder's namespace {folder}"
        remedy = "remove it: only sets in sets/ are over many namespaces"
        problems.append(Complaint("NotTheFolder", message, remedy).at(_NAMESPACE))
    elif not is_name(member.namespace):
        message = f"{quoted(member.namespace)} isn't a name"
        remedy = "write at most 40 lower-case letters, digits and hyphens"
        problems.append(Complaint("BadFormat", message, remedy).at(_NAMESPACE))
    return problems or check_execution(member, {})


# -- where a problem of an item is told -----------------------------------------------------------


def at_items(told: Iterable[Told], *, of: Sequence[Execution]) -> Iterator[Problem]:
    """Yield problems of the members ``of`` one set as problems of its document.

    What all of them have is the template's, once; anything else is told at the item, and once
    where several items stand at one place.
    """
    grouped: dict[Problem, list[Told]] = {}
    for member, problem in told:
        grouped.setdefault(_nameless(problem, member), []).append((member, problem))
    for alike in grouped.values():
        member, problem = alike[0]
        if len(alike) == len(of):
            more = len(alike) - 1 if any(other != problem for _, other in alike) else 0
            yield _and_more(in_template(problem, member), more)
            continue
        by_place: dict[Path, list[Told]] = {}
        for member, problem in alike:
            by_place.setdefault(member.item_path, []).append((member, problem))
        for (member, problem), *others in by_place.values():
            yield _and_more(at_item(problem, member), len(others))


def _nameless(problem: Problem, member: Execution) -> Problem:
    """Return what is the same of a problem for whomever it is told of."""
    message, remedy = (
        text.replace(member.name, "NAME").replace(member.namespace, "NAMESPACE")
        for text in (problem.message, problem.remedy)
    )
    return replace(problem, message=message, remedy=remedy)


def _and_more(problem: Problem, count: int) -> Problem:
    if not count:
        return problem
    return replace(problem, message=f"{problem.message} (and {count} more)")


def in_template(problem: Problem, member: Execution) -> Problem:
    """Return a problem at the place of the template that it comes from."""
    match problem.path:
        case ("spec", *rest):
            return replace(problem, path=(*_TEMPLATE, "spec", *rest))
        case ("metadata", "labels" | "namespace", *_):
            return replace(problem, path=(*_TEMPLATE, *problem.path[1:]))
        case _:
            return replace(problem, path=member.item_path, at_key=False)


def at_item(problem: Problem, member: Execution) -> Problem:
    """Return a problem at the item that has it; the message says of whom and of what."""
    where = "" if problem.path[:1] == ("metadata",) else f"{pointer(problem.path)}: "
    message = f"{member.namespace}/{member.name}: {where}{problem.message}"
    return replace(problem, path=member.item_path, at_key=False, message=message)

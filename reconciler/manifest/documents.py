"""A manifest file's bytes to its documents, checked as far as they can be by themselves.

What depends on other files (ZApps, Platform, Namespace) is ``resolve``'s; so the result holds for
a path and a blob for good.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.manifest import source_map
from reconciler.manifest.build import Builder, labels_of
from reconciler.manifest.diagnostic import Complaint, Diagnostic, Problem
from reconciler.manifest.execution import Execution, check_execution
from reconciler.manifest.expressions import refuse_outside
from reconciler.manifest.limits import DEFAULT_LIMITS, Limits
from reconciler.manifest.literals import CODE as LITERAL
from reconciler.manifest.literals import check_literals
from reconciler.manifest.marks import Document
from reconciler.manifest.namespaces import build_namespace
from reconciler.manifest.owners import build_platform, check_priorities
from reconciler.manifest.places import Place, Standing, is_name
from reconciler.manifest.platform import Namespace, Platform, Reservation
from reconciler.manifest.reservations import build_reservation
from reconciler.manifest.rules import check_labels
from reconciler.manifest.sets import ExecutionSet, build_set
from reconciler.manifest.validate import check_envelope, check_raw
from reconciler.manifest.zapps import SERVICES, ZApp, check_zapp, no_files

_MOMENT = re.compile(
    r"/spec/(?:(?:template/spec/)?notBefore|window/start|changeWindows/[0-9]+/start)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """What can be told of an Execution whose document is invalid."""

    name: str
    run: int


Content = Platform | Namespace | Reservation | ZApp | Execution | ExecutionSet


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A file, read. ``contents`` are there even beside errors; ``stubs`` only if there are any."""

    path: str
    contents: tuple[Content, ...] = ()
    stubs: tuple[Stub, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def items(self) -> int:
        """How many Executions its sets stand for."""
        return sum(len(c.members) for c in self.contents if isinstance(c, ExecutionSet))

    @property
    def is_valid(self) -> bool:
        """Whether nothing is wrong with it by itself."""
        return not any(diagnostic.is_error for diagnostic in self.diagnostics)


def parse(data: bytes, *, path: str, place: Place, limits: Limits = DEFAULT_LIMITS) -> Parsed:
    """Return what a file at ``place`` says. Never raises."""
    reading = source_map.read(data, file=path, limits=limits)
    diagnostics = list(reading.diagnostics)
    shadowed = {(item.line, item.column) for item in diagnostics if item.is_error}
    contents: list[Content] = []
    stubs: list[Stub] = []
    for index, document in enumerate(reading.documents):
        content, problems = _document(document, index, path, place, limits)
        located = [reading.locate(index, problem) for problem in problems]
        # A value that couldn't be read isn't also of the wrong type.
        diagnostics += [item for item in located if (item.line, item.column) not in shadowed]
        if content is not None:
            contents.append(content)
        stubs += _stub(document.value, place)
    told = (_unshown(item) for item in diagnostics if not _is_moment(item))
    ordered = tuple(sorted(dict.fromkeys(told)))
    if not stubs and place.kind == "Execution" and is_name(place.stem):
        stubs = [Stub(name=place.stem, run=1)]
    return Parsed(path=path, contents=tuple(contents), stubs=tuple(stubs), diagnostics=ordered)


def _is_moment(diagnostic: Diagnostic) -> bool:
    """Tell whether it warns that a moment is a date to other readers: it is one to us as well."""
    is_text = diagnostic.code == "TextHere"
    return is_text and _MOMENT.fullmatch(diagnostic.pointer) is not None


def _unshown(diagnostic: Diagnostic) -> Diagnostic:
    """Return it without the line, where that holds what nobody should read."""
    return replace(diagnostic, snippet="") if diagnostic.code == LITERAL else diagnostic


def refused(path: str, place: Place | None, complaint: Complaint) -> Parsed:
    """Return what stands for a file that isn't read at all."""
    stubs: tuple[Stub, ...] = ()
    if place is not None and place.kind == "Execution" and is_name(place.stem):
        stubs = (Stub(name=place.stem, run=1),)
    diagnostic = Diagnostic(
        file=path,
        line=0,
        column=0,
        pointer="",
        code=complaint.code,
        message=complaint.message,
        remedy=complaint.remedy,
    )
    return Parsed(path=path, stubs=stubs, diagnostics=(diagnostic,))


def _stub(value: object, place: Place) -> Iterator[Stub]:
    if place.kind != "Execution" or place.standing is not Standing.READ:
        return
    document = value if isinstance(value, dict) else {}
    metadata, spec = document.get("metadata"), document.get("spec")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    run = spec.get("run") if isinstance(spec, dict) else None
    if isinstance(name, str) and is_name(name):
        yield Stub(name=name, run=run if isinstance(run, int) and run > 0 else 1)


def _document(
    document: Document, index: int, path: str, place: Place, limits: Limits
) -> tuple[Content | None, list[Problem]]:
    value = document.value
    kind, problems = check_envelope(value)
    if problems:
        return None, problems
    if kind not in (place.kind, _ALSO.get(place.kind)):
        message = f"a {kind} doesn't belong here"
        remedy = f"move it to {_HOMES[kind]}"
        return None, [Complaint("KindNotAllowedHere", message, remedy).at(("kind",))]
    outside = _outside(value, kind)
    covered = {problem.path for problem in outside}
    problems = outside + [item for item in check_raw(kind, value) if item.path not in covered]
    if problems:
        return None, problems
    metadata = value["metadata"]
    problems = check_labels(metadata.get("labels", {}), path=("metadata", "labels"))
    content: Content
    builder = Builder(attach=no_files)
    match kind:
        case "Platform":
            content = build_platform(value, builder)
            problems += builder.problems + check_priorities(content)
        case "Namespace":
            content = build_namespace(value, builder)
            problems += builder.problems
        case "Reservation":
            content = build_reservation(value, builder)
            problems += builder.problems
        case "ZApp":
            content = _zapp(value, path, place)
            problems += check_zapp(content)
            problems += check_literals(content.spec["services"], path=SERVICES)
        case "ExecutionSet":
            content, found = build_set(document, index, place, limits)
            services = value["spec"]["template"]["spec"].get("services", {})
            found += check_literals(services, path=("spec", "template", *SERVICES))
            problems += found
            if any(problem.is_error for problem in found):
                return None, problems
        case _:
            content = _execution(document, index, place)
            problems += check_execution(content, metadata)
            problems += check_literals(content.spec.get("services", {}), path=SERVICES)
            if "zapp" not in content.spec and not {"type", "services"} <= content.spec.keys():
                return None, problems
    return content, problems


_HOMES = {
    "Platform": "platform.yaml",
    "Namespace": "namespaces/NAME.yaml",
    "Reservation": "reservations/NAME.yaml",
    "ZApp": "zapps/NAME/zapp.yaml",
    "Execution": "executions/NAMESPACE/NAME.yaml",
    "ExecutionSet": "executions/NAMESPACE/NAME.yaml, or sets/NAME.yaml",
}
_ALSO = {"Execution": "ExecutionSet"}
"""Where one kind is, another one may be too."""


_PLACE_OF_EXPRESSIONS = {"ZApp": "services", "Execution": "services", "ExecutionSet": "template"}


def _outside(value: Mapping[str, Any], kind: str) -> list[Problem]:
    """Refuse expressions wherever nothing would replace them."""
    if "{{" not in str(value):
        return []
    reason = f"an expression works in {_PLACE_OF_EXPRESSIONS.get(kind, 'services')} only"
    problems: list[Problem] = []
    for key, part in value.items():
        if key != "spec" or not isinstance(part, dict) or kind not in _PLACE_OF_EXPRESSIONS:
            problems += refuse_outside(part, path=(key,), reason=reason)
            continue
        for name, item in part.items():
            if name != _PLACE_OF_EXPRESSIONS[kind]:
                problems += refuse_outside(item, path=(key, name), reason=reason)
    return problems


def _zapp(value: Mapping[str, Any], path: str, place: Place) -> ZApp:
    metadata = value["metadata"]
    return ZApp(
        name=metadata["name"],
        title=metadata.get("title", metadata["name"]),
        path=path,
        folder=place.folder,
        spec=value["spec"],
    )


def _execution(document: Document, index: int, place: Place) -> Execution:
    metadata = document.value["metadata"]
    return Execution(
        namespace=place.folder,
        name=metadata["name"],
        index=index,
        line=document.line,
        spec=document.value["spec"],
        labels=labels_of(metadata),
    )

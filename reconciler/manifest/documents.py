"""A manifest file's bytes to its documents, checked as far as they can be by themselves.

What depends on other files (ZApps, Platform, Namespace) is ``resolve``'s; so the result holds for
a path and a blob for good.

What reads a kind is imported with the first document of that kind: importing all of them takes
longer than reading a file does, and a person waits for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reconciler.manifest import source_map
from reconciler.manifest.build import Builder, labels_of
from reconciler.manifest.diagnostic import Complaint, Diagnostic, Problem
from reconciler.manifest.expressions import refuse_outside
from reconciler.manifest.limits import DEFAULT_LIMITS, Limits
from reconciler.manifest.literals import CODE as LITERAL
from reconciler.manifest.literals import check_literals
from reconciler.manifest.marks import Document
from reconciler.manifest.places import Place, Standing, is_name
from reconciler.manifest.rules import check_labels
from reconciler.manifest.validate import check_envelope, check_raw
from reconciler.manifest.zapps import SERVICES, ZApp, check_zapp, no_files

if TYPE_CHECKING:
    from reconciler.manifest.execution import Execution
    from reconciler.manifest.platform import Namespace, Platform, Reservation
    from reconciler.manifest.sets import ExecutionSet

    Content = Platform | Namespace | Reservation | ZApp | Execution | ExecutionSet

_MOMENT = re.compile(
    r"/spec/(?:(?:template/spec/)?notBefore|window/start|changeWindows/[0-9]+/start)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """What can be told of an Execution whose document is invalid."""

    name: str
    run: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A file, read. ``contents`` are there even beside errors; ``stubs`` only if there are any."""

    path: str
    contents: tuple[Content, ...] = ()
    stubs: tuple[Stub, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    size_bytes: int = 0

    @property
    def items(self) -> int:
        """How many Executions its sets stand for."""
        from reconciler.manifest.sets import ExecutionSet

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
    return Parsed(
        path=path,
        contents=tuple(contents),
        stubs=tuple(stubs),
        diagnostics=ordered,
        size_bytes=len(data),
    )


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
    content, problems = _content(kind, document, index, path, place, limits)
    labels = value["metadata"].get("labels", {})
    return content, check_labels(labels, path=("metadata", "labels")) + problems


def _content(
    kind: str, document: Document, index: int, path: str, place: Place, limits: Limits
) -> tuple[Content | None, list[Problem]]:
    """Return what a document of the right form says, and what is wrong with that."""
    value = document.value
    match kind:
        case "ZApp":
            zapp = _zapp(value, path, place)
            literals = check_literals(zapp.spec["services"], path=SERVICES)
            return zapp, check_zapp(zapp) + literals
        case "Execution":
            return _execution(document, index, place)
        case "ExecutionSet":
            from reconciler.manifest.sets import build_set

            items, problems = build_set(document, index, place, limits)
            services = value["spec"]["template"]["spec"].get("services", {})
            problems += check_literals(services, path=("spec", "template", *SERVICES))
            is_bad = any(problem.is_error for problem in problems)
            return (None if is_bad else items), problems
        case _:
            return _operators(kind, value)


def _operators(kind: str, value: Mapping[str, Any]) -> tuple[Content, list[Problem]]:
    """Return what operators declare, and what is wrong with it."""
    builder = Builder(attach=no_files)
    match kind:
        case "Platform":
            from reconciler.manifest.owners import build_platform, check_priorities

            platform = build_platform(value, builder)
            return platform, builder.problems + check_priorities(platform)
        case "Namespace":
            from reconciler.manifest.namespaces import build_namespace

            return build_namespace(value, builder), builder.problems
        case _:
            from reconciler.manifest.reservations import build_reservation

            return build_reservation(value, builder), builder.problems


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


def _execution(
    document: Document, index: int, place: Place
) -> tuple[Execution | None, list[Problem]]:
    from reconciler.manifest.execution import Execution, check_execution

    metadata, spec = document.value["metadata"], document.value["spec"]
    execution = Execution(
        namespace=place.folder,
        name=metadata["name"],
        index=index,
        line=document.line,
        spec=spec,
        labels=labels_of(metadata),
    )
    problems = check_execution(execution, metadata)
    problems += check_literals(spec.get("services", {}), path=SERVICES)
    is_whole = "zapp" in spec or {"type", "services"} <= spec.keys()
    return (execution if is_whole else None), problems

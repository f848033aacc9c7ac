"""A manifest file's bytes to its documents, checked as far as they can be by themselves.

What depends on other files (ZApps, Platform, Namespace) is ``resolve``'s; so the result holds for
a path and a blob for good.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from reconciler.manifest import source_map
from reconciler.manifest.build import Builder, labels_of
from reconciler.manifest.diagnostic import Complaint, Diagnostic, Path, Problem, quoted
from reconciler.manifest.expressions import refuse_outside
from reconciler.manifest.limits import DEFAULT_LIMITS, Limits
from reconciler.manifest.literals import CODE as LITERAL
from reconciler.manifest.literals import check_literals
from reconciler.manifest.marks import Document
from reconciler.manifest.namespaces import build_namespace
from reconciler.manifest.owners import build_platform, check_priorities
from reconciler.manifest.places import Place, Standing, is_name
from reconciler.manifest.reservations import build_reservation
from reconciler.manifest.rules import check_labels
from reconciler.manifest.spec import Namespace, Platform, Reservation, Schedule
from reconciler.manifest.validate import check_envelope, check_raw
from reconciler.manifest.windows import build_schedule
from reconciler.manifest.zapps import SERVICES, ZApp, check_zapp, no_files

_SPEC: Path = ("spec",)
_SCHEDULE: Path = (*_SPEC, "schedule")
_MOMENT = re.compile(r"/spec/(?:notBefore|window/start|changeWindows/[0-9]+/start)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An Execution document. ``spec`` is as written; ``index`` is its place in the file."""

    namespace: str
    name: str
    index: int
    line: int
    spec: Mapping[str, Any]
    labels: tuple[tuple[str, str], ...]

    @property
    def run(self) -> int:
        """The author's counter."""
        return int(self.spec.get("run", 1))

    @property
    def schedule(self) -> Schedule | None:
        """When it runs again and again; worth nothing where :func:`parse` found fault with it."""
        if "schedule" not in self.spec:
            return None
        return build_schedule(self.spec["schedule"], Builder(attach=no_files), _SCHEDULE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stub:
    """What can be told of an Execution whose document is invalid."""

    name: str
    run: int


Content = Platform | Namespace | Reservation | ZApp | Execution


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A file, read. ``contents`` are there even beside errors; ``stubs`` only if there are any."""

    path: str
    contents: tuple[Content, ...] = ()
    stubs: tuple[Stub, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()

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
        content, problems = _document(document, index, path, place)
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
    document: Document, index: int, path: str, place: Place
) -> tuple[Content | None, list[Problem]]:
    value = document.value
    kind, problems = check_envelope(value)
    if problems:
        return None, problems
    if kind != place.kind:
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
}


def _outside(value: Mapping[str, Any], kind: str) -> list[Problem]:
    """Refuse expressions wherever nothing would replace them."""
    if "{{" not in str(value):
        return []
    reason = "an expression works in services only"
    problems: list[Problem] = []
    for key, part in value.items():
        if key != "spec" or not isinstance(part, dict) or kind not in ("ZApp", "Execution"):
            problems += refuse_outside(part, path=(key,), reason=reason)
            continue
        for name, item in part.items():
            if name != "services":
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


def check_execution(execution: Execution, metadata: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with an Execution before anything else is looked at."""
    return [problem for rule in _EXECUTION_RULES for problem in rule(execution, metadata)]


Rule = Callable[[Execution, Mapping[str, Any]], Iterator[Problem]]


def _check_folder(execution: Execution, metadata: Mapping[str, Any]) -> Iterator[Problem]:
    given = metadata.get("namespace", execution.namespace)
    if given != execution.namespace:
        message = f"{quoted(given)} isn't the folder's namespace {execution.namespace}"
        remedy = f"write {execution.namespace}, or move the file to executions/{given}/"
        yield Complaint("NotTheFolder", message, remedy).at(("metadata", "namespace"))


def _check_body(execution: Execution, _: Mapping[str, Any]) -> Iterator[Problem]:
    spec = execution.spec
    if "zapp" not in spec:
        for key in ("type", "services"):
            if key not in spec:
                remedy = f"add zapp: NAME, or {key}:"
                complaint = Complaint("MissingKey", f"neither zapp nor {key} is there", remedy)
                yield complaint.at(("spec",), at_key=True)
        if "parameters" in spec:
            complaint = Complaint(
                "ParametersWithoutZApp", "parameters are a ZApp's", "remove them, or add zapp: NAME"
            )
            yield complaint.at(("spec", "parameters"), at_key=True)
        return
    for key in ("type", "services", "secrets"):
        if key in spec:
            complaint = Complaint(
                "ZAppAndServices", f"zapp and {key} are both there", "keep one of the two"
            )
            yield complaint.at(("spec", key), at_key=True)


def _check_after(execution: Execution, _: Mapping[str, Any]) -> Iterator[Problem]:
    seen: set[str] = set()
    for index, entry in enumerate(execution.spec.get("after", ())):
        if entry["name"] in seen:
            complaint = Complaint("Duplicate", f"{entry['name']} stands there already", "remove it")
            yield complaint.at(("spec", "after", index))
        seen.add(entry["name"])


def _check_schedule(execution: Execution, _: Mapping[str, Any]) -> Iterator[Problem]:
    if "schedule" not in execution.spec:
        return
    for key, remedy in (
        ("run", "remove run: a run of a schedule is its time"),
        ("notBefore", "remove notBefore, or keep it and remove schedule"),
    ):
        if key in execution.spec:
            complaint = Complaint("Contradiction", f"schedule and {key} are both there", remedy)
            yield complaint.at((*_SPEC, key), at_key=True)
    builder = Builder(attach=no_files)
    build_schedule(execution.spec["schedule"], builder, _SCHEDULE)
    yield from builder.problems


_EXECUTION_RULES: tuple[Rule, ...] = (_check_folder, _check_body, _check_after, _check_schedule)

"""Execution documents: what one says, and what is wrong with it before anything else is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from reconciler.manifest.build import Builder
from reconciler.manifest.diagnostic import Complaint, Path, Problem, quoted
from reconciler.manifest.spec import Item, Schedule
from reconciler.manifest.windows import build_schedule
from reconciler.manifest.zapps import no_files

_SPEC: Path = ("spec",)
_SCHEDULE: Path = (*_SPEC, "schedule")


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """An Execution document, or what a set makes of an item.

    ``spec`` is as written; ``index`` is the document's place in the file. Of an ``item`` of a
    set, all of ``spec`` but the services has been made of the template, ``given`` is what
    expressions in those may use besides, and ``item_path`` is the item's place in the document.
    """

    namespace: str
    name: str
    index: int
    line: int
    spec: Mapping[str, Any]
    labels: tuple[tuple[str, str], ...]
    given: Mapping[str, object] = field(default_factory=dict)
    item: Item | None = None
    item_path: Path = ()

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


def check_execution(execution: Execution, metadata: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with an Execution before anything else is looked at."""
    return [problem for rule in _EXECUTION_RULES for problem in rule(execution, metadata)]


Rule = Callable[[Execution, Mapping[str, Any]], Iterator[Problem]]


def check_folder(metadata: Mapping[str, Any], folder: str) -> Iterator[Problem]:
    """Yield what is wrong with a namespace that a document in a namespace's folder names."""
    given = metadata.get("namespace", folder)
    if given != folder:
        message = f"{quoted(given)} isn't the folder's namespace {folder}"
        remedy = f"write {folder}, or move the file to executions/{given}/"
        yield Complaint("NotTheFolder", message, remedy).at(("metadata", "namespace"))


def _check_folder(execution: Execution, metadata: Mapping[str, Any]) -> Iterator[Problem]:
    return check_folder(metadata, execution.namespace)


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

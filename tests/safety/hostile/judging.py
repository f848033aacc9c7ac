"""Loads a case beside what was good before, and says what of it didn't come as it must."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.manifest.catalogue import Catalogue
from reconciler.manifest.diagnostic import Diagnostic
from tests.repositories import BATCH, Repository
from tests.safety.hostile.case import GOOD, Case, document

BYSTANDER = "executions/other/bystander.yaml"

_GOOD_BEFORE = {
    "executions/": GOOD,
    "sets/": document(
        "ExecutionSet",
        "NAME",
        "items: [a]\ntemplate: {namespace: other, spec: "
        "{type: batch, services: {main: {image: busybox}}}}",
    ),
    "zapps/": document("ZApp", "NAME", "type: batch\nservices: {main: {image: busybox}}"),
    "namespaces/": document("Namespace", "NAME", "weight: 3"),
    "reservations/": document(
        "Reservation", "NAME", "window: {cron: 0 6 * * 1, duration: 2h}\nslots: {count: 1, cpus: 1}"
    ),
    "platform": document("Platform", "platform", "caps: {replicas: 64}"),
}


def repository() -> Repository:
    """Return a repository of two namespaces, and an execution that a case must never touch."""
    made = Repository.small()
    made.put("platform.yaml", _GOOD_BEFORE["platform"])
    made.put("namespaces/other.yaml", document("Namespace", "other", "weight: 1"))
    made.execution("bystander", BATCH, namespace="other")
    return made


def good_before(case: Case) -> str:
    """Return a good content for the path of a case."""
    kinds = (text for start, text in _GOOD_BEFORE.items() if case.path.startswith(start))
    return next(kinds, GOOD).replace("NAME", case.name)


def judge(case: Case) -> list[str]:
    """Return what didn't come as it must; nothing = all is well."""
    held = repository()
    is_read = case.path.endswith((".yaml",))
    if is_read:
        held.put(case.path, good_before(case))
    before = held.load()
    held.put(case.path, case.data)
    for path, data in case.beside.items():
        held.put(path, data)
    after = held.load()
    return list(_breaches(case, before, after))


def _breaches(case: Case, before: Catalogue, after: Catalogue) -> Iterator[str]:
    found = [item for item in after.diagnostics if item.file == case.path]
    for item in found:
        if not (item.code and item.message and item.remedy):
            yield f"a diagnostic without code, sentence or remedy: {item}"
    if _bystander(before) != _bystander(after):
        yield "somebody else's execution isn't in force as it was"
    if case.is_refused:
        yield from _unrefused(case, before, after, found)
    else:
        yield from _unaccepted(case, after, found)


def _bystander(catalogue: Catalogue) -> Any:
    return [m.spec for m in catalogue.manifests if m.name == "bystander" and m.is_current]


def _unrefused(
    case: Case, before: Catalogue, after: Catalogue, found: list[Diagnostic]
) -> Iterator[str]:
    told = [(item.code, item.line, item.column) for item in found if item.is_error]
    if (case.code, *case.at) not in told:
        yield f"expected {case.code} at {case.at}, told {told[:5]}"
    kept = {manifest.uid: manifest.spec for manifest in after.manifests}
    if kept != {manifest.uid: manifest.spec for manifest in before.manifests}:
        yield "what was in force before isn't, or more is"
    for what in ("namespaces", "reservations"):
        if getattr(before, what).keys() != getattr(after, what).keys():
            yield f"{what} changed"
    if before.platform.maximum_replicas != after.platform.maximum_replicas:
        yield "the platform changed"


def _unaccepted(case: Case, after: Catalogue, found: list[Diagnostic]) -> Iterator[str]:
    if errors := [
        (item.code, item.line, item.column, item.message) for item in found if item.is_error
    ]:
        yield f"refused: {errors[:5]}"
        return
    warned = {item.code for item in found}
    if warned != ({case.warning} if case.warning else set()):
        yield f"warned of {warned}, expected {case.warning!r}"
    if (value := _at(case, after)) != case.value:
        yield f"{case.place} is {value!r}, expected {case.value!r}"


def _at(case: Case, catalogue: Catalogue) -> Any:
    mine: Any = [m for m in catalogue.manifests if m.origin.path == case.path]
    value: Any = mine[0] if mine and case.path.startswith("executions/") else catalogue
    if case.place == "count":
        return len(mine)
    for part in case.place.split("."):
        if isinstance(value, dict) or hasattr(value, "keys"):
            value = value[part]
        elif part.isdigit():
            value = value[int(part)]
        else:
            value = getattr(value, part)
    return value

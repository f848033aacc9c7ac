"""A fault of ours at one document, planted: that one is held, and all others are in force."""

from __future__ import annotations

import pytest

from reconciler.manifest import documents
from reconciler.manifest.diagnostic import Diagnostic
from reconciler.manifest.documents import Parsed
from reconciler.manifest.execution import Execution
from reconciler.manifest.handling import Handling
from reconciler.manifest.limits import Limits
from reconciler.manifest.places import Place
from reconciler.manifest.resolve import Context, Resolved, resolve
from tests.repositories import Repository, document

JOB = "type: batch\nservices: {main: {image: 'busybox:1', completes: true}}"
MARK = b"# poison"
LABELLED = b"name: job, labels: {poison: mark}"
SET = f"items: [a, b, c]\ntemplate:\n  spec:\n    type: batch\n    {JOB.splitlines()[1]}\n"


def failing_parse(data: bytes, path: str, place: Place, limits: Limits) -> Parsed:
    if MARK in data:
        raise RecursionError("maximum recursion depth exceeded")
    return documents.parse(data, path=path, place=place, limits=limits)


def failing_resolve(execution: Execution, context: Context) -> Resolved:
    if "poison" in dict(execution.labels):
        raise KeyError("hunter2")
    return resolve(execution, context)


def faults(found: tuple[Diagnostic, ...]) -> dict[str, str]:
    return {d.file: d.message for d in found if d.code == "FaultInZoe"}


@pytest.fixture
def repository() -> Repository:
    made = Repository.small()
    made.handling = Handling(parse_file=failing_parse, resolve_document=failing_resolve)
    made.restart()
    return made


def test_one_among_a_thousand_holds_itself_in_the_pass_that_takes_the_others() -> None:
    made = Repository.small()
    made.handling = Handling(parse_file=failing_parse)
    made.restart()
    for team in ("red", "blue", "green"):
        made.put(f"namespaces/{team}.yaml", document("Namespace", team, "{}"))
        for number in range(334):
            made.execution(f"job-{number}", JOB, namespace=team)
    path = made.execution("bad", f"{JOB}  # poison", namespace="blue")
    catalogue = made.load()
    assert len(catalogue.manifests) == 1002
    assert [m.name for m in catalogue.manifests if m.spec is None] == []
    assert faults(catalogue.diagnostics).keys() == {path}
    assert [(b.namespace, b.name) for b in catalogue.broken] == [("blue", "bad")]


@pytest.mark.parametrize("poison", [f"{JOB}  # poison", "LABELLED"])
def test_what_a_file_was_before_stays_in_force(repository: Repository, poison: str) -> None:
    path = repository.execution("job", JOB)
    (before,) = repository.load().manifests
    if poison == "LABELLED":
        text = repository.files[path].decode().replace("name: job", LABELLED.decode())
        repository.put(path, text)
    else:
        repository.execution("job", poison)
    catalogue = repository.load()
    assert faults(catalogue.diagnostics).keys() == {path}
    (after,) = catalogue.manifests
    assert (after.uid, after.spec) == (before.uid, before.spec)
    assert catalogue.unreadable == {"lab"}


def test_the_fault_is_told_without_the_words_of_the_exception(repository: Repository) -> None:
    path = repository.execution("job", JOB)
    repository.put(path, repository.files[path].replace(b"name: job", LABELLED))
    (told,) = faults(repository.load().diagnostics).values()
    assert "KeyError" in told
    assert "hunter2" not in told


def test_a_failing_member_of_a_set_holds_itself(repository: Repository) -> None:
    def at_one(execution: Execution, context: Context) -> Resolved:
        if execution.name == "sweep-b":
            raise ZeroDivisionError
        return resolve(execution, context)

    repository.handling = Handling(resolve_document=at_one)
    repository.restart()
    repository.put("executions/lab/sweep.yaml", document("ExecutionSet", "sweep", SET))
    found = {m.name: m.spec is not None for m in repository.load().manifests}
    assert found == {"sweep-a": True, "sweep-b": False, "sweep-c": True}

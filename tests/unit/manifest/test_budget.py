"""How much of a commit is read: newcomers beyond it are refused, and push nobody out."""

from __future__ import annotations

from dataclasses import replace

from reconciler.manifest.limits import Limits
from tests.repositories import Repository, document

JOB = "type: batch\nservices: {main: {image: 'busybox:1', completes: true}}"


def limited(**limits: int) -> Repository:
    made = Repository.small()
    made.limits = replace(Limits(), **limits)
    made.restart()
    return made


def codes(repository: Repository) -> dict[str, str]:
    return {d.file: f"{d.code}: {d.message}" for d in repository.load().diagnostics if d.is_error}


def test_files_beyond_the_limit_arent_read_and_earlier_ones_stay() -> None:
    repository = limited(files=3)  # two of them are the platform's and the namespace's
    repository.execution("zeta", JOB)
    assert codes(repository) == {}
    late = repository.execution("alpha", JOB)
    told = codes(repository)
    assert told.keys() == {late}
    assert told[late].startswith("TooManyFiles")
    assert "limits.files" in told[late]
    assert [m.name for m in repository.load().manifests] == ["zeta"]


def test_a_flood_in_one_namespace_takes_nothing_from_others_or_the_operator() -> None:
    repository = limited(files=7)  # two of them are the platform's and the namespace's
    repository.execution("old", JOB)
    repository.load()
    repository.put("namespaces/aaa.yaml", document("Namespace", "aaa", "secrets: [token]"))
    flood = {repository.execution(f"job{n}", JOB, namespace="aaa") for n in range(20)}
    repository.put("platform.yaml", document("Platform", "platform", "policy: fair"))
    repository.execution("old", JOB + "\nlifetime: 1h")
    repository.execution("zeta", JOB)
    told = codes(repository)
    assert told.keys() < flood
    assert len(told) == 20 - 2
    found = {m.name for m in repository.load().manifests if m.namespace == "lab"}
    assert found == {"old", "zeta"}


def test_one_invalid_file_in_each_folder_is_told_by_line_and_stops_no_other() -> None:
    repository = Repository.small()
    spaces = [f"user{number}" for number in range(30)]
    for space in spaces:
        repository.put(f"namespaces/{space}.yaml", document("Namespace", space, "secrets: [token]"))
        for number in range(4):
            repository.execution(f"job{number}", JOB, namespace=space)
        repository.execution("bad", JOB.replace("image", "imgae"), namespace=space)
    catalogue = repository.load()
    told = {(one.file, one.line > 0, "image" in one.remedy) for one in catalogue.diagnostics}
    assert told == {(f"executions/{space}/bad.yaml", True, True) for space in spaces}
    assert len(catalogue.manifests) == 30 * 4


def test_content_beyond_the_limit_isnt_read() -> None:
    repository = limited(content_mib=1, file_bytes=2 * 1024**2, line_chars=2**21)
    repository.load()
    repository.execution("a", JOB + "\n# " + "x" * 1024**2)
    late = repository.execution("b", JOB)
    told = codes(repository)
    assert told.keys() == {late}
    assert "limits.content_mib" in told[late]
    assert len(repository.reads) == 1


def test_sets_beyond_the_limit_arent_resolved() -> None:
    spec = "items: [a, b]\ntemplate: {spec: {" + JOB.replace("\n", ", ") + "}}"
    repository = limited(manifests=3)
    repository.put("executions/lab/first.yaml", document("ExecutionSet", "first", spec))
    assert codes(repository) == {}
    late = "executions/lab/early.yaml"
    repository.put(late, document("ExecutionSet", "early", spec))
    told = codes(repository)
    assert told.keys() == {late}
    assert told[late].startswith("TooManyItems")
    assert "limits.manifests)" in told[late]
    assert [m.name for m in repository.load().manifests] == ["first-a", "first-b"]


def test_each_limit_is_named_in_its_error() -> None:
    repository = limited(file_bytes=700, depth=6, nodes=60, line_chars=200, items_per_set=2)
    repository.execution("long-file", JOB + "\n# x" * 300)
    repository.execution("deep", JOB + "\nlabels: {a: {b: {c: {d: {e: {f: 1}}}}}}")
    repository.execution("values", JOB + "\nafter: [" + "a, " * 60 + "]")
    repository.execution("long-line", JOB + "  # " + "x" * 300)
    spec = "items: [a, b, c]\ntemplate: {spec: {zapp: none}}"
    sweep = document("ExecutionSet", "sweep", spec)
    repository.put("executions/lab/set.yaml", sweep)
    told = " ".join(codes(repository).values())
    for name in ("file_bytes", "depth", "nodes", "line_chars", "items_per_set"):
        assert f"limits.{name}" in told, name


def test_the_limits_of_executions_are_named() -> None:
    repository = limited(manifests_per_namespace=1)
    repository.execution("a", JOB)
    repository.execution("b", JOB)
    assert "limits.manifests_per_namespace" in " ".join(codes(repository).values())
    repository = limited(manifests=1)
    repository.execution("a", JOB)
    repository.execution("b", JOB)
    assert "limits.manifests)" in " ".join(codes(repository).values())

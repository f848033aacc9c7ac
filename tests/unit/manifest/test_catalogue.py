"""What is in force of a commit: last good content, right of way, and cost by change."""

from __future__ import annotations

import pytest

from reconciler.manifest.identity import uid_of
from reconciler.manifest.limits import Limits
from reconciler.manifest.platform import Platform
from tests.repositories import BATCH, Repository, document


def codes(catalogue) -> list[str]:
    return [diagnostic.code for diagnostic in catalogue.diagnostics]


def only(catalogue):
    (manifest,) = catalogue.manifests
    return manifest


def test_of_the_examples_one_starts_the_others_wait_for_who_wants_them():
    starting = [m.name for m in Repository.example().load().manifests if not m.suspend]
    assert starting == ["hello"]


def test_example_repository_is_clean():
    catalogue = Repository.example().load()
    assert catalogue.diagnostics == ()
    assert [f"{m.namespace}/{m.name}" for m in catalogue.manifests] == [
        "aml/notebook",
        "aml/prepare",
        "aml/spark-lab-3",
        "aml/train",
        "lab/hello",
        "lab/nightly",
        "lab/web",
    ]
    assert [zapp.name for zapp in catalogue.zapps] == ["hello-batch", "jupyter", "spark-jupyter"]
    assert all(m.spec is not None and m.is_current for m in catalogue.manifests)


def test_identity_covers_run_but_neither_path_nor_commit():
    repository = Repository.small()
    repository.execution("job", BATCH)
    first = only(repository.load())
    expected = uid_of(deployment="test", source_id="main", namespace="lab", name="job", run=1)
    assert first.uid == expected
    repository.files["executions/lab/renamed.yaml"] = repository.files.pop(
        "executions/lab/job.yaml"
    )
    assert only(repository.load()).uid == first.uid
    repository.files.clear()
    repository.files |= Repository.small().files
    repository.execution("job", BATCH + "\nrun: 2")
    assert only(repository.load()).uid != first.uid


def test_those_that_say_the_same_share_what_that_means():
    repository = Repository.small()
    for name in ("one", "two", "other"):
        repository.execution(name, BATCH.replace("busybox", "other") if name == "other" else BATCH)
    specs = {manifest.name: manifest.spec for manifest in repository.load().manifests}
    assert specs["one"] is specs["two"]
    assert specs["other"] != specs["one"]


def test_invalid_file_keeps_its_last_good_content():
    repository = Repository.small()
    path = repository.execution("job", BATCH)
    good = only(repository.load())
    repository.put(path, "apiVersion: zoe/v1\nkind: Execution\n  oops")
    catalogue = repository.load()
    bad = only(catalogue)
    assert (bad.spec, bad.is_current, bad.origin.commit) == (good.spec, False, good.origin.commit)
    assert catalogue.bad_paths == {path}
    assert catalogue.good[path] == (good.origin.blob, good.origin.commit)
    assert catalogue.broken == ()


def test_last_good_content_survives_a_restart():
    repository = Repository.small()
    path = repository.execution("job", BATCH)
    good = only(repository.load())
    repository.put(path, "nonsense")
    repository.restart()
    assert only(repository.load()).spec == good.spec


def test_file_that_never_was_valid_is_broken_not_absent():
    repository = Repository.small()
    repository.execution("job", "type: batch")
    catalogue = repository.load()
    (broken,) = catalogue.broken
    assert (broken.namespace, broken.name) == ("lab", "job")
    assert broken.uid == uid_of(
        deployment="test", source_id="main", namespace="lab", name="job", run=1
    )
    assert catalogue.manifests == ()


def test_unreadable_file_is_broken_under_its_file_name():
    repository = Repository.small()
    repository.put("executions/lab/job.yaml", b"\xff\xfe")
    assert [broken.name for broken in repository.load().broken] == ["job"]


def test_deleted_file_is_absent_and_forgotten():
    repository = Repository.small()
    path = repository.execution("job", BATCH)
    repository.load()
    del repository.files[path]
    catalogue = repository.load()
    assert (catalogue.manifests, catalogue.broken, catalogue.bad_paths) == ((), (), frozenset())
    assert path not in catalogue.good


def test_symbolic_link_in_place_of_a_manifest_keeps_the_last_good():
    repository = Repository.small()
    path = repository.execution("job", BATCH)
    good = only(repository.load())
    del repository.files[path]
    repository.refused = [(path, "a symbolic link"), ("docs/x", "a symbolic link")]
    catalogue = repository.load()
    assert only(catalogue).spec == good.spec
    assert catalogue.bad_paths == {path}
    assert codes(catalogue) == ["NotARegularFile"]


def test_folder_that_became_a_symbolic_link_takes_nothing_away():
    repository = Repository.example()
    before = repository.load().manifests
    for path in list(repository.files):
        if path.startswith("executions/aml/"):
            del repository.files[path]
    repository.refused = [("executions/aml", "a symbolic link")]
    catalogue = repository.load()
    assert {m.uid for m in catalogue.manifests} == {m.uid for m in before}
    assert "executions/aml/train.yaml" in catalogue.bad_paths


def test_one_bad_document_holds_its_whole_file():
    repository = Repository.small()
    path = "executions/lab/two.yaml"
    first, second = document("Execution", "a", BATCH), document("Execution", "b", BATCH)
    repository.put(path, f"{first}---\n{second}")
    assert [m.name for m in repository.load().manifests] == ["a", "b"]
    changed = second.replace("busybox", "alpine")
    repository.put(path, f"{first.replace('image', 'imag')}---\n{changed}")
    manifests = repository.load().manifests
    assert [m.spec.services[0].image for m in manifests] == ["busybox", "busybox"]


def test_invalid_platform_keeps_the_last_good_one():
    repository = Repository.small()
    repository.put("platform.yaml", document("Platform", "p", "caps: {replicas: 7}"))
    repository.load()
    repository.put("platform.yaml", document("Platform", "p", "caps: {replicas: many}"))
    platform = repository.load().platform
    assert (platform.maximum_replicas, platform.is_current) == (7, False)


def test_platform_that_never_was_valid_means_defaults():
    repository = Repository.small()
    repository.put("platform.yaml", "nonsense")
    assert repository.load().platform == Platform()


def test_broken_zapp_keeps_its_last_good_version_for_executions():
    repository = Repository.example()
    before = {m.name: m.spec for m in repository.load().manifests}
    repository.put("zapps/hello-batch/zapp.yaml", "nonsense")
    catalogue = repository.load()
    assert {m.name: m.spec for m in catalogue.manifests} == before
    assert catalogue.bad_paths == {"zapps/hello-batch/zapp.yaml"}


def test_execution_whose_zapp_is_gone_stays_without_a_spec():
    repository = Repository.example()
    before = next(m for m in repository.load().manifests if m.name == "hello")
    del repository.files["zapps/hello-batch/zapp.yaml"]
    catalogue = repository.load()
    hello = next(m for m in catalogue.manifests if m.name == "hello")
    assert (hello.spec, hello.spec_hash, hello.is_current) == (None, "", True)
    assert (hello.uid, hello.document_hash) == (before.uid, before.document_hash)
    assert "UnknownZApp" in codes(catalogue)
    assert catalogue.broken == ()


def test_newcomer_with_a_taken_name_gives_way():
    repository = Repository.small()
    old = repository.execution("job", BATCH)
    repository.load()
    repository.put("executions/lab/a-copy.yaml", document("Execution", "job", BATCH))
    catalogue = repository.load()
    assert only(catalogue).origin.path == old
    (found,) = catalogue.diagnostics
    assert (found.file, found.code) == ("executions/lab/a-copy.yaml", "DuplicateIdentity")
    assert old in found.message


def test_a_namespace_renamed_to_one_that_is_there_keeps_its_old_name():
    repository = Repository.small()
    repository.put("namespaces/team.yaml", document("Namespace", "team", "weight: 3"))
    repository.execution("job", BATCH, namespace="team")
    repository.load()
    repository.put("namespaces/team.yaml", document("Namespace", "lab", "weight: 9"))
    catalogue = repository.load()
    assert codes(catalogue) == ["DuplicateIdentity"]
    assert (catalogue.namespaces["lab"].weight, catalogue.namespaces["team"].weight) == (1, 3)
    assert only(catalogue).name == "job"


def test_two_new_files_of_one_name_are_both_refused():
    repository = Repository.small()
    repository.put("executions/lab/a.yaml", document("Execution", "job", BATCH))
    repository.put("executions/lab/b.yaml", document("Execution", "job", BATCH))
    catalogue = repository.load()
    assert catalogue.manifests == ()
    assert codes(catalogue) == ["DuplicateIdentity", "DuplicateIdentity"]
    assert [broken.name for broken in catalogue.broken] == ["job"]


def test_circle_of_executions_is_refused_for_the_newcomer():
    repository = Repository.small()
    repository.execution("a", BATCH)
    repository.execution("b", BATCH + "\nafter: [{name: a}]")
    repository.load()
    repository.execution("a", BATCH + "\nafter: [{name: b}]")
    catalogue = repository.load()
    assert [m.name for m in catalogue.manifests] == ["a", "b"]
    assert catalogue.bad_paths == {"executions/lab/a.yaml"}


def test_unknown_predecessor_is_an_error_when_new_and_a_warning_later():
    repository = Repository.small()
    repository.execution("a", BATCH)
    path = repository.execution("b", BATCH + "\nafter: [{name: c}]")
    assert repository.load().bad_paths == {path}
    repository.execution("b", BATCH + "\nafter: [{name: a}]")
    repository.load()
    del repository.files["executions/lab/a.yaml"]
    catalogue = repository.load()
    assert only(catalogue).spec is not None
    assert catalogue.bad_paths == frozenset()
    assert [str(d.severity) for d in catalogue.diagnostics] == ["warning"]


def test_kind_counts_only_in_its_place():
    repository = Repository.small()
    repository.put("executions/lab/x.yaml", document("Namespace", "lab", "secrets: [root]"))
    repository.put("zapps/x/zapp.yaml", document("Platform", "p", "caps: {replicas: 9999}"))
    catalogue = repository.load()
    assert codes(catalogue) == ["KindNotAllowedHere", "KindNotAllowedHere"]
    assert catalogue.namespaces["lab"].secrets == ("token",)
    assert catalogue.platform.maximum_replicas == Platform().maximum_replicas


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("executions/lab/x.yml", "NotYaml"),
        ("executions/Lab_1/x.yaml", "BadFolderName"),
        ("executions/x.yaml", "NothingReadHere"),
        ("executions/lab/deep/x.yaml", "NothingReadHere"),
        ("sets/x.yaml", "KindNotAllowedHere"),
        ("sets/deep/x.yaml", "NothingReadHere"),
        ("reservations/x.yaml", "KindNotAllowedHere"),
        ("reservations/deep/x.yaml", "NothingReadHere"),
        ("executions/nobody/x.yaml", "UnknownNamespace"),
    ],
)
def test_misplaced_files_are_told(path: str, code: str):
    repository = Repository.small()
    repository.put(path, document("Execution", "x", BATCH))
    catalogue = repository.load()
    assert (codes(catalogue), catalogue.manifests) == ([code], ())


@pytest.mark.parametrize(
    "path", ["README.md", "docs/x.yaml", "executions/lab/files/x.yaml", "x.yaml"]
)
def test_other_files_are_nobodys_business(path: str):
    repository = Repository.small()
    repository.put(path, "a: &x [*x]")
    assert repository.load().diagnostics == ()


def test_only_what_changed_is_read_again():
    repository = Repository.example()
    first = repository.load()
    second = repository.load()
    assert repository.reads == []
    assert all(a is b for a, b in zip(first.manifests, second.manifests, strict=True))
    repository.files["executions/lab/hello.yaml"] += b"  lifetime: 1h\n"
    catalogue = repository.load()
    assert len(repository.reads) == 1
    assert next(m for m in catalogue.manifests if m.name == "hello").spec.lifetime_ms == 3_600_000


def test_manifest_keeps_the_commit_that_brought_it():
    repository = Repository.small()
    repository.execution("job", BATCH)
    first = only(repository.load())
    repository.execution("other", BATCH)
    repository.restart()
    again = next(m for m in repository.load().manifests if m.name == "job")
    assert again == first
    assert (again.origin.author, again.origin.line) == ("ada", 1)


def test_change_of_the_platform_reaches_what_it_means_something_to():
    repository = Repository.example()
    before = {m.name: m for m in repository.load().manifests}
    repository.files["platform.yaml"] = repository.files["platform.yaml"].replace(b"8h", b"9h")
    repository.files["zapps/jupyter/zapp.yaml"] += b"# nothing\n"
    after = {m.name: m for m in repository.load().manifests}
    assert after["hello"].spec.lifetime_ms == 9 * 3_600_000
    assert after["hello"].document_hash == before["hello"].document_hash
    assert after["notebook"] == before["notebook"]


def test_change_of_a_delivered_file_changes_what_the_execution_means():
    repository = Repository.example()
    before = {m.name: m for m in repository.load().manifests}
    repository.files["executions/aml/files/train.sh"] += b"echo more\n"
    after = {m.name: m for m in repository.load().manifests}
    assert after["train"].spec_hash != before["train"].spec_hash
    assert after["train"].document_hash != before["train"].document_hash
    assert all(after[name] == before[name] for name in before if name != "train")


def test_counts_are_bounded_for_newcomers():
    repository = Repository.small()
    repository.limits = Limits(manifests_per_namespace=2)
    repository.restart()
    repository.execution("x", BATCH)
    repository.execution("y", BATCH)
    repository.load()
    repository.execution("a", BATCH)
    catalogue = repository.load()
    assert [m.name for m in catalogue.manifests] == ["x", "y"]
    assert codes(catalogue) == ["TooManyManifests"]


def test_input_order_does_not_matter():
    repository = Repository.example()
    forwards = repository.load()
    backwards = Repository.example()
    backwards.files = dict(reversed(list(backwards.files.items())))
    assert backwards.load() == forwards


def test_attached_file_must_be_there_and_small():
    repository = Repository.small()
    repository.limits = Limits(attachment_bytes=10)
    repository.restart()
    repository.execution("a", BATCH + "\nfiles: [{source: files/a.py, target: /a.py}]")
    assert codes(repository.load()) == ["NoSuchFile"]
    repository.put("executions/lab/files/a.py", b"x" * 11)
    assert codes(repository.load()) == ["FileTooLarge"]
    repository.put("executions/lab/files/a.py", b"x" * 10)
    assert only(repository.load()).spec.services[0].files[0].target == "/a.py"


def test_missing_platform_is_only_a_warning():
    catalogue = Repository().load()
    assert [(d.code, d.is_error) for d in catalogue.diagnostics] == [("NoPlatform", False)]

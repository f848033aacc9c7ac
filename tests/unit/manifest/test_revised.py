"""A commit in which little has changed: the same comes of it as of a whole load, at less cost."""

from __future__ import annotations

import pickle

from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.limits import Limits
from tests.repositories import BATCH, Repository, document

NAMED = st.sampled_from(["a", "b", "c"])
PATHS = st.sampled_from(
    [f"executions/{folder}/{name}.yaml" for folder in ("lab", "bio") for name in ("a", "b", "c")]
)
AFTER = BATCH + "\nafter: [{name: OTHER, when: succeeded}]"
SET = """
over: {{matrix: {{n: [1, 2]}}}}
template:
  metadata: {{namespace: lab, name: "{name}-${{n}}"}}
  spec: {spec}
"""
INLINE = "{type: batch, services: {main: {image: busybox}}}"


def texts() -> st.SearchStrategy[str | None]:
    """What a file may say; None: it is gone."""
    return st.one_of(
        st.none(),
        st.builds(lambda name: document("Execution", name, BATCH), NAMED),
        st.builds(lambda name: document("Execution", name, BATCH + "\nrun: 2"), NAMED),
        st.builds(
            lambda name, other: document("Execution", name, AFTER.replace("OTHER", other)),
            NAMED,
            NAMED,
        ),
        st.builds(lambda name: document("Execution", name, "type: batch\nzapp: missing"), NAMED),
        st.builds(lambda name: document("Execution", name, BATCH + "\nreservation: r"), NAMED),
        st.just("oops: ["),
        st.just(document("Namespace", "lab", "{}")),
    )


OTHERS: tuple[tuple[str, str | None], ...] = (
    ("namespaces/bio.yaml", document("Namespace", "bio", "weight: 2")),
    ("namespaces/bio.yaml", None),
    ("platform.yaml", document("Platform", "platform", "policy: fair")),
    ("sets/a.yaml", document("ExecutionSet", "a", SET.format(name="a", spec=INLINE))),
    ("sets/a.yaml", None),
    ("executions/lab/files/x.txt", "x"),
    ("README.md", "read me"),
)
EDITS = st.one_of(st.tuples(PATHS, texts()), st.sampled_from(OTHERS))


@given(
    st.lists(st.lists(EDITS, min_size=1, max_size=3), max_size=8),
    st.sampled_from([Limits(), Limits(manifests=3), Limits(files=6), Limits(content_mib=1)]),
)
def test_the_same_comes_of_it_as_of_a_whole_load(
    commits: list[list[tuple[str, str | None]]], limits: Limits
) -> None:
    repository = Repository.small()
    repository.limits = limits
    repository.restart()
    repository.put("namespaces/bio.yaml", document("Namespace", "bio", "{}"))
    repository.load()
    for edits in commits:
        for path, text in edits:
            if text is None:
                repository.files.pop(path, None)
            else:
                repository.put(path, text)
        repository.load()  # compares with a load of the whole


def many() -> Repository:
    repository = Repository.small()
    for number in range(20):
        repository.execution(f"job-{number}", BATCH)
    repository.load()
    return repository


def test_an_edit_is_all_that_is_looked_at() -> None:
    repository = many()
    before = repository.load()
    repository.execution("job-3", BATCH + "\nrun: 2")
    after = repository.load()
    assert len(repository.reads) == 1
    kept = {id(manifest) for manifest in before.manifests}
    assert [m.name for m in after.manifests if id(m) not in kept] == ["job-3"]
    assert after.lent is before.lent, "tenants needn't be read again"


def test_a_file_with_an_error_elsewhere_keeps_nobody_back() -> None:
    repository = many()
    repository.put("namespaces/bio.yaml", document("Namespace", "bio", "{}"))
    repository.put("executions/bio/bad.yaml", "oops: [")
    before = repository.load()
    assert before.diagnostics
    repository.execution("job-3", BATCH + "\nrun: 2")
    assert repository.load().lent is before.lent


def test_a_loader_apart_takes_over_what_is_as_it_was_too() -> None:
    repository = many()
    before = repository.load()
    repository.loader = repository.loader.apart()
    repository.execution("job-3", BATCH + "\nrun: 2")
    assert repository.load().lent is before.lent


def test_who_is_handed_a_loader_loads_the_whole_once() -> None:
    repository = many()
    repository.loader = pickle.loads(pickle.dumps(repository.loader))
    repository.execution("job-3", BATCH + "\nrun: 2")
    repository.load()
    assert len(repository.reads) == 1, "what was read is handed over"

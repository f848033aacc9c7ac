"""Sets: what an item becomes depends on the item, and on nothing that stands around it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.catalogue import Catalogue
from reconciler.manifest.limits import Limits
from tests.repositories import BATCH, Repository, document

KEYS = st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=8, unique=True)
SWEEP = """
items: {items}
template:
  spec:
    type: batch
    services:
      main: {{image: busybox, command: [run, "${{{{ item.key }}}}", "${{{{ execution.name }}}}"]}}
"""


def sweep(items: object, *, path: str = "executions/lab/sweep.yaml", more: str = "") -> Repository:
    repository = Repository.small()
    put(repository, items, path=path, more=more)
    return repository


def put(
    repository: Repository,
    items: object,
    *,
    path: str = "executions/lab/sweep.yaml",
    more: str = "",
) -> None:
    text = SWEEP.format(items=json.dumps(items)) + more
    repository.put(path, document("ExecutionSet", "sweep", text))


def meaning(catalogue: Catalogue) -> Mapping[str, Any]:
    return {m.name: (m.uid, m.document_hash, m.spec_hash) for m in catalogue.manifests}


def codes(catalogue: Catalogue) -> list[str]:
    return [diagnostic.code for diagnostic in catalogue.diagnostics]


def names(catalogue: Catalogue) -> list[str]:
    return [f"{m.namespace}/{m.name}" for m in catalogue.manifests]


@given(KEYS, st.randoms(use_true_random=False))
def test_removing_and_reordering_items_changes_no_other(keys, random):
    """Removing item 3 neither renames nor re-runs item 4."""
    whole = meaning(sweep(keys).load())
    fewer = keys[1:]
    random.shuffle(fewer)
    assert meaning(sweep(fewer).load()) == {
        name: told for name, told in whole.items() if name != f"sweep-{keys[0]}"
    }


def test_an_edit_of_one_item_touches_that_one_only():
    spec = """
    items: [{key: a, n: 1}, {key: b, n: 2}]
    template:
      labels: {n: "n-${{ item.n }}"}
      spec: {type: batch, services: {main: {image: busybox}}}
    """
    repository = Repository.small()
    repository.put("executions/lab/sweep.yaml", document("ExecutionSet", "sweep", spec))
    before = meaning(repository.load())
    edited = spec.replace("n: 2", "n: 3")
    repository.put("executions/lab/sweep.yaml", document("ExecutionSet", "sweep", edited))
    after = meaning(repository.load())
    assert after["sweep-a"] == before["sweep-a"]
    assert after["sweep-b"][0] == before["sweep-b"][0]
    assert after["sweep-b"][1] != before["sweep-b"][1]


def test_an_item_is_what_the_same_document_by_hand_would_be():
    by_set = sweep(["a"]).load().manifests[0]
    repository = Repository.small()
    spec = """
    type: batch
    services:
      main: {image: busybox, command: [run, a, "${{ execution.name }}"]}
    """
    repository.execution("sweep-a", spec)
    by_hand = repository.load().manifests[0]
    assert (by_set.uid, by_set.document_hash, by_set.spec) == (
        by_hand.uid,
        by_hand.document_hash,
        by_hand.spec,
    )


def test_values_keep_their_types():
    repository = Repository.example()
    spec = """
    matrix:
      cpus: [1, 0.5]
      memory: [1GiB, 2GiB]
      exclude: [{cpus: 1, memory: 2GiB}]
    template:
      spec:
        zapp: jupyter
        parameters: {cpus: "${{ matrix.cpus }}", memory: "${{ matrix.memory }}"}
        lifetime: ${{ set.index + 1 }}h
    """
    repository.put("executions/aml/grid.yaml", document("ExecutionSet", "grid", spec))
    catalogue = repository.load()
    found = {m.name: m.spec for m in catalogue.manifests if m.name.startswith("grid")}
    assert codes(catalogue) == []
    assert {
        name: (s.services[0].reservations.cpu_millis, s.lifetime_ms)
        for name, s in found.items()
        if s
    } == {
        "grid-1-1gib": (1000, 3_600_000),
        "grid-0-5-1gib": (500, 7_200_000),
        "grid-0-5-2gib": (500, 10_800_000),
    }


def test_a_range_is_its_numbers():
    repository = sweep({"from": 8, "to": 12, "step": 2})
    assert names(repository.load()) == ["lab/sweep-10", "lab/sweep-12", "lab/sweep-8"]


def test_an_item_whose_name_is_taken_holds_itself_only():
    repository = Repository.small()
    repository.execution("sweep-b", BATCH)
    repository.load()
    put(repository, ["a", "b", "c"])
    for _ in range(2):  # and so it stays
        catalogue = repository.load()
        assert names(catalogue) == ["lab/sweep-a", "lab/sweep-b", "lab/sweep-c"]
        assert {m.name: m.item is None for m in catalogue.manifests}["sweep-b"]
        assert codes(catalogue) == ["DuplicateIdentity"]
        (summary,) = catalogue.sets
        assert (summary.total, [name for _, name, _ in summary.refused]) == (3, ["sweep-b"])


def test_an_item_in_force_keeps_its_name_against_a_newcomer():
    repository = sweep(["a", "b"])
    repository.load()
    path = repository.execution("sweep-b", BATCH)
    for _ in range(2):
        catalogue = repository.load()
        assert all(m.item is not None for m in catalogue.manifests)
        assert catalogue.bad_paths == {path}


def test_an_item_out_of_range_is_refused_and_the_others_are_not():
    repository = Repository.example()
    spec = """
    items: [1, 64]
    template:
      spec: {zapp: jupyter, parameters: {cpus: "${{ item.key }}"}}
    """
    repository.put("executions/aml/n.yaml", document("ExecutionSet", "n", spec))
    catalogue = repository.load()
    assert [(b.name, b.path) for b in catalogue.broken] == [("n-64", "executions/aml/n.yaml")]
    assert "64" in catalogue.broken[0].message
    found = {m.name: m for m in catalogue.manifests}
    assert found["n-1"].spec is not None
    assert (found["n-64"].spec, found["n-64"].is_current) == (None, False)
    assert catalogue.unreadable == frozenset()


def test_what_is_wrong_with_the_template_keeps_the_last_good_version():
    repository = sweep(["a", "b"])
    good = meaning(repository.load())
    put(repository, ["a", "b", "c"], more="    zapp: nothing\n")
    catalogue = repository.load()
    assert meaning(catalogue) == good
    assert catalogue.unreadable == {"lab"}


def test_an_emptied_list_is_an_error_and_takes_nothing_away():
    repository = sweep(["a", "b"])
    good = meaning(repository.load())
    put(repository, [])
    assert meaning(repository.load()) == good


@pytest.mark.parametrize("path", ["executions/lab/sweep.yaml", "sets/sweep.yaml"])
def test_a_matrix_without_a_combination_left_is_an_error_and_takes_nothing_away(path):
    spec = """
    matrix: {a: [1, 2], exclude: [{a: 2}]}
    template:
      namespace: lab
      spec: {type: batch, services: {main: {image: busybox}}}
    """
    repository = Repository.small()
    repository.put(path, document("ExecutionSet", "sweep", spec))
    good = meaning(repository.load())
    assert list(good) == ["sweep-1"]
    nothing = spec.replace("[{a: 2}]", "[{a: 1}, {a: 2}]")
    repository.put(path, document("ExecutionSet", "sweep", nothing))
    catalogue = repository.load()
    assert (codes(catalogue), meaning(catalogue)) == (["TooFew"], good)


def test_two_sets_of_a_name_do_not_mix():
    repository = sweep(["a"])
    repository.load()
    put(repository, ["b"], path="executions/lab/other.yaml")
    catalogue = repository.load()
    assert names(catalogue) == ["lab/sweep-a"]
    assert codes(catalogue) == ["DuplicateIdentity"]


def test_items_count_as_executions():
    repository = Repository(limits=Limits(manifests_per_namespace=3))
    repository.files = Repository.small().files
    put(repository, ["a", "b", "c", "d"])
    catalogue = repository.load()
    assert codes(catalogue) == ["TooManyManifests"]
    assert [b.name for b in catalogue.broken] == ["sweep-d"]


def test_more_items_than_could_ever_be_in_force_are_not_even_resolved():
    repository = Repository(limits=Limits(manifests=5))
    repository.files = Repository.small().files
    put(repository, ["a", "b", "c"])
    before = meaning(repository.load())
    put(repository, ["d", "e", "f"], path="executions/lab/z.yaml")
    catalogue = repository.load()
    assert codes(catalogue) == ["TooManyItems"]
    assert meaning(catalogue) == before


def test_unchanged_sets_are_not_resolved_again():
    repository = sweep({"from": 1, "to": 300})
    first = repository.load()
    second = repository.load()
    assert repository.reads == []
    assert all(a is b for a, b in zip(first.manifests, second.manifests, strict=True))


GROUPS = """
items: {from: 1, to: 3}
template:
  namespace: group-${{ item.key }}
  spec:
    type: batch
    services:
      main: {image: busybox, command: [echo, "${{ execution.namespace }}"]}
"""
DEFAULTS = """
namespaceDefaults:
  uid: {first: 20000, last: 59999}
  weight: 2
  quota: {maximum: {cpus: 4}, executions: 3}
"""


def test_namespaces_that_a_set_names_come_from_the_defaults():
    repository = Repository.small()
    repository.put("platform.yaml", document("Platform", "platform", DEFAULTS))
    repository.put("namespaces/group-2.yaml", document("Namespace", "group-2", "uid: 7"))
    repository.put("sets/groups.yaml", document("ExecutionSet", "groups", GROUPS))
    catalogue = repository.load()
    assert codes(catalogue) == []
    assert names(catalogue) == ["group-1/groups-1", "group-2/groups-2", "group-3/groups-3"]
    one, two = catalogue.namespaces["group-1"], catalogue.namespaces["group-2"]
    assert (one.maximum, one.maximum_executions, one.weight) == ((("cpu", 4000),), 3, 2)
    assert 20000 <= one.uid <= 59999
    assert one.gid == one.uid
    assert two.uid == 7
    # Whoever comes or goes, the others keep their ids.
    fewer = GROUPS.replace("from: 1", "from: 3")
    repository.put("sets/groups.yaml", document("ExecutionSet", "groups", fewer))
    assert repository.load().namespaces["group-3"] == catalogue.namespaces["group-3"]


def test_namespaces_that_share_an_id_are_told():
    repository = Repository.small()
    few = DEFAULTS.replace("59999", "20001")
    repository.put("platform.yaml", document("Platform", "platform", few))
    repository.put("sets/groups.yaml", document("ExecutionSet", "groups", GROUPS))
    catalogue = repository.load()
    assert {d.code for d in catalogue.diagnostics} == {"SharedUid"}
    assert catalogue.bad_paths == frozenset()


def test_without_defaults_a_namespace_must_be_declared():
    repository = Repository.small()
    repository.put("sets/groups.yaml", document("ExecutionSet", "groups", GROUPS))
    catalogue = repository.load()
    assert set(codes(catalogue)) == {"UnknownNamespace"}
    assert names(catalogue) == []


def test_only_a_batch_can_be_repeated():
    repository = Repository.small()
    spec = """
    items: [1]
    repeat: always
    template:
      spec: {type: streaming, services: {main: {image: busybox}}}
    """
    repository.put("executions/lab/s.yaml", document("ExecutionSet", "s", spec))
    assert codes(repository.load()) == ["RepeatOutsideBatch"]

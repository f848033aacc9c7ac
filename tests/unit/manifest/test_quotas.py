"""Namespaces as owners: quota, weight, cohort, and the lifetime that they allow."""

from __future__ import annotations

import pytest

from reconciler.manifest.platform import Namespace
from tests.repositories import BATCH, Repository, document

GIB = 1024**3
HOUR = 3_600_000


def with_namespace(spec: str) -> Repository:
    repository = Repository.small()
    repository.put("namespaces/lab.yaml", document("Namespace", "lab", spec))
    return repository


def namespace(spec: str) -> Namespace:
    catalogue = with_namespace(spec).load()
    assert catalogue.diagnostics == ()
    return catalogue.namespaces["lab"]


def codes(spec: str) -> list[str]:
    return [diagnostic.code for diagnostic in with_namespace(spec).load().diagnostics]


def test_every_field_arrives():
    assert namespace(
        """
        weight: 3
        cohort: teaching
        quota:
          guaranteed: {cpus: 1.5, memory: 2GiB, generic: {gpu: 1}}
          maximum: {cpus: 8, generic: {gpu: 2}}
          executions: 10
          lifetime: 4h
        """
    ) == Namespace(
        name="lab",
        weight=3,
        cohort="teaching",
        guaranteed=(("cpu", 1500), ("gpu", 1), ("memory", 2 * GIB)),
        maximum=(("cpu", 8000), ("gpu", 2)),
        maximum_executions=10,
        maximum_lifetime_ms=4 * HOUR,
    )


def test_without_a_quota_nothing_is_bounded():
    assert namespace("uid: 1000") == Namespace(name="lab")


def test_a_bound_of_none_at_all_is_a_bound():
    assert namespace("quota: {maximum: {generic: {gpu: 0}}}").maximum == (("gpu", 0),)
    assert namespace("quota: {guaranteed: {cpus: 0}}").guaranteed == (("cpu", 0),)


@pytest.mark.parametrize(
    "quota",
    [
        "{guaranteed: {cpus: 2}, maximum: {cpus: 1}}",
        "{guaranteed: {memory: 2GiB}, maximum: {memory: 1GiB}}",
        "{guaranteed: {generic: {gpu: 1}}, maximum: {generic: {gpu: 0}}}",
        "{maximum: {cpus: 0}}",
        "{maximum: {memory: 3MiB}}",
    ],
)
def test_impossible_quotas_are_refused(quota: str):
    assert codes(f"quota: {quota}") == ["ImpossibleQuota"]


def test_guarantee_and_maximum_may_bound_different_things():
    found = namespace("quota: {guaranteed: {cpus: 100}, maximum: {memory: 1GiB}}")
    assert (found.guaranteed, found.maximum) == ((("cpu", 100_000),), (("memory", GIB),))


@pytest.mark.parametrize("name", ["cpu", "cpus", "memory"])
def test_a_generic_resource_takes_no_name_of_ours(name: str):
    assert codes(f"quota: {{maximum: {{generic: {{{name}: 1}}}}}}") == ["BadValue"]


def test_what_exceeds_the_quota_is_no_error_of_its_manifest():
    repository = with_namespace("quota: {maximum: {cpus: 0.01}, executions: 1}")
    repository.execution("a", BATCH)
    repository.execution("b", BATCH)
    assert repository.load().diagnostics == ()


def lifetime(repository: Repository, spec: str = "") -> int | None:
    repository.execution("job", f"{BATCH}\n{spec}")
    catalogue = repository.load()
    assert catalogue.diagnostics == ()
    (manifest,) = catalogue.manifests
    assert manifest.spec is not None
    return manifest.spec.lifetime_ms


def test_the_namespace_caps_the_lifetime_as_the_platform_does():
    repository = with_namespace("quota: {lifetime: 2h}")
    assert lifetime(repository) == 2 * HOUR
    assert lifetime(repository, "lifetime: 90m") == 90 * 60_000
    repository.execution("job", f"{BATCH}\nlifetime: 3h")
    (found,) = repository.load().diagnostics
    assert found.code == "LifetimeOverCap"
    assert found.message == "3h is more than the namespace lab's 2h"


def test_the_tighter_of_two_caps_is_named():
    repository = with_namespace("quota: {lifetime: 2h}")
    caps = "caps: {lifetime: 1h}\ndefaults: {lifetime: 30m}"
    repository.put("platform.yaml", document("Platform", "p", caps))
    assert lifetime(repository) == HOUR // 2
    repository.execution("job", f"{BATCH}\nlifetime: 3h")
    (found,) = repository.load().diagnostics
    assert found.message == "3h is more than the platform's 1h"

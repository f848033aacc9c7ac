"""The policy in platform.yaml: every parameter arrives, and none is silently without effect."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from policy.settings import HOUR_MS, MINUTE_MS, Policy, PolicySettings, Score, SizeRule
from reconciler.manifest import schema
from reconciler.manifest.platform import Platform
from reconciler.manifest.policies import USED_BY
from reconciler.manifest.quantities import duration_ms
from tests.repositories import Repository, document

PAGE = Path(__file__).parents[3] / "docs/scheduling.md"
PARAMETERS = schema.published().definitions["policy"]["properties"]


def platform(spec: str) -> Platform:
    repository = Repository.small()
    repository.put("platform.yaml", document("Platform", "platform", spec))
    catalogue = repository.load()
    assert catalogue.diagnostics == ()
    return catalogue.platform


def codes(spec: str) -> list[str]:
    repository = Repository.small()
    repository.put("platform.yaml", document("Platform", "platform", spec))
    return [diagnostic.code for diagnostic in repository.load().diagnostics]


@pytest.mark.parametrize("name", Policy)
def test_a_name_alone_is_that_policy_with_its_defaults(name: Policy):
    assert platform(f"policy: {name}").policy == PolicySettings(policy=name)
    assert platform(f"policy: {{name: {name}}}").policy == PolicySettings(policy=name)


def test_fair_is_the_default():
    assert platform("suspend: false").policy == PolicySettings()
    assert platform("policy: {ageing: 1h}").policy == PolicySettings(ageing_ms=HOUR_MS)
    assert PolicySettings().policy is Policy.FAIR


def test_every_parameter_of_fair_arrives():
    found = platform(
        """
        policy:
          name: fair
          ageing: 30m
          interactiveShare: 25
          halfLife: 7d
          entryPenalty: 0s
          score: least-waste
          minimumGrant: 2m
          regrowAfter: 10m
          slack: 20
          minimumGain: 5
          reservationLead: 3m
          backfillDepth: 7
        """
    ).policy
    assert found == PolicySettings(
        ageing_ms=30 * MINUTE_MS,
        interactive_permille=250,
        half_life_ms=7 * 24 * HOUR_MS,
        entry_penalty_ms=0,
        score=Score.LEAST_WASTE,
        grant_ms=2 * MINUTE_MS,
        regrow_ms=10 * MINUTE_MS,
        slack_permille=200,
        gain_permille=50,
        reservation_lead_ms=3 * MINUTE_MS,
        backfill_depth=7,
    )


def test_every_parameter_of_size_flexible_arrives():
    found = platform(
        "policy: {name: size-flexible, size: HRRN, dimensions: 3, preemptElastic: false}"
    ).policy
    assert found == PolicySettings(
        policy=Policy.SIZE_FLEXIBLE, size=SizeRule.HRRN, dimensions=3, preempts_elastic=False
    )


EXAMPLES = {
    "size": "SJF",
    "dimensions": "2",
    "preemptElastic": "false",
    "score": "spread",
    "interactiveShare": "10",
    "slack": "5",
    "minimumGain": "1",
    "backfillDepth": "5",
}


@pytest.mark.parametrize("name", sorted(USED_BY))
def test_a_parameter_is_refused_exactly_where_the_policy_does_not_use_it(name: str):
    for policy in Policy:
        found = codes(f"policy: {{name: {policy}, {name}: {EXAMPLES.get(name, '5m')}}}")
        assert found == ([] if policy in USED_BY[name] else ["UnusedParameter"]), policy


def test_without_elastic_preemption_a_minimum_grant_has_no_effect():
    found = codes("policy: {name: size-flexible, preemptElastic: false, minimumGrant: 1m}")
    assert found == ["UnusedParameter"]


def test_it_is_known_of_every_parameter_who_uses_it():
    assert USED_BY.keys() == PARAMETERS.keys() - {"name"}
    assert all(USED_BY.values())


def users(told: str) -> set[Policy]:
    """Return whom words such as "fair" and "All but fifo and easy" mean."""
    named = set(Policy) & set(re.findall(r"[\w-]+", told))
    return set(Policy) - named if told.casefold().startswith("all") else named


@pytest.mark.parametrize("name", sorted(USED_BY))
def test_the_schema_and_the_page_name_the_policies_that_use_it(name: str):
    described = r"((?:All but )?[a-z-]+(?:(?:, | and )[a-z-]+)*): "
    said = re.match(described, PARAMETERS[name]["description"])
    row = re.search(rf"^\| `{name}` \| (.+?) \|", PAGE.read_text(), re.MULTILINE)
    assert row is not None
    assert users(said[1] if said else "all") == users(row[1]) == USED_BY[name]


FIELDS = {
    "ageing": "ageing_ms",
    "interactiveShare": "interactive_permille",
    "halfLife": "half_life_ms",
    "entryPenalty": "entry_penalty_ms",
    "preemptElastic": "preempts_elastic",
    "minimumGrant": "grant_ms",
    "regrowAfter": "regrow_ms",
    "slack": "slack_permille",
    "minimumGain": "gain_permille",
    "reservationLead": "reservation_lead_ms",
    "backfillDepth": "backfill_depth",
}


def in_settings(text: str, field: str) -> Any:
    match field.rsplit("_", 1)[-1]:
        case "ms":
            return duration_ms(text)
        case "permille":
            return int(text) * 10
        case _:
            return {"true": True, "false": False}.get(text, int(text) if text.isdigit() else text)


@pytest.mark.parametrize("name", sorted(USED_BY))
def test_the_schema_names_the_default_that_holds(name: str):
    match = re.search(r"[Dd]efault ([\w-]+)", PARAMETERS[name]["description"])
    assert match is not None
    field = FIELDS.get(name, name)
    assert in_settings(match[1], field) == getattr(PolicySettings(), field)


def test_classes_say_who_yields():
    classes = platform(
        """
        priorityClasses:
          filler: -100
          normal: 0
          spare: {value: -50, preemptible: true}
          scavenger: {value: -80, filler: true}
        """
    ).priority_classes
    assert [(c.name, c.value, c.preemptible, c.filler) for c in classes] == [
        ("filler", -100, True, True),
        ("scavenger", -80, True, True),
        ("spare", -50, True, False),
        ("normal", 0, False, False),
    ]


def test_the_class_of_an_execution_says_whether_it_yields():
    repository = Repository.small()
    repository.execution("job", "type: batch\nservices: {main: {image: busybox}}\npriority: filler")
    (manifest,) = repository.load().manifests
    assert manifest.spec is not None
    found = manifest.spec
    assert (found.priority_value, found.is_preemptible, found.is_filler) == (-100, True, True)
    repository.put(
        "platform.yaml",
        document(
            "Platform", "p", "priorityClasses: {normal: 0, filler: {value: 1, filler: false}}"
        ),
    )
    (manifest,) = repository.load().manifests
    assert manifest.spec is not None
    found = manifest.spec
    assert (found.priority_value, found.is_preemptible, found.is_filler) == (1, False, False)

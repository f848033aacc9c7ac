"""Readings made of listings: what was known before may save work, and change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cluster.items import Answer
from reconciler.cluster.survey import Survey
from reconciler.converge.state import ObservedState

AT = datetime(2026, 1, 2, tzinfo=UTC)
WHAT = ("nodes", "services", "tasks", "networks", "configs", "secrets")
OURS, OTHERS = {"zoe.deployment": "lab"}, {"com.docker.stack.namespace": "theirs"}


@dataclass
class Swarm:
    """What it lists, by kind and id; each change of an object raises its number."""

    objects: dict[str, dict[str, dict[str, Any]]] = field(
        default_factory=lambda: {what: {} for what in WHAT}
    )
    number: int = 0

    def put(self, what: str, id_: str, **said: Any) -> None:
        self.number += 1
        key = "Id" if what == "networks" else "ID"
        version = {"Version": {"Index": self.number}}
        self.objects[what][id_] = {key: id_, **version, **said}

    def service(self, id_: str, *, ours: bool, network: str, replicas: int) -> None:
        task = {"Networks": [{"Target": network}]}
        spec = {"Name": f"name-{id_}", "Labels": OURS if ours else OTHERS, "TaskTemplate": task}
        self.put("services", id_, Spec={**spec, "Mode": {"Replicated": {"Replicas": replicas}}})

    def task(self, id_: str, service: str, state: str) -> None:
        self.put("tasks", id_, ServiceID=service, Status={"State": state})

    def answer(self, what: str) -> Answer:
        return Answer(what, [json.dumps(list(self.objects[what].values())).encode()])


def read(survey: Survey, swarm: Swarm, watch: int = 0) -> ObservedState:
    return survey.read(swarm.answer, taken_at=AT, watch=watch)


IDS = st.sampled_from("abc")
CHANGES: st.SearchStrategy[Callable[[Swarm], object]] = st.one_of(
    st.builds(
        lambda id_, ours, network, replicas: (
            lambda swarm: swarm.service(id_, ours=ours, network=network, replicas=replicas)
        ),
        IDS,
        st.booleans(),
        IDS,
        st.integers(0, 2),
    ),
    st.builds(
        lambda id_, service, state: lambda swarm: swarm.task(id_, service, state),
        IDS,
        IDS,
        st.sampled_from(["running", "failed"]),
    ),
    # A network keeps its name, and stays for as long as a service uses it.
    st.builds(
        lambda id_, ours: lambda swarm: swarm.put("networks", id_, Name=f"net-{id_}", Labels=ours),
        IDS,
        st.sampled_from([OURS, None]),
    ),
    st.builds(
        lambda id_, state: lambda swarm: swarm.put("nodes", id_, Status={"State": state}),
        IDS,
        st.sampled_from(["ready", "down"]),
    ),
    st.builds(
        lambda what, id_: lambda swarm: swarm.objects[what].pop(id_, None),
        st.sampled_from([what for what in WHAT if what != "networks"]),
        IDS,
    ),
)


@given(st.lists(st.tuples(st.lists(CHANGES, max_size=3), st.integers(0, 1)), max_size=12))
def test_a_reading_is_the_same_whatever_was_read_before(
    rounds: list[tuple[list[Callable[[Swarm], object]], int]],
) -> None:
    swarm, survey = Swarm(), Survey("lab")
    for changes, watch in rounds:
        for change in changes:
            change(swarm)
        assert read(survey, swarm, watch) == read(Survey("lab"), swarm, watch)


def swarm_of_two() -> Swarm:
    swarm = Swarm()
    swarm.put("networks", "n", Name="net", Labels=OURS)
    swarm.service("a", ours=True, network="n", replicas=1)
    swarm.service("b", ours=False, network="n", replicas=1)
    swarm.task("t", "a", "running")
    return swarm


def test_what_is_listed_again_is_not_decoded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    swarm, survey = swarm_of_two(), Survey("lab")
    before = read(survey, swarm)

    def refuses(_: Answer) -> Iterator[Any]:
        raise AssertionError("decoded")

    monkeypatch.setattr(Answer, "items", refuses)
    again = read(survey, swarm)
    assert again == before
    assert again.services is before.services
    assert again.tasks is before.tasks


def test_a_network_that_is_named_later_is_named_in_a_service_that_has_not_changed() -> None:
    swarm = swarm_of_two()
    network = swarm.objects["networks"].pop("n")
    survey = Survey("lab")
    assert read(survey, swarm).services[0].spec.networks[0].network == "n"
    swarm.objects["networks"]["n"] = network
    assert read(survey, swarm).services[0].spec.networks[0].network == "net"


def test_a_listing_that_failed_half_way_is_not_taken_for_read() -> None:
    swarm, survey = swarm_of_two(), Survey("lab")
    before = read(survey, swarm)
    swarm.service("c", ours=True, network="n", replicas=1)
    broken = swarm.answer("services")
    broken._chunks[0] = broken._chunks[0][:-1]

    def listing(what: str) -> Answer:
        return broken if what == "services" else swarm.answer(what)

    with pytest.raises(ValueError, match="breaks off"):
        survey.read(listing, taken_at=AT, watch=0)
    found = read(survey, swarm)
    assert [service.id for service in found.services] == ["a", "c"]
    assert replace(found, services=found.services[:1]) == before

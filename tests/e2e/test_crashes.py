"""zoe killed at any moment, and two of it."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from tests.e2e.installation import Installation
from tests.e2e.manifests import WORKSPACE, batch, execution, path, service, web

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

SEED = 20
KILLS = 10
LIVES_S = 1.5
BATCHES = [f"batch-{n}" for n in range(12)]
BOOKS = [f"book-{n}" for n in range(6)]
GANGS = [f"gang-{n}" for n in range(2)]
NAMES_ITSELF = "echo $ZOE_EXECUTION >>/work/ran && exec sleep 1"


def _manifest(name: str) -> str:
    if name in BATCHES:
        return batch(name, NAMES_ITSELF, **WORKSPACE)
    if name in BOOKS:
        return execution(name)
    return execution(name, {"server": web("up"), "client": service(depends_on=["server"])})


def test_killed_at_random_moments_it_loses_nothing_and_doubles_nothing(
    installation: Installation,
) -> None:
    chance = Random(SEED)
    names = [*BATCHES, *BOOKS, *GANGS]
    chance.shuffle(names)
    with installation.watching() as created:
        for number in range(KILLS):
            burst = names[number::KILLS]
            installation.push({path(name): _manifest(name) for name in burst})
            run = installation.start()
            # Every other one dies before, during or after its first pass, the rest amid its acts.
            event = "action" if number % 2 else "leading"
            installation.wait_until(lambda run=run, event=event: run.events(event), what=event)
            run.kill_after(chance.uniform(0, LIVES_S))
        last = installation.start()
        installation.await_phases(
            {f"aml/{name}": "Succeeded" if name in BATCHES else "Running" for name in names}
        )
        installation.push({path("reader"): batch("reader", "cat /work/ran", **WORKSPACE)})
        installation.wait_until(
            lambda: installation.phases().get("aml/reader") == "Succeeded", what="the reader"
        )
    ran = installation.zoe("logs", "aml/reader").split()
    assert Counter(ran) == Counter(BATCHES)
    # A service's name is made of uid, incarnation, attempt, component and node.
    assert {name: count for name, count in Counter(created).items() if count > 1} == {}
    assert len(created) == len(names) + len(GANGS) + 1
    assert {document["status"]["attempt"] for document in installation.statuses().values()} == {1}
    last.stop()
    assert installation.published_phases() == installation.phases()


def test_of_two_one_leads_and_the_other_takes_over_when_it_is_killed(
    installation: Installation,
) -> None:
    first = installation.start()
    installation.wait_until(lambda: first.events("leading"), what="the first to lead")
    second = installation.start()
    installation.wait_until(lambda: second.events("standing by"), what="the second to stand by")
    with installation.watching() as created:
        installation.push({path("early"): execution("early")})
        installation.await_phases({"aml/early": "Running"})
        early = installation.service_of("early")
        assert not second.events("leading")
        first.kill()
        installation.push({path("late"): execution("late")})
        installation.await_phases({"aml/early": "Running", "aml/late": "Running"})
    (before,), (after,) = first.events("leading"), second.events("leading")
    assert after["epoch"] > before["epoch"]
    assert installation.service_of("early") == early
    assert len(created) == len(set(created)) == 2


def test_a_leader_that_stood_still_too_long_finds_itself_replaced_and_writes_nothing(
    installation: Installation,
) -> None:
    first = installation.start()
    installation.wait_until(lambda: first.events("leading"), what="the first to lead")
    second = installation.start()
    installation.wait_until(lambda: second.events("standing by"), what="the second to stand by")
    with installation.watching() as created:
        # In the middle of a fetch it would keep the mirror, which both have on this machine.
        with installation.between_transfers():
            first.pause()
        installation.push({path("meanwhile"): execution("meanwhile")})
        installation.await_phases({"aml/meanwhile": "Running"})
        meanwhile = installation.service_of("meanwhile")
        first.go_on()
        installation.wait_until(lambda: first.events("standing by"), what="it to stand by")
        installation.push({path("after"): execution("after")})
        installation.await_phases({"aml/meanwhile": "Running", "aml/after": "Running"})
    assert len(first.events("leading")) == len(second.events("leading")) == 1
    assert first.events("action") == first.events("the database isn't up to date") == []
    assert installation.service_of("meanwhile") == meanwhile
    assert len(created) == 2

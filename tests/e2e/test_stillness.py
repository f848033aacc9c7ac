"""What must be put back, and what must not be touched; with the orphans of docs/holds.md."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.e2e import later_version
from tests.e2e.installation import Installation, Json
from tests.e2e.manifests import batch, execution, path, service
from tests.fixtures.postgres import PostgresCluster

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

ZAPP = """\
apiVersion: zoe/v1
kind: ZApp
metadata: {name: tool}
spec:
  type: interactive
  services:
    main:
      image: busybox
      command: [sh, -c, "exec sleep 86400"]
      environment: {VERSION: "1"}
      resources: {reservations: {cpus: 0.05, memory: 16MiB}}
"""
USES_ZAPP = """\
apiVersion: zoe/v1
kind: Execution
metadata: {name: book}
spec: {zapp: tool}
"""


def _environment(service: Json) -> list[str]:
    found: list[str] = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Env"]
    return found


def _shapes(installation: Installation) -> dict[str, tuple[list[str], int]]:
    """What a change by hand changes, by service name."""
    return {
        s["Spec"]["Name"]: (_environment(s), s["Spec"]["Mode"]["Replicated"]["Replicas"])
        for s in installation.services()
    }


def test_what_is_removed_changed_or_scaled_by_hand_is_back_after_one_pass(
    installation: Installation,
) -> None:
    names = ("removed", "changed", "scaled", "untouched")
    installation.push({path(name): execution(name) for name in names})
    installation.zoe("once")
    shapes, untouched = _shapes(installation), installation.service_of("untouched")
    ids = {name: installation.service_of(name)["ID"] for name in names}
    docker = installation.swarm.docker
    docker("service", "rm", ids["removed"])
    docker("service", "update", "--detach", "--quiet", "--env-add", "EVIL=1", ids["changed"])
    docker("service", "scale", "--detach", f"{ids['scaled']}=3")
    assert _shapes(installation) != shapes
    installation.zoe("once", "--single")
    assert _shapes(installation) == shapes
    assert installation.service_of("untouched") == untouched
    installation.wait_until(
        lambda: len(installation.running_tasks()) == len(names), what="as many tasks as before"
    )


def test_what_nobody_knows_is_told_and_stays_until_an_operator_removes_it(
    installation: Installation,
) -> None:
    installation.push({path("book"): execution("book")})
    installation.zoe("once")
    labels = installation.service_of("book")["Spec"]["Labels"]
    labels |= {"zoe.uid": "f" * 16, "zoe.execution": "gone"}
    given = [part for key, value in labels.items() for part in ("--label", f"{key}={value}")]
    command = ("service", "create", "--detach", "--quiet", "--name", "scratch", *given)
    installation.swarm.docker(*command, "--no-resolve-image", "busybox", "sleep", "60")
    installation.zoe("once", "--single")
    assert installation.zoe("orphans").split()[:3] == ["service", "scratch", "aml/gone"]
    assert "zoe orphans remove scratch" in installation.zoe("events")
    known = installation.service_of("book")
    assert installation.zoe("orphans", "remove", "--all") == "removed service scratch\n"
    assert installation.zoe("orphans") == "no orphans\n"
    assert installation.service_of("book") == known


def test_what_an_older_database_doesnt_know_goes_on_once_it_is_rebuilt(
    installation: Installation, postgres_cluster: PostgresCluster
) -> None:
    installation.push({path("book"): execution("book")})
    installation.zoe("once")
    backup = postgres_cluster.copy(installation.database_url, "older")
    installation.push({path("late"): execution("late")})
    installation.zoe("once")
    before = installation.versions()

    installation.use_database(backup)
    name = installation.service_of("late")["Spec"]["Name"]
    assert installation.zoe("orphans").split()[1:3] == [name, "aml/late"]
    # Adopting one by one would hide what else is missing.
    assert installation.zoe("orphans", "adopt", name, code=1) == ""
    assert installation.zoe("rebuild").startswith("rebuilt")
    installation.zoe("once")
    assert installation.phases() == {"aml/book": "Running", "aml/late": "Running"}
    assert installation.zoe("orphans") == "no orphans\n"
    assert installation.versions() == before


def _writes(installation: Installation) -> tuple[Any, ...]:
    """All that changes with any write to the Swarm or the status branch."""
    return (
        installation.versions(),
        installation.running_tasks(),
        [network["Id"] for network in installation.networks()],
        installation.published_commit(),
    )


def test_what_changes_no_execution_writes_nothing_to_swarm_or_status_branch(
    installation: Installation,
) -> None:
    installation.push(
        {
            "zapps/tool/zapp.yaml": ZAPP,
            path("book"): USES_ZAPP,
            path("job"): batch("job", "echo done"),
        }
    )
    installation.settle()
    assert installation.phases() == {"aml/book": "Running", "aml/job": "Succeeded"}
    before = _writes(installation)

    installation.push({"README.md": "unrelated"})
    installation.zoe("once")
    assert _writes(installation) == before

    installation.push({"zapps/tool/zapp.yaml": ZAPP.replace('"1"', '"2"')})
    installation.zoe("once")
    assert installation.condition("aml/book", "Outdated")
    assert _writes(installation) == before

    installation.program = (sys.executable, "-m", later_version.__name__)
    installation.zoe("once")
    assert _writes(installation) == before
    installation.push({path("new"): execution("new")})
    installation.zoe("once")
    assert "=".join(later_version.ADDED) in _environment(installation.service_of("new"))
    assert installation.versions().items() > before[0].items()


def test_a_branch_forced_back_to_an_older_commit_changes_nothing_until_confirmed(
    installation: Installation,
) -> None:
    older = installation.push({path("stays"): execution("stays")})
    installation.push({path("newer"): execution("newer")})
    installation.zoe("once")
    before = _writes(installation)
    installation.repository.git.references.create("refs/heads/main", older, force=True)
    installation.zoe("once", code=1)
    assert _writes(installation) == before
    installation.zoe("confirm", older)
    installation.zoe("once")
    assert installation.phases() == {"aml/stays": "Running", "aml/newer": "Stopped"}
    assert [s["Spec"]["Name"] for s in installation.services()] == [
        installation.service_of("stays")["Spec"]["Name"]
    ]


def test_what_an_operator_holds_isnt_touched_also_while_the_forge_is_away(
    installation: Installation,
) -> None:
    installation.push({path("kept"): execution("kept"), path("other"): execution("other")})
    installation.zoe("once")
    installation.wait_until(lambda: len(installation.running_tasks()) == 2, what="both to run")
    kept, task = installation.service_of("kept"), installation.running_tasks("kept")
    there = installation.repository.path
    there.rename(there.with_suffix(".away"))
    installation.zoe("hold", "aml/kept", "--reason", "the forge is down")
    installation.zoe("once", code=3)
    there.with_suffix(".away").rename(there)

    edited = {"main": service(environment={"EDITED": "yes"})}
    for wanted in (execution("kept", edited), None):
        installation.push({path("kept"): wanted})
        installation.zoe("once")
        assert installation.service_of("kept") == kept
        assert installation.running_tasks("kept") == task
        assert installation.condition("aml/kept", "Held")["reason"] == "HeldByOperator"
        assert installation.zoe("diff", "aml/kept", code=1).startswith("from generation 1 of run 1")

    installation.zoe("release", "aml/kept")
    installation.zoe("once")
    assert installation.phases()["aml/kept"] == "Stopped"
    assert ": the forge is down" in installation.zoe("history", "aml/kept")

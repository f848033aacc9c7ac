"""A node, the database or the status branch goes away, and comes back."""

from __future__ import annotations

import pytest

from tests.e2e.installation import Installation
from tests.e2e.manifests import batch, execution, path, service
from tests.fixtures.postgres import PostgresCluster

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

REFUSES_STATUS = 'case "$1" in refs/heads/zoe/*) echo "protected branch" >&2; exit 1;; esac'
LASTS = "exec sleep 86400"
ENDS_SOON = "exec sleep 3"


def _node_of(installation: Installation, execution: str) -> str:
    (component,) = installation.status(f"aml/{execution}")["components"]
    (node,) = component["nodes"]
    return str(node)


def test_what_ran_on_a_killed_node_goes_on_elsewhere_by_its_own_rule(
    installation: Installation,
) -> None:
    names = ("book", "retried", "final")
    installation.start()
    installation.push(
        {
            path("book"): execution("book"),
            path("retried"): batch("retried", LASTS, spec={"retries": {"nodeLost": 1}}),
            path("final"): batch("final", LASTS, spec={"retries": {"nodeLost": 0}}),
        }
    )
    installation.await_phases({f"aml/{name}": "Running" for name in names})
    (lost,) = {_node_of(installation, name) for name in names}  # packed onto one
    number = int(lost.removeprefix("node"))
    on_another = {"constraints": [f"node.hostname != {lost}"]}
    installation.push(
        {path("elsewhere"): execution("elsewhere", {"main": service(placement=on_another)})}
    )
    installation.await_phases({f"aml/{name}": "Running" for name in (*names, "elsewhere")})
    elsewhere = installation.service_of("elsewhere")
    installation.swarm.kill_node(number)
    try:
        installation.wait_until(
            lambda: [installation.status(f"aml/{n}")["attempt"] for n in names] == [2, 2, 1],
            what="the next attempts",
        )
        installation.await_phases(
            {
                "aml/book": "Running",
                "aml/retried": "Running",
                "aml/final": "Failed",
                "aml/elsewhere": "Running",
            }
        )
        assert installation.status("aml/final")["reason"] == "NodeLost"
        assert lost not in {_node_of(installation, name) for name in ("book", "retried")}
    finally:
        installation.swarm.start_node(number)
    installation.swarm.lab.wait_ready()
    # What the node ran when it died isn't started again, nor is anything moved back to it.
    installation.wait_until(lambda: len(installation.running_tasks()) == 3, what="three tasks")
    assert installation.service_of("elsewhere") == elsewhere
    assert [installation.status(f"aml/{n}")["attempt"] for n in names] == [2, 2, 1]


def test_without_the_database_nothing_is_stopped_or_doubled_and_work_goes_on_after(
    installation: Installation, postgres_cluster: PostgresCluster
) -> None:
    run = installation.start()
    installation.push({path("book"): execution("book"), path("job"): batch("job", ENDS_SOON)})
    installation.await_phases({"aml/book": "Running", "aml/job": "Running"})
    with installation.watching() as created:
        book = installation.service_of("book")
        postgres_cluster.stop()
        try:
            installation.push({path("pushed-meanwhile"): execution("pushed-meanwhile")})
            installation.wait_until(
                lambda: run.events("pass failed") and not installation.is_running("job"),
                what="a pass to fail and the batch to end",
            )
            assert run.is_alive
            assert installation.service_of("book") == book
        finally:
            postgres_cluster.start()
        installation.await_phases(
            {
                "aml/book": "Running",
                "aml/job": "Succeeded",
                "aml/pushed-meanwhile": "Running",
            }
        )
    assert installation.service_of("book") == book
    assert len(created) == 1
    assert len(run.events("leading")) == 1


def test_a_refused_status_branch_is_told_and_never_waited_for(
    installation: Installation,
) -> None:
    installation.repository.hook("update", REFUSES_STATUS)
    installation.start()
    installation.push({path("book"): execution("book")})
    installation.await_phases({"aml/book": "Running"})
    installation.wait_until(
        lambda: installation.condition("aml/book", "StatusPublished").get("status") == "False",
        what="StatusPublished to be False",
    )
    assert "protected branch" in installation.condition("aml/book", "StatusPublished")["message"]
    installation.push({path("job"): batch("job", "echo done")})
    installation.await_phases({"aml/book": "Running", "aml/job": "Succeeded"})
    assert installation.published_commit() is None
    installation.repository.hook("update", "")
    installation.wait_until(
        lambda: (
            installation.published_commit()
            and b"Succeeded" in installation.published()["status/aml/README.md"]
        ),
        what="the status branch",
    )
    installation.wait_until(
        lambda: installation.condition("aml/job", "StatusPublished")["status"] == "True",
        what="StatusPublished to be True",
    )

"""A part is there and ails: it answers late, not at all, or has no room for what it is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.e2e.installation import Installation
from tests.e2e.manifests import batch, execution, path
from tests.fixtures.postgres import PostgresCluster, postgres_in
from tests.fixtures.slow_link import slow_postgres
from tests.fixtures.small_disk import SmallDisk, mounted

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

AWAY = "a part is away"
NO_SPACE = "No space left on device"
ENDS_SOON = "exec sleep 1"


@pytest.fixture
def small_postgres() -> Iterator[tuple[PostgresCluster, SmallDisk]]:
    """A server on a disk of its own."""
    with (
        TemporaryDirectory(prefix="zpg-", dir="/tmp") as name,
        mounted(Path(name), mib=96) as disk,
        postgres_in(Path(name)) as cluster,
    ):
        cluster.create("zoe")
        yield cluster, disk


def reads(installation: Installation, database_url: str) -> None:
    """Let zoe reach its database elsewhere than the test does."""
    settings = installation.folder / "zoe.toml"
    settings.write_text(settings.read_text().replace(installation.database_url, database_url))


def problem(installation: Installation) -> str:
    """Return why the last pass failed, as whoever looks is told."""
    pulse = installation.store.load().recorded.pulse
    return pulse.problem if pulse is not None else ""


def test_through_a_slow_database_all_is_done_once_and_one_that_hangs_is_told(
    installation: Installation, postgres_cluster: PostgresCluster
) -> None:
    there = postgres_cluster.socket_folder
    with slow_postgres(there, delay_s=0.01) as (link, folder):
        reads(installation, installation.database_url.replace(str(there), str(folder)))
        installation.push({path("book"): execution("book"), path("job"): batch("job", ENDS_SOON)})
        with installation.watching() as created:
            run = installation.start()
            installation.wait_until(lambda: installation.is_running("book"), what="book to run")
            book = installation.service_of("book")
            with link.held():
                installation.push({path("late"): execution("late")})
                installation.wait_until(
                    lambda: run.events("lease not renewed"), what="the hang to be told"
                )
            assert "it didn't answer in time" in run.events("lease not renewed")[0]["error"]
            installation.await_phases(
                {"aml/book": "Running", "aml/job": "Succeeded", "aml/late": "Running"}
            )
        assert installation.service_of("book") == book
        assert len(created) == len(set(created)) == 3
        # What a library says of jobs that take long says nothing to an operator.
        assert not [line for line in run.told() if "running instances" in line["event"]]


def test_an_engine_that_hangs_is_told_in_time_and_what_was_asked_for_is_made_once(
    installation: Installation,
) -> None:
    run = installation.start()
    installation.push({path("book"): execution("book")})
    installation.await_phases({"aml/book": "Running"})
    book = installation.service_of("book")
    with installation.watching() as created:
        with installation.swarm.frozen(1):
            installation.push({path("late"): execution("late"), path("more"): execution("more")})
            installation.wait_until(
                lambda: run.events("pass failed"), what="the hang to be told", timeout_s=10
            )
            assert "timed out" in run.events("pass failed")[0]["error"]
            assert "aml/book\tRunning" in installation.zoe("status")
            installation.wait_until(
                lambda: "the Swarm can't be reached" in problem(installation),
                what="pages to tell it",
            )
        installation.await_phases({f"aml/{name}": "Running" for name in ("book", "late", "more")})
    assert installation.service_of("book") == book
    assert len(created) == len(set(created)) == 2
    assert {document["status"]["attempt"] for document in installation.statuses().values()} == {1}
    assert len(run.events("leading")) == 1


def test_a_full_database_is_told_in_words_and_work_goes_on_once_there_is_space(
    small_postgres: tuple[PostgresCluster, SmallDisk], installation: Installation
) -> None:
    cluster, disk = small_postgres
    installation.use_database(cluster.url("zoe"))
    run = installation.start()
    installation.push({path("book"): execution("book")})
    installation.await_phases({"aml/book": "Running"})
    book = installation.service_of("book")
    with installation.watching() as created:
        disk.fill()
        installation.push({path("late"): execution("late")})
        installation.wait_until(
            lambda: any("its disk is full" in line["error"] for line in run.events(AWAY)),
            what="the reason to be told",
        )
        assert run.is_alive
        assert installation.service_of("book") == book
        disk.free()
        if not cluster.is_running:
            cluster.start()
        installation.await_phases({"aml/book": "Running", "aml/late": "Running"})
    assert installation.service_of("book") == book
    assert len(created) == 1


def test_with_a_full_state_folder_what_runs_goes_on_and_the_commit_is_taken_up_afterwards(
    installation: Installation, small_disk: Callable[..., SmallDisk]
) -> None:
    disk = small_disk(installation.folder / "state", mib=4)
    run = installation.start()
    installation.push({path("book"): execution("book")})
    installation.await_phases({"aml/book": "Running"})
    book = installation.service_of("book")
    with installation.between_transfers():
        disk.fill()
    installation.push({path("late"): execution("late")})
    installation.wait_until(
        lambda: any(NO_SPACE in line["message_text"] for line in run.events("alert")),
        what="the reason to be told",
    )
    installation.wait_until(
        lambda: "a disk is full" in problem(installation), what="pages to tell it"
    )
    assert installation.service_of("book") == book
    disk.free()
    installation.await_phases({"aml/book": "Running", "aml/late": "Running"})
    assert installation.service_of("book") == book
    installation.wait_until(
        lambda: installation.published_phases() == installation.phases(), what="the branch"
    )

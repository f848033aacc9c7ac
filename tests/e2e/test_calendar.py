"""What starts by the clock: schedules, and the windows of reservations."""

from __future__ import annotations

import io
import json
import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta
from typing import Any

import docker
import pytest

from reconciler.clock import SystemClock
from reconciler.converge.state import KIND_PREFETCH, LABEL_KIND
from tests.e2e.installation import Installation, Json, labels
from tests.e2e.manifests import HALF, batch, execution, path, platform, sized
from tests.e2e.room import never_overfull
from tests.fixtures.swarm import Swarm

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

LEAD = timedelta(seconds=12)  # replicas take some four to be gone, on a loaded machine more
BEFORE_LEAD = timedelta(seconds=8)
WITHOUT_TRUE = "zoe-e2e/without-true:latest"
NOWHERE = "registry.invalid/nothing:1"
ANNOUNCES = "echo due $ZOE_DUE_AT; exec sleep 86400"


def test_a_schedule_runs_at_its_time_and_ends_with_its_file(installation: Installation) -> None:
    installation.start()
    # Not so soon that nobody sees it wait for its time.
    minute = (SystemClock().now() + timedelta(seconds=75)).minute
    hourly = {"schedule": {"cron": f"{minute} * * * *", "overlap": "forbid"}}
    installation.push(
        {
            path("clock"): batch("clock", ANNOUNCES, spec=hourly),
            path("book"): execution("book"),
        }
    )
    installation.await_phases({"aml/book": "Running", "aml/clock": "Scheduled"})
    due = datetime.fromisoformat(installation.status("aml/clock")["nextRunAt"])
    assert due.second == 0
    installation.await_phases({"aml/book": "Running", "aml/clock": "Running"})
    status = installation.status("aml/clock")
    assert datetime.fromisoformat(status["dueAt"]) == due
    assert datetime.fromisoformat(status["queuedAt"]) - due < timedelta(seconds=10)
    printed = installation.await_log("aml/clock")
    assert datetime.fromisoformat(printed.split()[-1]) == due
    installation.push({path("clock"): None})
    installation.await_phases({"aml/book": "Running", "aml/clock": "Stopped"})
    assert installation.services() == [installation.service_of("book")]


@pytest.fixture
def image_without_true(swarm: Swarm) -> Iterator[str]:
    """An image that holds nothing that could run, on every node."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("nothing"))
    clients = [
        docker.APIClient(swarm.lab.docker_host_of(n + 1), version="auto")
        for n in range(swarm.nodes)
    ]
    repository, _, tag = WITHOUT_TRUE.partition(":")
    for client in clients:
        client.import_image_from_data(archive.getvalue(), repository=repository, tag=tag)
    yield WITHOUT_TRUE
    for client in clients:
        with closing(client):
            client.remove_image(WITHOUT_TRUE, force=True)


def _window(start: datetime, images: list[str]) -> str:
    spec = {
        "window": {"start": start.isoformat(), "duration": "1h"},
        "slots": {"count": 2, "cpus": HALF["reservations"]["cpus"], "memory": "16MiB"},
        "namespaces": ["aml"],
        "prefetch": images,
    }
    document: dict[str, Any] = {"apiVersion": "zoe/v1", "kind": "Reservation"}
    return json.dumps({**document, "metadata": {"name": "lab"}, "spec": spec})


def _prefetching(installation: Installation) -> list[Json]:
    return [s for s in installation.services() if labels(s).get(LABEL_KIND) == KIND_PREFETCH]


def test_a_window_finds_its_room_cleared_and_its_images_there(
    installation: Installation, image_without_true: str
) -> None:
    installation.start()
    images = [installation.swarm.image, image_without_true, NOWHERE]
    installation.push({path("wide"): sized("wide", 1, 4)})
    installation.wait_until(lambda: installation.part("aml/wide") == (4, 4), what="growth")
    opens_at = SystemClock().now().replace(microsecond=0) + LEAD + BEFORE_LEAD
    with never_overfull(installation.swarm):
        installation.push(
            {
                "platform.yaml": platform(policy={"reservationLead": f"{LEAD.seconds}s"}),
                "reservations/lab.yaml": _window(opens_at, images),
                path("lesson"): sized("lesson", 2, reservation="lab"),
                path("late"): sized("late", 2),
            }
        )
        installation.await_phases(
            {"aml/wide": "Running", "aml/lesson": "Queued", "aml/late": "Queued"}
        )
        reasons = {
            name: installation.status(f"aml/{name}")["reason"] for name in ("lesson", "late")
        }
        assert reasons == {"lesson": "OutsideReservation", "late": "Reserved"}
        assert installation.part("aml/wide")[0] == 4, "elastic replicas stay until shortly before"
        installation.wait_until(lambda: installation.part("aml/wide") == (2, 2), what="clearing")
        assert SystemClock().now() < opens_at
        assert installation.status("aml/lesson")["reason"] == "OutsideReservation"
        installation.await_phases(
            {"aml/wide": "Running", "aml/lesson": "Running", "aml/late": "Queued"}
        )
    started_at = datetime.fromisoformat(installation.status("aml/lesson")["startedAt"])
    assert timedelta(0) <= started_at - opens_at < timedelta(seconds=15)
    _check_images(installation, images)
    installation.push({"reservations/lab.yaml": None})
    installation.wait_until(lambda: not _prefetching(installation), what="the prefetching to end")
    assert len(installation.running_tasks("lesson")) == 2


def _image_of(service: Json) -> str:
    image: str = service["Spec"]["TaskTemplate"]["ContainerSpec"]["Image"]
    return image


def _check_images(installation: Installation, images: list[str]) -> None:
    """Each image was tried once on each worker; those that are there say nothing."""
    there, without_true, nowhere = images

    def ended() -> Counter[tuple[str, str]]:
        ids = {service["ID"]: _image_of(service) for service in _prefetching(installation)}
        return Counter(
            (ids[task["ServiceID"]], task["Status"]["State"])
            for task in installation.tasks()
            if task["ServiceID"] in ids
        )

    tried = {(there, "complete"): 2, (without_true, "failed"): 2, (nowhere, "rejected"): 2}
    installation.wait_until(lambda: ended() == tried, what="each image to be tried")

    def told() -> list[str]:
        lines = installation.zoe("events").splitlines()
        return sorted(line.split("\t")[-1] for line in lines if "PrefetchFailed" in line)

    installation.wait_until(lambda: len(told()) == 2, what="both failures to be told")
    assert told() == [
        f"{nowhere} can't be fetched on node{n}: No such image: {nowhere}" for n in (2, 3)
    ]

"""Reservations: what they keep, and what holds when that which they name changes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from policy.model.execution import Constraint, Operator
from policy.model.resources import Resources
from reconciler import canonical
from reconciler.manifest.platform import Reservation
from reconciler.manifest.spec import Manifest, Overlap, Schedule, Window
from tests.repositories import BATCH, Repository, document

HOUR = 3_600_000
PATH = "reservations/lab-hour.yaml"
WINDOW = 'window: {start: "2026-09-01T14:00:00+02:00", duration: 2h}'
SLOTS = f"{WINDOW}\nslots: {{cpus: 1}}"


def reserved(spec: str, repository: Repository | None = None) -> Repository:
    repository = repository or Repository.small()
    repository.put(PATH, document("Reservation", "lab-hour", spec))
    return repository


def reservation(spec: str) -> Reservation:
    catalogue = reserved(spec).load()
    assert catalogue.diagnostics == ()
    return catalogue.reservations["lab-hour"]


def codes(repository: Repository) -> list[tuple[str, str]]:
    return [(str(item.severity), item.code) for item in repository.load().diagnostics]


def test_every_field_arrives():
    found = reservation(
        """
        window: {cron: "0 14 * * MON", timezone: Europe/Paris, duration: 2h}
        slots: {count: 25, cpus: 2, memory: 4GiB, generic: {gpu: 1}}
        nodes: {selector: [node.labels.room == b12]}
        namespaces: [lab]
        prefetch: [busybox]
        """
    )
    assert found == Reservation(
        name="lab-hour",
        window=Window(duration_ms=2 * HOUR, cron="0 14 * * MON", timezone="Europe/Paris"),
        slots=25,
        slot=Resources.of(cpu_millis=2000, memory_bytes=4 * 1024**3, generic=[("gpu", 1)]),
        constraints=(
            Constraint(attribute="node.labels.room", operator=Operator.EQUAL, value="b12"),
        ),
        namespaces=("lab",),
        prefetch=("busybox",),
    )


def test_a_window_that_comes_once_is_in_utc():
    found = reservation(SLOTS)
    start = datetime(2026, 9, 1, 12, tzinfo=UTC)
    assert found.window == Window(duration_ms=2 * HOUR, start=start)
    assert (found.slots, found.slot) == (1, Resources(cpu_millis=1000))


def test_nodes_alone_are_kept_altogether():
    found = reservation(f"{WINDOW}\nnodes: {{selector: [node.hostname == n1]}}")
    assert (found.slots, found.slot) == (0, Resources())


@pytest.mark.parametrize("start", ["2026-09-01T14:00:00Z", '"2026-09-01T14:00:00Z"'])
def test_a_moment_needs_no_quotes(start: str):
    assert reservation(f"window: {{start: {start}, duration: 1h}}\nslots: {{cpus: 1}}")


def test_a_recurring_window_may_last_until_the_next_but_no_longer():
    text = 'window: {{cron: "0 0 * * *", duration: {}}}\nslots: {{cpus: 1}}'
    assert reservation(text.format("24h")).window.duration_ms == 24 * HOUR
    assert codes(reserved(text.format("25h"))) == [("error", "WindowOverlapsItself")]


def test_an_invalid_reservation_keeps_its_last_good_version():
    repository = reserved(SLOTS)
    repository.load()
    reserved(f"{WINDOW}\nslots: {{cpus: many}}", repository)
    catalogue = repository.load()
    found = catalogue.reservations["lab-hour"]
    assert (found.slot.cpu_millis, found.is_current) == (1000, False)
    assert catalogue.bad_paths == {PATH}


def test_one_that_does_not_fit_the_rest_gives_way_while_it_is_new():
    repository = reserved(SLOTS)
    repository.load()
    reserved(f"{SLOTS}\nnamespaces: [labb]", repository)
    catalogue = repository.load()
    assert catalogue.reservations["lab-hour"].namespaces == ()
    assert [(d.code, d.remedy) for d in catalogue.diagnostics] == [
        ("UnknownNamespace", "did you mean lab?")
    ]


def test_one_in_force_stays_when_its_namespace_goes():
    repository = reserved(f"{SLOTS}\nnamespaces: [lab]")
    repository.load()
    del repository.files["namespaces/lab.yaml"]
    repository.restart()
    catalogue = repository.load()
    assert catalogue.reservations["lab-hour"].is_current
    assert [d.code for d in catalogue.diagnostics if d.is_error] == []


def test_only_allowed_images_are_fetched_from_where_they_are_pulled():
    repository = reserved(f"{SLOTS}\nprefetch: [busybox, alpine]")
    rules = "images: {rewrite: {busybox: mirror.lab/busybox}}"
    repository.put("platform.yaml", document("Platform", "p", rules))
    assert repository.load().reservations["lab-hour"].prefetch == ("mirror.lab/busybox", "alpine")
    repository.put("platform.yaml", document("Platform", "p", "images: {allow: [busybox]}"))
    catalogue = repository.load()
    assert catalogue.reservations["lab-hour"].prefetch == ("busybox",)
    assert [(str(d.severity), d.code) for d in catalogue.diagnostics] == [
        ("warning", "ImageNotAllowed")
    ]


def test_a_window_in_the_past_is_only_warned_of():
    # Commits of the test are from the beginning of 2026.
    past = SLOTS.replace("2026-09", "2025-09")
    repository = reserved(past)
    assert codes(repository) == [("warning", "WindowInThePast")]
    assert "lab-hour" in repository.load().reservations
    assert codes(reserved(SLOTS)) == []


def test_two_of_one_name_are_refused():
    repository = reserved(SLOTS)
    repository.load()
    repository.put("reservations/copy.yaml", document("Reservation", "lab-hour", SLOTS))
    catalogue = repository.load()
    assert [(d.file, d.code) for d in catalogue.diagnostics] == [
        ("reservations/copy.yaml", "DuplicateIdentity")
    ]


def test_a_reservation_counts_only_in_its_place():
    repository = Repository.small()
    repository.put("executions/lab/x.yaml", document("Reservation", "x", SLOTS))
    catalogue = repository.load()
    assert ([d.code for d in catalogue.diagnostics], catalogue.reservations) == (
        ["KindNotAllowedHere"],
        {},
    )


# Executions that name one


def test_an_execution_says_when_and_where_it_may_run():
    repository = reserved(SLOTS)
    terms = "reservation: lab-hour\nnotBefore: 2026-09-01T14:00:00+02:00"
    repository.execution("job", f"{BATCH}\n{terms}")
    (manifest,) = repository.load().manifests
    assert manifest.spec is not None
    assert manifest.spec.reservation == "lab-hour"
    assert manifest.spec.not_before == datetime(2026, 9, 1, 12, tzinfo=UTC)
    assert canonical.loads(Manifest, canonical.dumps(manifest)) == manifest
    repository.execution("job", f"{BATCH}\n{terms}".replace("T14:00:00+02:00", "T12:00:00Z"))
    (same,) = repository.load().manifests
    assert (same.document_hash, same.spec_hash) == (manifest.document_hash, manifest.spec_hash)


def test_an_unknown_reservation_is_an_error_when_new_and_a_warning_later():
    repository = reserved(SLOTS)
    repository.execution("job", f"{BATCH}\nreservation: lab-hours")
    assert codes(repository) == [("error", "UnknownReservation")]
    repository.execution("job", f"{BATCH}\nreservation: lab-hour")
    assert codes(repository) == []
    del repository.files[PATH]
    repository.restart()
    catalogue = repository.load()
    (manifest,) = catalogue.manifests
    assert manifest.spec is not None
    assert (manifest.spec.reservation, manifest.is_current) == ("lab-hour", True)
    assert [(str(d.severity), d.code) for d in catalogue.diagnostics] == [
        ("warning", "UnknownReservation")
    ]


def test_a_reservation_of_others_is_refused():
    repository = reserved(f"{SLOTS}\nnamespaces: [bio]")
    repository.put("namespaces/bio.yaml", document("Namespace", "bio", "uid: 5"))
    repository.execution("job", f"{BATCH}\nreservation: lab-hour")
    assert codes(repository) == [("error", "ReservationNotGranted")]
    reserved(f"{SLOTS}\nnamespaces: [bio, lab]", repository)
    assert codes(repository) == []


# Schedules


def test_a_schedule_arrives_and_is_no_part_of_what_runs():
    repository = Repository.small()
    repository.execution("job", BATCH)
    (plain,) = repository.load().manifests
    repository.execution("job", f'{BATCH}\nschedule: {{cron: "0 2 * * *"}}')
    (manifest,) = repository.load().manifests
    assert manifest.schedule == Schedule(cron="0 2 * * *")
    assert (manifest.spec, manifest.document_hash) == (plain.spec, plain.document_hash)
    said = '{cron: "0 3 * * *", timezone: Europe/Paris, overlap: allow, startDeadline: 1h, keep: 2}'
    repository.execution("job", f"{BATCH}\nschedule: {said}")
    (manifest,) = repository.load().manifests
    assert manifest.schedule == Schedule(
        cron="0 3 * * *",
        timezone="Europe/Paris",
        overlap=Overlap.ALLOW,
        start_deadline_ms=HOUR,
        keep=2,
    )


def test_a_date_needs_no_quotes_where_a_moment_is_meant_and_only_there():
    repository = Repository.small()
    repository.put(
        "zapps/a/zapp.yaml",
        document("ZApp", "a", f"parameters: {{start: {{type: string}}}}{BATCH}"),
    )
    repository.execution("job", f"{BATCH}\nnotBefore: 2026-09-01T14:00:00Z")
    repository.execution("other", "zapp: a\nparameters: {start: 2026-09-01}")
    found = [(d.code, d.pointer) for d in repository.load().diagnostics]
    assert found == [("TextHere", "/spec/parameters/start")]


def test_change_windows_arrive():
    repository = Repository.small()
    window = 'changeWindows: [{cron: "0 6 * * 1-5", timezone: Europe/Paris, duration: 2h}]'
    repository.put("platform.yaml", document("Platform", "p", window))
    assert repository.load().platform.change_windows == (
        Window(duration_ms=2 * HOUR, cron="0 6 * * 1-5", timezone="Europe/Paris"),
    )

"""Everything that authors get wrong, in one commit: each has its reason, and the others run."""

from __future__ import annotations

import pytest
import yaml

from reconciler.cluster.fake import Outcome
from reconciler.probes.port_checker import PortChecker
from tests.fixtures.site import Site, execution_file

ZAPP = """\
apiVersion: zoe/v1
kind: ZApp
metadata: {name: app}
spec:
  type: interactive
  parameters:
    cpus: {type: integer, default: 1, minimum: 1, maximum: 2}
  services:
    main: {image: busybox, resources: {reservations: {cpus: "${{ parameters.cpus }}"}}}
"""
SWEEP = """\
apiVersion: zoe/v1
kind: ExecutionSet
metadata: {name: good}
spec:
  items: [one, two]
  template:
    spec: {zapp: app}
"""


def of_zapp(name: str, parameters: str) -> str:
    return (
        f"apiVersion: zoe/v1\nkind: Execution\nmetadata: {{name: {name}}}\n"
        f"spec: {{zapp: app, parameters: {{{parameters}}}}}\n"
    )


FILES = {
    "zapps/app/zapp.yaml": ZAPP,
    "executions/aml/good.yaml": of_zapp("good", "cpus: 1"),
    "executions/aml/good-one.yaml": of_zapp("good-one", ""),
    "executions/aml/set.yaml": SWEEP,
    "executions/aml/unknown.yaml": of_zapp("unknown", "cpu: 1"),
    "executions/aml/beyond.yaml": of_zapp("beyond", "cpus: 3"),
    "executions/aml/no-image.yaml": execution_file("no-image", image="nowhere/nothing:1"),
    "executions/aml/silent.yaml": execution_file(
        "silent", service="ports: [{name: web, target: 80, app_protocol: http}]"
    ),
    "executions/aml/no-secret.yaml": execution_file(
        "no-secret",
        extra="secrets: {token: {swarm: token}}",
        service="secrets: [{source: token, target: token}]",
    ),
    "executions/aml/no-room.yaml": execution_file(
        "no-room", service="volumes: [{type: workspace, target: /work}]"
    ),
}


@pytest.fixture
def told(site: Site) -> Site:
    site.cluster.remove_image("nowhere/nothing:1")
    site.cluster.script("init", Outcome.exits(3))
    clock = site.clock
    begin = clock.now()
    checker = PortChecker(
        last=lambda: site.loop.last,
        wake=lambda: None,
        try_port=lambda _address, _port: False,
        elapsed_s=lambda: (clock.now() - begin).total_seconds(),
    )
    site.loop.silent = checker.silent
    site.push(FILES)
    site.reconcile(passes=12)
    for _ in range(3):
        checker.round()
        site.reconcile(passes=2, ms=31_000)
    return site


def test_each_is_told_with_what_to_do_and_the_others_run(told: Site) -> None:
    expected = {
        "unknown": ("Invalid", "ManifestInvalid", 'no parameter "cpu": did you mean cpus?'),
        "beyond": ("Invalid", "ManifestInvalid", '"3" is more than the maximum 2: write 2'),
        "no-image": ("Failed", "ImageUnavailable", "correct what they name, and raise run"),
        "no-secret": ("Pending", "SecretNotGranted", "the operator adds it to spec.secrets"),
        "no-room": ("Starting", "StorageNotPrepared", "the operator looks at [storage]"),
        "silent": ("Running", "Running", ""),
        "good": ("Running", "Running", ""),
        "good-one": ("Running", "Running", ""),
        "good-two": ("Running", "Running", ""),
    }
    found = {name: told.status(f"aml/{name}") for name in expected}
    for name, (phase, reason, advice) in expected.items():
        status = found[name]
        assert (name, status["phase"], status["reason"]) == (name, phase, reason)
        assert advice in status["message"]
    conditions = {c["type"]: c["message"] for c in found["silent"]["conditions"]}
    assert "does its image serve that port" in conditions["PortSilent"]


def test_the_item_in_the_way_is_told_with_its_set(told: Site) -> None:
    status = yaml.safe_load(told.published()["status/aml/_sets/good.yaml"])["status"]
    (refused,) = status["refused"]
    assert (refused["name"], status["ready"]) == ("good-one", 1)
    assert refused["message"].endswith(
        "aml/good-one is in executions/aml/good-one.yaml too: rename one of the two"
    )


def test_the_engines_words_name_the_image(told: Site) -> None:
    events = told.store.events(namespace="aml", name="no-image")
    assert any("nowhere/nothing:1" in event.message for event in events)

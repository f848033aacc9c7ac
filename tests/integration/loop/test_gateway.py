"""Gateways over passes: they come with who needs them, stay where they are, and end with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from reconciler.config import GatewaySettings
from reconciler.converge.state import KIND_GATEWAY, LABEL_COMPONENT, LABEL_KIND, ObservedService
from tests.fixtures.site import Site, execution_file, namespace_file

BOOK = "executions/aml/book.yaml"
BY_PATH = "ports: [{name: web, target: 8888, app_protocol: http, path: /lab}]"
KEPT = BY_PATH.replace("path", "route: keep, path")
BY_SOCKS = "ports: [{name: web, target: 8080, app_protocol: http, route: socks}]"
MINUTES_5 = 5 * 60_000
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUYnhUTJeMBH2wVJVT0FvvA9nwOb2hvxHQpcvkTGiPz"


@pytest.fixture
def lab(site: Site) -> Site:
    """An installation that offers gateways."""
    site.settings = replace(site.settings, gateway=GatewaySettings(image="gateway"))
    site.restart()
    return site


def gateways(site: Site) -> dict[str, ObservedService]:
    return {
        s.spec.labels[LABEL_COMPONENT]: s
        for s in site.cluster.observe().services
        if s.spec.labels.get(LABEL_KIND) == KIND_GATEWAY
    }


def urls(site: Site, name: str = "aml/book") -> list[str]:
    return [e["url"] for e in site.status(name).get("endpoints", []) if e.get("via")]


def test_a_notebook_gets_an_address_that_stays_over_restarts_and_lost_nodes(lab: Site) -> None:
    lab.push({BOOK: execution_file("book", service=KEPT)})
    lab.reconcile(passes=12)
    (url,) = urls(lab)
    before = gateways(lab)["http"].spec
    port = before.ports[0].published
    assert f":{port}/~/book/main/8888/lab" in url
    assert before.capabilities_drop == ("ALL",)
    assert len(before.networks) == 1

    writes = len(lab.cluster.effects)
    lab.restart()
    lab.reconcile(passes=3)
    assert len(lab.cluster.effects) == writes

    lab.cluster.kill_node(before.node)
    lab.reconcile(passes=20)
    after = gateways(lab)["http"].spec
    assert after.node != before.node
    assert after.ports[0].published == port
    assert urls(lab)[0].partition(":31")[2] == url.partition(":31")[2]


def test_it_goes_some_minutes_after_the_last_user_and_gives_nobody_its_port(lab: Site) -> None:
    lab.push({BOOK: execution_file("book", service=BY_PATH)})
    lab.reconcile(passes=12)
    port = gateways(lab)["http"].spec.ports[0].published
    lab.push({BOOK: execution_file("book", extra="suspend: true", service=BY_PATH)})
    report = lab.reconcile(passes=5)
    assert gateways(lab)
    assert lab.phases() == {"aml/book": "Suspended"}
    assert report.wake_at is not None
    lab.cluster.advance(MINUTES_5)
    lab.reconcile(passes=3)
    assert gateways(lab) == {}
    lab.push({BOOK: execution_file("book", service=BY_PATH)})
    lab.reconcile(passes=12)
    assert gateways(lab)["http"].spec.ports[0].published == port


def test_a_neighbour_that_comes_changes_nothing_about_a_gateway(lab: Site) -> None:
    lab.push({BOOK: execution_file("book", service=BY_PATH)})
    lab.reconcile(passes=12)
    before = gateways(lab)
    lab.push({"executions/aml/other.yaml": execution_file("other", service=BY_PATH)})
    lab.reconcile(passes=12)
    assert lab.phases() == {"aml/book": "Running", "aml/other": "Running"}
    assert gateways(lab) == before


def test_socks_has_a_password_that_only_members_are_told(lab: Site) -> None:
    member = namespace_file("aml").replace("{}", f"{{members: [{{name: ada, key: {KEY}}}]}}")
    lab.push({"namespaces/aml.yaml": member, BOOK: execution_file("book", service=BY_SOCKS)})
    lab.reconcile(passes=12)
    (socks,) = gateways(lab).values()
    (secret,) = lab.cluster.observe().secrets
    assert [file.name for file in socks.spec.secrets] == [secret.name]
    (endpoint,) = [e for e in lab.status("aml/book")["endpoints"] if e.get("via") == "socks"]
    assert endpoint["url"] == "http://main.book:8080/"
    assert endpoint["proxy"].endswith(f":{socks.spec.ports[0].published}")
    assert endpoint["use"] == "open it with: zoe open --socks aml/book"
    published = lab.published()
    assert b"BEGIN AGE" in published["secrets/aml/gateway.yaml"]
    value = lab.loop.keeper.keyring.text("secret", "gateway", "aml")
    assert not any(value.encode() in content for content in published.values())


def test_an_operator_offers_none_and_a_namespace_may_refuse_it(site: Site, lab: Site) -> None:
    refusing = namespace_file("aml").replace("{}", "{gateway: {http: false}}")
    lab.push({"namespaces/aml.yaml": refusing, BOOK: execution_file("book", service=BY_PATH)})
    lab.reconcile(passes=12)
    assert gateways(lab) == {}
    lab.push({"namespaces/aml.yaml": namespace_file("aml")})
    lab.reconcile(passes=8)
    assert gateways(lab).keys() == {"http"}
    lab.settings = replace(lab.settings, gateway=None)
    lab.restart()
    lab.reconcile(passes=3)
    assert gateways(lab) == {}
    assert lab.phases() == {"aml/book": "Running"}


def test_a_full_cluster_says_that_there_is_no_room_for_a_gateway(lab: Site) -> None:
    full = execution_file("book", service=BY_PATH).replace("cpus: 1", "cpus: 4")
    full = full.replace("    main:\n", "    main:\n      replicas: 3\n")
    lab.push({BOOK: full})
    lab.reconcile(passes=12)
    assert lab.phases() == {"aml/book": "Running"}
    assert gateways(lab) == {}
    assert any(e.reason == "GatewayNoRoom" for e in lab.store.events())

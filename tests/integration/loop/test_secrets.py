"""Secrets from a commit to the Swarm: made, published, rotated, and kept from everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.secrets import age, letter
from tests.fixtures.signing import Person, make_key, namespace_with
from tests.fixtures.site import Site, execution_file

BOOK = "executions/aml/book.yaml"
JOB = "executions/aml/job.yaml"


def book(secret: str, *, mount: str = "token", **fields: Any) -> str:
    return execution_file(
        "book", extra=f"secrets: {{token: {secret}}}", service=f"secrets: [{mount}]", **fields
    )


def made(site: Site) -> Mapping[str, Mapping[str, str]]:
    """Name -> labels of the Swarm secrets that we made."""
    there = site.cluster.observe().secrets
    return {s.name: s.labels for s in there if s.labels.get("zoe.deployment") == "test"}


def mounted(site: Site) -> Mapping[str, str]:
    """Target -> name of the Swarm secret, of all services."""
    services = site.cluster.observe().services
    return {file.target: file.name for s in services for file in s.spec.secrets}


def test_a_generated_secret_is_made_before_the_service_that_mounts_it(site: Site) -> None:
    site.push({BOOK: book("{generate: random}")})
    site.reconcile(passes=8)
    assert site.phases() == {"aml/book": "Running"}
    ((name, labels),) = made(site).items()
    assert mounted(site) == {"token": name}
    assert labels["zoe.secret"] == "token"
    writes = [write.split()[0] for write in site.writes()]
    assert writes.index("create_secret") < writes.index("create_service")


def test_an_unchanged_secret_costs_nothing(site: Site) -> None:
    site.push({BOOK: book("{generate: ssh-ed25519}")})
    site.reconcile(passes=8)
    site.published()
    writes, version = len(site.cluster.effects), site.store.state_version()
    site.restart()
    site.reconcile(passes=3)
    site.published()
    assert (len(site.cluster.effects), site.store.state_version()) == (writes, version)


def test_a_key_pair_is_two_files(site: Site) -> None:
    site.push({BOOK: book("{generate: ssh-ed25519}")})
    site.reconcile(passes=8)
    (service,) = site.cluster.observe().services
    files = {file.target: file.mode for file in service.spec.secrets}
    assert files == {"token": 0o400, "token.pub": 0o444}


def test_secrets_go_with_their_execution_and_come_anew_with_a_run(site: Site) -> None:
    site.push({BOOK: book("{generate: random}")})
    site.reconcile(passes=8)
    (first,) = made(site)
    site.push({BOOK: book("{generate: random}", run=2)})
    site.reconcile(passes=12)
    (second,) = made(site)
    assert second != first
    site.push({BOOK: None, JOB: execution_file()})
    site.reconcile(passes=6)
    assert made(site) == {}


NAMESPACE = "namespaces/aml.yaml"


def letters(site: Site) -> dict[str, bytes]:
    return {path: data for path, data in site.published().items() if path.startswith("secrets/")}


def read_by(person: Person, site: Site) -> Mapping[str, str]:
    (data,) = letters(site).values()
    return letter.opened(data, [age.ssh_identity(person.private.read_bytes())])


def test_members_and_nobody_else_can_read_what_was_generated(site: Site, tmp_path: Path) -> None:
    ada, eve = make_key(tmp_path, "ada"), make_key(tmp_path, "eve")
    site.push({NAMESPACE: namespace_with("aml", ada), BOOK: book("{generate: ssh-ed25519}")})
    site.reconcile(passes=8)
    values = read_by(ada, site)
    assert values["token"].startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert values["token.pub"].startswith("ssh-ed25519 ")
    with pytest.raises(age.CannotDecrypt):
        read_by(eve, site)


def test_a_letter_is_sealed_anew_only_for_other_members_or_another_run(
    site: Site, tmp_path: Path
) -> None:
    ada, eve = make_key(tmp_path, "ada"), make_key(tmp_path, "eve")
    site.push({NAMESPACE: namespace_with("aml", ada, eve), BOOK: book("{generate: random}")})
    site.reconcile(passes=8)
    before, token = letters(site), read_by(eve, site)["token"]
    site.restart()
    site.reconcile(passes=3)
    assert letters(site) == before
    site.push({NAMESPACE: namespace_with("aml", ada)})
    site.reconcile(passes=3)
    assert read_by(ada, site)["token"] == token
    with pytest.raises(age.CannotDecrypt):
        read_by(eve, site)
    site.push({BOOK: book("{generate: random}", run=2)})
    site.reconcile(passes=12)
    assert read_by(ada, site)["token"] != token
    site.push({BOOK: None, JOB: execution_file()})
    site.reconcile(passes=6)
    assert letters(site) == {}


def test_who_has_no_usable_key_is_named_and_gets_nothing(site: Site, tmp_path: Path) -> None:
    guard = make_key(tmp_path, "guard", "-t", "ecdsa")
    site.push({NAMESPACE: namespace_with("aml", guard), BOOK: book("{generate: random}")})
    site.reconcile(passes=8)
    ((_, data),) = letters(site).items()
    assert b"guard ecdsa-sha2-nistp256" in data
    with pytest.raises(letter.NoLetter, match="ssh-ed25519"):
        letter.opened(data, [])

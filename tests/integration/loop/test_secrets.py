"""Secrets from a commit to the Swarm: made, published, rotated, and kept from everybody else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reconciler.secrets import age, identities, letter
from reconciler.secrets.envelope import Address, Envelope
from tests.fixtures.signing import Person, make_key, namespace_with
from tests.fixtures.site import Site, execution_file, namespace_file

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


def sealed(
    site: Site, value: str, *, namespace: str = "aml", name: str = "token", deployment: str = "test"
) -> str:
    """Encrypt a value as people do; the installation's key is made the first time."""
    path = site.settings.state_dir / identities.FILE
    if not path.exists():
        identities.make(path)
    address = Address(deployment=deployment, namespace=namespace, name=name)
    data = Envelope(address=address, value=value.encode()).packed()
    return f"{{age: {age.encrypt(data, [identities.read(path)[0].recipient])}}}"


def test_a_new_value_is_a_new_secret_and_a_rolling_update(site: Site) -> None:
    site.push({BOOK: book(sealed(site, "one"))})
    site.reconcile(passes=8)
    before = mounted(site)["token"]
    site.push({BOOK: book(sealed(site, "two"))})
    site.reconcile(passes=4)
    after = mounted(site)["token"]
    assert before != after
    assert made(site).keys() == {before, after}
    assert not {"two", "one"} & {name.rsplit("-", 1)[1] for name in made(site)}
    site.cluster.advance(3_600_000)
    site.reconcile()
    assert made(site).keys() == {after}
    assert site.phases() == {"aml/book": "Running"}


def test_the_same_value_encrypted_anew_restarts_nobody(site: Site) -> None:
    site.push({BOOK: book(sealed(site, "one"))})
    site.reconcile(passes=8)
    writes = len(site.cluster.effects)
    site.push({BOOK: book(sealed(site, "one"))})
    site.reconcile(passes=3)
    assert len(site.cluster.effects) == writes


def test_a_value_put_back_is_mounted_again(site: Site) -> None:
    one = sealed(site, "one")
    site.push({BOOK: book(one)})
    site.reconcile(passes=8)
    before = mounted(site)
    site.push({BOOK: book(sealed(site, "two"))})
    site.reconcile(passes=4)
    site.push({BOOK: book(one)})
    site.reconcile(passes=4)
    assert mounted(site) == before
    assert len([w for w in site.writes() if w.startswith("create_secret")]) == 2


@pytest.mark.parametrize(
    "elsewhere", [{"namespace": "other"}, {"name": "password"}, {"deployment": "prod"}]
)
def test_a_ciphertext_copied_from_elsewhere_is_refused_and_others_run(
    site: Site, elsewhere: dict[str, str]
) -> None:
    site.push({BOOK: book(sealed(site, "stolen", **elsewhere)), JOB: execution_file()})
    report = site.reconcile(passes=8)
    assert site.phases() == {"aml/book": "Pending", "aml/job": "Running"}
    status = site.status("aml/book")
    assert status["reason"] == "SecretNotForHere"
    assert "zoe secret encrypt --namespace aml --name token" in status["message"]
    assert made(site) == {}
    (found,) = site.loop.reader.diagnostics
    assert (found.file, found.line, found.code) == (BOOK, 7, "SecretNotForHere")
    assert report.diagnostics == 1


def test_a_stolen_ciphertext_put_under_what_runs_leaves_it_running(site: Site) -> None:
    site.push({BOOK: book(sealed(site, "one"))})
    site.reconcile(passes=8)
    before, writes = mounted(site), len(site.cluster.effects)
    site.push({BOOK: book(sealed(site, "stolen", namespace="other"), image="busybox:2")})
    site.reconcile(passes=3)
    assert (mounted(site), len(site.cluster.effects)) == (before, writes)
    held = {c["type"]: c for c in site.status("aml/book")["conditions"]}["Held"]
    assert held["reason"] == "SecretNotForHere"


def test_a_lost_identity_ends_nobodys_work(site: Site) -> None:
    site.push({BOOK: book(sealed(site, "one"))})
    site.reconcile(passes=8)
    writes = len(site.cluster.effects)
    path = site.settings.state_dir / identities.FILE
    kept = path.read_bytes()
    path.unlink()
    site.restart()
    site.reconcile(passes=3)
    assert len(site.cluster.effects) == writes
    assert site.phases() == {"aml/book": "Running"}
    held = {c["type"]: c for c in site.status("aml/book")["conditions"]}["Held"]
    assert held["reason"] == "SecretNotOpened"
    path.write_bytes(kept)
    site.reconcile(passes=3)
    assert len(site.cluster.effects) == writes
    assert "Held" not in {c["type"] for c in site.status("aml/book")["conditions"]}


def test_an_older_identity_still_opens_what_was_encrypted_to_it(site: Site) -> None:
    first = sealed(site, "one")
    identities.make(site.settings.state_dir / identities.FILE)
    site.push({BOOK: book(first)})
    site.reconcile(passes=8)
    assert site.phases() == {"aml/book": "Running"}


def test_a_secret_of_the_swarm_is_granted_by_namespace_or_label_and_must_be_there(
    site: Site,
) -> None:
    site.push({BOOK: book("{swarm: theirs}")})
    site.reconcile(passes=3)
    assert site.status("aml/book")["reason"] == "SecretNotGranted"
    secret_id = site.cluster.add_secret("theirs", {"zoe.namespace": "other"})
    site.reconcile(passes=3)
    assert site.status("aml/book")["reason"] == "SecretNotGranted"
    granted = namespace_file("aml").replace("{}", "{secrets: [theirs]}")
    site.push({NAMESPACE: granted})
    site.cluster.remove_by_hand("theirs")
    site.reconcile(passes=3)
    status = site.status("aml/book")
    assert (status["phase"], status["reason"]) == ("Pending", "SecretMissing")
    assert "docker secret create theirs" in status["message"]
    site.push({NAMESPACE: namespace_file("aml")})
    site.cluster.add_secret("theirs", {"zoe.namespace": "aml"})
    site.reconcile(passes=8)
    assert site.phases() == {"aml/book": "Running"}
    assert secret_id not in {s.id for s in site.cluster.observe().secrets}


def test_nobody_mounts_what_we_made_for_others_even_if_it_was_granted(site: Site) -> None:
    site.push({BOOK: book("{generate: random}")})
    site.reconcile(passes=8)
    (name,) = made(site)
    other = "executions/eve/book.yaml"
    grants = namespace_file("eve").replace("{}", f"{{secrets: [{name}]}}")
    site.push({"namespaces/eve.yaml": grants, other: book(f"{{swarm: {name}}}")})
    site.reconcile(passes=4)
    assert site.status("eve/book")["reason"] == "SecretNotGranted"
    assert list(mounted(site).values()) == [name]


def test_another_namespaces_secret_cant_be_had_through_a_zapp(site: Site) -> None:
    zapp = execution_file(
        "x", extra="secrets: {token: {swarm: theirs}}", service="secrets: [token]"
    )
    zapp = zapp.replace("kind: Execution", "kind: ZApp").replace("name: x", "name: tool")
    zapp = zapp.replace("  run: 1\n", "")
    use = "apiVersion: zoe/v1\nkind: Execution\nmetadata: {name: book}\nspec: {zapp: tool}\n"
    site.cluster.add_secret("theirs", {"zoe.namespace": "other"})
    site.push({"zapps/tool/zapp.yaml": zapp, BOOK: use})
    site.reconcile(passes=4)
    assert site.status("aml/book")["reason"] == "SecretNotGranted"
    assert mounted(site) == {}

"""Secrets inside real containers: the right file for the right user, changed while it runs."""

from __future__ import annotations

import json
from hashlib import md5

import psycopg
import pytest

from reconciler.keyring import Keyring
from reconciler.secrets import encrypting, identities
from reconciler.secrets.envelope import Address
from tests.e2e.installation import Installation
from tests.e2e.manifests import FOREVER, execution, path, service

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

# Digests, since logs are read by people.
TELLS = "cd /run/secrets && cat token made key key.pub | wc -l && md5sum token made"
MOUNTS = ["made", "key", {"source": "token", "mode": "0400"}]


def _book(ciphertext: str) -> str:
    secrets = {
        "token": {"age": ciphertext},
        "made": {"generate": "random"},
        "key": {"generate": "ssh-ed25519"},
    }
    main = service(f"{TELLS}; {FOREVER}", user="1000", secrets=MOUNTS, stop_grace_period="1s")
    return execution("book", {"main": main}, secrets=secrets)


def _encrypted(installation: Installation, value: str) -> str:
    key = installation.folder / "state" / identities.FILE
    if not key.exists():
        identities.make(key)
    address = Address(deployment=installation.deployment, namespace="aml", name="token")
    return encrypting.ciphertext(value.encode(), address, [identities.read(key)[0].recipient])


def _made(installation: Installation) -> str:
    """The generated password, as whoever holds the installation's key makes it."""
    key = (installation.folder / "state" / "ledger.key").read_bytes()
    uid = installation.statuses()["aml/book"]["metadata"]["uid"]
    return Keyring(key).text("secret", "aml", uid, "made")


def _md5(value: str) -> str:
    return md5(value.encode(), usedforsecurity=False).hexdigest()


def test_a_secret_changes_under_a_running_service_and_is_nowhere_else(
    installation: Installation, empty_postgres_url: str
) -> None:
    first, second = "correct horse\n", "battery staple\n"
    installation.push({path("book"): _book(_encrypted(installation, first))})
    run = installation.start()
    installation.await_phases({"aml/book": "Running"})
    said = installation.await_log("aml/book")
    made = _made(installation)
    assert _md5(first) in said
    assert _md5(made) in said
    assert int(said.splitlines()[0]) > 3
    service_id = installation.service_of("book")["ID"]

    installation.push({path("book"): _book(_encrypted(installation, second))})
    installation.wait_until(
        lambda: _md5(second) in installation.await_log("aml/book"), what="the new value"
    )
    assert installation.service_of("book")["ID"] == service_id
    assert len(installation.secrets()) == 5
    run.stop()

    keys = (installation.folder / "state" / identities.FILE).read_text().split()
    told = _everything(installation, empty_postgres_url)
    told["log of run"] = run.log.read_text()
    for value in (first.strip(), second.strip(), made, "PRIVATE KEY", *keys):
        assert [place for place, text in told.items() if value in text] == []
    assert any(place.startswith("secrets/aml/") for place in told)


def _everything(installation: Installation, url: str) -> dict[str, str]:
    """Every table of the database, and every file of the status branch."""
    told = {place: data.decode() for place, data in installation.published().items()}
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        tables = connection.execute(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"
        ).fetchall()
        for (table,) in tables:
            rows = connection.execute(f'SELECT * FROM "{table}"').fetchall()
            told[table] = json.dumps(rows, default=str)
    return told

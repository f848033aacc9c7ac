"""Secrets as files and as objects: whose file, which name, how long, and nothing for old specs."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler import canonical
from reconciler.converge import secret_files
from reconciler.converge.desired_state import DesiredSecret, DesiredState
from reconciler.converge.edits import Edit, classify
from reconciler.converge.plan import plan
from reconciler.converge.secret_plan import RETENTION, CreateSecret, RemoveSecret
from reconciler.converge.secrets import RANDOM, Generated, Sealed, Vault, named
from reconciler.converge.state import ObservedFile
from reconciler.manifest.secret_mount import SecretMount
from tests.builders import NOW, interactive, observed, service

TEXTS = st.text(min_size=1, max_size=6)
RECIPES = st.builds(Generated, kind=st.just(RANDOM), scope=st.tuples(TEXTS, TEXTS, TEXTS))
LABELS = {"zoe.deployment": "test", "zoe.kind": "secret", "zoe.uid": "u", "zoe.secret": "token"}


def test_a_mount_of_an_older_version_keeps_its_canonical_form() -> None:
    mount = SecretMount(swarm_name="s3", target="key", mode=0o400)
    assert canonical.to_data(mount) == {"swarm_name": "s3", "target": "key", "mode": 0o400}


@pytest.mark.parametrize(
    ("user", "mount", "owner"),
    [
        ("1000", {"mode": 0o400}, ("1000", "0")),
        ("1000:100", {"mode": 0o400}, ("1000", "100")),
        ("1000", {"mode": 0o440, "gid": "5"}, ("1000", "5")),
        ("1000", {"mode": 0o400, "uid": "7"}, ("7", "0")),
        ("1000", {"mode": 0o444}, ("0", "0")),
        ("jovyan", {"mode": 0o400}, ("0", "0")),
        ("", {"mode": 0o400}, ("0", "0")),
    ],
)
def test_a_file_that_others_may_not_read_is_its_users(
    user: str, mount: dict[str, Any], owner: tuple[str, str]
) -> None:
    one = service(user=user, secrets=(SecretMount(swarm_name="s", target="t", **mount),))
    (file,) = secret_files.references(one, {})
    assert (file.uid, file.gid) == owner


@given(RECIPES, RECIPES, TEXTS, TEXTS)
def test_names_differ_with_scope_and_key(
    one: Generated, other: Generated, key: str, second: str
) -> None:
    digests = {Vault(fingerprint=key).digest(recipe) for recipe in (one, other)}
    assert len(digests) == (1 if one == other else 2)
    keyed = {Vault(fingerprint=text).digest(one) for text in (key, second)}
    assert len(keyed) == (1 if key == second else 2)


def test_a_name_follows_the_value_and_not_the_ciphertext() -> None:
    uid = Uid("u" * 16)
    sealed = [Sealed(ciphertext=text, namespace="aml", name="token") for text in ("a", "b")]
    names = []
    for one in sealed:
        mount = SecretMount(name="token", target="token", age=one.ciphertext)
        spec = interactive(service(secrets=(mount,)))
        vault = Vault(is_open=True, opened=dict.fromkeys(sealed, "0123456789ab"))
        names.append(named(spec, namespace="aml", uid=uid, vault=vault)["token"][0].swarm_name)
    assert names[0] == names[1]


def test_a_new_ciphertext_is_a_rolling_edit() -> None:
    old, new = (
        interactive(service(secrets=(SecretMount(name="t", target="t", age=age),)))
        for age in ("a", "b")
    )
    assert classify(old, new) is Edit.ROLLING


def there(name: str, **fields: Any) -> ObservedFile:
    given_: dict[str, Any] = {"labels": LABELS, "created_at": NOW - timedelta(days=1)} | fields
    return ObservedFile(id=f"id-{name}", name=name, **given_)


def wanted(name: str) -> DesiredState:
    recipe = Generated(kind=RANDOM, scope=("aml", "u", "token"))
    return DesiredState(secrets={name: DesiredSecret(name=name, labels=LABELS, recipe=recipe)})


def actions(desired: DesiredState, *secrets: ObservedFile, deployment: str = "test") -> list[Any]:
    found = plan(
        desired, observed(secrets=secrets), known={Uid("u")}, deployment=deployment
    ).actions
    return [
        ("make", a.secret.name) if isinstance(a, CreateSecret) else ("forget", a.name)
        for a in found
        if isinstance(a, CreateSecret | RemoveSecret)
    ]


def test_the_old_value_stays_until_the_new_one_is_an_hour_old() -> None:
    assert actions(wanted("new"), there("old")) == [("make", "new")]
    young = there("new", created_at=NOW - RETENTION + timedelta(seconds=1))
    assert actions(wanted("new"), there("old"), young) == []
    aged = there("new", created_at=NOW - RETENTION)
    assert actions(wanted("new"), there("old"), aged) == [("forget", "old")]


def test_what_nobody_wants_goes_at_once_but_only_if_it_is_ours() -> None:
    assert actions(DesiredState(), there("old")) == [("forget", "old")]
    theirs = there("theirs", labels={"zoe.namespace": "aml"})
    gateway = there("gateway", labels={"zoe.deployment": "test", "zoe.kind": "gateway"})
    assert actions(DesiredState(), theirs, gateway) == [("forget", "gateway")]
    assert actions(DesiredState(), there("old"), deployment="other") == []


def test_what_nobody_knows_is_left_and_told() -> None:
    lost = there("lost", labels={**LABELS, "zoe.uid": "nobody"})
    found = plan(DesiredState(), observed(secrets=(lost,)), known=set(), deployment="test")
    assert found.actions == ()
    (note,) = found.notes
    assert (note.reason, "zoe orphans remove lost" in note.message) == ("Orphan", True)

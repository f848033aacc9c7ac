"""From the settings to the endpoints. No secret, no start; and the message says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler import config
from reconciler.errors import ConfigError
from tests.fixtures.receiver import OLD_SECRET, SECRET
from webhook import endpoints
from webhook.endpoint import Endpoint, derived_name

SOURCE = '[[source]]\nid = "{}"\nurl = "/nowhere"\n'
WEBHOOK = '[source.webhook]\nprovider = "github"\nsecret_file = "secret"\n'


def read(folder: Path, text: str, secrets: str = "", **environ: str) -> tuple[Endpoint, ...]:
    (folder / "zoe.toml").write_text(text)
    if secrets:
        (folder / "secret").write_text(secrets)
    return endpoints.read(config.load({}, directory=folder), environ)


def test_a_source_with_a_webhook_has_an_address_that_its_secret_makes(tmp_path: Path) -> None:
    text = SOURCE.format("platform") + WEBHOOK + SOURCE.format("tenant")
    (endpoint,) = read(tmp_path, text, f"{SECRET}\n")
    name = derived_name("platform", SECRET.encode())
    assert (endpoint.source_id, endpoint.names) == ("platform", (name,))
    assert endpoint.is_at(name)
    assert not endpoint.is_at(derived_name("platform", OLD_SECRET.encode()))
    assert not endpoint.is_at("é")
    assert SECRET not in repr(endpoint)
    assert name not in repr(endpoint)


def test_while_secrets_are_changed_both_addresses_work(tmp_path: Path) -> None:
    (endpoint,) = read(tmp_path, SOURCE.format("a") + WEBHOOK, f"{SECRET}\n{OLD_SECRET}\n")
    assert endpoint.secrets == (SECRET.encode(), OLD_SECRET.encode())
    assert all(endpoint.is_at(derived_name("a", secret)) for secret in endpoint.secrets)


def test_the_environment_goes_before_the_file(tmp_path: Path) -> None:
    text = SOURCE.format("my-lab") + WEBHOOK
    (endpoint,) = read(tmp_path, text, OLD_SECRET, ZOE_WEBHOOK_SECRET_MY_LAB=SECRET)
    assert endpoint.secrets == (SECRET.encode(),)


def test_an_address_may_be_chosen(tmp_path: Path) -> None:
    text = SOURCE.format("a") + WEBHOOK + 'path = "0123456789abcdef"\n'
    (endpoint,) = read(tmp_path, text, SECRET)
    assert endpoint.names == ("0123456789abcdef",)


def test_two_sources_at_one_address_are_refused(tmp_path: Path) -> None:
    webhook = WEBHOOK + 'path = "0123456789abcdef"\n'
    with pytest.raises(ConfigError, match="two sources have the same path"):
        read(tmp_path, SOURCE.format("a") + webhook + SOURCE.format("b") + webhook, SECRET)


@pytest.mark.parametrize(
    ("webhook", "secrets", "told"),
    [
        ('[source.webhook]\nprovider = "github"\n', "", r"no secret.*`openssl rand -hex 32`"),
        (WEBHOOK, "", r"secret_file .*secret can't be read: No such file"),
        (WEBHOOK, "\n", r"source a: its webhook has no secret.*ZOE_WEBHOOK_SECRET_A"),
        (WEBHOOK, "too-short\n", r"shorter than 16"),
        (WEBHOOK, f"{SECRET}\n{SECRET}1\n{SECRET}2\n", r"more than two secrets"),
        (WEBHOOK + 'path = "hook"\n', SECRET, r"path .* nobody can guess"),
    ],
)
def test_what_is_wrong_is_told_with_its_remedy(
    tmp_path: Path, webhook: str, secrets: str, told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        read(tmp_path, SOURCE.format("a") + webhook, secrets)


@pytest.mark.parametrize(
    ("webhook", "told"),
    [
        ("webhook = 3\n", r"webhook must be written as \[source.webhook\]"),
        ("[source.webhook]\n", "webhook: needs provider: github, gitlab"),
        ('[source.webhook]\nprovider = "svn"\n', "provider must be one of github"),
        ('[source.webhook]\nprovider = "gitea"\nsecret = "x"\n', "secret is unknown, did you mean"),
    ],
)
def test_misshapen_settings_are_told(tmp_path: Path, webhook: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        read(tmp_path, SOURCE.format("a") + webhook)


def test_without_a_webhook_there_is_no_endpoint_and_pages_are_served_all_the_same(
    tmp_path: Path,
) -> None:
    assert read(tmp_path, SOURCE.format("a")) == ()

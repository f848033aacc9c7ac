"""Whether an image is there: what a registry says, over real sockets."""

from __future__ import annotations

import socket

import pytest

from reconciler.net.registry import Registries
from tests.fixtures.registry_server import RegistryServer

DIGEST = f"sha256:{'0' * 64}"


@pytest.fixture
def registries() -> Registries:
    return Registries()


def test_it_tells_what_is_there_from_what_isnt(
    registry: RegistryServer, registries: Registries
) -> None:
    registry.images |= {"lab/spark:3.5", f"lab/spark:{DIGEST}", "lab/spark:latest"}
    there = [":3.5", f":3.5@{DIGEST}", "", ":3.6"]
    found = [registries.has(f"{registry.host}/lab/spark{version}") for version in there]
    assert found == [True, True, True, False]


def test_a_token_is_fetched_where_one_is_needed(
    registry: RegistryServer, registries: Registries
) -> None:
    registry.realm = f"http://{registry.host}/token?account="
    registry.images.add("lab/spark:3.5")
    assert registries.has(f"{registry.host}/lab/spark:3.5") is True
    assert registries.has(f"{registry.host}/lab/spark:3.6") is False
    assert [request.split()[0] for request in registry.requests] == ["HEAD", "GET", "HEAD"] * 2


@pytest.mark.parametrize(
    "realm",
    [
        "http://169.254.169.254/latest",
        "https://169.254.169.254/latest",
        "https://localhost/token",
        "http://tokens.example/token",
        "file:///etc/passwd",
        "https://user:word@tokens.example/",
        "https://[bad/",
    ],
)
def test_a_registry_cant_send_us_wherever_it_likes(
    registry: RegistryServer, registries: Registries, realm: str
) -> None:
    registry.realm = realm
    assert registries.has(f"{registry.host}/lab/spark:3.5") is None
    assert registry.requests == ["HEAD /v2/lab/spark/manifests/3.5"]


@pytest.mark.parametrize("status", [302, 403, 429, 500])
def test_from_any_other_answer_nothing_is_concluded(
    registry: RegistryServer, registries: Registries, status: int
) -> None:
    registry.status = status
    assert registries.has(f"{registry.host}/lab/spark:3.5") is None


def test_from_silence_nothing_is_concluded() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        host = f"127.0.0.1:{silent.getsockname()[1]}"
        assert Registries(timeout_s=0.2).has(f"{host}/lab/spark:3.5") is None
    assert Registries().has(f"{host}/lab/spark:3.5") is None
    assert Registries().has("Not An Image") is None

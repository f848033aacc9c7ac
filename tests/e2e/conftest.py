"""Installations of real parts: one lab for all tests, a deployment and a database for each."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import docker
import pytest

from tests.e2e.installation import Installation
from tests.fixtures.git_servers import BareRepository, HttpServer
from tests.fixtures.swarm import Swarm


@pytest.fixture(scope="session")
def engine(swarm: Swarm) -> Iterator[Any]:
    """Return a client of the manager's engine."""
    client = docker.APIClient(swarm.docker_host, version="auto", timeout=60)
    yield client
    client.close()


@pytest.fixture
def make_installation(
    request: pytest.FixtureRequest,
    swarm: Swarm,
    engine: Any,
    git_http: HttpServer,
    bare_repo: Callable[..., BareRepository],
    tmp_path: Path,
    empty_postgres_url: str,
) -> Iterator[Callable[..., Installation]]:
    """Return a factory of installations; all share the Swarm, each has its own deployment."""
    made: list[Installation] = []

    def make() -> Installation:
        name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower())[:20].strip("-")
        number = len(made)
        digest = sha256(f"{request.node.nodeid}{number}".encode()).hexdigest()[:6]
        repository = bare_repo(f"config-{number}")
        made.append(
            Installation(
                deployment=f"{name}-{digest}",
                repository=repository,
                url=git_http.url(repository),
                swarm=swarm,
                engine=engine,
                database_url=empty_postgres_url,
                folder=tmp_path / f"zoe-{number}",
            )
        )
        return made[-1]

    yield make
    for installation in made:
        installation.close()


@pytest.fixture
def installation(make_installation: Callable[..., Installation]) -> Installation:
    """Return one installation, with a platform and the namespaces ``aml`` and ``bio``."""
    made = make_installation()
    made.push(
        {
            "platform.yaml": "apiVersion: zoe/v1\nkind: Platform\nmetadata: {name: platform}\n",
            "namespaces/aml.yaml": _namespace("aml"),
            "namespaces/bio.yaml": _namespace("bio"),
        }
    )
    return made


def _namespace(name: str) -> str:
    return f"apiVersion: zoe/v1\nkind: Namespace\nmetadata: {{name: {name}}}\n"

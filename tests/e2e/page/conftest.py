"""One installation for all that is asked of the page: real PostgreSQL, Swarm, Git and browser."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pygit2
import pytest

from tests.e2e.installation import Installation
from tests.e2e.page import mouths, prepared
from tests.e2e.page.canaries import Canaries
from tests.e2e.page.mouths import Laptop
from tests.e2e.process import ROOT, RunningZoe
from tests.fixtures.git_servers import BareRepository, serving
from tests.fixtures.postgres import PostgresCluster
from tests.fixtures.swarm import Swarm

ROLE = ROOT / "deploy" / "postgres" / "zoe_web.sql"
WEB_DSN = "DSN of the page"
SETTINGS = """\
username = "zoe"
[source.webhook]
provider = "github"
secret_file = "webhook-secrets"
[source.forge]
provider = "github"
repository = "lab/config"
token_file = "forge-token"
api = "http://127.0.0.1:9"
[notify.ops]
secret_file = "notify-secret"
[notify.chat]
url_file = "chat-url"
[smtp]
host = "127.0.0.1"
port = 9
security = "none"
sender = "zoe@example.org"
username = "zoe"
password_file = "mail-password"
"""


@dataclass(frozen=True)
class Web:
    """A ``zoe web``, and where it answers."""

    process: RunningZoe
    address: str


@dataclass(frozen=True)
class Site:
    """An installation with ``zoe run`` and ``zoe web`` beside it, and the secrets in both."""

    installation: Installation
    canaries: Canaries
    cluster: PostgresCluster
    database: str
    run: RunningZoe
    web: Web

    @property
    def web_database(self) -> str:
        """The database as the page's account reaches it."""
        return _of_the_page(self.database, self.canaries)

    @property
    def address(self) -> str:
        """Where the page is."""
        return self.web.address


@pytest.fixture(scope="package")
def site(
    swarm: Swarm,
    engine: Any,
    postgres_cluster: PostgresCluster,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Site]:
    """Bring the ten states about, once."""
    folder = tmp_path_factory.mktemp("page")
    canaries = Canaries()
    postgres_cluster.create("page")
    pygit2.init_repository(str(folder / "git" / "config.git"), bare=True, initial_head="main")
    repository = BareRepository(folder / "git" / "config.git")
    with serving(folder / "git") as git:
        git.login = ("zoe", canaries.plant("password of the repository's URL"))
        userinfo = ":".join(git.login)
        database = postgres_cluster.url("page")
        installation = Installation(
            deployment="page",
            repository=repository,
            url=git.url(repository, userinfo=userinfo),
            swarm=swarm,
            engine=engine,
            database_url=_with_password(database, "postgres", canaries.plant("DSN of the loop")),
            folder=folder / "zoe",
        )
        secret = engine.create_secret("page-token", canaries.plant("Swarm secret").encode())
        _write_credentials(installation.folder, canaries)
        try:
            environment = {
                **os.environ,
                "ZOE_CONFIG": str(installation.folder / "zoe.toml"),
                "ZOE_WEBHOOK_SECRET_PLATFORM": canaries.plant("webhook secret of the environment"),
            }
            run = installation.start(environment=environment)
            prepared.push_all(installation, canaries, "page-token")
            _make_role(database)
            canaries.plant(WEB_DSN)
            web = _start_web(installation, _of_the_page(database, canaries), folder / "web")
            yield Site(installation, canaries, postgres_cluster, database, run, web)
        finally:
            installation.close()
            engine.remove_secret(secret["ID"])


@pytest.fixture(scope="package")
def laptop(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    """A machine that knows nothing but the address of the page."""
    made = Laptop(site.address, tmp_path_factory.mktemp("laptops") / "laptop")
    yield made
    made.close()


def web_on(site: Site, database: str, *, state: str) -> Web:
    """Start another ``zoe web``, which keeps its own copy of what it sees in a folder ``state``."""
    folder = site.installation.folder / state
    return _start_web(site.installation, _of_the_page(database, site.canaries), folder)


def _start_web(installation: Installation, database: str, state: Path) -> Web:
    """Start ``zoe web`` with nothing but its settings and the account that is made for it."""
    environment = {
        **os.environ,
        "ZOE_CONFIG": str(installation.folder / "zoe.toml"),
        "ZOE_STATE_DIR": str(state),
        "ZOE_DATABASE_URL": database,
    }
    environment.pop("DOCKER_HOST", None)
    process = installation.start("web", "--port", "0", environment=environment)
    installation.wait_until(lambda: process.events("listening"), what="the page")
    address = f"http://127.0.0.1:{process.events('listening')[0]['port']}"
    installation.wait_until(lambda: _has_a_view(address), what="the first view")
    return Web(process, address)


def _has_a_view(address: str) -> bool:
    return mouths.fetch(f"{address}/api/v1/queue")[0] == 200


def _of_the_page(url: str, canaries: Canaries) -> str:
    return _with_password(url, "zoe_web", canaries[WEB_DSN])


def _with_password(url: str, account: str, password: str) -> str:
    """Return a database's URL for another account; the server asks for no password."""
    return url.replace("//postgres@", f"//{account}:{password}@")


def _make_role(database: str) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(ROLE.read_bytes())


def _write_credentials(folder: Path, canaries: Canaries) -> None:
    settings = folder / "zoe.toml"
    settings.write_text(settings.read_text() + SETTINGS)
    secrets = [canaries.plant(f"webhook secret {number}") for number in (1, 2)]
    chat = f"https://127.0.0.1:9/services/{canaries.plant('address of the chat')}"
    files = {
        "webhook-secrets": "\n".join(secrets),
        "forge-token": canaries.plant("forge token"),
        "notify-secret": canaries.plant("notify secret"),
        "chat-url": chat,
        "mail-password": canaries.plant("mail password"),
    }
    for name, text in files.items():
        (folder / name).write_text(text + "\n")
        (folder / name).chmod(0o600)

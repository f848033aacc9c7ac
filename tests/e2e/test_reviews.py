"""A pull request from its event to its merge: ``zoe web`` and ``zoe run`` as processes, PostgreSQL,
a repository over http, and a played forge of each kind.
"""

from __future__ import annotations

import http.client
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from reconciler.converge import guard
from reconciler.known_forges import FORGES
from tests.e2e import deliveries
from tests.e2e.deliveries import Delivery, head_ref, told
from tests.e2e.installation import Installation
from tests.e2e.manifests import execution, path
from tests.e2e.process import ZOE, RunningZoe
from tests.fixtures.forge_server import REPOSITORY, TOKEN, ForgeServer
from tests.fixtures.git_servers import BareRepository, HttpServer
from tests.fixtures.postgres import OpenStore, wait_until
from tests.fixtures.receiver import SECRET, hook_path
from tests.fixtures.site import PLATFORM, namespace_file

pytestmark = [pytest.mark.postgres, pytest.mark.slow]
PROVIDERS = [name for name in FORGES if name != "forgejo"]  # whose words are Gitea's
MANY = [f"e{number}" for number in range(guard.ALWAYS_ALLOWED + 1)]
FORGE = """
[source.webhook]
provider = "{provider}"
secret_file = "secret"
[source.forge]
provider = "{provider}"
repository = "{repository}"
token_file = "token"
api = "{api}"
"""


def merge(repository: BareRepository, head: str) -> str:
    """Merge into main as forges do."""
    git, base = repository.git, str(repository.tip())
    index = git.merge_commits(git[base], git[head])
    by = git[head].author
    commit = git.create_commit(None, by, by, "Merge", index.write_tree(), [base, head])
    git.references.create("refs/heads/main", commit, force=True)
    return str(commit)


def propose(
    repository: BareRepository, provider: str, files: Mapping[str, str | None], *, branch: str
) -> str:
    """Push a branch off main and let the forge keep its head; return that."""
    git = repository.git
    git.references.create(f"refs/heads/{branch}", git.references["refs/heads/main"].target)
    head = repository.commit(files, branch=branch)
    git.references.create(head_ref(provider), head, force=True)
    return head


def deliver(port: int, delivery: Delivery) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", hook_path(), delivery.body, dict(delivery.headers))
        return connection.getresponse().status
    finally:
        connection.close()


def forge_lines(provider: str, api: str) -> str:
    return FORGE.format(provider=provider, repository=REPOSITORY, api=api)


class Deployment:
    """Both processes over a simulated cluster."""

    def __init__(self, folder: Path, start: Callable[..., RunningZoe]) -> None:
        self.run = start(folder, "run")
        self.web = start(folder, "web", "--port", "0")
        wait_until(lambda: self.web.events("listening"), within_s=30)
        self.port = self.web.events("listening")[0]["port"]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., RunningZoe]]:
    """Return a factory of processes, all of which are stopped in good order."""
    started: list[RunningZoe] = []

    def make(folder: Path, *command: str) -> RunningZoe:
        environment = {**os.environ, "ZOE_CONFIG": str(folder / "zoe.toml")}
        log = folder / f"{command[0]}.log"
        started.append(RunningZoe([ZOE, *command], environment, log))
        return started[-1]

    yield make
    faults = []
    for process in started:
        process.stop()
        faults += process.faults()
    assert faults == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_from_the_event_to_the_merge(
    provider: str,
    bare_repo: Callable[..., BareRepository],
    git_http: HttpServer,
    forge_server: Callable[[str], ForgeServer],
    postgres_url: str,
    open_store: OpenStore,
    start: Callable[..., RunningZoe],
    tmp_path: Path,
) -> None:
    repository, forge, store = bare_repo(), forge_server(provider), open_store(postgres_url)
    files = {path(name): execution(name) for name in MANY}
    repository.commit({"platform.yaml": PLATFORM, "namespaces/aml.yaml": namespace_file("aml")})
    repository.commit(files)
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "token").write_text(TOKEN)
    (tmp_path / "zoe.toml").write_text(
        f'deployment = "test"\ndatabase_url = "{postgres_url}"\ncluster = "simulated"\n'
        f"interval_s = 3600\n"
        f'page_url = "https://zoe.example.org"\n[[source]]\nid = "platform"\n'
        f'url = "{git_http.url(repository)}"\n' + forge_lines(provider, forge.url)
    )
    deployment = Deployment(tmp_path, start)
    wait_until(lambda: len(store.load().executions) == len(MANY), within_s=30)

    head = propose(repository, provider, {path("fresh"): execution("fresh")}, branch="topic")
    event = deliveries.pull_request(provider, head, number=1)
    assert deliver(deployment.port, event) == 202
    reviewed = (head, "success", "1 created")
    wait_until(lambda: reviewed in told(forge, "zoe/plan"), within_s=30)
    wait_until(lambda: forge.comments, within_s=30)
    assert "| `aml/fresh` | create |" in forge.comments[0].body

    commit = merge(repository, head)
    assert deliver(deployment.port, deliveries.push(provider, commit, number=2)) == 202
    applied = (commit, "success", f"accepted and acted on, as planned in #{deliveries.PULL}")
    wait_until(lambda: applied in told(forge, "zoe/apply"), within_s=30)
    wait_until(lambda: "as planned" in forge.comments[0].body, within_s=30)

    repository.delete_branch("topic")
    head = propose(repository, provider, dict.fromkeys(files), branch="topic")
    event = deliveries.pull_request(provider, head, number=3)
    assert deliver(deployment.port, event) == 202
    held = (head, "success", f"{len(MANY)} held")
    wait_until(lambda: held in told(forge, "zoe/plan"), within_s=30)
    commit = merge(repository, head)
    assert deliver(deployment.port, deliveries.push(provider, commit, number=4)) == 202
    wait_until(
        lambda: sum(row.is_final for row in store.load().executions) == len(MANY), within_s=30
    )
    assert len(forge.comments) == 1


@pytest.mark.swarm
def test_on_a_swarm(installation: Installation, forge_server: Callable[[str], ForgeServer]) -> None:
    forge = forge_server("github")
    (installation.folder / "secret").write_text(SECRET)
    (installation.folder / "token").write_text(TOKEN)
    settings = installation.folder / "zoe.toml"
    slow = settings.read_text().replace("\ninterval_s = 1\n", "\ninterval_s = 3600\n")
    settings.write_text(slow + forge_lines("github", forge.url))
    run, web = installation.start(), installation.start("web", "--port", "0")
    installation.wait_until(lambda: web.events("listening"), what="the receiver")
    installation.wait_until(lambda: installation.store.load().accepted, what="the first pass")
    port = web.events("listening")[0]["port"]

    repository = installation.repository
    head = propose(repository, "github", {path("book"): execution("book")}, branch="topic")
    assert deliver(port, deliveries.pull_request("github", head, number=1)) == 202
    reviewed = (head, "success", "1 created")
    installation.wait_until(lambda: reviewed in told(forge, "zoe/plan"), what="the review")
    assert installation.services() == []
    commit = merge(repository, head)
    assert deliver(port, deliveries.push("github", commit, number=2)) == 202
    installation.await_phases({"aml/book": "Running"})
    applied = (commit, "success", f"accepted and acted on, as planned in #{deliveries.PULL}")
    installation.wait_until(lambda: applied in told(forge, "zoe/apply"), what="what came of it")
    web.stop()
    run.stop()

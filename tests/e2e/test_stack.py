"""Zoe as a stack on the Swarm that it reconciles: installed, upgraded and restored by the lines of
``docs/stack.md``, while executions run.
"""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pygit2
import pytest
import yaml
from pygit2.enums import SortMode

from reconciler.cluster.lab import image, recipe
from reconciler.errors import ReconcilerError
from tests.e2e.deployed_stack import SERVICES, DeployedStack
from tests.e2e.manifests import execution, namespace, path, platform
from tests.fixtures.git_servers import BareRepository, serving
from tests.fixtures.parts import missing
from tests.fixtures.swarm import Swarm, wait_for

pytestmark = [pytest.mark.swarm, pytest.mark.slow]

ROOT = Path(__file__).parents[2]
TRIED = {"starting", "running", "failed", "complete"}
VERSIONS = "reconciler/store/migrations/versions"


@pytest.fixture(scope="module")
def images(swarm: Swarm, image_cache: Path) -> Mapping[str, str]:
    """What the stack calls its images, built from packages and loaded into every node."""
    tags = {}
    for variable, name in (("ZOE_IMAGE", "zoe"), ("POSTGRES_IMAGE", "postgres")):
        try:
            built = image.build(recipe.read(recipe.locate(name)), image_cache, say=lambda _: None)
        except ReconcilerError as error:
            missing("an image built from packages", str(error))
        swarm.lab.load_image(built.archive)
        tags[variable] = built.tags[0]
    return tags


@pytest.fixture
def repository(bare_repo: Callable[..., BareRepository]) -> BareRepository:
    made = bare_repo()
    made.commit(
        {
            "platform.yaml": platform(),
            "namespaces/aml.yaml": namespace("aml"),
            path("first"): execution("first"),
        }
    )
    return made


@pytest.fixture
def stack(
    swarm: Swarm, engine: Any, tmp_path: Path, repository: BareRepository
) -> Iterator[DeployedStack]:
    # Served within the manager, which is what its containers reach.
    manager = {"address": swarm.address(1), "inside": swarm.lab.process_of(1)}
    with serving(tmp_path / "git", **manager) as server:
        made = DeployedStack(swarm, engine, tmp_path, server.url(repository))
        try:
            yield made
        finally:
            made.close()


@pytest.fixture
def three_managers(swarm: Swarm) -> Iterator[None]:
    """Lend a Swarm that outlives one of its managers."""
    swarm.docker("node", "promote", "node2", "node3")
    yield
    wait_for(lambda: _reachable(swarm) == 3, what="all managers to be back")
    for node in ("node2", "node3"):
        swarm.docker("node", "demote", node)
    wait_for(lambda: _reachable(swarm) == 1, what="two of them to be workers")


def _reachable(swarm: Swarm) -> int:
    listed = swarm.docker("node", "ls", "--format", "{{.ManagerStatus}}").split()
    return sum(status in ("Leader", "Reachable") for status in listed)


@pytest.fixture
def older(tmp_path: Path) -> Path:
    """A Compose file that lays the last version before the newest migration over the image's."""
    newest = max(file.name for file in (ROOT / VERSIONS).glob("[0-9]*.py"))
    try:
        git = pygit2.Repository(str(ROOT))
        commits = git.walk(git.head.target, SortMode.TOPOLOGICAL)
    except pygit2.GitError as error:
        missing("an older version", f"this isn't a clone: {error}")
    commits.simplify_first_parent()
    before = next((c for c in commits if f"{VERSIONS}/{newest}" not in c.tree), None)
    if before is None:
        missing("an older version", "this clone has no history before the newest migration")
    tree = tmp_path / "earlier"
    tree.mkdir()
    archive = subprocess.run(
        ["git", "-C", str(ROOT), "archive", str(before.id)], check=True, stdout=subprocess.PIPE
    ).stdout
    subprocess.run(["tar", "-x", "-C", str(tree)], input=archive, check=True)
    (tree / "reconciler/healthy.py").write_text("")  # it may be from before there was one
    over = {
        "volumes": [{"type": "bind", "source": str(tree), "target": "/opt/zoe", "read_only": True}]
    }
    script = {"name": "zoe-web-older", "file": str(tree / "deploy/postgres/zoe_web.sql")}
    file = tmp_path / "older.yaml"
    file.write_text(
        yaml.safe_dump(
            {
                "version": "3.8",
                "services": {"run": over, "web": over},
                "configs": {"zoe_web.sql": script},
            }
        )
    )
    return file


def test_a_swarm_takes_it_as_it_is(stack: DeployedStack) -> None:
    images = dict.fromkeys(("ZOE_IMAGE", "POSTGRES_IMAGE"), "busybox")
    stack.follow("Install", 1)
    stack.follow("Install", 2, images=images)
    # None of them works, but a container is made of each, with all that is mounted.
    wait_for(lambda: all(stack.states(name) & TRIED for name in SERVICES), what="containers")
    assert [name for name in SERVICES if "rejected" in stack.states(name)] == []


@pytest.mark.stack
@pytest.mark.timeout(1200)
def test_it_is_installed_upgraded_and_restored_under_running_executions(
    stack: DeployedStack, images: Mapping[str, str], repository: BareRepository, older: Path
) -> None:
    # Installed: an older version.
    stack.follow("Install", 1)
    stack.follow("Install", 2, images=images)
    stack.await_healthy()
    assert _await(stack, {"aml/first": "Running"})
    assert "<html" in stack.page()
    assert "\n0 problem(s)" in stack.follow("Install", 3)
    first, was = stack.containers(), stack.revision()

    # Upgraded: the database is migrated, who reads it may again, and what runs is the same.
    changed = ("run", "web", "grants")
    replaced, database = stack.tasks(*changed), stack.tasks("postgres")
    older.unlink()
    dump, *_ = stack.follow("Upgrade", 0).splitlines()
    wait_for(lambda: not stack.tasks(*changed) & replaced, what="older ones to go", timeout_s=180)
    stack.await_healthy()
    wait_for(lambda: stack.revision() != was, what="the migration", timeout_s=120)
    assert _await(stack, {"aml/first": "Running"})
    assert stack.tasks("postgres") == database
    assert stack.containers() == first
    is_now = stack.revision()

    # Restored: what came after the dump is known again, and neither starts anew.
    repository.commit({path("second"): execution("second")})
    assert _await(stack, {"aml/first": "Running", "aml/second": "Running"})
    both = stack.containers()
    wait_for(lambda: "second" in _published(repository), what="the ledger's mirror")
    restore = ("sh", "/backup.sh", "restore", dump)
    refused = stack.inside("backup", "env", "WAIT_S=0", *restore, code=1)
    assert "still connected: nothing was restored" in refused
    stack.follow("Backup", 0)
    stack.inside("backup", "rm", dump)
    its = {r"zoe-\d+T\d+Z\.dump": Path(dump).name}
    stack.follow("Restore", 0, changes=its)
    stack.follow("Restore", 1, changes=its)
    stack.await_healthy()
    assert "zoe rebuild" in stack.inside("run", "python", "-m", "reconciler", "doctor", code=None)
    assert "known from the status branch" in stack.follow("Restore", 2)
    # It goes on by itself, within a minute.
    repository.commit({path("third"): execution("third")})
    assert _await(stack, dict.fromkeys(("aml/first", "aml/second", "aml/third"), "Running"))
    assert both.items() <= stack.containers().items()
    assert stack.revision() == is_now
    table = stack.inside("grants", "psql", "-qAtXc", "SELECT tableoid FROM alembic_version").strip()
    wait_for(lambda: f"{is_now} of {table}\n" in stack.told("grants"), what="rights on its tables")


@pytest.mark.stack
@pytest.mark.timeout(1200)
def test_another_manager_takes_over_when_its_own_dies(
    stack: DeployedStack,
    swarm: Swarm,
    images: Mapping[str, str],
    repository: BareRepository,
    three_managers: None,
) -> None:
    stack.follow("Install", 1)
    stack.follow("Install", 2, images=images)
    stack.await_healthy()
    # Away from the node that has the database, the repository and the name of the socket.
    swarm.docker("node", "update", "--availability", "pause", "node1")
    try:
        swarm.docker("service", "update", "--detach", "--force", "zoe_run")
        wait_for(lambda: stack.nodes("run") - {1}, what="run to move", timeout_s=180)
    finally:
        swarm.docker("node", "update", "--availability", "active", "node1")
    stack.await_healthy()
    assert _await(stack, {"aml/first": "Running"})
    (lost,) = stack.nodes("run")

    swarm.kill_node(lost)
    try:
        repository.commit({path("second"): execution("second")})
        assert _await(stack, {"aml/first": "Running", "aml/second": "Running"})
        assert stack.nodes("run") & {1, 2, 3} - {lost}
    finally:
        swarm.start_node(lost)


def _await(stack: DeployedStack, expected: Mapping[str, str]) -> bool:
    try:
        wait_for(lambda: stack.phases() == expected, what=f"{expected}", timeout_s=180)
    except AssertionError as error:
        raise AssertionError(f"{error}: {stack.phases()}\n{stack.story()}") from error
    return True


def _published(repository: BareRepository) -> str:
    return " ".join(repository.files("zoe/status"))

"""Several Swarms, a reconciler each: what they may share, and what each of them runs.

``docs/scaling.md`` tells operators what is shown here.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from reconciler.config import SourceSettings
from tests.fixtures.site import PLATFORM, Site, execution_file, namespace_file, opened_site

ONE, TWO = "executions/one/book.yaml", "executions/two/book.yaml"
BOTH = ("north", "south")


def granting(name: str) -> str:
    return namespace_file(name).replace("spec: {}", "spec: {sources: [group]}")


def running(site: Site, passes: int = 8) -> set[str]:
    for _ in range(passes):
        site.loop.tenants.lookout.look_now()
        site.reconcile()
    return {name for name, phase in site.phases().items() if phase == "Running"}


def opened(stack: ExitStack, folder: Path, name: str, repository: Any, **more: Any) -> Site:
    (folder / name).mkdir()
    site = opened_site(
        folder / name,
        repository,
        deployment=name,
        status_branch=f"zoe/status-{name}",
        **more,
    )
    return stack.enter_context(site)


def test_each_swarm_runs_the_namespaces_that_its_platform_declares(
    tmp_path: Path, bare_repo: Callable[..., Any]
) -> None:
    """Sharding: a repository for each Swarm says whose it is, groups' repositories are shared."""
    group = bare_repo("group")
    group.commit({ONE: execution_file("book"), TWO: execution_file("book")})
    tenant = SourceSettings(id="group", url=str(group.path), role="tenant")
    with ExitStack() as stack:
        sites = []
        for name, namespace in zip(BOTH, ("one", "two"), strict=True):
            platform = bare_repo(name)
            path = f"namespaces/{namespace}.yaml"
            platform.commit({"platform.yaml": PLATFORM, path: granting(namespace)})
            sites.append(opened(stack, tmp_path, name, platform, tenants=(tenant,)))
        assert [running(site) for site in sites] == [{"one/book"}, {"two/book"}]


def test_two_branches_of_a_repository_are_two_installations(
    tmp_path: Path, bare_repo: Callable[..., Any]
) -> None:
    repository = bare_repo("config")
    for name, namespace in zip(BOTH, ("one", "two"), strict=True):
        repository.commit(
            {
                "platform.yaml": PLATFORM,
                f"namespaces/{namespace}.yaml": namespace_file(namespace),
                f"executions/{namespace}/book.yaml": execution_file("book"),
            },
            branch=name,
        )
    with ExitStack() as stack:
        sites = [opened(stack, tmp_path, name, repository, branch=name) for name in BOTH]
        assert [running(site) for site in sites] == [{"one/book"}, {"two/book"}]
        for site, namespace in zip(sites, ("one", "two"), strict=True):
            site.loop.publish(wait=True)
            files = repository.files(site.settings.status_branch)
            told = {path.split("/")[1] for path in files if path.startswith("status/")}
            assert told == {namespace}


def test_two_swarms_of_one_branch_both_run_all_of_it(
    tmp_path: Path, bare_repo: Callable[..., Any]
) -> None:
    """Nothing shares the namespaces of one branch out."""
    repository = bare_repo("config")
    repository.commit(
        {
            "platform.yaml": PLATFORM,
            "namespaces/one.yaml": namespace_file("one"),
            ONE: execution_file("book"),
        }
    )
    with ExitStack() as stack:
        sites = [opened(stack, tmp_path, name, repository) for name in BOTH]
        assert [running(site) for site in sites] == [{"one/book"}, {"one/book"}]
        uids = {row.uid for site in sites for row in site.store.load().executions}
        assert len(uids) == 2

"""Imports point one way: webhook and cli, wire, loop, ports, pure core, policy, policy.model."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("policy", "reconciler", "webhook")
OURS = frozenset(PACKAGES)

CORE = (
    *("reconciler.manifest", "reconciler.converge", "reconciler.review", "reconciler.view"),
    "reconciler.importing",
)
# What the core is told in, beside its own types.
VALUES = (
    *(
        "reconciler.errors",
        "reconciler.canonical",
        "reconciler.reporting.records",
        "reconciler.posted",
    ),
    *("reconciler.keyring", "reconciler.known_forges"),
)
ADAPTERS = (
    "reconciler.git",
    "reconciler.cluster",
    "reconciler.store",
    "reconciler.forges",
    "reconciler.notifiers",
)
# The one place that builds adapters, with the sources beside it; the lab is a tool of its own that
# happens to be a cluster's, and the receiver a process of its own that needs none of what wire
# imports.
# The worker is a process of its own, too, and reads one repository.
BUILDERS = (
    "reconciler.wire",
    "reconciler.sources",
    "reconciler.cli.lab",
    "reconciler.cli.demo_swarm",
    "reconciler.reviewer.worker",
    "webhook.cli",
)

# What acts on the world. The web process decides on snapshots and reads the database, no more.
LOOP_ONLY = (
    *("reconciler.git", "reconciler.cluster", "reconciler.forges", "reconciler.notifiers"),
    *(
        "reconciler.wire",
        "reconciler.sources",
        "reconciler.loop",
        "reconciler.lead",
        "reconciler.trigger",
    ),
    *(
        "reconciler.apply",
        "reconciler.publishing.publisher",
        "reconciler.outbound.sender",
        "reconciler.reviewer",
    ),
    *("reconciler.secrets", "pyrage"),
    *("reconciler.store.repository", "reconciler.store.migrate", "docker", "pygit2"),
)

LIBRARIES = {
    "policy": frozenset[str](),
    "reconciler.manifest": frozenset({"yaml", "jsonschema", "referencing"}),
    "reconciler.converge": frozenset({"yaml"}),
    "reconciler.review": frozenset({"yaml"}),
    "reconciler.view": frozenset[str](),
    "reconciler.importing": frozenset({"yaml"}),
}
# Libraries that only these modules of a pure package use.
MODULE_LIBRARIES = {
    "reconciler.converge.calendar": frozenset({"cronsim"}),
    "reconciler.manifest.times": frozenset({"cronsim"}),
}


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            yield name, path


MODULES = dict(modules())


def imports(path: Path) -> Iterator[str]:
    """Yield what a module imports, wherever in it; ``from a import b`` is a.b if that is ours."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                yield name if name in MODULES else node.module


def within(name: str, *packages: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@cache  # not at import: each process of the tests collects this file, one runs it
def edges() -> tuple[tuple[str, str], ...]:
    return tuple((name, target) for name, path in MODULES.items() for target in imports(path))


def offending(*, of: tuple[str, ...], to: tuple[str, ...]) -> list[str]:
    return [f"{a} -> {b}" for a, b in edges() if within(a, *of) and within(b, *to)]


def test_there_is_something_to_look_at():
    assert {"policy.model.execution", "reconciler.manifest.catalogue"} <= MODULES.keys()
    assert ("reconciler.manifest.catalogue", "reconciler.manifest.resolve") in edges()


def test_policy_imports_nothing_of_ours():
    assert offending(of=("policy",), to=("reconciler", "webhook")) == []


def test_model_is_a_leaf():
    others = tuple(name for name in MODULES if within(name, "policy") and name != "policy")
    others = tuple(name for name in others if not within(name, "policy.model"))
    assert offending(of=("policy.model",), to=others) == []


@pytest.mark.parametrize("package", LIBRARIES)
def test_pure_packages_use_named_libraries_only(package: str):
    allowed = LIBRARIES[package] | OURS | sys.stdlib_module_names
    found = [
        f"{a} -> {b}"
        for a, b in edges()
        if within(a, package)
        and b.split(".")[0] not in allowed | MODULE_LIBRARIES.get(a, frozenset())
    ]
    assert found == []


@pytest.mark.parametrize("package", CORE)
def test_core_knows_of_nothing_outside_itself(package: str):
    allowed = (*VALUES, "policy", *CORE)
    found = [
        f"{a} -> {b}"
        for a, b in edges()
        if within(a, package) and b.split(".")[0] in OURS and not within(b, *allowed)
    ]
    assert found == []


def test_core_opens_no_connection_and_reads_no_clock():
    # urllib.parse only takes addresses apart.
    web = ("urllib.request", "urllib.error", "urllib.robotparser", "http")
    outside = ("socket", "subprocess", *web, "random", "secrets", "uuid", "time")
    assert offending(of=("policy", *CORE), to=outside) == []


@pytest.mark.parametrize("package", ADAPTERS)
def test_adapters_import_neither_one_another_nor_what_uses_them(package: str):
    others = tuple(adapter for adapter in ADAPTERS if adapter != package)
    users = ("reconciler.wire", "reconciler.loop", "reconciler.cli", "webhook")
    assert offending(of=(package,), to=(*others, *users)) == []


def test_only_wire_builds_adapters():
    found = [
        f"{a} -> {b}"
        for a, b in edges()
        if within(b, *ADAPTERS) and not within(a, *ADAPTERS, *BUILDERS)
    ]
    assert found == []


def test_nothing_imports_the_webhook_or_the_command_but_themselves():
    found = [
        f"{a} -> {b}"
        for a, b in edges()
        if (within(b, "webhook") and not within(a, "webhook"))
        or (
            within(b, "reconciler.cli")
            and not within(a, "reconciler.cli", "reconciler.__main__", "webhook.cli")
        )
    ]
    assert found == []


@pytest.mark.parametrize(
    "modules",
    ["webhook.cli, webhook.app, webhook.serve, webhook.observing", "webhook.foreseer"],
    ids=["web", "its worker"],
)
def test_a_web_process_imports_nothing_of_what_acts_on_the_world(modules: str):
    """What anybody can reach can't reach Git, the Swarm, a forge, or write what the loop writes."""
    program = f"import sys, {modules}, reconciler.store.inbox, reconciler.store.archive\n"
    program += "print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name for name in done.stdout.split() if within(name, *LOOP_ONLY)}
    assert loaded == set()


def test_what_reviews_others_changes_cant_decrypt():
    program = "import sys, reconciler.reviewer.worker, reconciler.planning\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name for name in done.stdout.split() if within(name, "reconciler.secrets", "pyrage")}
    assert loaded == set()


def test_no_module_holds_leftovers():
    names = {name.rsplit(".", 1)[-1] for name in MODULES}
    assert names.isdisjoint({"utils", "util", "common", "helpers", "misc"})

"""Files that kill the process that reads them: found, set aside, and everybody else goes on.

A process forks for each life, so that a death is a real one and a life costs little.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.site import PLATFORM, Site, execution_file, namespace_file

ROOT = Path(__file__).parents[3]


def live(folder: Path, repository: Path, *, most: int) -> list[str]:
    """Make passes in a process after the other; return what each told, or what it died of."""
    command = [sys.executable, "-m", "tests.integration.loop.lives"]
    done = subprocess.run(
        [*command, str(folder), str(repository), str(most)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        timeout=120,
        check=True,
    )
    return done.stdout.split()


def test_one_that_kills_is_quarantined_and_the_others_run(
    tmp_path: Path, bare_repo: Callable[..., Any]
) -> None:
    repository = bare_repo()
    repository.commit(
        {
            "platform.yaml": PLATFORM,
            "namespaces/aml.yaml": namespace_file("aml"),
            **{f"executions/aml/{name}.yaml": execution_file(name) for name in ("a", "b", "c")},
            "executions/aml/bad.yaml": execution_file("bad") + "# kills\n",
        }
    )
    told = live(tmp_path, repository.path, most=12)
    assert told[:2] == ["killed", "killed"]
    assert told[-1] == "aml/a=Running,aml/b=Running,aml/bad=Invalid,aml/c=Running"
    assert told.count("killed") <= 5


def test_a_pass_that_fails_by_a_fault_of_ours_finds_its_cause(site: Site) -> None:
    site.push({"executions/aml/good.yaml": execution_file("good")})
    site.reconcile(passes=3)
    site.push({"executions/aml/bad.yaml": execution_file("bad")})

    def fails() -> dict[Any, Any]:
        kept = site.loop.reader.kept().last
        if any(manifest.name == "bad" for manifest in kept[1].manifests.values()):
            raise ZeroDivisionError
        return {}

    for _ in range(2):
        site.loop.activity = fails
        with pytest.raises(ZeroDivisionError):
            site.loop.reconcile()
        site.restart()
    site.loop.activity = fails
    site.reconcile(passes=3)
    assert site.phases() == {"aml/good": "Running", "aml/bad": "Invalid"}
    assert "Quarantined" in {d.code for d in site.loop.reader.diagnostics}
    site.push({"executions/aml/other.yaml": execution_file("other")})
    site.reconcile(passes=3)
    assert site.phases()["aml/other"] == "Running"

"""What a release says of its dependencies, and that it is true of the locked ones."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PIN = re.compile(r"^([\w.-]+)==([^\s;\\]+)", re.MULTILINE)
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


def pins(lock: str) -> dict[str, str]:
    return dict(PIN.findall((ROOT / "requirements" / lock).read_text()))


def test_every_locked_dependency_has_its_licence() -> None:
    text = (ROOT / "docs/licenses.md").read_text()
    rows = re.findall(r"^\| (\S+) \| (\S+) \| (.+) \|$", text, re.MULTILINE)
    listed = {name: version for name, version, _ in rows if name not in {"package", "---"}}
    assert listed == pins("core.txt"), "make licenses"
    assert not [name for name, _, licence in rows if "(it has none)" in licence]


def test_the_page_is_as_it_is_made() -> None:
    made = subprocess.run(
        [sys.executable, ROOT / ".ci/licenses"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    assert made.stdout == (ROOT / "docs/licenses.md").read_text(), "make licenses"


@pytest.mark.parametrize("lock", ["core.txt", "test.txt", "build.txt", "supply.txt"])
def test_every_requirement_is_locked_by_digest(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text().replace("\\\n", "")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines
    assert [line for line in lines if "--hash=sha256:" not in line] == []


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.stem)
def test_a_workflow_may_only_read_and_lays_no_text_into_a_script(file: Path) -> None:
    workflow = yaml.safe_load(file.read_text())
    assert workflow["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in workflow[True]  # YAML 1.1 reads `on` so
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"]
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False


def test_there_are_workflows() -> None:
    assert WORKFLOWS

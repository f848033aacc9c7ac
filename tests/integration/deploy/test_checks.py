"""The GitHub Action, the GitLab template and the pre-commit hook, from the wheel alone."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Mapping

import pytest
import yaml

from reconciler.manifest.places import is_managed
from tests.fixtures.verbs import CHECKOUT, Clone
from tests.fixtures.wheel import Runner

HELLO = """\
apiVersion: zoe/v1
kind: Execution
metadata: {name: again}
spec: {zapp: hello-batch}
"""
CARELESS = """\
apiVersion: zoe/v1
kind: Execution
metadata: {name: again}
spec:
  type: batch
  lifetime: 1h
  services:
    main: {image: busybox, environment: {API_TOKEN: hunter22}}
"""
WRONG = HELLO.replace("zapp: hello-batch", "zap: hello-batch")
BOOBY_TRAP = "raise SystemExit('ran what a pull request brought')\n"
HEAD_OWN_SAY = {
    "zoe.toml": "not = [a, zoe.toml",
    "pip.py": BOOBY_TRAP,
    "sitecustomize.py": BOOBY_TRAP,
    "reconciler/__init__.py": BOOBY_TRAP,
}


@pytest.fixture
def clone(clone: Clone) -> Clone:
    """The example repository, with a branch ``topic``; the tip of main is newer than its start."""
    shutil.copytree(CHECKOUT / "examples/repository", clone.path, dirs_exist_ok=True)
    clone.commit({})
    clone.git("branch", "topic")
    clone.commit({"README.md": "newer\n"})
    return clone


def propose(clone: Clone, files: Mapping[str, str]) -> str:
    """Commit on the branch; return the commit that it started from."""
    base = clone.git("merge-base", "main", "topic").strip()
    clone.git("checkout", "-q", "topic")
    clone.commit(files)
    return base


def merged(clone: Clone, files: Mapping[str, str]) -> dict[str, object]:
    """Check a pull request out as GitHub does, merged; return its event."""
    base = propose(clone, files)
    clone.git("checkout", "-q", "--detach", "main")
    clone.git("merge", "-q", "--no-ff", "-m", "merge", "topic")
    return {"pull_request": {"base": {"sha": base}}}


def test_the_action_shows_what_a_pull_request_would_do(clone: Clone, runner: Runner) -> None:
    event = merged(clone, {"executions/lab/again.yaml": CARELESS})
    done = runner.github(clone.path, event=event)
    assert done.code == 0, done.err
    summary = runner.summary.read_text()
    assert "### 1 created" in summary
    assert "`lab/again`" in summary
    assert f"`{clone.git('rev-parse', 'main')[:12]}`" in summary  # not what the event names
    assert "queue unknown" in summary
    assert "hunter22" not in summary + done.out
    assert re.search(r"^::warning file=executions/lab/again.yaml,line=\d+,", done.out, re.MULTILINE)


def test_the_action_fails_and_annotates_what_is_wrong(clone: Clone, runner: Runner) -> None:
    event = merged(clone, {"executions/lab/again.yaml": WRONG})
    done = runner.github(clone.path, event=event)
    assert done.code == 1
    assert re.search(r"^::error file=executions/lab/again.yaml,line=4,", done.out, re.MULTILINE)
    assert "executions/lab/again.yaml:4" in runner.summary.read_text()


def test_a_pull_request_has_no_say_in_its_own_check(clone: Clone, runner: Runner) -> None:
    event = merged(clone, {"executions/lab/again.yaml": HELLO, **HEAD_OWN_SAY})
    done = runner.github(clone.path, event=event)
    assert done.code == 0, done.out + done.err
    assert "### 1 created" in runner.summary.read_text()


def test_a_push_is_validated(clone: Clone, runner: Runner) -> None:
    assert runner.github(clone.path).code == 0
    clone.commit({"executions/lab/again.yaml": WRONG})
    done = runner.github(clone.path)
    assert done.code == 1
    assert "::error file=executions/lab/again.yaml" in done.out


def test_the_action_says_so_if_the_base_wasnt_fetched(clone: Clone, runner: Runner) -> None:
    done = runner.github(clone.path, base="0" * 40)
    assert done.code == 2
    assert "fetch-depth 0" in done.out


def test_the_action_needs_no_secret_and_nothing_of_strangers() -> None:
    text = (CHECKOUT / "deploy/github/action.yml").read_text()
    steps = yaml.safe_load(text)["runs"]["steps"]
    assert not [step for step in steps if "uses" in step]
    assert not [step for step in steps if "${{" in step["run"]]
    assert not re.search(r"\$\{\{.*(secrets\.|github\.token)", text)


def test_the_template_reports_to_the_merge_request(clone: Clone, runner: Runner) -> None:
    base = propose(clone, {"executions/lab/again.yaml": CARELESS, **HEAD_OWN_SAY})
    head = clone.git("rev-parse", "HEAD").strip()
    variables = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base, "CI_COMMIT_SHA": head}
    done = runner.gitlab(clone.path, variables)
    assert done.code == 0, done.err
    assert "+ lab/again create" in done.out
    (warning,) = json.loads((clone.path / "zoe-quality.json").read_text())
    assert warning["location"]["path"] == "executions/lab/again.yaml"
    assert "### 1 created" in (clone.path / "zoe-plan.md").read_text()


@pytest.mark.parametrize("is_merge_request", [True, False])
def test_the_template_fails_and_still_reports(
    clone: Clone, runner: Runner, *, is_merge_request: bool
) -> None:
    base = propose(clone, {"executions/lab/again.yaml": WRONG})
    head = clone.git("rev-parse", "HEAD").strip()
    variables = {"CI_MERGE_REQUEST_DIFF_BASE_SHA": base} if is_merge_request else {}
    done = runner.gitlab(clone.path, {**variables, "CI_COMMIT_SHA": head})
    assert done.code == 1
    report = json.loads((clone.path / "zoe-quality.json").read_text())
    assert "executions/lab/again.yaml" in {found["location"]["path"] for found in report}
    assert (clone.path / "zoe-plan.md").exists() is is_merge_request


def test_the_hook_runs_for_all_that_is_managed_and_fails_what_is_wrong(
    clone: Clone, runner: Runner
) -> None:
    (hook,) = yaml.safe_load((CHECKOUT / ".pre-commit-hooks.yaml").read_text())
    example = CHECKOUT / "examples/repository"
    paths = [p.relative_to(example).as_posix() for p in example.rglob("*") if p.is_file()]
    managed = [path for path in paths if is_managed(path)]
    assert managed
    assert all(re.search(hook["files"], path) for path in managed)
    runner.github(clone.path)  # installs it
    zoe = {"PATH": f"{runner.programs}:{os.environ['PATH']}"}
    assert runner.bash(hook["entry"], cwd=clone.path, variables=zoe).code == 0
    clone.write({"executions/lab/again.yaml": WRONG})
    done = runner.bash(hook["entry"], cwd=clone.path, variables=zoe)
    assert done.code == 1
    assert "executions/lab/again.yaml:4" in done.out

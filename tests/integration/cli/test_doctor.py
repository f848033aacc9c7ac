"""zoe doctor: everything is looked at, whatever fails; each finding says what to do."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler import checkup
from reconciler.checkup import Level
from reconciler.clock import SystemClock
from reconciler.converge import mirror
from reconciler.ports import Schema, StoreCondition
from tests.fixtures.forge_server import REPOSITORY, TOKEN, ForgeServer
from tests.fixtures.signing import Person, trusting
from tests.fixtures.site import execution_file
from tests.fixtures.verbs import Installation, Result

PARTS = {"settings", "state", "source", "status branch", "database", "cluster"}


def findings(result: Result) -> dict[str, dict[str, str]]:
    return {row["code"]: row for row in result.data["findings"]}


def test_a_sound_installation_has_no_problems(installation: Installation) -> None:
    installation.push({"executions/aml/book.yaml": execution_file("book")})
    before = sorted(installation.repository.git.references)
    result = installation("doctor", "-o", "json")
    assert result.code == 0
    rows = result.data["findings"]
    assert {row["part"] for row in rows} == PARTS
    assert set(rows[0]) == {"part", "level", "code", "message", "remedy"}
    assert [row["code"] for row in rows if row["level"] != "ok"] == ["Simulated"]
    assert findings(result)["ManifestsValid"]["message"] == "1 executions are valid"
    assert sorted(installation.repository.git.references) == before


def test_what_it_makes_to_look_at_git_is_nobody_elses_to_read(installation: Installation) -> None:
    installation("doctor")
    assert (installation.path / ".zoe-state").stat().st_mode & 0o077 == 0
    assert "StateReadable" not in findings(installation("doctor", "-o", "json"))


def test_after_a_pass_database_and_key_are_there(installation: Installation) -> None:
    installation.push({"executions/aml/book.yaml": execution_file("book")})
    installation.process("once", "--single")
    text = installation("doctor")
    assert text.code == 0
    assert "ok       database: it answers and is up to date" in text.out
    assert "zoe/status is there; the server lets us push" in text.out
    assert "0 problem(s), 1 warning(s)" in text.out


def test_what_cant_be_reached_is_three_and_spares_nobody_else(installation: Installation) -> None:
    shutil.rmtree(installation.repository.path)
    installation.configure(
        cluster="swarm",
        docker_host="tcp://127.0.0.1:1",
        database_url="postgresql://nobody@127.0.0.1:1/zoe",
    )
    result = installation("doctor", "-o", "json")
    assert result.code == 3
    bad = {row["part"] for row in result.data["findings"] if row["level"] == "problem"}
    assert bad == {"source", "status branch", "database", "cluster"}
    assert all(row["remedy"] for row in result.data["findings"] if row["level"] != "ok")


def test_a_forge_and_the_files_of_targets_are_looked_at(
    installation: Installation, forge_server: Callable[..., ForgeServer], tmp_path: Path
) -> None:
    server = forge_server("github")
    (tmp_path / "token").write_text(TOKEN)
    settings = (
        f'\n[source.forge]\nprovider = "github"\nrepository = "{REPOSITORY}"\n'
        f'token_file = "{tmp_path}/token"\napi = "{server.url}"\n'
        f'[notify.ops]\nsecret_file = "{tmp_path}/secret"\n'
    )
    with (installation.path / "zoe.toml").open("a") as file:
        file.write(settings)
    found = findings(installation("doctor", "-o", "json"))
    assert found["ForgeAnswers"]["level"] == "ok"
    assert "secret_file of [notify.ops] can't be read" in found["Unreachable"]["message"]
    assert server.statuses == []


def test_misspelt_settings_are_a_problem_not_a_crash(installation: Installation) -> None:
    installation.configure(deploymnt="x")
    result = installation("doctor")
    assert result.code == 1
    assert "did you mean deployment?" in result.out


def test_without_settings_it_says_what_to_write(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")  # not this machine's own engine
    (installation.path / "zoe.toml").unlink()
    found = findings(installation("doctor", "-o", "json"))
    assert found["NoSettingsFile"]["level"] == "warning"
    assert "ZOE_REPO_URL" in found["Misconfigured"]["message"]
    rows = installation("doctor", "-o", "json").data["findings"]
    assert [row["part"] for row in rows if row["code"] == "Misconfigured"] == ["source"]


def test_a_broken_platform_is_a_problem_and_broken_manifests_a_warning(
    installation: Installation,
) -> None:
    installation.push({"platform.yaml": "kind: [", "executions/aml/x.yaml": "kind: ["})
    result = installation("doctor", "-o", "json")
    found = findings(result)
    assert result.code == 1
    assert found["PlatformInvalid"]["message"].startswith("platform.yaml:2: not YAML")
    assert "executions/aml/x.yaml" in found["ManifestsInvalid"]["message"]


def test_what_signed_commits_need_is_looked_at(
    installation: Installation,
    people: Callable[[str], Person],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert "SignaturesChecked" not in findings(installation("doctor", "-o", "json"))
    installation.push({"platform.yaml": trusting(people("root"))})
    found = findings(installation("doctor", "-o", "json"))
    assert found["SignaturesChecked"]["level"] == "ok"
    monkeypatch.setenv("PATH", "/nonexistent")
    result = installation("doctor", "-o", "json")
    missing = findings(result)["SshKeygenMissing"]
    assert (result.code, missing["level"]) == (1, "problem")
    assert "openssh-client" in missing["remedy"]


def test_a_repository_without_a_commit_is_told_as_such(
    installation: Installation, bare_repo: Callable[..., Any]
) -> None:
    installation.configure(url=str(bare_repo("empty").path))
    assert "has no commits" in installation("doctor").out


def test_credentials_that_only_read_are_found_without_pushing(
    installation: Installation, git_http: Any
) -> None:
    installation.configure(url=git_http.url(installation.repository))
    git_http.before = _refuse_receive_pack(git_http)
    result = installation("doctor", "-o", "json")
    bad = [row["part"] for row in result.data["findings"] if row["level"] == "problem"]
    assert bad == ["status branch"]


def _refuse_receive_pack(server: Any) -> Callable[[str, str], None]:
    def before(_method: str, target: str) -> None:
        # From here on the backend wants a login that nobody has.
        server.root = server.root if "receive-pack" not in target else Path("/nonexistent")

    return before


def test_a_database_of_another_deployment_is_refused(installation: Installation) -> None:
    installation.process("once", "--single")
    installation.configure(deployment="other")
    result = installation("doctor", "-o", "json")
    assert (result.code, findings(result)["DatabaseForeign"]["level"]) == (1, "problem")


def test_a_lost_or_readable_key_is_a_problem(installation: Installation) -> None:
    installation.push({"executions/aml/book.yaml": execution_file("book")})
    installation.process("once", "--single")
    key = installation.path / ".zoe-state" / "ledger.key"
    key.chmod(0o644)
    assert findings(installation("doctor", "-o", "json"))["LedgerKeyReadable"]["level"] == "problem"
    key.unlink()
    assert findings(installation("doctor", "-o", "json"))["LedgerKeyMissing"]["level"] == "problem"


@pytest.mark.parametrize("has_its_own", [True, False])
def test_a_standby_without_the_installations_key_says_so_and_makes_none(
    installation: Installation, has_its_own: bool
) -> None:
    assert installation.process("once", "--single").code == 0
    database = f"sqlite:///{installation.path}/.zoe-state/zoe.db"
    installation.configure(state_dir="standby", database_url=database)
    key = installation.path / "standby" / "ledger.key"
    if has_its_own:
        key.parent.mkdir(mode=0o700)
        key.write_bytes(bytes(32))
        key.chmod(0o600)
    found = findings(installation("doctor", "-o", "json"))
    told = found["LedgerKeyOther" if has_its_own else "LedgerKeyMissing"]
    assert (told["level"], "copy ledger.key and age.key" in told["remedy"]) == ("problem", True)
    refused = installation.process("once", "--single")
    assert (refused.code, "copy ledger.key and age.key" in refused.err) == (2, True)
    assert "copy ledger.key and age.key" in installation.process("run").err
    assert key.exists() is has_its_own


@pytest.mark.parametrize("is_of_an_older_version", [False, True])
def test_a_key_that_is_lost_for_good_is_replaced_when_an_operator_says_so(
    installation: Installation, is_of_an_older_version: bool
) -> None:
    installation.push({"executions/aml/book.yaml": execution_file("book")})
    assert installation.process("once").code == 0
    (installation.path / ".zoe-state" / "ledger.key").unlink()
    if is_of_an_older_version:  # which knew no mark
        with closing(sqlite3.connect(installation.path / ".zoe-state" / "zoe.db")) as database:
            database.execute("UPDATE meta SET key_mark = ''")
            database.commit()
    refused = installation("rebuild")
    assert (refused.code, "zoe rebuild --new-key" in refused.err) == (2, True)
    done = installation("rebuild", "--new-key")
    assert (done.code, done.out) == (0, "nothing to add: the database has all that is known\n")
    assert installation.process("once").code == 0
    assert installation("doctor").code == 0
    head = installation.repository.files("zoe/status")[mirror.HEAD_PATH]
    key = (installation.path / ".zoe-state" / "ledger.key").read_bytes()
    assert mirror.read_head_file(head, key=key) is not None


@pytest.mark.parametrize(
    ("free", "level"), [(50, Level.PROBLEM), (500, Level.WARNING), (5000, Level.OK)]
)
def test_a_disk_that_fills_up_is_told_in_time(free: int, level: Level) -> None:
    assert checkup.disk(Path("/var"), free * 1024**2).level is level


@pytest.mark.parametrize(("seconds", "level"), [(-3, Level.WARNING), (1, Level.OK)])
def test_clocks_that_differ_are_told(seconds: int, level: Level) -> None:
    assert checkup.clocks(timedelta(seconds=seconds)).level is level


def test_a_database_of_a_newer_version_is_a_problem() -> None:
    found = StoreCondition(schema=Schema.NEWER, now=SystemClock().now())
    assert checkup.schema(found, "zoe").level is Level.PROBLEM

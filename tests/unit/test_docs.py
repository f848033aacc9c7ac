"""What the documents show, works."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import get_args

import pytest

from policy.settings import Policy
from reconciler import config
from reconciler.cli import main
from reconciler.known_forges import ForgeName
from reconciler.manifest import schema
from reconciler.outbound.outgoing import ForgeSettings, NotifySettings, SmtpSettings
from tests.fixtures import pages

ROOT = Path(__file__).parents[2]


def blocks(document: str, language: str) -> list[str]:
    return [block.text for block in pages.blocks(document, language)]


def test_the_manifest_of_the_readme_is_valid_and_short(tmp_path: Path) -> None:
    (manifest,) = blocks("README.md", "yaml")
    assert len(manifest.splitlines()) <= 15
    assert main(["init", str(tmp_path / "config")]) == 0
    (tmp_path / "config/executions/aml/lab-3.yaml").write_text(manifest)
    assert main(["validate", str(tmp_path / "config")]) == 0


def test_what_is_imported_comes_out_as_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compose, manifest, _ = blocks("docs/moving.md", "yaml")
    (console,) = blocks("docs/moving.md", "console")
    (tmp_path / "notes.yaml").write_text(compose)
    assert main(["import", "compose", str(tmp_path / "notes.yaml")]) == 0
    out, err = capsys.readouterr()
    assert out.splitlines()[1:] == manifest.splitlines()[1:]
    assert err.replace(f"{tmp_path}/", "") in console


def test_the_files_of_the_calendar_are_valid_together(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "config")]) == 0
    for text in blocks("docs/calendar.md", "yaml"):
        path = tmp_path / "config" / text.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    # It asks the example's platform, which the document's has replaced.
    (tmp_path / "config/executions/aml/spark-lab-3.yaml").unlink()
    assert main(["validate", str(tmp_path / "config")]) == 0


def test_the_files_of_sets_are_valid_together(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "config")]) == 0
    config_folder = tmp_path / "config"
    shutil.copytree(ROOT / "examples/sets", config_folder, dirs_exist_ok=True)
    assert main(["validate", str(config_folder)]) == 0
    for text in blocks("docs/sets.md", "yaml"):
        (config_folder / text.splitlines()[0].removeprefix("# ")).write_text(text)
    # It asks the example's platform, which the document's has replaced.
    (config_folder / "executions/aml/spark-lab-3.yaml").unlink()
    (config_folder / "sets/lab-1.yaml").unlink()
    assert main(["validate", str(config_folder)]) == 0


def test_a_course_and_a_sweep_are_short() -> None:
    course, sweep, *_ = blocks("docs/sets.md", "yaml")
    assert len(course.splitlines()) <= 20
    assert len(sweep.splitlines()) <= 15


def test_the_files_of_secrets_are_valid_together(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "config")]) == 0
    for text in blocks("docs/secrets.md", "yaml"):
        path = tmp_path / "config" / text.splitlines()[0].removeprefix("# ")
        path.write_text(text)
    # It asks the example's platform, which the document's has replaced.
    (tmp_path / "config/executions/aml/spark-lab-3.yaml").unlink()
    assert main(["validate", str(tmp_path / "config")]) == 0


def test_the_files_of_notifications_are_valid_together(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "config")]) == 0
    for text in blocks("docs/notifications.md", "yaml"):
        path = tmp_path / "config" / text.splitlines()[0].removeprefix("# ")
        path.write_text(text)
    # It asks the example's platform, which the document's has replaced.
    (tmp_path / "config/executions/aml/spark-lab-3.yaml").unlink()
    assert main(["validate", str(tmp_path / "config")]) == 0


def test_the_file_of_idle_is_valid_with_the_targets_of_notifications(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "config")]) == 0
    platform, _ = blocks("docs/notifications.md", "yaml")
    for text in (platform, *blocks("docs/idle.md", "yaml")):
        path = tmp_path / "config" / text.splitlines()[0].removeprefix("# ")
        path.write_text(text)
    # It asks the example's platform, which the document's has replaced.
    (tmp_path / "config/executions/aml/spark-lab-3.yaml").unlink()
    assert main(["validate", str(tmp_path / "config")]) == 0


def test_the_files_of_workspaces_are_valid_together(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "config")]) == 0
    (settings,) = blocks("docs/workspaces.md", "toml")
    for text in blocks("docs/workspaces.md", "yaml"):
        (tmp_path / "config" / text.splitlines()[0].removeprefix("# ")).write_text(text)
    (tmp_path / "config/zoe.toml").write_text(settings)
    assert main(["validate", str(tmp_path / "config")]) == 0


def test_the_files_of_trust_are_valid_together(tmp_path: Path) -> None:
    assert main(["init", str(tmp_path / "config")]) == 0
    for text in blocks("docs/trust.md", "yaml"):
        path = tmp_path / "config" / text.splitlines()[0].removeprefix("# ")
        path.write_text(text)
    # They ask the example's platform and quota, which the document's have replaced.
    for path in (tmp_path / "config/executions/aml").glob("*.yaml"):
        path.unlink()
    assert main(["validate", str(tmp_path / "config")]) == 0


def test_the_settings_shown_for_forges_and_notifications_are_read(tmp_path: Path) -> None:
    source = '[[source]]\nid = "platform"\nurl = "https://forge/lab.git"\n'
    (forge,), (notify,) = blocks("docs/forges.md", "toml"), blocks("docs/notifications.md", "toml")
    (tmp_path / "zoe.toml").write_text(source + forge + notify)
    settings = config.load({}, directory=tmp_path)
    assert settings.platform_source.forge is not None
    assert settings.smtp is not None
    assert set(settings.notify) == {"ops", "chat"}


def test_the_settings_shown_are_all_there_are(tmp_path: Path) -> None:
    (shown,) = blocks("docs/settings.md", "toml")
    (tmp_path / "zoe.toml").write_text(
        shown.replace("# ssh_key", "ssh_key").replace("# known", "known")
    )
    settings = config.load({}, directory=tmp_path)
    assert settings.platform_source.url.startswith("https://")
    names = set(config.Settings.__dataclass_fields__)
    for kind in (config.SourceSettings, ForgeSettings, NotifySettings, SmtpSettings):
        names |= set(kind.__dataclass_fields__)
    tables = {"sources": "source"}
    missing = {n for n in names - {"role"} if tables.get(n, n) not in shown}
    assert missing == set()


def test_every_parameter_of_the_policy_is_told_with_its_default() -> None:
    text = (ROOT / "docs/scheduling.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| .+? \| .+? \| (\S+) \| .+\. \|$", text, re.MULTILINE)
    parameters = schema.published().definitions["policy"]["properties"]
    stated = {
        name: re.search(r"[Dd]efault ([\w-]+)", part["description"])
        for name, part in parameters.items()
        if name != "name"
    }
    assert dict(rows) == {name: found and found[1] for name, found in stated.items()}


def test_the_platform_shown_is_valid(tmp_path: Path) -> None:
    (platform,) = blocks("docs/scheduling.md", "yaml")
    (tmp_path / "platform.yaml").write_text(platform)
    assert main(["validate", str(tmp_path)]) == 0


def test_every_policy_is_told() -> None:
    told = (ROOT / "docs/scheduling.md").read_text()
    chosen = (ROOT / "docs/policies.md").read_text()
    missing = [name for name in Policy if f"\n| `{name}` | " not in told]
    assert missing == [], "no row in the table of policies of docs/scheduling.md"
    missing = [name for name in Policy if f" | `{name}` | " not in chosen]
    assert missing == [], "no row in the first table of docs/policies.md"


@pytest.mark.parametrize("page", ["settings", "forges", "webhooks", "quickstart"])
def test_every_forge_is_told(page: str) -> None:
    text = (ROOT / f"docs/{page}.md").read_text()
    lists = re.findall(r'^provider = "(\w+)" +# (.+)$', text, re.MULTILINE)
    assert lists, page
    for shown in lists:
        missing = set(get_args(ForgeName)) - set(re.findall(r"\w+", " ".join(shown)))
        assert missing == set(), f"say it beside provider in docs/{page}.md"


def test_the_figures_of_the_policies_are_those_of_the_results() -> None:
    results = (ROOT / "docs/scheduling.md").read_text()
    rows = re.findall(
        r"^\| (`\S+`) \| (.+?) \| (.+?) \| (.+?) \| ([0-9.]+) \|$",
        (ROOT / "docs/policies.md").read_text(),
        re.MULTILINE,
    )
    assert len(rows) == 4
    for policy, median, *rest in rows:
        row = rf"\| {policy} \| {median} \| .+ \| {re.escape(' | '.join(rest))} \|"
        assert re.search(row, results), policy


def test_the_settings_and_the_namespace_of_sources_are_read(tmp_path: Path) -> None:
    (toml,), (namespace,) = blocks("docs/sources.md", "toml"), blocks("docs/sources.md", "yaml")
    (tmp_path / "zoe.toml").write_text(toml)
    settings = config.load({}, directory=tmp_path)
    assert [source.role for source in settings.sources] == ["platform", "tenant"]
    assert main(["init", str(tmp_path / "config")]) == 0
    (tmp_path / "config/namespaces/group-07.yaml").write_text(namespace)
    assert main(["validate", str(tmp_path / "config")]) == 0


def test_the_zapps_shown_can_be_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config"
    assert main(["init", str(config)]) == 0
    for text in blocks("docs/zapps.md", "yaml"):
        path = config / text.splitlines()[0].removeprefix("# ")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (config / "zapps/count/files").mkdir()
    (config / "zapps/count/files/count.sh").write_text("seq $1\n")
    (config / "executions/aml/board.yaml").write_text(
        "apiVersion: zoe/v1\nkind: Execution\nmetadata: {name: board}\nspec: {zapp: board}\n"
    )
    platform = config / "platform.yaml"
    platform.write_text(platform.read_text().replace("- busybox", "- busybox\n      - registry.*"))
    assert main(["validate", str(config)]) == 0
    capsys.readouterr()
    assert main(["render", "aml/to-1000", "--dir", str(config)]) == 0
    rendered = capsys.readouterr().out
    assert "- '1000'" in rendered
    assert "maximum: 4" in rendered


def test_the_metrics_to_watch_are_there() -> None:
    text = "".join((ROOT / page).read_text() for page in ("docs/operating.md", "docs/page.md"))
    named = {name.removesuffix("_total") for name in re.findall(r"\bzoe_[a-z_]+", text)}
    there = set(re.findall(r'"(zoe_\w+)"', (ROOT / "webhook/metrics.py").read_text()))
    assert named - {"zoe_web"} == there  # zoe_web is a role of the database

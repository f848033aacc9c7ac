"""The ZApps that people copy: complete, valid, and with steps to follow."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from reconciler.cluster.lab import recipe
from tests.zapps.place import ZAPPS
from tests.zapps.readme import Step, steps

FOLDERS = sorted(file.parent for file in ZAPPS.glob("*/zapp.yaml"))
NAMES = [folder.name for folder in FOLDERS]


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_each_has_all_that_the_catalogue_and_a_reader_need(folder: Path) -> None:
    zapp = yaml.safe_load((folder / "zapp.yaml").read_text())
    assert zapp["metadata"]["name"] == folder.name
    parameters = zapp["spec"]["parameters"]
    assert [name for name, declared in parameters.items() if not declared.get("description")] == []
    readme = (folder / "README.md").read_text()
    assert [name for name in parameters if f"`{name}`" not in readme] == []
    assert (folder / "logo.svg").read_text().startswith("<svg ")
    assert (folder / "image" / "Dockerfile").is_file()
    assert any(step.language == "sh" for step in steps(folder / "README.md"))


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_its_image_is_one_that_its_recipe_stands_for(folder: Path) -> None:
    (settings,) = (step for step in steps(ZAPPS / "README.md") if step.path == "platform.yaml")
    rewrite = yaml.safe_load(settings.text)["spec"]["images"]["rewrite"]
    declared = yaml.safe_load((folder / "zapp.yaml").read_text())["spec"]["parameters"]["image"]
    name, tag = declared["default"].rsplit(":", 1)
    assert f"{rewrite[name]}:{tag}" in recipe.read(recipe.locate(folder.name)).tags


@pytest.mark.parametrize("folder", FOLDERS, ids=NAMES)
def test_none_needs_a_right_that_a_user_has_not(folder: Path) -> None:
    services = yaml.safe_load((folder / "zapp.yaml").read_text())["spec"]["services"]
    assert [name for name, service in services.items() if "security_profile" in service] == []


@pytest.mark.parametrize("zapp", ["jupyter", "spark-jupyter"])
def test_the_example_repository_has_the_same(zapp: str) -> None:
    copy = ZAPPS.parent / "repository" / "zapps" / zapp
    for name in ("zapp.yaml", "README.md", "logo.svg"):
        assert (copy / name).read_text() == (ZAPPS / zapp / name).read_text()


def test_a_readme_is_read_in_its_order(tmp_path: Path) -> None:
    text = (
        "# X",
        "```sh\nno\n```",
        "## Steps",
        "```yaml\n# a/b.yaml\nx: 1\n```",
        "Then:",
        "```sh\nzoe status\n```",
        "```text\nRunning\n```",
        "```python\n1\n```",
        "## More",
        "```sh\nno\n```",
    )
    (tmp_path / "README.md").write_text("\n\n".join(text) + "\n")
    assert steps(tmp_path / "README.md") == (
        Step(language="file", text="# a/b.yaml\nx: 1\n", path="a/b.yaml"),
        Step(language="sh", text="zoe status\n"),
        Step(language="text", text="Running\n"),
        Step(language="python", text="1\n"),
    )

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.cluster.lab import recipe
from reconciler.cluster.lab.recipe import Base
from reconciler.errors import ConfigError

MINIMAL = "name: tool\ntags: [tool:1]\nbase: debian\n"


def written(folder: Path, text: str) -> Path:
    (folder / "recipe.yaml").write_text(text)
    return folder / "recipe.yaml"


@pytest.mark.parametrize("name", recipe.available())
def test_every_recipe_of_ours_is_one(name: str) -> None:
    read = recipe.read(recipe.locate(name))
    assert recipe.locate(read.name)
    assert all(":" in tag for tag in read.tags)


def test_the_notebook_runs_as_the_public_image_does() -> None:
    read = recipe.read(recipe.locate("jupyter"))
    assert read.base is Base.PYTHON
    assert read.user is not None
    assert (read.user.name, read.user.uid, read.user.home) == ("jovyan", 1000, "/home/jovyan")
    assert read.command == ("start-notebook.py",)
    assert read.ports == (8888,)


def test_an_unknown_name_says_which_there_are() -> None:
    with pytest.raises(ConfigError, match=r"there are: agent, boinc, .*gateway, .*jupyter"):
        recipe.locate("jupiter")


def test_a_folder_is_named_by_its_path(tmp_path: Path) -> None:
    file = written(tmp_path, MINIMAL)
    assert recipe.locate(str(tmp_path)) == file


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "NoneType"),
        (MINIMAL.replace("debian", "arch"), "arch"),
        (MINIMAL.replace("tool\n", "Tool/x\n"), "lower-case"),
        (MINIMAL + "packages: [x]\n", "packages"),
        (MINIMAL + "files: [{source: gone, target: /x}]\n", "no file gone"),
        (MINIMAL + "user: {name: x}\n", "uid"),
        (MINIMAL + 'apt: ["curl; reboot"]\n', "curl; reboot"),
        ("[", "expected"),
    ],
)
def test_what_is_not_a_recipe_is_refused_with_its_fault(
    tmp_path: Path, text: str, fault: str
) -> None:
    with pytest.raises(ConfigError, match=fault):
        recipe.read(written(tmp_path, text))


def test_the_digest_follows_content_and_not_place(tmp_path: Path) -> None:
    digests = []
    for folder, content in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "file").write_text(content)
        text = MINIMAL + "files: [{source: file, target: /file}]\n"
        digests.append(recipe.read(written(tmp_path / folder, text)).digest)
    assert digests[0] == digests[1]
    assert digests[0] != digests[2]


def test_a_recipe_may_be_another_ones_so_that_its_image_is_built_once(tmp_path: Path) -> None:
    same = recipe.read(written(tmp_path, "same_as: jupyter\n"))
    assert same == recipe.read(recipe.locate("jupyter"))
    assert recipe.read(recipe.locate("spark-submit")).name == "spark-jupyter"


def test_links_are_part_of_what_an_image_depends_on(tmp_path: Path) -> None:
    plain = recipe.read(written(tmp_path, MINIMAL)).digest
    linked = recipe.read(written(tmp_path, MINIMAL + "links: {/opt/tool: /usr/lib/tool}\n"))
    assert linked.links == {"/opt/tool": "/usr/lib/tool"}
    assert linked.digest != plain

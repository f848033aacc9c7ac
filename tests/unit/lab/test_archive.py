from __future__ import annotations

import io
import json
import tarfile
from hashlib import sha256
from pathlib import Path

from reconciler.cluster.lab import archive
from reconciler.cluster.lab.recipe import Base, Recipe, User

RECIPE = Recipe(
    name="tool",
    tags=("tool:1", "tool:latest"),
    base=Base.DEBIAN,
    environment={"A": "b"},
    user=User(name="me", uid=1000, gid=100, home="/home/me"),
    command=("run",),
    ports=(80,),
)


def layer(folder: Path, name: str, content: bytes) -> Path:
    with tarfile.open(folder / name, "w") as tar:
        entry = tarfile.TarInfo("file")
        entry.size = len(content)
        tar.addfile(entry, io.BytesIO(content))
    return folder / name


def test_an_archive_describes_its_layers_and_how_to_run_them(tmp_path: Path) -> None:
    layers = [layer(tmp_path, "low.tar", b"1"), layer(tmp_path, "high.tar", b"2")]
    archive.write(tmp_path / "image.tar", RECIPE, layers)
    image = archive.read(tmp_path / "image.tar")
    assert image.tags == RECIPE.tags
    with tarfile.open(image.archive) as file:
        content = file.extractfile(f"{image.id.removeprefix('sha256:')}.json")
        assert content is not None
        raw = content.read()
    assert image.id == f"sha256:{sha256(raw).hexdigest()}"
    configuration = json.loads(raw)
    expected = [f"sha256:{sha256(file.read_bytes()).hexdigest()}" for file in layers]
    assert configuration["rootfs"]["diff_ids"] == expected
    assert configuration["config"]["User"] == "1000:100"
    assert configuration["config"]["Env"][0] == "A=b"
    assert configuration["config"]["Cmd"] == ["run"]


def test_the_same_content_is_the_same_image(tmp_path: Path) -> None:
    layers = [layer(tmp_path, "low.tar", b"1")]
    for name in ("a.tar", "b.tar"):
        archive.write(tmp_path / name, RECIPE, layers)
    assert archive.read(tmp_path / "a.tar").id == archive.read(tmp_path / "b.tar").id

"""``zoe import``: the manifest on standard output, the notes on standard error, or a reason."""

from __future__ import annotations

import io
import json
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from reconciler import cli
from tests.repositories import EXAMPLE

SAMPLES = Path(__file__).parents[2] / "data" / "importing"


def run(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[int, str, str]:
    code = cli.main([str(arg) for arg in argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


@pytest.mark.parametrize(
    ("form", "name"),
    [
        ("zapp", "v0.json"),
        ("zapp", "v1.json"),
        ("zapp", "v2-answer.json"),
        ("zapp", "v3.json"),
        ("zapp", "shop/manifest.json"),
        ("compose", "shop.compose.yaml"),
    ],
)
def test_what_is_printed_is_valid_in_a_repository(
    form: str, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.copytree(EXAMPLE, tmp_path / "r")
    code, out, err = run(capsys, "import", form, SAMPLES / name)
    assert code == 0
    assert err.startswith(f"{SAMPLES / name}: ")
    for document in yaml.safe_load_all(out):
        folder = tmp_path / "r" / "zapps" / document["metadata"]["name"]
        folder.mkdir()
        (folder / "zapp.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
        code, out, _ = run(capsys, "validate", folder)
        assert (code, "1 valid document" in out) == (0, True)


def test_an_execution_is_valid_and_would_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copytree(EXAMPLE, tmp_path / "r")
    text = "services: {a: {image: 'busybox:${TAG:-1}', restart: 'no', volumes: [d:/d]}}"
    source = tmp_path / "jobs.yaml"
    source.write_text(text, encoding="utf-8")
    argv = ("--kind", "Execution", "--volumes", "workspace", source)
    code, out, _ = run(capsys, "import", "compose", *argv)
    assert code == 0
    target = tmp_path / "r" / "executions" / "lab" / "jobs.yaml"
    target.write_text(out, encoding="utf-8")
    assert run(capsys, "validate", target)[:2] == (0, "1 valid document\n")


def test_what_cant_be_imported_ends_with_1_and_prints_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    source = tmp_path / "mixed.json"
    source.write_text('{"version": 3, "processes": []}', encoding="utf-8")
    assert run(capsys, "import", "zapp", source) == (
        1,
        "",
        f"{source}: /processes: version 3 calls its services services, and there is processes "
        "(rename it, or set version to 0)\n",
    )


def test_a_shop_without_one_of_its_descriptions(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    shutil.copy(SAMPLES / "shop" / "manifest.json", tmp_path)
    code, out, err = run(capsys, "import", "zapp", tmp_path / "manifest.json")
    assert (code, out) == (1, "")
    assert '/zapps/0/description: "app.json" isn\'t there' in err


def test_a_file_that_cant_be_read_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    code, out, err = run(capsys, "import", "compose", tmp_path / "none.yaml")
    assert (code, out) == (2, "")
    assert "can't be read" in err
    assert run(capsys, "import", "compose", "--name", "A b", tmp_path)[0] == 2
    assert run(capsys, "import", "zapp", "--placeholder", "x", SAMPLES / "v3.json")[0] == 2


def test_the_name_is_the_folders_where_the_file_has_the_usual_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    folder = tmp_path / "My Shop"
    folder.mkdir()
    (folder / "docker-compose.yml").write_text("services: {a: {image: i}}", encoding="utf-8")
    _, out, _ = run(capsys, "import", "compose", folder / "docker-compose.yml", "-o", "json")
    assert [document["metadata"]["name"] for document in json.loads(out)] == ["my-shop"]


def test_a_file_from_standard_input(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    stdin = io.TextIOWrapper(io.BytesIO(b"services: {a: {image: i}}"))
    monkeypatch.setattr(sys, "stdin", stdin)
    code, out, err = run(capsys, "import", "compose", "-", "--name", "piped")
    assert (code, yaml.safe_load(out)["metadata"]) == (0, {"name": "piped"})
    assert err.startswith("standard input: ")

"""The author's verbs, from an empty folder to a valid manifest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import jsonschema
import pytest
import yaml

from reconciler import cli
from reconciler.manifest.scalars import Number
from reconciler.manifest.template import manifest_text
from tests.repositories import BATCH, EXAMPLE, document


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "r"
    shutil.copytree(EXAMPLE, root)
    monkeypatch.chdir(root)
    return root


def run(capsys: pytest.CaptureFixture[str], *argv: str | Path) -> tuple[int, str, str]:
    code = cli.main([str(arg) for arg in argv])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def break_one(root: Path) -> Path:
    path = root / "executions" / "lab" / "bad.yaml"
    path.write_text(document("Execution", "bad", "zapp: helo-batch"), encoding="utf-8")
    return path


def test_validate_counts_what_is_valid(repository: Path, capsys: pytest.CaptureFixture[str]):
    assert run(capsys, "validate") == (0, "14 valid documents\n", "")


def test_validate_shows_problems_and_ends_with_1(
    repository: Path, capsys: pytest.CaptureFixture[str]
):
    break_one(repository)
    code, out, _ = run(capsys, "validate", repository)
    assert code == 1
    assert out == (
        'executions/lab/bad.yaml:5:9: /spec/zapp: no ZApp "helo-batch"\n'
        "   5 |   zapp: helo-batch\n"
        "     |         ^ did you mean hello-batch?\n"
        "14 valid documents, 1 error in 1 file\n"
    )


def test_validate_of_a_path_tells_only_of_it(repository: Path, capsys: pytest.CaptureFixture[str]):
    bad = break_one(repository)
    assert run(capsys, "validate", "executions/aml")[:2] == (0, "4 valid documents\n")
    assert run(capsys, "validate", "executions/lab/hello.yaml")[:2] == (0, "1 valid document\n")
    assert run(capsys, "validate", bad)[0] == 1


def test_validate_as_json(repository: Path, capsys: pytest.CaptureFixture[str]):
    break_one(repository)
    (repository / "platform.yaml").unlink()
    code, out, _ = run(capsys, "validate", "-o", "json")
    verdict = json.loads(out)
    assert code == 1
    assert verdict.keys() == {"valid", "errors", "warnings"}
    (error,) = [item for item in verdict["errors"] if item["file"].endswith("bad.yaml")]
    assert error == {
        "file": "executions/lab/bad.yaml",
        "line": 5,
        "column": 9,
        "pointer": "/spec/zapp",
        "code": "UnknownZApp",
        "message": 'no ZApp "helo-batch"',
        "remedy": "did you mean hello-batch?",
    }
    assert [item["code"] for item in verdict["warnings"]] == ["NoPlatform"]


def test_validate_for_forges(repository: Path, capsys: pytest.CaptureFixture[str]):
    break_one(repository)
    sarif = json.loads(run(capsys, "validate", "-o", "sarif")[1])
    (result,) = sarif["runs"][0]["results"]
    region = result["locations"][0]["physicalLocation"]["region"]
    assert (sarif["version"], result["ruleId"], region["startLine"]) == ("2.1.0", "UnknownZApp", 5)
    (line,) = run(capsys, "validate", "-o", "github")[1].splitlines()
    assert line.startswith("::error file=executions/lab/bad.yaml,line=5,col=9,title=UnknownZApp::")
    (entry,) = json.loads(run(capsys, "validate", "-o", "gitlab")[1])
    assert entry["location"] == {"path": "executions/lab/bad.yaml", "lines": {"begin": 5}}
    assert (entry["severity"], len(entry["fingerprint"])) == ("major", 64)


def test_validate_never_follows_a_symbolic_link(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "secret").write_text("canary: 1", encoding="utf-8")
    (repository / "executions" / "lab" / "link.yaml").symlink_to(tmp_path / "secret")
    code, out, _ = run(capsys, "validate")
    assert code == 1
    assert "a symbolic link is never read" in out
    assert "canary" not in out


def test_validate_does_not_walk_into_a_linked_folder(
    repository: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    shutil.move(repository / "executions", tmp_path / "elsewhere")
    (repository / "executions").symlink_to(tmp_path / "elsewhere")
    code, out, _ = run(capsys, "validate")
    assert code == 1
    assert "executions: a symbolic link is never read" in out
    assert "7 valid documents" in out


def test_validate_outside_of_a_repository_is_wrong_usage(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    code, _, err = run(capsys, "validate", tmp_path / "nowhere")
    assert code == cli.USAGE
    assert "isn't there" in err


def test_validate_honours_the_settings_beside_it(
    repository: Path, capsys: pytest.CaptureFixture[str]
):
    spec = BATCH.rstrip("} \n") + ", volumes: [{type: volume, source: data, target: /d}]}"
    (repository / "executions/lab/x.yaml").write_text(document("Execution", "x", spec))
    assert run(capsys, "validate")[0] == 1
    (repository / "zoe.toml").write_text("[storage.data]\nshared = true\n")
    assert run(capsys, "validate")[0] == 0


def test_render_fills_everything_in(repository: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = run(capsys, "render", "aml/spark-lab-3")
    data = yaml.safe_load(out)
    assert code == 0
    assert data["spec"]["zapp"] == "spark-jupyter"
    assert data["spec"]["lifetime_ms"] == 4 * 3_600_000
    assert json.loads(run(capsys, "render", "aml/spark-lab-3", "-o", "json")[1]) == data


def test_render_of_what_is_broken_or_absent(repository: Path, capsys: pytest.CaptureFixture[str]):
    break_one(repository)
    code, _, err = run(capsys, "render", "lab/bad")
    assert (code, "did you mean hello-batch?" in err) == (1, True)
    code, _, err = run(capsys, "render", "lab/helo")
    assert (code, err) == (1, "zoe: no execution lab/helo: did you mean lab/hello?\n")


def test_init_writes_a_clean_repository(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    root = tmp_path / "new"
    assert run(capsys, "init", root)[0] == 0
    assert run(capsys, "validate", root)[:2] == (0, "14 valid documents\n")
    for name in ("CODEOWNERS", "README.md", ".zoe/schema/v1/manifest.schema.json"):
        assert (root / name).is_file()
    twin = json.loads((root / ".zoe/schema/v1/manifest.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft7Validator.check_schema(twin)


def test_init_overwrites_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "notes.txt").write_text("mine", encoding="utf-8")
    assert run(capsys, "init", tmp_path)[0] == cli.USAGE
    (tmp_path / ".git").mkdir()
    assert run(capsys, "init", tmp_path)[0] == 0
    before = (tmp_path / "platform.yaml").read_bytes()
    code, _, err = run(capsys, "init", tmp_path)
    assert code == cli.USAGE
    assert "nothing was written" in err
    assert (tmp_path / "platform.yaml").read_bytes() == before


def test_new_writes_a_valid_manifest_with_all_parameters(
    repository: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(capsys, "new", "spark-jupyter", "aml/mine")[0] == 0
    text = (repository / "executions/aml/mine.yaml").read_text(encoding="utf-8")
    for parameter in ("workers", "worker_cpus", "worker_memory"):
        assert f"#   {parameter}: " in text
    assert run(capsys, "validate")[0] == 0


def test_new_never_overwrites(repository: Path, capsys: pytest.CaptureFixture[str]):
    code, _, err = run(capsys, "new", "jupyter", "aml/notebook")
    assert (code, "is there already" in err) == (2, True)


def test_new_for_an_unknown_zapp_or_a_bad_name(
    repository: Path, capsys: pytest.CaptureFixture[str]
):
    code, _, err = run(capsys, "new", "jupiter", "aml/x")
    assert (code, "did you mean jupyter?" in err) == (2, True)
    assert run(capsys, "new", "jupyter", "../x")[0] == 2


def test_new_sets_parameters_that_have_no_default():
    text = manifest_text(
        "x",
        "z",
        {
            "command": {"type": "list", "default": ["a b", "c"]},
            "rate": {"type": "number", "default": Number("0.50"), "maximum": 1},
            "level": {"type": "enum", "values": ["low", "high"], "description": "How much"},
            "size": {"type": "quantity"},
        },
    )
    assert yaml.safe_load(text)["spec"]["parameters"] == {"level": "low", "size": "1GiB"}
    assert '#   command: ["a b", c]' in text
    assert "#   rate: 0.50" in text


@pytest.mark.parametrize("zapp", sorted((EXAMPLE.parent / "zapps").glob("*/zapp.yaml")), ids=str)
def test_zapps_to_copy_are_valid(zapp: Path, repository: Path, capsys: pytest.CaptureFixture[str]):
    without_image = shutil.ignore_patterns("image")  # as its README says
    target = repository / "zapps" / zapp.parent.name
    shutil.copytree(zapp.parent, target, ignore=without_image, dirs_exist_ok=True)
    assert run(capsys, "validate", f"zapps/{zapp.parent.name}")[:2] == (0, "1 valid document\n")

"""``zoe new``: from the catalogue to a manifest, by flags or by answers."""

from __future__ import annotations

import base64
import os
import pty
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from reconciler import cli
from reconciler.manifest.answers import hint, read_answer
from reconciler.manifest.diagnostic import Complaint
from reconciler.manifest.scalars import Number
from tests.repositories import EXAMPLE

ZAPP = """\
apiVersion: zoe/v1
kind: ZApp
metadata: {name: counter, title: Counts}
spec:
  type: batch
  parameters:
    upto: {type: integer, minimum: 1, maximum: 9, description: How far}
    words: {type: list, default: [one]}
  services:
    main: {image: busybox, command: [seq, "${{ parameters.upto }}", "${{ parameters.words }}"]}
"""


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "r"
    shutil.copytree(EXAMPLE, root)
    (root / "zapps" / "counter").mkdir()
    (root / "zapps" / "counter" / "zapp.yaml").write_text(ZAPP, encoding="utf-8")
    monkeypatch.chdir(root)
    return root


def run(capsys: pytest.CaptureFixture[str], *argv: str) -> tuple[int, str, str]:
    code = cli.main(list(argv))
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def spec(root: Path, path: str) -> dict[str, object]:
    document = yaml.safe_load((root / path).read_text(encoding="utf-8"))
    found: dict[str, object] = document["spec"]
    return found


def test_flags_set_what_they_say_and_the_rest_is_commented_out(
    repository: Path, capsys: pytest.CaptureFixture[str]
):
    flags = ("--set", "upto=7", "--lifetime", "4h", "--priority", "low", "--suspend")
    assert run(capsys, "new", "counter", "lab/c", *flags) == (
        0,
        "wrote executions/lab/c.yaml\n"
        "next: git add executions/lab/c.yaml, git commit -m 'Add lab/c', git push\n",
        "",
    )
    assert spec(repository, "executions/lab/c.yaml") == {
        "zapp": "counter",
        "parameters": {"upto": 7},
        "run": 1,
        "priority": "low",
        "lifetime": "4h",
        "suspend": True,
    }
    assert "#   words: [one]" in (repository / "executions/lab/c.yaml").read_text()


@pytest.mark.parametrize(
    ("flags", "why"),
    [
        ((), "counter needs --set upto=VALUE (integer from 1 to 9)"),
        (("--set", "upto=10"), '"10" is more than the maximum 9'),
        (("--set", "upto=x"), '"x" isn\'t an integer'),
        (("--set", "up=1"), "counter has no parameter up: did you mean upto?"),
        (("--set", "upto"), "upto isn't NAME=VALUE"),
    ],
)
def test_wrong_flags_are_told_and_nothing_is_written(
    flags: tuple[str, ...], why: str, repository: Path, capsys: pytest.CaptureFixture[str]
):
    code, _, err = run(capsys, "new", "counter", "lab/c", *flags)
    assert (code, why in err) == (2, True)
    assert not (repository / "executions/lab/c.yaml").exists()


def test_one_for_every_group_all_or_none(repository: Path, capsys: pytest.CaptureFixture[str]):
    for group in ("g-09", "g-10"):
        text = f"apiVersion: zoe/v1\nkind: Namespace\nmetadata: {{name: {group}}}\n"
        (repository / "namespaces" / f"{group}.yaml").write_text(text, encoding="utf-8")
    argv = ("new", "counter", "lab-3", "--set", "upto=1", "--for", "g-09..g-10,aml", "--suspend")
    code, out, _ = run(capsys, *argv)
    assert (code, out.splitlines()[:3]) == (
        0,
        [f"wrote executions/{group}/lab-3.yaml" for group in ("g-09", "g-10", "aml")],
    )
    assert spec(repository, "executions/g-09/lab-3.yaml")["suspend"] is True
    code, _, err = run(capsys, *argv[:-3], "--for", "lab,aml")
    assert (code, "is there already" in err) == (2, True)
    assert not (repository / "executions/lab/lab-3.yaml").exists()


@pytest.mark.parametrize("groups", ["g-2..g-1", "g-1..h-2", "a..b", "G", "g-1..g-99999"])
def test_groups_that_arent_any_are_wrong_usage(
    groups: str, repository: Path, capsys: pytest.CaptureFixture[str]
):
    assert run(capsys, "new", "counter", "x", "--set", "upto=1", "--for", groups)[0] == 2
    assert not list(repository.glob("executions/*/x.yaml"))


def test_what_was_written_is_checked(repository: Path, capsys: pytest.CaptureFixture[str]):
    code, out, err = run(capsys, "new", "counter", "nobody/x", "--set", "upto=1")
    assert (code, out) == (1, "wrote executions/nobody/x.yaml\n")
    assert 'nobody declared the namespace "nobody"' in err
    assert "next: correct that" in err


def test_a_zapp_of_the_installation_is_copied_and_committed_with_it(
    repository: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "a")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.org")
    shutil.rmtree(repository / "zapps" / "hello-batch")
    shutil.rmtree(repository / "executions" / "lab")
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "x"]):
        subprocess.run(["git", *command], check=True)
    code, out, _ = run(capsys, "new", "hello-batch", "lab/h", "--commit", "-m", "Say hello")
    assert code == 0
    assert "copied the ZApp hello-batch to zapps/hello-batch: it comes with zoe" in out
    assert out.endswith("next: git push\n")
    shown = subprocess.run(
        ["git", "show", "--name-only", "--format=%s"], check=True, capture_output=True, text=True
    )
    assert shown.stdout.split("\n") == [
        "Say hello",
        "",
        "executions/lab/h.yaml",
        "zapps/hello-batch/README.md",
        "zapps/hello-batch/zapp.yaml",
        "",
    ]


@pytest.mark.parametrize("key", ["", "sk-ssh-ed25519@openssh.com", "ssh-ed25519"])
def test_who_would_be_told_no_password_is_told_what_is_missing(
    key: str, repository: Path, capsys: pytest.CaptureFixture[str]
):
    path = repository / "namespaces" / "lab.yaml"
    if key:
        wire = b"".join(len(part).to_bytes(4, "big") + part for part in (key.encode(), bytes(32)))
        public = f"{key} {base64.b64encode(wire).decode()} ada@laptop"
        line = f"  members: [{{name: ada, key: {public}}}]\n"
        path.write_text(path.read_text(encoding="utf-8") + line, encoding="utf-8")
    code, out, err = run(capsys, "new", "jupyter", "lab/n")
    assert (code, err) == (0, "")
    assert ("under spec of namespaces/lab.yaml:\n  members: [{name: YOU" in out) is (
        key != "ssh-ed25519"
    )


def test_the_catalogue_has_a_line_for_each(repository: Path, capsys: pytest.CaptureFixture[str]):
    code, out, _ = run(capsys, "new", "--list")
    rows = {line.split("\t")[0]: line.split("\t")[1:] for line in out.splitlines()}
    assert code == 0
    assert rows["counter"] == ["batch", "here", "Counts"]
    assert rows["boinc"][1] == "comes with zoe"
    assert run(capsys, "new", "counter")[0] == 2


def test_a_terminal_is_asked_until_the_answer_will_do(repository: Path):
    master, slave = pty.openpty()
    program = "import sys; from reconciler.cli import main; sys.exit(main())"
    os.write(master, b"10\n3\n\n")
    done = subprocess.run(
        [sys.executable, "-c", program, "new", "counter", "lab/c"],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
    )
    os.close(slave)
    said = os.read(master, 65_536).decode()
    os.close(master)
    assert done.returncode == 0, said
    assert "How far" in said
    assert "upto (integer from 1 to 9): " in said
    assert 'Error: "10" is more than the maximum 9: write 9, or less' in said
    assert spec(repository, "executions/lab/c.yaml")["parameters"] == {"upto": 3}


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("string", "007", "007"),
        ("integer", " 7 ", 7),
        ("number", "0.50", Number("0.50")),
        ("boolean", "true", True),
        ("quantity", "2GiB", "2GiB"),
        ("quantity", "1024", 1024),
        ("duration", "1h", "1h"),
        ("list", "a, 2", ["a", 2]),
        ("list", '["a, b"]', ["a, b"]),
        ("list", "", []),
    ],
)
def test_an_answer_has_the_declared_type(kind: str, text: str, value: object):
    assert read_answer(text, {"type": kind}) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *[("integer", "1.5"), ("integer", ""), ("boolean", "yes"), ("quantity", "2G")],
        *[("list", "[a"), ("duration", "5"), ("string", "{{x}}")],
    ],
)
def test_an_answer_of_another_type_is_refused(kind: str, text: str):
    with pytest.raises(Complaint):
        read_answer(text, {"type": kind})


def test_a_hint_says_what_may_be_answered():
    assert hint({"type": "enum", "values": ["a", "b"]}) == "a, b"
    assert hint({"type": "quantity", "minimum": "1GiB"}) == "quantity from 1GiB"


def test_a_zapp_of_the_installation_comes_without_how_its_image_is_built(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, _, _ = run(capsys, "new", "dask", "aml/d")
    assert code == 0
    assert (repository / "zapps/dask/zapp.yaml").exists()
    assert not (repository / "zapps/dask/image").exists()
    code, out, err = run(capsys, "validate")
    assert code == 0, out + err

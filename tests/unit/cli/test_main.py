"""The command: quick to start, and never a traceback."""

from __future__ import annotations

import errno
import os
import shlex
import subprocess
import sys
from pathlib import Path

import click
import pytest

from reconciler import cli
from reconciler.cli import verbs
from reconciler.errors import ClusterUnavailable, ConfigError, ConflictError, ReconcilerError

ROOT = Path(__file__).parents[3]
HEAVY = ("yaml", "jsonschema", "sqlalchemy", "docker", "pygit2", "rich", "fastapi", "psycopg")


# What reads kinds that an imported ZApp isn't, and what puts a manifest's faults into words.
OTHER_KINDS = tuple(
    f"reconciler.manifest.{name}"
    for name in ("execution", "sets", "owners", "namespaces", "reservations", "faults", "times")
)


def loaded(*argv: str) -> set[str]:
    """Return the modules that a verb imports, beside those that Python begins with."""
    code = (
        "import sys; before = set(sys.modules);"
        "from reconciler.cli import main; main(sys.argv[1:]);"
        "print('\\n' + ' '.join(set(sys.modules) - before))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, *argv], cwd=ROOT, capture_output=True, text=True, check=True
    )
    names = set(result.stdout.splitlines()[-1].split())
    assert "reconciler.cli" in names
    return names


def imported(*argv: str, among: tuple[str, ...] = HEAVY) -> set[str]:
    """Return those of some modules that a verb imports; by default heavy libraries."""
    return loaded(*argv).intersection(among)


def test_version_takes_no_more_than_python_itself():
    names = loaded("--version")
    assert names.isdisjoint({"click", "dataclasses", "inspect", "reconciler.cli.verbs", *HEAVY})
    assert len(names) <= 40


def test_both_ways_to_ask_for_the_version_say_the_same(capsys: pytest.CaptureFixture[str]):
    """Alone it is answered without click, beside something else by click."""
    said = set()
    for argv in (["--version"], ["--version", "status"]):
        assert cli.main(argv) == cli.OK
        said.add(capsys.readouterr().out)
    assert len(said) == 1


def test_validating_a_file_imports_little():
    """Each module costs a quarter of a millisecond, and a dataclass in it half a one."""
    names = loaded("validate", "examples/repository/executions/lab/hello.yaml")
    # For a zoe.toml, for who mistypes, for what is invalid, for a fault of ours.
    late = {"tomllib", "difflib", "reconciler.manifest.compose", "traceback"}
    assert names.isdisjoint({*HEAVY, *late} - {"yaml"})
    assert len(names) <= 210


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["nonsense"]])
def test_version_and_help_import_nothing_heavy(argv: list[str]):
    assert imported(*argv) == set()


def test_valid_manifests_are_checked_without_the_general_validator():
    assert imported("validate", "examples/repository") == {"yaml"}


@pytest.mark.parametrize("argv", [["zapp", "v3.json"], ["compose", "shop.compose.yaml"]])
def test_import_loads_what_reads_a_zapp_and_no_more(argv: list[str]):
    form, name = argv
    command = ("import", form, f"tests/data/importing/{name}")
    assert imported(*command, among=(*HEAVY, *OTHER_KINDS)) == {"yaml"}


def test_module_runs_as_the_command():
    result = subprocess.run(
        [sys.executable, "-m", "reconciler", "--version"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.startswith("zoe ")


def test_help_lists_the_verbs_that_are_there(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["--help"]) == 0
    text = capsys.readouterr().out
    for verb in ("init", "new", "validate", "render"):
        assert f"\n  {verb} " in text


def test_unknown_verb_is_met_with_the_nearest(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["validat"]) == cli.USAGE
    assert "Did you mean validate?" in capsys.readouterr().err


def test_every_verb_there_is_a_command():
    for name, verb in verbs.VERBS.items():
        command = verbs.zoe.get_command(click.Context(verbs.zoe), name)
        assert command is None or isinstance(command, click.Command)
        assert verb.help.endswith(".")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("no such thing"), cli.USAGE),
        (ClusterUnavailable("the Swarm is away"), cli.UNREACHABLE),
        (ConflictError("somebody wrote first"), cli.PROBLEMS),
        (KeyboardInterrupt(), cli.INTERRUPTED),
    ],
)
def test_errors_become_one_line_and_a_code(
    error: BaseException,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    give(error, monkeypatch)
    assert cli.main(["validate"]) == code
    text = capsys.readouterr().err
    assert "Traceback" not in text
    if isinstance(error, ReconcilerError):
        assert text == f"zoe: {error}\n"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            PermissionError(errno.EACCES, "Permission denied", "lab/x.yaml"),
            "lab/x.yaml: Permission",
        ),
        (OSError(errno.EROFS, "Read-only file system", "lab/x.yaml"), "where you may write"),
        (OSError(errno.ENOSPC, "No space left on device"), "make room"),
    ],
)
def test_what_the_system_refuses_is_no_fault_of_ours(
    error: OSError,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    give(error, monkeypatch)
    assert cli.main(["validate"]) == cli.USAGE
    text = capsys.readouterr().err
    assert (text.count("\n"), told in text) == (1, True)


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["validate", "examples/repository"]])
def test_a_reader_that_leaves_is_no_problem(argv: list[str]):
    """As `| head -1` does: scripts with pipefail would end."""
    read, write = os.pipe()
    os.close(read)
    command = [sys.executable, "-m", "reconciler", *argv]
    done = subprocess.run(
        command, cwd=ROOT, stdout=write, stderr=subprocess.PIPE, text=True, check=False
    )
    os.close(write)
    assert (done.returncode, done.stderr) == (cli.OK, "")


@pytest.mark.parametrize("argv", [["--version"], ["--help"], ["validate", "examples/repository"]])
def test_output_that_nobody_takes_ends_in_a_line(argv: list[str]):
    command = [sys.executable, "-m", "reconciler", *argv]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command, cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
    assert (done.returncode, done.stderr.count("\n")) == (cli.USAGE, 1)
    assert "make room" in done.stderr
    line = shlex.join(command)
    closed = subprocess.run(["sh", "-c", f"exec {line} >&-"], cwd=ROOT, check=False)
    assert closed.returncode == cli.OK


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("boom"),
        # Of a process or a connection of ours: who reads what we print is still there.
        BrokenPipeError(errno.EPIPE, "boom"),
    ],
)
def test_fault_of_ours_is_one_line_and_a_file(
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    give(error, monkeypatch)
    assert cli.main(["validate"]) == cli.FAULT
    (file,) = tmp_path.iterdir()
    text = capsys.readouterr().err
    assert text.count("\n") == 1
    assert str(file) in text
    assert "boom" in file.read_text(encoding="utf-8")


def give(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make every verb end in an error."""

    @click.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(type(verbs.zoe), "get_command", lambda *_: command)

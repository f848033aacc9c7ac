"""``zoe simulate``: from a file to figures, and kind errors."""

from __future__ import annotations

import gzip
import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from policy.settings import Policy, PolicySettings, SizeRule
from reconciler import cli
from reconciler.errors import ConfigError
from reconciler.simulate import policies, report

HEADER = "; MaxNodes: 4\n; MaxProcs: 8\n"
SMALL = ["--nodes", "4", "--cores-per-node", "8", "--applications", "20", "--jobs", "1"]


def job(number: int, submit: int, run: int, processors: int) -> str:
    fields = [number, submit, -1, run, processors, -1, -1, processors, 2 * run, -1, 1, 1, 1]
    return " ".join(map(str, [*fields, -1, 1, -1, -1, -1]))


@pytest.fixture
def trace(tmp_path: Path) -> Path:
    jobs = [job(n, 10 * n, 60 + n, 1 + n % 8) for n in range(12)]
    path = tmp_path / "trace.swf"
    path.write_text("\n".join([HEADER, *jobs, job(99, 5, -1, 2), ""]))
    return path


def simulate(*argv: object) -> int:
    return cli.main(["simulate", *map(str, argv)])


def answer(capsys: pytest.CaptureFixture[str], *argv: object) -> dict[str, object]:
    assert simulate(*argv, "-o", "json", "--jobs", "1") == cli.OK
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def test_the_issues_command_answers_in_the_promised_form(
    trace: Path, capsys: pytest.CaptureFixture[str]
):
    found = answer(
        capsys,
        *("--trace", trace, "--policy", "fair,easy,fifo", "--nodes", 4, "--cores-per-node", 2),
        *("--load", 0.9, "--core-fraction", 0.25, "--estimates", "user", "--seed", 1),
    )
    assert isinstance(found["policies"], dict)
    assert list(found["policies"]) == ["fair", "easy", "fifo"]
    promised = {
        "median_turnaround_s",
        "p95_wait_s",
        "max_wait_s",
        "p95_bounded_slowdown",
        "revocations_per_application",
    }
    for figures in found["policies"].values():
        assert promised <= figures.keys()
        assert figures["ended"] == 12
    assert isinstance(found["workload"], dict)
    assert found["workload"]["dropped"] == {"runtime unknown": 1}
    assert found["workload"]["offered_load"] == pytest.approx(0.9, abs=0.001)


def test_a_compressed_trace_and_its_headers_cluster(
    trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    packed = tmp_path / "trace.swf.gz"
    packed.write_bytes(gzip.compress(trace.read_bytes()))
    found = answer(capsys, "--trace", packed, "--policy", "fifo")
    assert isinstance(found["cluster"], dict)
    assert (found["cluster"]["nodes"], found["cluster"]["cores"]) == (4, 8)
    assert found == answer(capsys, "--trace", trace, "--policy", "fifo")


def test_seeds_give_intervals_and_the_same_seeds_the_same_figures(
    capsys: pytest.CaptureFixture[str],
):
    argv = [*SMALL, "--policy", "fifo", "--seeds", "3"]
    first = answer(capsys, *argv)
    assert first == answer(capsys, *argv)
    assert isinstance(first["policies"], dict)
    low, high = first["policies"]["fifo"]["interval_95"]["median_turnaround_s"]
    assert low < first["policies"]["fifo"]["median_turnaround_s"] < high


def test_processes_change_nothing(capsys: pytest.CaptureFixture[str]):
    outputs = []
    for jobs in ("1", "2"):
        assert simulate(*SMALL, "--policy", "fifo,easy", "-o", "json", "--jobs", jobs) == cli.OK
        outputs.append(capsys.readouterr().out)
    assert outputs[0] == outputs[1]


def test_text_has_a_row_for_each_policy(trace: Path, capsys: pytest.CaptureFixture[str]):
    assert simulate("--trace", trace, "--policy", "easy,fifo", "--jobs", 1) == cli.OK
    text = capsys.readouterr().out
    assert "left out: 1 runtime unknown" in text
    assert [line.split()[0] for line in text.splitlines()[-3:]] == ["policy", "easy", "fifo"]
    assert text.splitlines()[-1].endswith("1.00")


def test_svg_names_every_policy(trace: Path, capsys: pytest.CaptureFixture[str]):
    assert simulate("--trace", trace, "--policy", "easy,fifo", "-o", "svg", "--jobs", 1) == 0
    root = ET.fromstring(capsys.readouterr().out)
    words = [element.text for element in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"easy", "fifo"} <= set(words)
    assert len(list(root.iter("{http://www.w3.org/2000/svg}polyline"))) == 4


def test_parameters_come_from_a_platform(
    trace: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    platform = tmp_path / "platform.yaml"
    platform.write_text("apiVersion: zoe/v1\nkind: Platform\nmetadata: {name: p}\nspec: {}\n")
    found = answer(capsys, "--trace", trace, "--policy", "fifo", "--platform", platform)
    assert found == answer(capsys, "--trace", trace, "--policy", "fifo")
    platform.write_text("apiVersion: zoe/v1\nkind: Platform\nmetadata: {name: p}\nspec: {x: 1}\n")
    assert simulate("--trace", trace, "--platform", platform) == cli.PROBLEMS
    assert "platform.yaml:4" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--policy", "fare"], "did you mean fair?"),
        (["--policy", ","], "names none"),
        (["--policy", "fifo:SJF"], "only size-flexible has variants"),
        (["--policy", "size-flexible:SJF:4"], "size-flexible:SRPT:2"),
        (["--mix", "50/50"], "64/16/20"),
        (["--mix", "50/60/-10"], "100 percent"),
        (["--memory-per-node", "4G"], "4GiB"),
        (["--nodes", "1", "--cores-per-node", "1", "--memory-per-node", "1KiB"], "--nodes"),
        (["--load", "0"], "--load"),
        (["--trace", "nowhere.swf"], "nowhere.swf"),
    ],
)
def test_errors_say_what_to_write(argv: list[str], told: str, capsys: pytest.CaptureFixture[str]):
    assert simulate("--applications", 5, *argv) == cli.USAGE
    assert told in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "holds no job"),
        (b"hello\nworld\n", "2 times unreadable line"),
        (b"\x1f\x8bnot gzip", "can't be read"),
        (gzip.compress(b"x" * 1000, mtime=0)[:20], "can't be read"),
        (job(1, 0, 10, 4).encode(), "how large its cluster was"),
        (f"{HEADER}{job(1, 0, 10, 4)}\n{job(2, 0, 10, 4)}".encode(), "--load has no meaning"),
        (f"{HEADER}{job(1, 0, 10, 9)}".encode(), "1 larger than the cluster"),
    ],
)
def test_a_bad_trace_is_told(
    content: bytes, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    path = tmp_path / "trace.swf"
    path.write_bytes(content)
    assert simulate("--trace", path, "--load", 0.9) == cli.USAGE
    assert told in capsys.readouterr().err


def test_variants_of_a_policy_are_named_in_full():
    found = policies.named("fair, size-flexible:sjf:3", PolicySettings(ageing_ms=7))
    assert list(found) == ["fair", "size-flexible:sjf:3"]
    variant = found["size-flexible:sjf:3"]
    assert (variant.policy, variant.size) == (Policy.SIZE_FLEXIBLE, SizeRule.SJF)
    assert (variant.dimensions, variant.ageing_ms) == (3, 7)
    with pytest.raises(ConfigError, match="size rule"):
        policies.named("size-flexible:XYZ", PolicySettings())


@pytest.mark.parametrize(
    ("seconds", "told"),
    [(0, "0 s"), (59.6, "1 min 00 s"), (250, "4 min 10 s"), (7380, "2 h 03 min")],
)
def test_durations_are_for_people(seconds: float, told: str):
    assert report.duration(seconds) == told

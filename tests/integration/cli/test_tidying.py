"""extend, tidy and completion: what people do to their clone, and what helps them type."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from reconciler.clock import SystemClock
from reconciler.view import encoding
from reconciler.view.line import Line
from reconciler.view.listing import Listing
from tests.fixtures.api_server import ApiServer, Reply
from tests.fixtures.site import PLATFORM, execution_file, namespace_file
from tests.fixtures.verbs import CHECKOUT, Clone, Zoe

BOOK = "executions/aml/book.yaml"
CAPPED = PLATFORM.replace("spec: {}", "spec: {defaults: {lifetime: 4h}, caps: {lifetime: 2d}}")

# -- extend ---------------------------------------------------------------------------------------


def test_extend_raises_the_lifetime_that_is_written(zoe: Zoe, clone: Clone) -> None:
    clone.commit({BOOK: execution_file("book", extra="lifetime: 90m   # short")})
    result = zoe("extend", "aml/book", "2h", cwd=clone.path)
    assert result.code == 0
    assert "lifetime of aml/book raised from 1h30m to 3h30m" in result.out
    assert '  lifetime: "3h30m"   # short\n' in clone.read(BOOK)
    assert zoe("validate", cwd=clone.path).code == 0


def test_extend_adds_to_the_platforms_lifetime_and_commits_that_alone(
    zoe: Zoe, clone: Clone
) -> None:
    clone.commit({"platform.yaml": CAPPED, BOOK: execution_file("book")})
    clone.write({"notes.txt": "mine"})
    result = zoe("extend", "aml/book", "2h", "--commit", cwd=clone.path)
    assert (result.code, 'lifetime: "6h"' in clone.read(BOOK)) == (0, True)
    assert clone.git("log", "-1", "--format=%s").strip() == "Let aml/book run for 6h"
    assert clone.git("show", "--format=", "--name-only").strip() == BOOK


@pytest.mark.parametrize(
    ("lifetime", "words"),
    [
        ("47h", "may run for 2d at most (the platform's limit), and has 1d23h: extend it by 1h"),
        ("2d", "may run for 2d at most (the platform's limit), and has 2d: it has all of it"),
    ],
)
def test_extend_refuses_what_the_platform_refuses_with_the_number(
    zoe: Zoe, clone: Clone, lifetime: str, words: str
) -> None:
    text = execution_file("book", extra=f"lifetime: {lifetime}")
    clone.commit({"platform.yaml": CAPPED, BOOK: text})
    result = zoe("extend", "aml/book", "2h", cwd=clone.path)
    assert (result.code, words in result.err, clone.read(BOOK)) == (1, True, text)


def test_a_namespaces_shorter_limit_counts(zoe: Zoe, clone: Clone) -> None:
    owner = namespace_file("aml").replace("spec: {}", "spec: {quota: {lifetime: 5h}}")
    files = {"platform.yaml": CAPPED, "namespaces/aml.yaml": owner, BOOK: execution_file("book")}
    clone.commit(files)
    result = zoe("extend", "aml/book", "2h", cwd=clone.path)
    assert (result.code, "5h at most (the namespace aml's limit)" in result.err) == (1, True)


def test_what_has_no_lifetime_needs_no_more(zoe: Zoe, clone: Clone) -> None:
    clone.commit({BOOK: execution_file("book")})
    result = zoe("extend", "aml/book", "2h", cwd=clone.path)
    assert (result.code, "it runs until it is stopped" in result.err) == (1, True)
    assert zoe("extend", "aml/book", "2", cwd=clone.path).code == 2
    assert zoe("extend", "aml/book", "0s", cwd=clone.path).code == 2


# -- tidy -----------------------------------------------------------------------------------------


def line(name: str, state: str = "Succeeded", *, days: int = 30, **fields: object) -> Line:
    ended_at = SystemClock().now() - timedelta(days=days)
    told = {"namespace": "aml", "name": name, "uid": name, "run": 1, "state": state}
    has_ended = state in ("Succeeded", "Failed", "Stopped")
    return Line(**{**told, "ended_at": ended_at if has_ended else None, **fields})  # type: ignore[arg-type]


@pytest.fixture
def known(api_server: ApiServer, clone: Clone) -> Clone:
    """A clone of which a server tells how everything in it is."""
    lines = (
        line("old"),
        line("failed", "Failed"),
        line("fresh", days=3),
        line("runs", "Running"),
        line("waits", "Queued"),
        line("again"),
        line("back", "Stopped", reason="Deleted"),
        line("nightly", run=1_700_000_000),
        line("nightly", "Scheduled", run=0),
    )
    listing = Listing(total=len(lines), states={}, lines=lines)
    api_server.always(Reply(encoding.to_json(listing)))
    files = {f"executions/aml/{name}.yaml": execution_file(name) for name in
             ("old", "fresh", "runs", "waits", "back", "unknown")}  # fmt: skip
    files["executions/aml/both.yaml"] = f"{execution_file('failed')}---\n{execution_file('runs2')}"
    files["executions/aml/again.yaml"] = execution_file("again", run=2)
    schedule = 'schedule: {cron: "0 2 * * *"}'
    files["executions/aml/nightly.yaml"] = execution_file("nightly", type_="batch", extra=schedule)
    files["executions/aml/broken.yaml"] = "metadata: ["
    clone.commit(files)
    return clone


def test_a_length_of_time_without_a_unit_is_told_with_one(zoe: Zoe, known: Clone) -> None:
    for words in (["tidy", "--older", "5"], ["wait", "aml/old", "--timeout", "5"]):
        result = zoe(*words, cwd=known.path)
        assert (result.code, "isn't a length of time: write 5s" in result.err) == (2, True)


def test_tidy_lists_what_ended_long_ago_and_touches_nothing_unasked(zoe: Zoe, known: Clone) -> None:
    result = zoe("tidy", cwd=known.path)
    assert result.code == 0
    rows = [row.split() for row in result.out.splitlines()]
    assert [(row[0], row[1], row[-1]) for row in rows[:-1]] == [
        ("aml/failed", "Failed", "executions/aml/both.yaml"),
        ("aml/old", "Succeeded", "executions/aml/old.yaml"),
    ]
    assert "nothing deleted" in result.out
    assert known.git("status", "--porcelain") == ""


def test_tidy_deletes_documents_and_commits_them_together(zoe: Zoe, known: Clone) -> None:
    known.write({"notes.txt": "mine"})
    result = zoe("tidy", "--commit", cwd=known.path)
    assert (result.code, "next: git push" in result.out) == (0, True)
    assert known.git("log", "-1", "--format=%s").strip() == "Tidy 2 ended executions"
    changed = known.git("show", "--format=", "--name-status").split()
    assert changed == ["M", "executions/aml/both.yaml", "D", "executions/aml/old.yaml"]
    assert known.read("executions/aml/both.yaml") == f"---\n{execution_file('runs2')}"
    assert zoe("tidy", cwd=known.path).out.startswith("nothing to tidy")


def test_tidy_goes_by_age_and_namespace(zoe: Zoe, known: Clone, api_server: ApiServer) -> None:
    assert "aml/fresh" in zoe("tidy", "--older", "2d", cwd=known.path).out
    assert zoe("tidy", "--older", "100d", cwd=known.path).out.startswith("nothing to tidy")
    assert zoe("tidy", "lab", "--yes", cwd=known.path).out.startswith("nothing to tidy")
    assert api_server.requests[-1][1]["namespace"] == "lab"


def test_tidy_leaves_files_alone_that_somebody_is_editing(zoe: Zoe, known: Clone) -> None:
    edited = execution_file("old") + "# a thought\n"
    known.write({"executions/aml/old.yaml": edited})
    result = zoe("tidy", "--commit", cwd=known.path)
    assert (result.code, "old.yaml has changes that aren't committed" in result.err) == (1, True)
    assert known.read("executions/aml/old.yaml") == edited
    assert (known.path / "executions/aml/both.yaml").exists()


# -- completion -----------------------------------------------------------------------------------


def completed(typed: str, cwd: Path) -> list[str]:
    """Return what a shell offers after ``typed``."""
    words = typed.split(" ")
    done = subprocess.run(
        [sys.executable, "-c", "from reconciler.cli import main; main()"],
        cwd=cwd,
        env={
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            "_ZOE_COMPLETE": "bash_complete",
            "COMP_WORDS": typed,
            "COMP_CWORD": str(len(words) - 1),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return [offer.partition(",")[2] for offer in done.stdout.splitlines() if offer]


def test_verbs_and_the_names_of_a_clone_are_completed(clone: Clone, tmp_path: Path) -> None:
    assert completed("zoe su", tmp_path) == ["suspend"]
    clone.commit({BOOK: execution_file("book"), "executions/aml/bad.yaml": "metadata: ["})
    assert completed("zoe rerun a", clone.path) == ["aml/book"]
    clone.write({"executions/aim/x.yaml": execution_file("x")})
    assert completed("zoe rerun a", clone.path) == ["aim/", "aml/"]
    assert completed("zoe rerun aml/b", clone.path) == ["aml/book"]
    assert completed("zoe rerun a", tmp_path) == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_each_shells_script_is_for_zoe(zoe: Zoe, tmp_path: Path, shell: str) -> None:
    result = zoe("completion", shell, cwd=tmp_path)
    assert (result.code, f"_ZOE_COMPLETE={shell}_complete" in result.out) == (0, True)


def test_help_is_by_what_people_want_to_do(zoe: Zoe, tmp_path: Path) -> None:
    told = zoe("--help", cwd=tmp_path).out
    titles = ["Look:", "Write and review:", "Change:", "For operators:"]
    assert [told.index(title) for title in titles] == sorted(map(told.index, titles))
    assert told.index("  status ") < told.index("  queue ") < told.index("  usage ")
    assert told.index("  rerun ") < told.index("  run ")

"""The comment of a pull request: the verdict first, and nothing that authors wrote as markup."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.manifest.diagnostic import Diagnostic
from reconciler.review.advice import advice
from reconciler.review.diff import Change
from reconciler.review.effects import Effect, EffectKind
from reconciler.review.markdown import MARKER, to_markdown, verdict
from reconciler.review.preview import ActionKind, ExecutionPreview, Preview
from reconciler.review.quotas import QuotaChange, Use
from tests.builders import NOW, batch, interactive, manifest, service

LINE = ExecutionPreview(
    uid=Uid("1" * 16),
    namespace="aml",
    name="train",
    action=ActionKind.CREATE,
    generation=1,
    core=2,
    elastic=3,
    position=4,
    start_at=NOW,
    start_basis="lifetimes",
    reason="waits for 2 CPUs",
    changes=(Change(path="services.main.image", before=None, after="busybox"),),
)
DELAYED = Effect(
    uid=Uid("2" * 16),
    namespace="bio",
    name="align",
    kind=EffectKind.DELAYED,
    before=NOW,
    after=NOW + timedelta(hours=1),
)
QUOTA = QuotaChange(
    namespace="aml",
    before=Use(amounts=(("cpu", 1000),), executions=1),
    after=Use(amounts=(("cpu", 3000),), executions=2),
    maximum=(("cpu", 4000),),
)
ERROR = Diagnostic(
    file="executions/aml/bad.yaml",
    line=3,
    column=5,
    pointer="/spec",
    code="WrongType",
    message="a number is needed",
    remedy="write 2",
)


def comment(found: Preview, *diagnostics: Diagnostic) -> str:
    return to_markdown(found, base="a" * 40, head="b" * 40, diagnostics=diagnostics, taken_at=NOW)


def preview_of(*lines: ExecutionPreview, **fields: object) -> Preview:
    return replace(Preview(snapshot="s1", lines=lines, effects=(), quotas=()), **fields)


def test_the_comment_says_it_all_with_the_verdict_first() -> None:
    told = comment(preview_of(LINE, effects=(DELAYED,), quotas=(QUOTA,)), ERROR)
    assert told.startswith(f"{MARKER}\n\n### 1 created, 1 error, 1 other affected\n")
    assert "- `executions/aml/bad.yaml:3:5` a number is needed. write 2" in told
    assert (
        "| `aml/train` | create | 2 + 3 | number 4 "
        "| about 2026-01-01 12:00 UTC, by lifetimes | waits for 2 CPUs |" in told
    )
    assert "- `bio/align` starts 1 h later" in told
    assert "- namespace `aml`: 1 CPU to 3 CPUs of 4 CPUs, 1 to 2 executions" in told
    assert "| `services.main.image` |  | `busybox` |" in told


def test_a_change_that_touches_no_execution_says_so() -> None:
    assert verdict(preview_of(), ()) == "no execution changes"


def test_the_same_plan_is_the_same_text_and_another_one_isnt() -> None:
    one, other = preview_of(LINE), preview_of(replace(LINE, core=3))
    assert comment(one) == comment(one)
    digests = {re.search(r"Plan `(\w+)`", comment(found)).group(1) for found in (one, other)}
    assert len(digests) == 2


@given(st.text(alphabet=st.sampled_from("ab`|<>@[]()!*_\n\r\u2028\u202e#&:/w."), max_size=60))
def test_what_authors_wrote_is_never_markup(text: str) -> None:
    hostile = replace(LINE, reason=text, changes=(Change(path="x", before=text, after=text),))
    lines = comment(preview_of(hostile)).splitlines()
    harmless = comment(
        preview_of(replace(hostile, reason="r", changes=(Change(path="x", before="v", after="v"),)))
    ).splitlines()
    assert len(lines) == len(harmless)  # no row breaks out of its table
    (row,) = [line for line in lines if line.startswith("| `aml/train` |")]
    assert len(re.findall(r"(?<!\\)\|", row)) == 7
    assert not re.search(r"@\w|<\w|(?<!\\)\[|://|www\.", row.removeprefix("| `aml/train`"))


@pytest.mark.parametrize("written", ["#12", "ada/x#12", "GH-12", "gh-7", "!3", "&5", "$6", "~7"])
def test_no_issue_is_named_by_what_authors_wrote(written: str) -> None:
    """A forge reads what the text has become: without backslashes and entities."""
    told = comment(preview_of(replace(LINE, reason=f"see {written} there")))
    (row,) = [line for line in told.splitlines() if line.startswith("| `aml/train` |")]
    read = unescape(re.sub(r"\\([!-/:-@[-`{-~])", r"\1", row))
    assert written not in read
    assert written in read.replace("\u2060", "")


def test_warnings_name_what_a_reviewer_should_know() -> None:
    careless = service(environment=(("API_TOKEN", "hunter2"),), command=("x", "--password=y"))
    found = advice(manifest(interactive(careless)))
    assert [d.code for d in found] == ["NoLifetime", "LooksLikeSecret", "LooksLikeSecret"]
    assert "hunter2" not in "".join(d.message + d.remedy for d in found)
    assert advice(manifest(batch(lifetime_ms=1000))) == ()

"""Sets in a preview: told as one, however many executions they stand for."""

from __future__ import annotations

from dataclasses import replace

from reconciler.manifest.spec import SetSpec, SetSummary
from reconciler.review.markdown import to_markdown
from reconciler.review.preview import ActionKind, ExecutionPreview, Preview
from reconciler.review.sets import grouped, set_changes
from tests.unit.review.test_markdown import LINE


def lines(count: int, **fields: object) -> list[ExecutionPreview]:
    return [
        replace(LINE, uid=f"{n:016}", name=f"lab-{n}", of_set="lab", position=n, **fields)
        for n in range(1, count + 1)
    ]


def summary(total: int = 25, **rules: object) -> SetSummary:
    spec = SetSpec(namespace="", name="lab", **rules)  # type: ignore[arg-type]
    return SetSummary(spec=spec, path="sets/lab.yaml", line=1, total=total)


def test_executions_of_a_set_to_which_the_same_happens_are_one_line():
    alone = replace(LINE, name="alone", of_set="")
    stopped = replace(LINE, name="lab-9", of_set="lab", action=ActionKind.STOP)
    found = grouped([alone, *lines(25), stopped])
    assert [group.name for group in found] == ["aml/alone", "lab: 25 executions", "aml/lab-9"]
    assert found[1].positions == (1, 25)
    assert found[1].reason == "waits for 2 CPUs"


def test_of_several_reasons_the_most_common_one_is_told():
    some = lines(3)
    some[0] = replace(some[0], reason="")
    assert grouped(some)[0].reason == "2 of them: waits for 2 CPUs"


def test_a_comment_of_a_whole_course_stays_short():
    found = Preview(
        snapshot="s",
        lines=tuple(lines(500)),
        effects=(),
        quotas=(),
        sets=tuple(set_changes([], [summary(500, parallel=5)])),
    )
    told = to_markdown(found, base="b", head="h", diagnostics=(), taken_at=None)
    assert "### 500 created" in told
    assert "| `lab: 500 executions` | create | 1000 + 1500 | number 1 to 500 |" in told
    assert "- `lab`: new, 500 executions; parallel: 5" in told
    assert len(told) < 2_000


def test_what_changes_about_a_set_as_such_is_told():
    assert list(set_changes([summary()], [summary()])) == []
    (change,) = set_changes([summary(parallel=2)], [summary(24, parallel=3, max_failed=0)])
    assert change.told == "25 -> 24 executions; parallel: 2 -> 3; maxFailed: none -> 0"
    (gone,) = set_changes([summary()], [])
    assert gone.told == "it is gone, with all of its executions"

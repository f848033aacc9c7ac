"""Who may set the rules that a change is judged by: nobody in that change."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.diagnostic import Diagnostic, Severity
from reconciler.review.rules import is_rule, judgement, rule_changes, rules_of, under

PATHS = st.sampled_from(
    [
        "platform.yaml",
        "platform.yml",
        "namespaces/aml.yaml",
        "namespaces/new.yaml",
        "executions/aml/book.yaml",
        "zapps/spark/zapp.yaml",
        "reservations/lab.yaml",
        "README.md",
    ]
)
FILES = st.dictionaries(PATHS, st.sampled_from(["a", "b", "c"]))


def fault(file: str = "executions/aml/book.yaml", **fields: object) -> Diagnostic:
    values = {"line": 3, "column": 5, "pointer": "", "code": "LifetimeOverCap", "message": "long"}
    return Diagnostic(file=file, **{**values, **fields})


@given(base=FILES, head=FILES)
def test_the_rules_are_the_bases_and_all_else_is_the_heads(base, head) -> None:
    read = under(rules_of(base), head)
    assert rules_of(read) == rules_of(base)
    others = {path: blob for path, blob in head.items() if not is_rule(path)}
    assert {path: blob for path, blob in read.items() if not is_rule(path)} == others


@given(base=FILES, head=FILES)
def test_a_rule_that_comes_goes_or_changes_is_told(base, head) -> None:
    changes = rule_changes(rules_of(base), rules_of(head))
    assert (not changes.paths) == (rules_of(base) == rules_of(head))
    assert all(path in changes.told for path in changes.paths[:3] if not changes.is_first)


def test_without_any_rules_before_a_change_brings_its_own() -> None:
    changes = rule_changes({}, {"platform.yaml": "a"})
    assert changes.is_first
    assert "judged by its own" in changes.told


def test_what_only_the_new_rules_allow_is_an_error_that_says_so() -> None:
    (found,) = judgement([fault()], [])
    assert found.is_error
    assert found.message == "long: only the new rules would allow it"
    assert found.remedy.startswith("merge the change of the rules first")


def test_what_both_refuse_is_told_once_in_the_words_of_the_rules_in_force() -> None:
    (found,) = judgement([fault(message="4h is the most")], [fault(message="5h is the most")])
    assert found.message == "4h is the most"


def test_what_the_new_rules_refuse_is_told_as_theirs() -> None:
    (found,) = judgement([], [fault()])
    assert found.message == "under the new rules: long"


def test_rule_files_are_told_of_as_they_are_in_the_head() -> None:
    theirs, mine = fault("platform.yaml", line=1), fault("platform.yaml", line=2)
    warning = fault("namespaces/aml.yaml", severity=Severity.WARNING)
    assert judgement([theirs, warning], [mine]) == (mine,)

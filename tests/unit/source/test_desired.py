"""What a reader knows can be handed on: nobody reads again what was read, nor changes it."""

from __future__ import annotations

import pickle
from collections.abc import Mapping
from pathlib import Path

import pygit2
import pytest

from reconciler import wire
from reconciler.config import Settings
from reconciler.ports import Commit, Source, Tree
from reconciler.source.desired import Kept, Reader
from tests.fixtures.git_servers import BareRepository
from tests.repositories import document

FILES = {
    "platform.yaml": document("Platform", "platform", "policy: fifo"),
    "namespaces/lab.yaml": document("Namespace", "lab", "{}"),
    "zapps/tool/zapp.yaml": document(
        "ZApp", "tool", "type: interactive\nservices: {main: {image: busybox}}"
    ),
    **{
        f"executions/lab/e{number}.yaml": document("Execution", f"e{number}", "zapp: tool")
        for number in range(5)
    },
}


class Counting:
    """A source that keeps count of what is read from the one behind it."""

    def __init__(self, behind: Source) -> None:
        self.behind = behind
        self.id = behind.id
        self.reads = 0

    def commit(self, commit: str) -> Commit:
        return self.behind.commit(commit)

    def tree(self, commit: str) -> Tree:
        return self.behind.tree(commit)

    def read(self, blob: str, *, limit_bytes: int) -> bytes:
        self.reads += 1
        return self.behind.read(blob, limit_bytes=limit_bytes)


@pytest.fixture
def repository(tmp_path: Path) -> BareRepository:
    made = BareRepository(tmp_path / "config.git")
    pygit2.init_repository(str(made.path), bare=True, initial_head="main")
    return made


def reader(repository: BareRepository) -> Reader:
    source = wire.clone(repository.path, id_="platform")
    return wire.reader(Settings(), Counting(source))  # type: ignore[arg-type]


def edit(name: str) -> Mapping[str, str]:
    return {f"executions/lab/{name}.yaml": document("Execution", name, "{zapp: tool, run: 2}")}


@pytest.mark.parametrize("through", [lambda kept: kept, lambda k: pickle.loads(pickle.dumps(k))])
def test_what_is_handed_on_isnt_read_again(repository: BareRepository, through) -> None:
    base, head = repository.commit(FILES), repository.commit(edit("e0"))
    first = reader(repository)
    wanted = first.read(base, good={})
    kept: Kept = through(first.kept())
    source = Counting(wire.clone(repository.path, id_="platform"))
    second = kept.over(source)  # type: ignore[arg-type]
    assert second.read(base, good={}) == wanted
    assert source.reads == 0
    found = second.read(head, good=second.good)
    assert source.reads == 1
    assert found == reader(repository).read(head, good=first.good)


def test_a_reader_apart_leaves_the_first_as_it_was(repository: BareRepository) -> None:
    base, head = repository.commit(FILES), repository.commit(edit("e0"))
    first = reader(repository)
    wanted = first.read(base, good={})
    good = first.good
    first.apart().read(head, good=good)
    assert (first.read(base, good={}), first.good) == (wanted, good)


def test_under_other_rules_a_commit_keeps_what_is_no_rule(repository: BareRepository) -> None:
    base = repository.commit(FILES)
    rules = {"platform.yaml": document("Platform", "platform", "policy: easy")}
    head = repository.commit({**rules, **edit("e9")})
    first = reader(repository)
    first.read(base, good={})
    judged = first.apart().read(head, good=first.good, rules=first.rules(base))
    own = first.apart().read(head, good=first.good)
    assert judged.manifests == own.manifests
    assert (judged.platform.policy.policy, own.platform.policy.policy) == ("fifo", "easy")


def test_an_invalid_file_is_told_by_its_error_whatever_warnings_come_before(
    repository: BareRepository,
) -> None:
    warned = (
        "type: interactive\nsecrets: {token: {swarm: theirs}}\n"
        "services: {main: {image: busybox, secrets: [{source: token, target: t}]}}"
    )
    bad = document("Execution", "bad", "zapp: tol")
    text = document("Execution", "fine", warned) + "---\n" + bad
    reading = reader(repository)
    wanted = reading.read(repository.commit({**FILES, "executions/lab/bad.yaml": text}), good={})
    assert [d.is_error for d in sorted(reading.diagnostics)] == [False, True]
    for _, _, told in wanted.invalid:
        assert told.startswith("executions/lab/bad.yaml:")
        assert told.endswith(": did you mean tool?")
    assert wanted.invalid

"""``logs: {keep: workspace}``: what an attempt wrote is in the workspace before its services go."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from typing import Any

import pytest

from reconciler.apply import CONFIG_BYTES, kept_log
from reconciler.cluster.fake import Outcome
from reconciler.converge.state import ServiceSpec
from reconciler.errors import ClusterUnavailable
from tests.fixtures.site import Site, execution_file

BOOK = "executions/aml/book.yaml"
WORKSPACE = "volumes: [{type: workspace, target: /work}]"
KEEP = "logs: {keep: workspace}"


def book(**fields: Any) -> str:
    return execution_file("book", **{"extra": KEEP, "service": WORKSPACE, **fields})


def writers(site: Site) -> list[ServiceSpec]:
    found = (getattr(effect, "spec", None) for effect in site.cluster.effects)
    return [s for s in found if isinstance(s, ServiceSpec) and s.labels.get("zoe.kind") == "keep"]


def kept(site: Site) -> list[bytes]:
    made = [e.spec for e in site.cluster.effects if e.method == "create_config"]
    return [gzip.decompress(spec.data) for spec in made if spec is not None and spec.name]


def order(site: Site, *parts: str) -> list[str]:
    """Which of these calls were made, in their order."""
    return [part for call in site.writes() for part in parts if call.startswith(part)]


def nothing_is_left(site: Site) -> bool:
    state = site.cluster.observe()
    kinds = {service.spec.labels.get("zoe.kind") for service in state.services}
    return "keep" not in kinds and not state.configs


def test_a_batch_leaves_its_log_in_the_workspace(site: Site) -> None:
    site.cluster.script("busybox", Outcome.exits(0, after_ms=1000, log="hello\n"))
    site.push({BOOK: book(type_="batch")})
    site.reconcile(passes=16)
    assert kept(site) == [b"hello\n"]
    (writer,) = writers(site)
    path = writer.labels["zoe.kept-as"]
    assert path.startswith(".zoe/logs/book/run-1/attempt-1/main.n")
    assert writer.entrypoint is not None
    assert writer.entrypoint[-1] == path
    assert (writer.user, writer.capabilities_add) == ("1000:1000", ())
    site.published()
    site.cluster.advance(61_000)
    site.reconcile(passes=4)
    assert nothing_is_left(site)
    assert len(writers(site)) == 1


def test_what_is_stopped_goes_only_after_its_log_is_safe(site: Site) -> None:
    site.push({BOOK: book(extra=f"{KEEP}\nlifetime: 10s")})
    site.reconcile(passes=8)
    site.cluster.advance(20_000)
    site.reconcile(passes=8)
    steps = order(site, "create_config", "remove_service")
    assert steps[0] == "create_config"
    assert site.status("aml/book")["phase"] == "Stopped"
    assert nothing_is_left(site)


def test_it_is_written_where_the_workspace_is(site: Site) -> None:
    site.push({BOOK: book(extra=f"{KEEP}\nlifetime: 10s")})
    site.reconcile(passes=8)
    (home,) = {s.spec.node for s in site.cluster.observe().services}
    site.cluster.advance(20_000)
    site.reconcile(passes=6)
    (writer,) = writers(site)
    (mount,) = writer.mounts
    assert (writer.node, mount.source) == (home, "zoe-test-aml-workspace")


def test_a_deleted_execution_leaves_its_log_too(site: Site) -> None:
    other = execution_file("other", extra="suspend: true")
    site.push({BOOK: book(), "executions/aml/other.yaml": other})
    site.reconcile(passes=8)
    site.push({BOOK: None})
    site.reconcile(passes=8)
    assert len(kept(site)) == 1
    assert nothing_is_left(site)


def test_a_crash_in_between_writes_it_all_the_same(site: Site) -> None:
    site.push({BOOK: book(extra=f"{KEEP}\nlifetime: 10s")})
    site.reconcile(passes=8)
    site.cluster.advance(20_000)
    site.reconcile()
    assert (len(kept(site)), writers(site)) == (1, [])
    site.restart()
    site.reconcile(passes=8)
    assert (len(kept(site)), len(writers(site))) == (1, 1)
    assert nothing_is_left(site)


def test_without_the_wish_nothing_is_written(site: Site) -> None:
    site.push({BOOK: book(extra="lifetime: 10s")})
    site.reconcile(passes=8)
    site.cluster.advance(20_000)
    site.reconcile(passes=4)
    assert (kept(site), writers(site)) == ([], [])


def test_a_log_that_cannot_be_written_is_told_and_given_up(site: Site) -> None:
    site.push({BOOK: book(extra=f"{KEEP}\nlifetime: 10s")})
    site.reconcile(passes=8)
    site.cluster.script("init", Outcome.exits(1))
    site.cluster.advance(20_000)
    site.reconcile(passes=8)
    told = [e.message for e in site.store.events() if e.reason == "LogsNotKept"]
    assert len(told) == 1
    assert "can't be written in aml's workspace" in told[0]
    site.cluster.advance(11 * 60_000)
    site.reconcile(passes=3)
    assert nothing_is_left(site)


class Tail:
    """Reads the end of a log, and hangs over all of it."""

    def __init__(self, logs: Callable[..., str]) -> None:
        self.logs = logs

    def __call__(self, service: str, *, tail: int, **limits: int) -> str:
        if limits:
            raise ClusterUnavailable("logs: timed out")
        return self.logs(service, tail=tail)


def test_a_log_that_cant_be_read_holds_up_nobody_else(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.cluster.script("busybox", Outcome.exits(0, after_ms=1000, log="hello\n"))
    site.push({BOOK: book(type_="batch")})
    with monkeypatch.context() as patch:
        patch.setattr(site.cluster, "logs", Tail(site.cluster.logs))
        site.reconcile(passes=8)
        site.push({"executions/aml/other.yaml": execution_file("other", image="other")})
        site.reconcile(passes=8)
        assert site.phases() == {"aml/book": "Succeeded", "aml/other": "Running"}
        assert kept(site) == []
    site.reconcile(passes=8, ms=2000)
    assert kept(site) == [b"hello\n"]


class Log:
    """A cluster with one long log."""

    def __init__(self, lines: int) -> None:
        self.text = "".join(
            f"{number:x} {number * 7919 % 1_000_003:x}\n" for number in range(lines)
        )

    def logs(self, _: str, **__: int) -> str:
        return self.text


@pytest.mark.parametrize("lines", [0, 10, 200_000])
def test_as_much_of_the_end_as_fits_is_kept_in_whole_lines(lines: int) -> None:
    log: Any = Log(lines)
    data = kept_log(log, "id")
    assert len(data) <= CONFIG_BYTES
    text = gzip.decompress(data).decode()
    assert log.text.endswith(text)
    assert set(text.splitlines()) <= set(log.text.splitlines())
    assert text == log.text or len(data) > CONFIG_BYTES // 2

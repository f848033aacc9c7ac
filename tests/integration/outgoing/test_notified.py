"""Transitions that people asked to be told of: from a manifest to a webhook, a chat and mail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.cluster.fake import Outcome
from reconciler.outbound.outgoing import NotifySettings, SmtpSettings
from tests.fixtures.forge_server import ForgeServer, Scripted
from tests.fixtures.site import Site, execution_file
from tests.fixtures.smtp_server import SmtpServer

JOB = "executions/aml/job.yaml"
ALL = "[started, finished, failed, held]"
NOTIFY = f"notify: [{{on: {ALL}, to: hook}}]"


@pytest.fixture
def hook(forge_server: Callable[..., ForgeServer]) -> ForgeServer:
    return forge_server("hook")


@pytest.fixture
def mailbox(smtp_server: Callable[..., SmtpServer]) -> SmtpServer:
    return smtp_server()


@pytest.fixture
def told(
    site: Site, hook: ForgeServer, mailbox: SmtpServer, tmp_path: Path
) -> Callable[[], list[tuple[str, ...]]]:
    """Give the site three targets; return what the webhook was told: name, transition, reason."""
    (tmp_path / "secret").write_text("signing-secret")
    (tmp_path / "url").write_text(f"{hook.url}/chat")
    site.push(
        {
            "platform.yaml": "apiVersion: zoe/v1\nkind: Platform\nmetadata: {name: platform}\n"
            "spec:\n  notifyTargets:\n"
            f"    hook: {{type: webhook, url: '{hook.url}/zoe'}}\n"
            "    chat: {type: slack}\n"
            "    post: {type: email, to: [ada@example.org]}\n"
        }
    )
    smtp = SmtpSettings(
        host="127.0.0.1", port=mailbox.port, sender="zoe@example.org", security="none"
    )
    targets = {
        "hook": NotifySettings(name="hook", secret_file=tmp_path / "secret"),
        "chat": NotifySettings(name="chat", url_file=tmp_path / "url"),
    }
    site.settings = replace(site.settings, smtp=smtp, notify=targets)
    site.restart()

    def read() -> list[tuple[str, ...]]:
        site.loop.deliver()
        data = [request.data for request in hook.requests if request.path == "/zoe"]
        return [(d["execution"]["name"], d["transition"], d["reason"]) for d in data]

    return read


def test_a_batch_that_succeeds_tells_its_start_and_its_end_once(
    site: Site, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    site.cluster.script("busybox", Outcome.exits(0, after_ms=3_000))
    site.push({JOB: execution_file(type_="batch", extra=NOTIFY)})
    site.reconcile(passes=20)
    expected = [("job", "started", ""), ("job", "finished", "Completed")]
    assert told() == expected
    site.restart()
    site.reconcile(passes=5)
    assert told() == expected


def test_who_asked_for_failures_only_hears_of_nothing_else(
    site: Site, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    wish = "notify: [{on: [failed], to: hook}, {on: [failed], to: hook}]"
    site.cluster.script("busybox", Outcome.exits(3))
    site.push({JOB: execution_file(type_="batch", extra=wish)})
    site.reconcile(passes=20)
    assert told() == [("job", "failed", "NonZeroExit")]


def test_every_target_is_told_in_its_own_way(
    site: Site,
    hook: ForgeServer,
    mailbox: SmtpServer,
    told: Callable[[], list[tuple[str, ...]]],
) -> None:
    wishes = ", ".join(f"{{on: [failed], to: {name}}}" for name in ("hook", "chat", "post"))
    site.cluster.script("busybox", Outcome.exits(3))
    site.push({JOB: execution_file(type_="batch", extra=f"notify: [{wishes}]")})
    site.reconcile(passes=20)
    assert len(told()) == 1
    chat = [request.data["text"] for request in hook.requests if request.path == "/chat"]
    assert [text.split(":")[0] for text in chat] == ["aml/job has failed"]
    ((recipients, mail),) = mailbox.mails
    assert (recipients, mail["Subject"]) == (["ada@example.org"], "[test] aml/job has failed")


def test_wishing_to_be_told_changes_nothing_that_runs(
    site: Site, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    site.push({JOB: execution_file()})
    site.reconcile(passes=6, ms=5_000)
    before = site.writes()
    site.push({JOB: execution_file(extra=NOTIFY)})
    site.reconcile(passes=3)
    assert site.writes() == before
    assert site.status("aml/job")["observedGeneration"] == 1
    assert told() == []


def test_what_git_took_away_is_not_told_to_who_took_it(
    site: Site, told: Callable[[], list[tuple[str, ...]]]
) -> None:
    site.push({JOB: execution_file(extra=NOTIFY)})
    site.reconcile(passes=6, ms=5_000)
    site.push({JOB: None})
    site.reconcile(passes=6, ms=5_000)
    assert told() == [("job", "started", "")]


def test_a_target_that_is_down_is_told_later_and_delays_nobody_else(
    site: Site,
    hook: ForgeServer,
    mailbox: SmtpServer,
    told: Callable[[], list[tuple[str, ...]]],
) -> None:
    hook.answer_next(Scripted(503, {"Retry-After": "120"}))
    wish = "notify: [{on: [failed], to: hook}, {on: [failed], to: post}]"
    site.cluster.script("busybox", Outcome.exits(3))
    site.push({JOB: execution_file(type_="batch", extra=wish)})
    site.reconcile(passes=20)
    told()
    assert (len(hook.requests), len(mailbox.mails)) == (1, 1)
    site.cluster.advance(120_000)
    assert len(told()) == 2  # the one that was refused, and the one that was taken
    assert hook.requests[0].headers["webhook-id"] == hook.requests[1].headers["webhook-id"]


def test_no_secret_reaches_the_database(
    site: Site, told: Callable[[], list[tuple[str, ...]]], tmp_path: Path
) -> None:
    site.cluster.script("busybox", Outcome.exits(3))
    site.push({JOB: execution_file(type_="batch", extra=NOTIFY)})
    site.reconcile(passes=20)
    assert told()
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("zoe.db*"))
    assert b"signing-secret" not in stored
    assert b"/chat" not in stored

"""Webhooks, chats and mail, to real servers."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.errors import DeliveryRefused, TargetUnavailable
from reconciler.notifiers.mail import Mail
from reconciler.notifiers.slack import Slack, text
from reconciler.notifiers.webhook import Webhook
from reconciler.outbound.outbox import Notice
from reconciler.outbound.outgoing import NotifySettings, SmtpSettings
from tests.fixtures.forge_server import ForgeServer, Scripted
from tests.fixtures.smtp_server import LOGIN, SmtpServer

AT = datetime(2026, 1, 1, 12, tzinfo=UTC)
SECRET = "signing-secret"
FAILED = Notice(
    kind="webhook",
    transition="failed",
    namespace="aml",
    name="train",
    run=3,
    uid="0123456789abcdef",
    reason="NonZeroExit",
    message="failed with exit code 3 <!channel>\r\nBcc: all@example.org",
    at=AT,
    commit="c" * 40,
    recipients=("ada@example.org", "bob@example.org"),
)


@pytest.fixture
def hook(forge_server: Callable[..., ForgeServer]) -> ForgeServer:
    return forge_server("hook")


@pytest.fixture
def settings(tmp_path: Path, hook: ForgeServer) -> NotifySettings:
    (tmp_path / "secret").write_text(SECRET)
    (tmp_path / "url").write_text(f"{hook.url}/services/T0/B0/s3cret-path\n")
    return NotifySettings(name="hook", secret_file=tmp_path / "secret", url_file=tmp_path / "url")


def test_a_webhook_is_signed_so_that_a_receiver_can_check_it(
    hook: ForgeServer, settings: NotifySettings
) -> None:
    notice = replace(FAILED, url=f"{hook.url}/zoe?team=aml")
    signing = replace(settings, url_file=None)
    Webhook("lab", {"hook": signing}).deliver(notice, target="hook", at=AT)
    (request,) = hook.requests
    headers = request.headers
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + request.body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest())
    assert headers["webhook-signature"] == f"v1,{expected.decode()}"
    plain = hmac.new(SECRET.encode(), request.body, hashlib.sha256).hexdigest()
    assert headers["x-signature"] == f"sha256={plain}"
    assert int(headers["webhook-timestamp"]) == int(AT.timestamp())
    assert request.path == "/zoe?team=aml"
    told = json.loads(request.body)
    assert (told["transition"], told["execution"]["run"]) == ("failed", 3)


def test_a_second_delivery_has_the_id_of_the_first(
    hook: ForgeServer, settings: NotifySettings
) -> None:
    webhook = Webhook("lab", {"hook": settings})
    for _ in range(2):
        webhook.deliver(FAILED, target="hook", at=AT)
    webhook.deliver(replace(FAILED, transition="held"), target="hook", at=AT)
    first, second, other = (request.headers["webhook-id"] for request in hook.requests)
    assert first == second != other


def test_nothing_goes_out_unsigned(hook: ForgeServer, settings: NotifySettings) -> None:
    for known in ({}, {"hook": replace(settings, secret_file=None)}):
        with pytest.raises(DeliveryRefused, match=r"set secret_file in \[notify.hook\]"):
            Webhook("lab", known).deliver(FAILED, target="hook", at=AT)
    assert hook.requests == []


def test_a_chat_gets_text_that_mentions_nobody(hook: ForgeServer, settings: NotifySettings) -> None:
    Slack({"chat": settings}).deliver(FAILED, target="chat", at=AT)
    (request,) = hook.requests
    assert request.path == "/services/T0/B0/s3cret-path"
    assert json.loads(request.body) == {
        "text": "aml/train run 3 has failed: failed with exit code 3 &lt;!channel&gt; "
        "Bcc: all@example.org (NonZeroExit)"
    }


@pytest.mark.parametrize("said", ["@all", "exec: _@here_: not found", "(@channel)", "@@ada"])
def test_nor_is_anybody_mentioned_where_a_plain_at_does_that(said: str) -> None:
    told = text(replace(FAILED, message=said))
    assert not re.search(r"@\w", told)
    assert told.replace("\N{ZERO WIDTH SPACE}", "").startswith(
        f"aml/train run 3 has failed: {said}"
    )


@pytest.mark.parametrize("kind", [Slack, lambda targets: Webhook("lab", targets)])
def test_an_address_that_is_a_secret_is_in_no_message(
    hook: ForgeServer, settings: NotifySettings, kind: Callable[..., Slack | Webhook]
) -> None:
    path = "/services/T0/B0/s3cret-path"
    hook.answer_next(Scripted(500, body=f"no {path}"), Scripted(404, body=f"{hook.url}{path}"))
    for _ in range(2):
        with pytest.raises(TargetUnavailable, match="POST to chat at 127") as caught:
            kind({"chat": settings}).deliver(FAILED, target="chat", at=AT)
        assert "s3cret-path" not in str(caught.value)


def test_a_chats_address_never_travels_in_the_clear(
    settings: NotifySettings, tmp_path: Path
) -> None:
    for url in ("http://hooks.example.org/services/s3cret", "s3cret"):
        (tmp_path / "url").write_text(url)
        with pytest.raises(DeliveryRefused) as caught:
            Slack({"chat": settings}).deliver(FAILED, target="chat", at=AT)
        assert "s3cret" not in str(caught.value)


def plain(server: SmtpServer) -> SmtpSettings:
    return SmtpSettings(
        host="127.0.0.1", port=server.port, sender="zoe@example.org", security="none"
    )


def test_a_mail_reaches_its_recipients_and_no_other(
    smtp_server: Callable[..., SmtpServer],
) -> None:
    server = smtp_server()
    Mail("lab", plain(server)).deliver(FAILED, target="mail", at=AT)
    ((recipients, mail),) = server.mails
    assert recipients == ["ada@example.org", "bob@example.org"]
    assert mail["Subject"] == "[lab] aml/train run 3 has failed"
    assert mail["Bcc"] is None
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "exit code 3 <!channel>" in mail.get_content()


def test_the_same_notice_has_the_same_message_id(
    smtp_server: Callable[..., SmtpServer],
) -> None:
    server = smtp_server()
    for transition in ("failed", "failed", "held"):
        notice = replace(FAILED, transition=transition)
        Mail("lab", plain(server)).deliver(notice, target="mail", at=AT)
    first, second, other = (mail["Message-ID"] for _, mail in server.mails)
    assert first == second != other


def test_mail_goes_encrypted_with_a_login(
    smtp_server: Callable[..., SmtpServer], mail_certificate: Path, tmp_path: Path
) -> None:
    server = smtp_server(mail_certificate)
    (tmp_path / "password").write_text(LOGIN.password.decode())
    settings = replace(
        plain(server),
        security="starttls",
        username=LOGIN.login.decode(),
        password_file=tmp_path / "password",
    )
    Mail("lab", settings).deliver(FAILED, target="mail", at=AT)
    assert (len(server.mails), server.logins) == (1, 1)
    (tmp_path / "password").write_text("wr0ng-password")
    with pytest.raises(TargetUnavailable, match="renew password_file") as caught:
        Mail("lab", settings).deliver(FAILED, target="mail", at=AT)
    assert "wr0ng" not in str(caught.value)


def test_a_certificate_that_nobody_vouches_for_gets_no_password(
    smtp_server: Callable[..., SmtpServer],
    mail_certificate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    server = smtp_server(mail_certificate)
    (tmp_path / "password").write_text("x")
    settings = replace(
        plain(server), security="starttls", username="zoe", password_file=tmp_path / "password"
    )
    with pytest.raises(TargetUnavailable, match="certificate"):
        Mail("lab", settings).deliver(FAILED, target="mail", at=AT)
    assert server.logins == 0


@pytest.mark.parametrize(
    ("answer", "error"),
    [("451 4.3.0 try again later", TargetUnavailable), ("554 5.6.0 no", DeliveryRefused)],
)
def test_what_a_mail_server_says_decides_whether_it_is_tried_again(
    smtp_server: Callable[..., SmtpServer], answer: str, error: type[Exception]
) -> None:
    server = smtp_server()
    server.answers = [answer]
    with pytest.raises(error, match=answer[4:9]):
        Mail("lab", plain(server)).deliver(FAILED, target="mail", at=AT)


def test_one_unknown_mailbox_keeps_nobody_else_from_the_mail(
    smtp_server: Callable[..., SmtpServer],
) -> None:
    server = smtp_server()
    server.unknown = {"ada@example.org"}
    with pytest.raises(DeliveryRefused, match=r"for ada@example.org"):
        Mail("lab", plain(server)).deliver(FAILED, target="mail", at=AT)
    assert [recipients for recipients, _ in server.mails] == [["bob@example.org"]]
    server.unknown |= {"bob@example.org"}
    with pytest.raises(DeliveryRefused, match="for none of ada@example"):
        Mail("lab", plain(server)).deliver(FAILED, target="mail", at=AT)


def test_a_password_never_travels_in_the_clear(tmp_path: Path) -> None:
    settings = SmtpSettings(
        host="mail.example.org", sender="z@e.org", security="none", password_file=tmp_path / "p"
    )
    with pytest.raises(DeliveryRefused, match="would show the password"):
        Mail("lab", settings).deliver(FAILED, target="mail", at=AT)


def test_a_mail_server_that_trickles_is_cut_off(hook: ForgeServer) -> None:
    hook.gate.clear()  # speaks no SMTP either, so the greeting never ends well
    settings = SmtpSettings(host="127.0.0.1", port=hook.port, sender="z@e.org", security="none")
    with pytest.raises(TargetUnavailable, match="can't reach"):
        Mail("lab", settings, whole_s=0.3, timeout_s=0.3).deliver(FAILED, target="mail", at=AT)


def test_without_a_mail_server_it_is_said() -> None:
    with pytest.raises(DeliveryRefused, match=r"zoe.toml has no \[smtp\]"):
        Mail("lab", None).deliver(FAILED, target="mail", at=AT)

"""Mail, through one SMTP server."""

from __future__ import annotations

import contextlib
import smtplib
import ssl
import threading
from collections.abc import Iterator
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from socket import SHUT_RDWR

from reconciler.errors import DeliveryRefused, TargetUnavailable
from reconciler.notifiers.words import headline, sentence
from reconciler.outbound.outbox import Notice
from reconciler.outbound.outgoing import SmtpSettings, credential
from reconciler.text import clean, scrub

TIMEOUT_S = 15.0
WHOLE_S = 45.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_SUBJECT_LIMIT = 150
_BODY_LIMIT = 5_000
_WORDS_LIMIT = 200


class Mail:
    """Sends each notice as a short plain text."""

    def __init__(
        self,
        deployment: str,
        settings: SmtpSettings | None,
        *,
        timeout_s: float = TIMEOUT_S,
        whole_s: float = WHOLE_S,
    ) -> None:
        self._deployment = deployment
        self._settings = settings
        self._timeout_s = timeout_s
        self._whole_s = whole_s

    def deliver(self, notice: Notice, *, target: str, at: datetime) -> None:
        """Hand a notice to the mail server, for all of its recipients."""
        settings = self._settings
        if settings is None:
            raise DeliveryRefused(f"{target} is mail, and zoe.toml has no [smtp]")
        password = _password(settings)
        mail = letter(notice, settings, deployment=self._deployment, at=at)
        with _translated(settings, [password]), self._session(settings, password) as session:
            refused = session.send_message(mail)
        if refused:
            raise DeliveryRefused(f"{settings.host} doesn't take mail for {', '.join(refused)}")

    @contextlib.contextmanager
    def _session(self, settings: SmtpSettings, password: str) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context()
        if settings.security == "tls":
            session: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=self._timeout_s, context=context
            )
        else:
            session = smtplib.SMTP(settings.host, settings.port, timeout=self._timeout_s)
        with session, _cut_off(session, self._whole_s):
            if settings.security == "starttls":
                session.starttls(context=context)
            if password:
                session.login(settings.username, password)
            yield session


def letter(
    notice: Notice, settings: SmtpSettings, *, deployment: str, at: datetime
) -> EmailMessage:
    """Return the mail. Its Message-ID is that of the notice, so a second one can be told."""
    mail = EmailMessage()
    mail["Subject"] = clean(f"[{deployment}] {headline(notice)}", limit=_SUBJECT_LIMIT)
    mail["From"] = settings.sender
    mail["To"] = ", ".join(notice.recipients)
    mail["Date"] = format_datetime(at)
    place = notice.key.replace("/", ".").replace(":", "").replace("+", "")
    mail["Message-ID"] = f"<{place}@{deployment}.zoe>"
    # No answer from programs that are on holiday.
    mail["Auto-Submitted"] = "auto-generated"
    told = [f"{headline(notice)}.", "", sentence(notice), ""]
    told += [f"at {notice.at.isoformat(timespec='seconds')}", f"commit {notice.commit}"]
    mail.set_content(clean("\n".join(told), limit=_BODY_LIMIT, is_multiline=True) + "\n")
    return mail


def _password(settings: SmtpSettings) -> str:
    if settings.password_file is None:
        return ""
    if settings.security == "none" and settings.host not in _LOOPBACK:
        raise DeliveryRefused('[smtp] security = "none" would show the password to anybody')
    return credential(settings.password_file, "password_file of [smtp]")


@contextlib.contextmanager
def _cut_off(session: smtplib.SMTP, after_s: float) -> Iterator[None]:
    """Shut the connection down after so long, however busy the server keeps us."""

    def cut() -> None:
        with contextlib.suppress(OSError, AttributeError):
            session.sock.shutdown(SHUT_RDWR)  # type: ignore[union-attr]

    timer = threading.Timer(after_s, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _translated(settings: SmtpSettings, secrets: list[str]) -> Iterator[None]:
    place = f"{settings.host}:{settings.port}"
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        raise TargetUnavailable(f"{place} refused the login: renew password_file") from error
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        told = f"{place} takes mail for none of {', '.join(error.recipients)}"
        raise _by_code(min(codes), told) from error
    except smtplib.SMTPResponseException as error:
        words = error.smtp_error
        text = words.decode(errors="replace") if isinstance(words, bytes) else words
        told = f"{place}: {error.smtp_code} {clean(scrub(text, secrets), limit=_WORDS_LIMIT)}"
        raise _by_code(error.smtp_code, told) from error
    except smtplib.SMTPNotSupportedError as error:
        raise TargetUnavailable(f"{place}: {error}; see security in [smtp]") from error
    except (smtplib.SMTPException, OSError) as error:
        words = clean(scrub(str(error), secrets), limit=_WORDS_LIMIT)
        raise TargetUnavailable(f"can't reach {place}: {words}") from error


def _by_code(code: int, told: str) -> TargetUnavailable | DeliveryRefused:
    """Return whether it may be tried again: SMTP says so by the first digit."""
    return DeliveryRefused(told) if 500 <= code < 600 else TargetUnavailable(told)

"""Settings of what we write to: forges, and where notifications go. Read by ``config``.

Credentials are files, read anew whenever something is sent: a token can be replaced while we run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from reconciler.errors import TargetUnavailable
from reconciler.known_forges import ForgeName


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgeSettings:
    """Where a source's repository is hosted. Without ``api`` it is the provider's own service.

    ``review_forks``: look at what is proposed from other repositories, too.
    """

    provider: ForgeName
    repository: str
    token_file: Path
    api: str = ""
    timeout_s: int = 15
    review_forks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifySettings:
    """The secret half of a target that platform.yaml names.

    ``secret_file`` signs what a webhook gets; ``url_file`` holds an address that is a secret.
    """

    name: str
    secret_file: Path | None = None
    url_file: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmtpSettings:
    """The mail server that notifications go through."""

    host: str
    sender: str
    port: int = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: str = ""
    password_file: Path | None = None


def credential(path: Path, setting: str) -> str:
    """Return what a file holds, without white space around it.

    Raises:
        TargetUnavailable: It can't be read or is empty; ``setting`` says which file is meant.
    """
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise TargetUnavailable(f"{setting} can't be read: {path}") from error
    if not text:
        raise TargetUnavailable(f"{setting} is empty: {path}")
    return text

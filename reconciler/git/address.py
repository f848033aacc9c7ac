"""PURE: the address of a remote, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from reconciler.errors import ConfigError
from reconciler.text import scrub

PORTS = {"http": 80, "https": 443, "ssh": 22}

_SCP_LIKE = re.compile(r"(?:(?P<user>[^@/:\s]+)@)?(?P<host>[^/:\s]+):(?P<path>(?!//).+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A remote's URL without password, and what it says beside the place."""

    url: str
    kind: Literal["http", "https", "ssh", "file"]
    host: str = ""
    port: int | None = None
    user: str = ""
    password: str = ""

    @property
    def path(self) -> str:
        """The directory that a local address means."""
        return unquote(urlsplit(self.url).path) if "://" in self.url else self.url

    @property
    def server(self) -> tuple[str, str, int | None]:
        """Who answers there: scheme, host and port."""
        return self.kind, self.host, self.port or PORTS.get(self.kind)

    @staticmethod
    def of(url: str) -> Address:
        """Take a URL, an scp-like address or a path apart.

        Raises:
            ConfigError: The scheme is none of those that are supported, or there is no host.
        """
        if "://" not in url:
            return _scp_like(url) or Address(url=url, kind="file")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"{scrub(url)} is no URL: {error}") from error
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        match parts.scheme:
            case "file":
                return Address(url=url, kind="file")
            case "http" | "https" | "ssh" as kind:
                pass
            case other:
                raise ConfigError(f"{other}:// isn't supported: use https, ssh, http or a path")
        if not parts.hostname:
            raise ConfigError(f"{scrub(url)} names no host")
        place = parts.netloc.rpartition("@")[2]
        keep_user = f"{parts.username}@" if kind == "ssh" and user else ""
        return Address(
            url=urlunsplit(parts._replace(netloc=keep_user + place)),
            kind=kind,
            host=parts.hostname,
            port=port,
            user=user,
            password=password,
        )


def _scp_like(text: str) -> Address | None:
    found = None if text.startswith(("/", ".")) else _SCP_LIKE.fullmatch(text)
    if found is None:
        return None
    return Address(url=text, kind="ssh", host=found["host"], user=found["user"] or "")

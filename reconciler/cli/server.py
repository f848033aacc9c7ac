"""The API of ``zoe web``, asked by people's verbs: a laptop needs nothing else than its address.

Only GET, only JSON, and only the server that ``ZOE_SERVER`` names: an answer that leads elsewhere
isn't followed. Proxies of the environment are used, as everything on a laptop does.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPException, HTTPMessage
from typing import IO, Any, TypeVar
from urllib.error import HTTPError, URLError
from urllib.parse import quote, urlencode, urlsplit
from urllib.request import (
    HTTPRedirectHandler,
    OpenerDirector,
    ProxyHandler,
    Request,
    build_opener,
)

from reconciler.errors import ConfigError, Missing, ReconcilerError, TargetUnavailable
from reconciler.text import clean, decode, scrub
from reconciler.view import encoding

T = TypeVar("T")

VARIABLE = "ZOE_SERVER"
API = "/api/v1"
TIMEOUT_S = 15.0
MOST_BYTES = 64 * 1024**2
WORDS_LIMIT = 500
_PROBLEM = "application/problem+json"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_WRONGLY_ASKED = frozenset({400, 414, 422})


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A ``zoe web`` at a URL; ``timeout_s`` is for connecting and for each piece of an answer."""

    url: str
    timeout_s: float = TIMEOUT_S

    def read(self, kind: type[T], path: str, **query: str | int | bool | None) -> T:
        """Return the view that the API has at ``path``; raises what :meth:`get` raises."""
        data = self.get(path, **query)
        try:
            return encoding.from_json(kind, data)
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            told = f"{self.url} answers in a form that this zoe can't read: is one of them older?"
            raise TargetUnavailable(told) from error

    def get(self, path: str, **query: str | int | bool | None) -> Any:
        """Return the JSON at a path below ``/api/v1``, such as ``executions/aml/lab-3``.

        Parameters that are None, False or "" are left out; True is ``true``.

        Raises:
            Missing: There is no such thing; the server's words, which name a similar one.
            ConfigError: What was asked for makes no sense, such as a bad selector.
            TargetUnavailable: The server can't be reached, or can't answer now.
        """
        asked = {name: _written(value) for name, value in query.items() if value or value == 0}
        asked = {name: value for name, value in asked.items() if value}
        address = f"{self.url}{API}/{quote(path.strip('/'))}"
        request = Request(  # noqa: S310 - http and https only, see _checked
            f"{address}?{urlencode(asked)}" if asked else address,
            headers={"Accept": f"application/json, {_PROBLEM}", "User-Agent": "zoe"},
        )
        try:
            with _opener(urlsplit(address).hostname).open(
                request, timeout=self.timeout_s
            ) as answer:
                body = answer.read(MOST_BYTES + 1)
        except HTTPError as error:
            with error:
                raise self._refused(error) from error
        except (OSError, HTTPException, URLError) as error:
            raise self._unreachable(error) from error
        return self._json(body)

    def _json(self, body: bytes) -> Any:
        if len(body) > MOST_BYTES:
            raise TargetUnavailable(f"{self.url} sent more than {MOST_BYTES} bytes: ask for less")
        try:
            return json.loads(body)
        except (ValueError, RecursionError) as error:
            raise TargetUnavailable(f"{self._stranger()}: it doesn't answer with JSON") from error

    def _refused(self, error: HTTPError) -> ReconcilerError:
        """Return the error that an answer stands for, in the server's words where it has some."""
        if 300 <= error.code < 400:
            place = clean(scrub(error.headers.get("Location", "elsewhere")), limit=200)
            return TargetUnavailable(f"{self.url} leads to {place}: set {VARIABLE} to that")
        told = _detail(error)
        if not told and error.code < 500:
            return TargetUnavailable(f"{self._stranger()}: it answers {error.code}")
        if error.code == 404:
            return Missing(told)
        if error.code in _WRONGLY_ASKED:
            return ConfigError(told)
        told = told or "it can't answer now; try again in a minute"
        return TargetUnavailable(f"{self.url} answers {error.code}: {told}")

    def _stranger(self) -> str:
        return f"{self.url} isn't a zoe web: set {VARIABLE} to the address of the status page"

    def _unreachable(self, error: Exception) -> TargetUnavailable:
        reason = error.reason if isinstance(error, URLError) else error
        told = clean(scrub(str(reason) or type(reason).__name__), limit=200)
        if isinstance(reason, TimeoutError):
            told = f"no answer within {self.timeout_s:g} s"
        return TargetUnavailable(
            f"{self.url} can't be reached ({told}): is it up, and is {VARIABLE} right?"
        )


def configured(environ: Mapping[str, str] | None = None) -> Server | None:
    """Return the server that the environment names, if it names one.

    Raises:
        ConfigError: What it names is no address of a server.
    """
    url = (os.environ if environ is None else environ).get(VARIABLE, "").strip()
    return Server(url=_checked(url)) if url else None


def _checked(url: str) -> str:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises where it isn't a number
    except ValueError as error:
        raise ConfigError(f"{VARIABLE}: {scrub(url)} is no URL: {error}") from error
    if parts.username or parts.password:
        raise ConfigError(f"{VARIABLE} holds credentials: the status page needs none")
    is_plain = not (parts.query or parts.fragment) and url.isascii() and url.isprintable()
    if parts.scheme not in ("http", "https") or not parts.hostname or not is_plain or " " in url:
        raise ConfigError(f"{VARIABLE}: {scrub(url)} isn't usable: write https://HOST")
    return url.rstrip("/").removesuffix(API)


class _NoRedirects(HTTPRedirectHandler):
    """Whoever answers may not send us elsewhere."""

    def redirect_request(
        self,
        req: Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        """Follow none: the answer becomes an error."""


def _opener(host: str | None) -> OpenerDirector:
    # A proxy's loopback isn't ours.
    if host in _LOOPBACK:
        return build_opener(_NoRedirects, ProxyHandler({}))
    return build_opener(_NoRedirects)


def _written(value: str | int | bool | None) -> str:
    if isinstance(value, bool):
        return "true" if value else ""
    return "" if value is None else str(value)


def _detail(error: HTTPError) -> str:
    """Return what a problem document says and suggests; "" where the answer isn't one."""
    if error.headers.get_content_type() != _PROBLEM:
        return ""
    try:
        data = json.loads(decode(error.read(MOST_BYTES), limit=MOST_BYTES))
    except (OSError, HTTPException, ValueError, RecursionError):
        return ""
    if not isinstance(data, dict):
        return ""
    parts = (data.get("detail") or data.get("title"), data.get("suggestion"))
    return ": ".join(
        clean(part, limit=WORDS_LIMIT) for part in parts if part and isinstance(part, str)
    )

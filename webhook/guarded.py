"""What is true of every answer: its headers, whose name it is asked under, and that it only reads.

Deliveries (``/hooks/``) and the questions of load balancers (``/healthz``, ``/readyz``) are taken
under any name: those are signed, and these tell nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reconciler.config import Settings
from reconciler.errors import ConfigError
from webhook.problems import Problem, as_json

HOOKS = "/hooks/"
ANY_NAME = frozenset({"/healthz", "/readyz"})
LOOPBACK = frozenset({"localhost", "ip6-localhost"})
_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+)(:[0-9]{0,5})?")
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?")
READING = frozenset({"GET", "HEAD"})
POLICY = "; ".join(
    (
        "default-src 'none'",
        "style-src 'self'",
        "script-src 'self'",
        "img-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
# Badges are made to be shown on other sites.
SHARED = "/badge/"
# What is asked for here has no end that its header could be sent with.
ENDLESS = frozenset({"/events"})


def hosts(settings: Settings) -> frozenset[str]:
    """Return the names that pages are served under; any plain address is taken beside them.

    Raises:
        ConfigError: A host in the settings isn't a name.
    """
    if wrong := [name for name in settings.web.hosts if not _NAME.fullmatch(name)]:
        raise ConfigError(
            f"[web] hosts: {wrong[0]!r} isn't a name: leave out scheme, port and path"
        )
    named = urlsplit(settings.page_url).hostname if settings.page_url else None
    return LOOPBACK | {name.lower() for name in settings.web.hosts} | ({named} if named else set())


class Guarded:
    """An application around another."""

    def __init__(self, app: ASGIApp, *, hosts: Collection[str]) -> None:
        self._app = app
        self._hosts = frozenset(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or let the application do it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sending = _with_headers(scope["path"], send)
        if scope["method"] == "HEAD" and scope["path"] not in ENDLESS:
            # The server leaves the body out.
            scope = {**scope, "method": "GET"}
        if (problem := self._objection(scope)) is None:
            await self._app(scope, receive, sending)
        else:
            response = as_json(problem)
            # What may still come of a body is nobody's to read.
            response.headers["Connection"] = "close"
            await response(scope, receive, sending)

    def _objection(self, scope: Scope) -> Problem | None:
        path: str = scope["path"]
        is_hook = path.startswith(HOOKS)
        if not is_hook and path not in ANY_NAME and not self._is_ours(scope):
            return Problem(
                status=421,
                detail="this server has no pages under that name",
                suggestion="the operator may add it to hosts under [web] in zoe.toml",
            )
        if is_hook or scope["method"] in READING:
            return None
        detail = "this can only be read: use GET or HEAD"
        return Problem(status=405, detail=detail, headers={"Allow": "GET, HEAD"})

    def _is_ours(self, scope: Scope) -> bool:
        """Tell whether it was asked under a name of ours.

        Another site's script can make its own name lead here (DNS rebinding), and would then read
        what only the network of a lab may. It can't do that with a plain address.
        """
        named = [value for key, value in scope["headers"] if key == b"host"]
        if len(named) != 1:
            return False
        host = _name(named[0].decode("latin-1"))
        return host in self._hosts or _is_address(host)


def _name(host: str) -> str:
    """Return the name or address of a Host header, without its port; "" for anything else."""
    if not _HOST.fullmatch(host):
        return ""
    try:
        return (urlsplit(f"//{host}").hostname or "").removesuffix(".")
    except ValueError:
        return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _with_headers(path: str, send: Send) -> Send:
    """Return a ``send`` that adds the headers which an answer doesn't set itself."""
    adding = dict(HEADERS)
    if path.startswith(SHARED):
        adding["Cross-Origin-Resource-Policy"] = "cross-origin"

    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            present = {key.lower() for key, _ in headers}
            headers += [
                (key.lower().encode(), value.encode())
                for key, value in adding.items()
                if key.lower().encode() not in present
            ]
            message = {**message, "headers": headers}
        await send(message)

    return sending

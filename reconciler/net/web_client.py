"""One HTTP request to a forge or to a webhook: bounded in time and size, and only to fit places.

Redirects are not followed: they would carry a token, or a message, to whoever they lead to.
Proxies and credentials of the environment are not looked at, for the same reason. The address is
checked before it is connected to, and that very address is connected to, so that no second answer
of a name server can lead elsewhere.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from time import monotonic
from typing import Any, Literal
from urllib.parse import urlsplit

from reconciler.errors import ConfigError, DeliveryRefused, TargetUnavailable
from reconciler.text import clean, decode, scrub

AGENT = "zoe-gitops"
TIMEOUT_S = 15.0
ANSWER_LIMIT_BYTES = 8 * 1024**2  # a page of a hundred long comments
WORDS_LIMIT = 200
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where requests go: scheme, host and port, and the path that all of them begin with."""

    scheme: Literal["http", "https"]
    host: str
    port: int
    path: str
    query: str = ""

    @property
    def is_private_to_us(self) -> bool:
        """Whether nobody else can read what is sent there."""
        return self.scheme == "https" or self.host in _LOOPBACK_NAMES

    @staticmethod
    def of(url: str) -> Place:
        """Take a URL apart.

        Raises:
            ConfigError: It isn't http or https, names no host, or holds credentials.
        """
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise ConfigError(f"{scrub(url)} is no URL: {error}") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{scrub(url)} isn't usable: write https://HOST/PATH")
        if parts.username or parts.password:
            raise ConfigError(f"{scrub(url)} holds credentials: put them into a file of their own")
        scheme: Literal["http", "https"] = "https" if parts.scheme == "https" else "http"
        return Place(
            scheme=scheme,
            host=parts.hostname,
            port=port or _PORTS[scheme],
            path=parts.path,
            query=parts.query,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back. Header names are in small letters."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def is_success(self) -> bool:
        """Whether the server did what it was asked for."""
        return 200 <= self.status < 300

    def data(self) -> Any:
        """Return the body as JSON; None where it isn't."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def words(self, secrets: Iterable[str] = ()) -> str:
        """Return what the server said, fit to be shown, in one short line."""
        data = self.data()
        if isinstance(data, dict):
            told = data.get("message") or data.get("error") or data
            text = told if isinstance(told, str) else json.dumps(told)
        else:
            text = decode(self.body, limit=WORDS_LIMIT * 4)
        return clean(scrub(text, secrets), limit=WORDS_LIMIT)


def send(
    method: str,
    place: Place,
    path: str = "",
    *,
    headers: Mapping[str, str],
    body: bytes | None = None,
    timeout_s: float = TIMEOUT_S,
    limit_bytes: int = ANSWER_LIMIT_BYTES,
) -> Answer:
    """Make one request and return its answer, whatever its status is.

    Args:
        method: GET, POST, PUT or PATCH.
        place: The server, and how its paths begin.
        path: What follows, quoted, with a query if there is one.
        headers: Besides those that say who we are.
        body: What to send.
        timeout_s: For all of it: a server that trickles is cut off.
        limit_bytes: More isn't read.

    Raises:
        TargetUnavailable: No answer, or only part of one.
        DeliveryRefused: The host is none that we may talk to.
    """
    ends = monotonic() + timeout_s
    connection = _connect(place, ends)
    with contextlib.closing(connection), _translated(place, ends), _cut_off(connection, ends):
        target = (place.path + path or "/") + (f"?{place.query}" if place.query else "")
        connection.request(
            method,
            target,
            body=body,
            headers={"User-Agent": AGENT, "Connection": "close", **headers},
        )
        response = connection.getresponse()
        content = response.read(limit_bytes + 1)
        if len(content) > limit_bytes:
            raise TargetUnavailable(f"{place.host} sent more than {limit_bytes} bytes")
        if response.length:
            raise TargetUnavailable(f"the answer of {place.host} was cut off")
        return Answer(
            status=response.status,
            headers={name.lower(): value for name, value in response.getheaders()},
            body=content,
        )


class _Tls(HTTPConnection):
    """A connection that is encrypted once its socket is there."""

    def encrypt(self) -> None:
        context = ssl.create_default_context()
        # The handshake comes after, so that there is a socket to cut off while it lasts.
        encrypted = context.wrap_socket(
            self.sock, server_hostname=self.host, do_handshake_on_connect=False
        )
        self.sock = encrypted
        encrypted.do_handshake()


def _connect(place: Place, ends: float) -> HTTPConnection:
    try:
        with _translated(place, ends):
            found = socket.getaddrinfo(place.host, place.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        # A part of the name is empty or too long.
        name = clean(place.host, limit=WORDS_LIMIT)
        raise DeliveryRefused(f"{name} is no address that can be asked") from error
    addresses = [str(info[4][0]) for info in found]
    fit = [address for address in addresses if is_fit(address)]
    if not fit:
        raise DeliveryRefused(f"{place.host} is {', '.join(addresses)}, which nobody serves from")
    kind = _Tls if place.scheme == "https" else HTTPConnection
    connection = kind(place.host, place.port)
    connection.auto_open = 0  # it would look the name up again
    with _translated(place, ends):
        connection.sock = _first_open(fit, place.port, ends)
    return connection


def _first_open(addresses: list[str], port: int, ends: float) -> socket.socket:
    last: OSError = TimeoutError("timed out")
    for address in addresses:
        left_s = ends - monotonic()
        if left_s <= 0:
            break
        try:
            return socket.create_connection((address, port), timeout=left_s)
        except OSError as error:
            last = error
    raise last


def is_fit(address: str) -> bool:
    """Tell whether an address may be talked to: metadata services and broadcasts may not."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    place = mapped or parsed
    if place.is_loopback:
        return True
    return not (
        place.is_link_local or place.is_multicast or place.is_unspecified or place.is_reserved
    )


@contextlib.contextmanager
def _cut_off(connection: HTTPConnection, ends: float) -> Iterator[None]:
    """Shut the connection down at the end of its time, however busy it keeps us."""

    def cut() -> None:
        with contextlib.suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)

    timer = threading.Timer(max(0.0, ends - monotonic()), cut)
    timer.daemon = True
    timer.start()
    try:
        if isinstance(connection, _Tls):
            connection.encrypt()
        yield
    finally:
        timer.cancel()


@contextlib.contextmanager
def _translated(place: Place, ends: float) -> Iterator[None]:
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise TargetUnavailable(
            f"the certificate of {place.host} isn't trusted: add its authority to the system's"
        ) from error
    except (OSError, HTTPException) as error:
        told = clean(str(error) or type(error).__name__, limit=WORDS_LIMIT)
        if isinstance(error, TimeoutError) or monotonic() >= ends:
            told = "no whole answer in time"
        raise TargetUnavailable(f"can't reach {place.host}:{place.port}: {told}") from error

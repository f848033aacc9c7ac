"""A forge's REST API: requests with the token of the settings, and what answers mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from reconciler.errors import ConfigError, DeliveryRefused, TargetUnavailable
from reconciler.outgoing import ForgeSettings, credential
from reconciler.web_client import Answer, Place, send

T = TypeVar("T")


class NotThere(TargetUnavailable):
    """The forge doesn't know the thing, or doesn't show it to us."""


class Api:
    """One repository's API.

    Args:
        settings: Where it is, and the file with the token.
        home: The provider's own service; an ``api`` without a path gets ``prefix``.
        prefix: Where the API begins on servers of one's own.
        authorization: The headers that carry a token.
    """

    def __init__(
        self,
        settings: ForgeSettings,
        *,
        home: str,
        prefix: str,
        authorization: Callable[[str], Mapping[str, str]],
    ) -> None:
        base = (settings.api or home).rstrip("/")
        if not base:
            raise ConfigError(f"the forge {settings.provider} needs api: write https://HOST")
        place = Place.of(base)
        if not place.path and base != home:
            place = Place.of(base + prefix)
        if not place.is_private_to_us:
            raise ConfigError(f"{base}: the token needs https, over http anybody can read it")
        self._place = place
        self._settings = settings
        self._authorization = authorization

    def call(self, method: str, path: str, payload: Mapping[str, Any] | None = None) -> Any:
        """Make a request and return the JSON that it answers.

        Raises:
            NotThere: 404 or 410.
            TargetUnavailable: It may work later: no answer, a limit, no permission, a fault.
            DeliveryRefused: The request itself isn't taken.
        """
        token = credential(self._settings.token_file, "token_file of the forge")
        headers = {"Accept": "application/json", **self._authorization(token)}
        body = None
        if payload is not None:
            headers["Content-Type"] = "application/json"
            body = json.dumps(payload).encode()
        answer = send(method, self._place, path, headers=headers, body=body)
        if answer.is_success:
            return answer.data()
        raise failure(answer, f"{method} {self._place.host}{path}", secrets=[token])

    def ask(
        self,
        method: str,
        path: str,
        payload: Mapping[str, Any] | None = None,
        *,
        read: Callable[[Any], T],
    ) -> T:
        """Return what ``read`` makes of the answer to a :meth:`call`.

        Raises as that, and TargetUnavailable where the answer hasn't the documented form.
        """
        data = self.call(method, path, payload)
        try:
            return read(data)
        except (KeyError, TypeError) as error:
            told = f"{method} {self._place.host}{path}: not the answer of such a forge"
            raise TargetUnavailable(f"{told}; check provider and api") from error


def failure(
    answer: Answer, request: str, *, secrets: list[str]
) -> TargetUnavailable | DeliveryRefused:
    """Return the error that an answer which isn't a success means."""
    words = answer.words(secrets)
    told = f"{request}: {answer.status} {words}".rstrip()
    match answer.status:
        case 404 | 410:
            return NotThere(f"{told}; does the token give access to the repository?")
        case 401:
            return TargetUnavailable(f"{told}; the token isn't accepted: renew token_file")
        case 403 | 408 | 409 | 425 | 429:
            return TargetUnavailable(told, retry_after_s=retry_after_s(answer.headers))
        case status if status >= 500:
            return TargetUnavailable(told, retry_after_s=retry_after_s(answer.headers))
        case status if 300 <= status < 400:
            place = answer.headers.get("location", "elsewhere")
            return DeliveryRefused(
                f"{request} leads to {place[:200]}: set repository and api to where it is now"
            )
        case _:
            return DeliveryRefused(told)


def retry_after_s(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds to wait that a server asks for: Retry-After, or when its limit is reset.

    ``now`` stands in for the server's own Date where it sent none.
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isdigit():
        return float(asked)
    now = _date(headers.get("date", "")) or now
    if now is None:
        return None
    until = _date(asked)
    reset = headers.get("x-ratelimit-reset", "")
    if until is None and headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        until = datetime.fromtimestamp(min(int(reset), 2**35), UTC)
    return max(0.0, (until - now).total_seconds()) if until else None


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)

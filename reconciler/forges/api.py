"""A forge's REST API: requests with the token of the settings, and what answers mean."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from reconciler.errors import ConfigError, TargetUnavailable
from reconciler.known_forges import FORGES
from reconciler.net.web_client import Place, send
from reconciler.net.web_failures import failure
from reconciler.outbound.outgoing import ForgeSettings, credential

T = TypeVar("T")


_HINTS = {
    401: "the token isn't accepted: renew token_file",
    403: "if that isn't a limit, the token lacks a permission",
    404: "does the token give access to the repository?",
}


class Api:
    """One repository's API.

    Args:
        settings: Where it is, and the file with the token. An ``api`` without a path gets the
            forge's prefix.
        authorization: The headers that carry a token.
    """

    def __init__(
        self,
        settings: ForgeSettings,
        *,
        authorization: Callable[[str], Mapping[str, str]],
    ) -> None:
        known = FORGES[settings.provider]
        base = (settings.api or known.home).rstrip("/")
        if not base:
            raise ConfigError(f"the forge {settings.provider} needs api: write https://HOST")
        place = Place.of(base)
        if not place.path and base != known.home:
            place = Place.of(base + known.api_prefix)
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
        answer = send(
            method,
            self._place,
            path,
            headers=headers,
            body=body,
            timeout_s=self._settings.timeout_s,
        )
        if answer.is_success:
            return answer.data()
        request = f"{method} {self._place.host}{path}"
        raise failure(answer, request, secrets=[token], hints=_HINTS)

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

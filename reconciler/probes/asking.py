"""One question to an application's port, and what an answer must be to be looked into."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

from reconciler.errors import DeliveryRefused, TargetUnavailable
from reconciler.net import web_client
from reconciler.net.web_client import Answer, Place

TIMEOUT_S = 2.0
LIMIT_BYTES = 65_536

Ask = Callable[[str], Answer]
"""Asks for a path with its query. Raises NotUnderstood if there is no answer."""


class NotUnderstood(Exception):
    """There is no answer, or none that tells anything; the text says why, in stable words."""


def asking(address: str, port: int, *, token: str = "", scheme: str = "token") -> Ask:
    """Return what asks one task's port, there and nowhere else; redirects aren't followed."""
    place = Place(scheme="http", host=address, port=port, path="")
    headers = {"Accept": "application/json"}
    if token:
        headers["Authorization"] = f"{scheme} {token}"

    def ask(path: str) -> Answer:
        try:
            return web_client.send(
                "GET", place, path, headers=headers, timeout_s=TIMEOUT_S, limit_bytes=LIMIT_BYTES
            )
        except (TargetUnavailable, DeliveryRefused) as error:
            raise NotUnderstood(str(error)) from error

    return ask


def data_of(answer: Answer, path: str) -> Any:
    """Return the JSON of an answer; raises NotUnderstood where it is none."""
    if answer.status != HTTPStatus.OK:
        raise NotUnderstood(f"{path} answers with HTTP {answer.status}")
    try:
        data = answer.data()
    except RecursionError as error:
        raise NotUnderstood(f"{path} is nested too deeply") from error
    if data is None:
        raise NotUnderstood(f"{path} isn't JSON")
    return data


def ago(moment: object, answer: Answer, path: str) -> timedelta:
    """Return how long before its answer a moment was, by the server's own clock.

    A moment of a server's can't be compared with our clock: the two may differ.
    """
    try:
        at = datetime.fromisoformat(str(moment))
        now = parsedate_to_datetime(answer.headers.get("date", ""))
    except (ValueError, TypeError) as error:
        raise NotUnderstood(f"{path} tells no moment, or not its own time beside it") from error
    if not isinstance(moment, str) or at.tzinfo is None or now.tzinfo is None:
        raise NotUnderstood(f"{path} tells a moment without its time zone")
    return max(timedelta(0), now - at)

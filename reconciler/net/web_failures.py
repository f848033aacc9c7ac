"""What an HTTP answer that isn't a success means: later, or never."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from reconciler.errors import DeliveryRefused, TargetUnavailable
from reconciler.net.web_client import Answer
from reconciler.text import clean

# Time-outs, conflicts and limits. A permission that is missing may be granted, so 401 and 403 wait.
_MAY_HEAL = frozenset({401, 403, 408, 409, 425, 429})
_GONE = frozenset({404, 410})
_SHORTEST_SECRET = 6  # a path that is just "/" is none
_LATEST = 2**35  # seconds since 1970: a number that no calendar knows isn't a time


class NotThere(TargetUnavailable):
    """The server doesn't know the thing, or doesn't show it to us."""


def failure(
    answer: Answer, request: str, *, secrets: Iterable[str], hints: Mapping[int, str]
) -> TargetUnavailable | DeliveryRefused:
    """Return the error that an answer stands for.

    Args:
        answer: Any but a success.
        request: What was asked for, without secrets.
        secrets: What must not be shown, should the server repeat it.
        hints: What to do about a status.
    """
    status = answer.status
    hidden = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
    told = f"{request}: {status} {answer.words(hidden)}".rstrip()
    if hint := hints.get(status):
        told = f"{told}; {hint}"
    if status in _GONE:
        return NotThere(told)
    if status in _MAY_HEAL or status >= 500:
        return TargetUnavailable(told, retry_after_s=retry_after_s(answer.headers))
    if 300 <= status < 400:
        place = clean(answer.headers.get("location", "elsewhere"), limit=200)
        return DeliveryRefused(f"{request} leads to {place}: set the address to where it is now")
    return DeliveryRefused(told)


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait that a server asks for: Retry-After, or when its limit is reset.

    Moments are compared with the server's own Date: our clocks may differ.
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return float(asked[:9])
    now, until = _date(headers.get("date", "")), _date(asked)
    reset = headers.get("x-ratelimit-reset", "")
    if until is None and headers.get("x-ratelimit-remaining") == "0" and reset.isdigit():
        until = datetime.fromtimestamp(min(int(reset[:12]), _LATEST), UTC)
    if now is None or until is None:
        return None
    return max(0.0, (until - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        at = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)

"""A signed web request for each notice.

Two signatures over the raw body: that of Standard Webhooks, which covers id and time as well and
so can't be replayed, and the plain ``X-Signature`` that many generic receivers know.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import datetime

from reconciler.errors import ConfigError, DeliveryRefused
from reconciler.net.web_client import Place, send
from reconciler.net.web_failures import failure
from reconciler.outbound.outbox import Notice
from reconciler.outbound.outgoing import NotifySettings, credential

_HINTS = {401: "is secret_file the receiver's secret?", 403: "is secret_file the receiver's?"}


class Webhook:
    """Sends notices to the addresses that platform.yaml, or a file named in zoe.toml, holds."""

    def __init__(self, deployment: str, targets: Mapping[str, NotifySettings]) -> None:
        self._deployment = deployment
        self._targets = targets

    def deliver(self, notice: Notice, *, target: str, at: datetime) -> None:
        """Post a notice; its id is the same each time, so that receivers can tell a second one."""
        settings = self._targets.get(target)
        if settings is None or settings.secret_file is None:
            raise DeliveryRefused(f"set secret_file in [notify.{target}]: nothing goes unsigned")
        secret = credential(settings.secret_file, f"secret_file of [notify.{target}]")
        place = _place(notice, settings)
        payload = body(notice, self._deployment)
        headers = {
            "Content-Type": "application/json",
            **signatures(payload, secret, delivery=delivery_id(notice), at=at),
        }
        answer = send("POST", place, headers=headers, body=payload)
        if not answer.is_success:
            request = f"POST to {target} at {place.host}"
            raise failure(answer, request, secrets=[secret, place.path, place.query], hints=_HINTS)


def body(notice: Notice, deployment: str) -> bytes:
    """Return what receivers get: JSON, its keys sorted."""
    document = {
        "apiVersion": "zoe.notice/v1",
        "kind": "Notice",
        "deployment": deployment,
        "transition": notice.transition,
        "execution": {
            "namespace": notice.namespace,
            "name": notice.name,
            "run": notice.run,
            "uid": notice.uid,
        },
        "reason": notice.reason,
        "message": notice.message,
        "at": notice.at.isoformat(timespec="seconds"),
        "commit": notice.commit,
    }
    return json.dumps(document, sort_keys=True).encode()


def delivery_id(notice: Notice) -> str:
    """Return a name for the notice that is the same at each try."""
    return hashlib.sha256(notice.key.encode()).hexdigest()[:32]


def signatures(payload: bytes, secret: str, *, delivery: str, at: datetime) -> dict[str, str]:
    """Return the headers that prove who sent ``payload``, and when."""
    key = secret.encode()
    stamp = str(int(at.timestamp()))
    signed = f"{delivery}.{stamp}.".encode() + payload
    standard = base64.b64encode(hmac.digest(key, signed, "sha256")).decode()
    return {
        "webhook-id": delivery,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{standard}",
        "X-Signature": f"sha256={hmac.digest(key, payload, 'sha256').hex()}",
    }


def _place(notice: Notice, settings: NotifySettings) -> Place:
    url = notice.url
    if settings.url_file is not None:
        url = credential(settings.url_file, f"url_file of [notify.{settings.name}]")
    if not url:
        raise DeliveryRefused(
            f"{settings.name} has no address: set url in platform.yaml, or url_file in "
            f"[notify.{settings.name}]"
        )
    try:
        return Place.of(url)
    except ConfigError as error:
        raise DeliveryRefused(f"{settings.name}: its address isn't usable") from error

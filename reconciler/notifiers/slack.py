"""A message to a chat that takes Slack's incoming webhooks: Slack, Mattermost, Rocket.Chat."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime

from reconciler.errors import ConfigError, DeliveryRefused
from reconciler.net.web_client import Place, send
from reconciler.net.web_failures import failure
from reconciler.notifiers.words import headline, sentence
from reconciler.outbound.outbox import Notice
from reconciler.outbound.outgoing import NotifySettings, credential
from reconciler.text import clean

_TEXT_LIMIT = 3_000
_MENTION = re.compile(r"(?<![A-Za-z0-9])@")
_HINTS = {404: "was the webhook removed? Write its new address into url_file"}


class Slack:
    """Posts to the addresses that files named in zoe.toml hold: who knows one can post, too."""

    def __init__(self, targets: Mapping[str, NotifySettings]) -> None:
        self._targets = targets

    def deliver(self, notice: Notice, *, target: str, at: datetime) -> None:
        """Post a notice."""
        settings = self._targets.get(target)
        if settings is None or settings.url_file is None:
            raise DeliveryRefused(f"set url_file in [notify.{target}]: it holds the address")
        url = credential(settings.url_file, f"url_file of [notify.{target}]")
        place = _place(url, target)
        payload = json.dumps({"text": text(notice)}).encode()
        headers = {"Content-Type": "application/json"}
        answer = send("POST", place, headers=headers, body=payload)
        if not answer.is_success:
            request = f"POST to {target} at {place.host}"
            raise failure(answer, request, secrets=[url, place.path], hints=_HINTS)


def text(notice: Notice) -> str:
    """Return the message; what people wrote can't mention anybody, in no chat of the three.

    Slack takes only ``<!channel>`` for a mention, Mattermost and Rocket.Chat a plain ``@all``.
    """
    told = clean(f"{headline(notice)}: {sentence(notice)}", limit=_TEXT_LIMIT)
    told = _MENTION.sub("@\N{ZERO WIDTH SPACE}", told)
    return told.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _place(url: str, target: str) -> Place:
    try:
        place = Place.of(url)
    except ConfigError as error:
        # The cause isn't shown: it holds the address.
        raise DeliveryRefused(f"url_file of [notify.{target}] holds no address") from error
    if not place.is_private_to_us:
        raise DeliveryRefused(f"url_file of [notify.{target}]: the address needs https")
    return place

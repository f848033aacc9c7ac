"""From a request to an answer: bounds, signature, and only then what the body says.

Forges switch off a hook that answers with errors, so whatever is rightly signed is answered with
2xx, also when it concerns nobody here.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from reconciler.errors import ReconcilerError
from reconciler.inbox import Outcome
from webhook import body as bodies
from webhook.body import Receive
from webhook.endpoint import Endpoint
from webhook.headers import Headers
from webhook.payload import Malformed
from webhook.recorder import Recorder
from webhook.refusals import Refusals
from webhook.verdict import delivery, judge

log = logging.getLogger(__name__)

RETRY_AFTER_S = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the forge is told. ``is_heard``: the body was read, so the connection can go on."""

    status: int
    message: str
    source_id: str = ""
    is_heard: bool = True

    @property
    def headers(self) -> dict[str, str]:
        """Return the fields that belong to this answer."""
        fields = {"Retry-After": str(RETRY_AFTER_S)} if self.status == 503 else {}
        return fields if self.is_heard else fields | {"Connection": "close"}


@dataclass(frozen=True, slots=True)
class Receiver:
    """Everything behind ``POST /hooks/…``."""

    endpoints: Sequence[Endpoint]
    recorder: Recorder
    clock: Callable[[], datetime]
    body_timeout_s: float = bodies.TIMEOUT_S
    refusals: Refusals = field(default_factory=Refusals)

    async def receive(self, name: str, headers: Headers, receive: Receive) -> Answer:
        """Return the answer to a request at ``/hooks/NAME``. Raises Gone."""
        answer = await self._receive(name, headers, receive)
        if answer.status >= 400:
            self.refusals.note(answer.source_id, answer.status, self.clock())
        return answer

    async def _receive(self, name: str, headers: Headers, receive: Receive) -> Answer:
        found = [endpoint for endpoint in self.endpoints if endpoint.is_at(name)]
        if not found:
            return Answer(status=404, message="no webhook is here", is_heard=False)
        endpoint = found[0]
        source_id = endpoint.source_id
        if _is_form(headers) and not endpoint.provider.takes_forms:
            message = "choose the content type application/json for this webhook"
            return Answer(status=415, message=message, source_id=source_id, is_heard=False)
        try:
            body = await bodies.read(receive, headers, timeout_s=self.body_timeout_s)
        except bodies.TooLarge:
            message = f"the body is larger than {bodies.LIMIT_BYTES} bytes"
            return Answer(status=413, message=message, source_id=source_id, is_heard=False)
        except bodies.TooSlow:
            message = f"the body didn't arrive within {self.body_timeout_s:g} seconds"
            return Answer(status=408, message=message, source_id=source_id, is_heard=False)
        now = self.clock()
        if not endpoint.provider.verify(headers, body, endpoint.secrets, now):
            message = "the signature is missing or wrong: give the forge the secret of this source"
            return Answer(status=401, message=message, source_id=source_id)
        return await self._take(endpoint, headers, body)

    async def _take(self, endpoint: Endpoint, headers: Headers, body: bytes) -> Answer:
        """Put down what a verified body asks for."""
        source_id, now = endpoint.source_id, self.clock()
        try:
            event = endpoint.provider.event(headers, body)
        except Malformed as error:
            return Answer(status=400, message=str(error), source_id=source_id)
        verdict = judge(event, endpoint)
        new = delivery(event, verdict, endpoint, body, now)
        try:
            is_new = await self.recorder.record(new)
        except ReconcilerError as error:
            log.warning("not recorded", extra={"source": source_id, "error": str(error)})
            message = "the database is away: send it again later"
            return Answer(status=503, message=message, source_id=source_id)
        outcome = str(verdict.outcome) if is_new else "duplicate"
        log.info(
            "delivery",
            extra={"source": source_id, "kind": str(event.kind), "outcome": outcome},
        )
        if not is_new:
            return Answer(status=200, message="seen before", source_id=source_id)
        status = 200 if verdict.outcome is Outcome.IGNORED else 202
        return Answer(status=status, message=verdict.reason, source_id=source_id)


def _is_form(headers: Headers) -> bool:
    kind = headers.text("Content-Type").partition(";")[0].strip().lower()
    return kind in ("application/x-www-form-urlencoded", "multipart/form-data")

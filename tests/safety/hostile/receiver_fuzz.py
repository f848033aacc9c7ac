"""One mutated request to the receiver's application, as a server hands it over."""

from __future__ import annotations

import asyncio
import copy
import time
from datetime import UTC, datetime
from random import Random
from typing import Any

from tests.fixtures.receiver import DIALECTS, SECRET, hook_path, standard_signature
from tests.integration.webhook.served import MemoryInbox, endpoints
from tests.safety.hostile.mutation import mutated
from tests.unit.webhook.payloads import KNOWN, body
from webhook.app import create_app, guarded
from webhook.providers import PROVIDERS

LONGEST_S = 1.0
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_ODD = (None, True, -1, 2**70, 1e308, "", "refs/heads/main", "\x00", [], {}, [[]], "x" * 3000)
_SPEAKING = ("Traceback", 'File "', "reconciler", SECRET)


class ReceiverFuzz:
    """The application with an inbox in memory; every case is one request."""

    def __init__(self) -> None:
        self._inbox = MemoryInbox()
        self._app = guarded(create_app(endpoints(), self._inbox, lambda: NOW))

    def one(self, chance: Random) -> tuple[str, str]:
        """Return what became of a case, and what was wrong with that."""
        provider, content, fields, is_signed = self._drawn(chance)
        started = time.process_time()
        before = len(self._inbox.deliveries)
        try:
            status, told = asyncio.run(self._sent(provider, content, fields))
        except Exception as error:  # noqa: BLE001 - any is a breach
            return "crashed", f"{provider}: {type(error).__name__}: {error}: {content[:200]!r}"
        finally:
            self._inbox.deliveries, put_down = [], len(self._inbox.deliveries) - before
        if (spent := time.process_time() - started) > LONGEST_S:
            return "slow", f"{provider} took {spent:.1f} s: {content[:200]!r}"
        if status >= 500 or any(word in told for word in _SPEAKING):
            return f"answered {status}", f"{provider}: {status} {told[:200]!r}: {content[:200]!r}"
        if not is_signed and (put_down or status < 300):
            return f"answered {status}", f"{provider} took what isn't signed: {content[:200]!r}"
        return f"answered {status}", ""

    def _drawn(self, chance: Random) -> tuple[str, bytes, dict[str, str], bool]:
        provider, event, known = chance.choice(KNOWN)
        provider = chance.choice((provider, *PROVIDERS)) if chance.random() < 0.2 else provider
        content = body(_disturbed(known, chance))
        if chance.random() < 0.4:
            content = mutated(content, content, chance)
        is_signed = chance.random() < 0.6
        signed = content if is_signed else content + b" "
        name, identity = DIALECTS[provider].event, DIALECTS[provider].identity
        fields = {"Content-Type": "application/json", name: event}
        fields[identity] = str(chance.randrange(99))
        fields |= _signatures(signed, SECRET if is_signed else "another-secret-of-32-characters")
        if chance.random() < 0.2:
            noise = bytes(chance.randrange(256) for _ in range(12)).decode("latin-1")
            fields[chance.choice(("Content-Type", identity, name, "X-Other"))] = noise
        return provider, content, fields, is_signed

    async def _sent(self, provider: str, content: bytes, fields: dict[str, str]) -> tuple[int, str]:
        scope: dict[str, Any] = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "POST",
            "scheme": "http",
            "path": hook_path(provider),
            "raw_path": hook_path(provider).encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [
                (b"host", b"127.0.0.1"),
                *((key.lower().encode(), text.encode("latin-1")) for key, text in fields.items()),
            ],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        parts = [{"type": "http.request", "body": content, "more_body": False}]
        sent: list[Any] = []

        async def receive() -> Any:
            return parts.pop(0) if parts else {"type": "http.disconnect"}

        async def send(message: Any) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        told = b"".join(message.get("body", b"") for message in sent)
        return sent[0]["status"], told.decode(errors="replace")


def _signatures(content: bytes, secret: str) -> dict[str, str]:
    at = int(NOW.timestamp())
    return {
        **dict(dialect.signed(content, secret) for dialect in DIALECTS.values()),
        "webhook-id": "d-1",
        "webhook-timestamp": str(at),
        "webhook-signature": standard_signature(content, "d-1", at, secret),
    }


def _disturbed(data: Any, chance: Random) -> Any:
    """Return a document of which some part was replaced by something else."""
    data = copy.deepcopy(data)
    target = data
    for _ in range(chance.randrange(5)):
        if isinstance(target, dict) and target:
            key: Any = chance.choice(sorted(target))
        elif isinstance(target, list) and target:
            key = chance.randrange(len(target))
        else:
            return data
        if chance.random() < 0.4:
            target[key] = chance.choice(_ODD)
            return data
        target = target[key]
    return data

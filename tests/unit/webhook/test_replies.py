"""What is remembered of answers: as long as the state that they tell of, and no longer."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from webhook.asking import Asking
from webhook.replies import Replies


def request(path: str) -> Request:
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
    return Request({**scope, "server": ("zoe", 80), "scheme": "http"})


def test_an_answer_is_worked_out_once_for_a_state_and_let_go_with_it() -> None:
    state = ["1"]
    replies = Replies(Asking(), state=lambda: state[0], life=lambda: "")
    made: list[str] = []

    async def ask(path: str) -> bytes:
        def make() -> bytes:
            made.append(path)
            return b"x" * 1000

        return bytes((await replies.reply(request(path), make, media_type="text/plain")).body)

    async def go_on() -> None:
        for number in range(50):
            state[0] = str(number)
            for path in ("/", "/queue", "/"):
                assert await ask(path) == b"x" * 1000

    asyncio.run(go_on())
    assert made == ["/", "/queue"] * 50
    assert replies.size_bytes == 2000

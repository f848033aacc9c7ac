"""What is remembered of answers: as long as the state that they tell of, and no longer."""

from __future__ import annotations

import asyncio

from starlette.requests import Request

from webhook.asking import Asking
from webhook.replies import Replies


def request(path: str, *, host: str = "zoe") -> Request:
    headers = [(b"host", host.encode())]
    scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": headers}
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


def test_no_answer_is_taken_for_that_of_another_path() -> None:
    """Whatever else a request says of itself: a name, or a path that is spelled as another."""
    replies = Replies(Asking(), state=lambda: "1", life=lambda: "")
    asked = (
        request("/queue"),
        request("/commits", host="zoe/queue#"),
        request("/commits", host="zoe/queue?"),
        request("/a?b"),
        request("/a%3Fb"),
    )

    async def answered(one: Request) -> bytes:
        reply = await replies.reply(one, lambda: one.scope["path"].encode(), media_type="text/html")
        return bytes(reply.body)

    async def all_of_them() -> list[bytes]:
        return [await answered(one) for one in asked]

    assert asyncio.run(all_of_them()) == [b"/queue", b"/commits", b"/commits", b"/a?b", b"/a%3Fb"]

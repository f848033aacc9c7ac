"""A notebook server as its web page uses it: a session with a kernel, and cells run in it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import requests

from tests.fixtures.swarm import wait_for
from tests.zapps.websocket import WebSocket, connected


class Kernel:
    """A kernel of its own, which keeps what its cells define."""

    def __init__(self, channel: WebSocket) -> None:
        self._channel = channel
        self._session = secrets.token_hex(8)

    def run(self, code: str) -> str:
        """Run a cell and return what it printed or evaluated to; fail if it raised."""
        printed = "".join(self._answers(self.begin(code)))
        print(f"[cell]\n{code.rstrip()}\n[out]\n{printed}")  # noqa: T201 - the record of the run
        return printed

    def begin(self, code: str) -> str:
        """Ask for a cell to be run, wait for nothing, and return the id of what was asked."""
        id_ = secrets.token_hex(8)
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": False}
        header = {
            "msg_id": id_,
            "msg_type": "execute_request",
            "session": self._session,
            "username": "ada",
            "version": "5.3",
            "date": "",
        }
        self._channel.send(
            json.dumps(
                {
                    "header": header,
                    "parent_header": {},
                    "metadata": {},
                    "content": content,
                    "channel": "shell",
                    "buffers": [],
                }
            )
        )
        return id_

    def _answers(self, id_: str) -> Iterator[str]:
        while True:
            message: dict[str, Any] = json.loads(self._channel.receive())
            if message.get("parent_header", {}).get("msg_id") != id_:
                continue
            content = message["content"]
            match message["header"]["msg_type"]:
                case "stream":
                    yield content["text"]
                case "execute_result":
                    yield content["data"]["text/plain"]
                case "error":
                    raise AssertionError("\n".join(content["traceback"]))
                case "status" if content["execution_state"] == "idle":
                    return


@contextmanager
def kernel(address: str, token: str, *, timeout_s: float = 300) -> Iterator[Kernel]:
    """Start a kernel on the server whose page is at ``address``; end it afterwards."""
    root = address.removesuffix("/lab")
    wait_for(lambda: _answers(f"{root}/api"), what=f"{root} to answer", timeout_s=120)
    headers = {"Authorization": f"token {token}"}
    answer = requests.post(f"{root}/api/kernels", headers=headers, timeout=60, json={})
    assert answer.status_code == 201, answer.text
    url = f"{root}/api/kernels/{answer.json()['id']}"
    try:
        with connected(f"{url}/channels", headers, timeout_s=timeout_s) as channel:
            yield Kernel(channel)
    finally:
        requests.delete(url, headers=headers, timeout=60)


def _answers(page: str) -> bool:
    with suppress(requests.RequestException):
        return requests.get(page, timeout=10).ok
    return False

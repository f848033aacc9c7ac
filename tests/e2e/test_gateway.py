"""A namespace's gateway for real: pages by path and by SOCKS, and no way into another namespace.

What docs/gateway.md shows is typed, in the names of this place.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from reconciler import wire
from reconciler.clock import SystemClock
from reconciler.cluster.lab import image, recipe
from reconciler.cluster.swarm import SwarmCluster
from reconciler.config import Settings
from reconciler.converge import passage
from reconciler.net.forwarder import LOOPBACK, forwarding
from reconciler.net.socks import Proxy, WrongPassword
from tests.e2e.installation import Installation
from tests.e2e.manifests import execution, path, service, web
from tests.fixtures.pages import blocks
from tests.fixtures.swarm import Swarm, wait_for
from tests.fixtures.verbs import lasting

# Answers a websocket's handshake and then says whatever it hears.
ECHO = (
    "while read -r line && [ ${#line} -gt 1 ]; do :; done; "
    r"printf 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n'; "
    r"printf 'Connection: Upgrade\r\n\r\n'; exec cat"
)
HANDSHAKE = (
    b"GET /book/echo/9000/ HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: eA==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


@pytest.fixture(scope="module")
def gateway_image(swarm: Swarm, image_cache: Path) -> str:
    built = image.build(recipe.read(recipe.locate("gateway")), image_cache, say=lambda _: None)
    swarm.lab.load_image(built.archive)
    return built.tags[0]


def book(page: str) -> str:
    linked = web(page)
    linked["ports"] = [{"name": "linked", "target": 8080, "app_protocol": "http", "route": "socks"}]
    echo = service(
        "printf '%s' \"$ECHO\" >/tmp/echo; exec nc -ll -p 9000 -e sh /tmp/echo",
        environment={"ECHO": ECHO},
        ports=[{"name": "echo", "target": 9000, "app_protocol": "http"}],
    )
    return execution("book", {"main": web(page), "linked": linked, "echo": echo})


def test_a_gateway_leads_into_its_own_namespace_and_nowhere_else(
    installation: Installation, gateway_image: str
) -> None:
    settings = installation.folder / "zoe.toml"
    offer = f'[gateway]\nimage = "{gateway_image}"\nports = "31200-31299"\n'
    settings.write_text(settings.read_text() + offer)
    installation.push({path("book"): book("mine"), path("book", "bio"): book("theirs")})
    installation.start("run")
    installation.wait_until(lambda: len(_reach(installation, "bio")) == 3, what="bio's gateway")
    installation.wait_until(lambda: len(_reach(installation, "aml")) == 3, what="aml's gateway")
    mine, theirs = _reach(installation, "aml"), _reach(installation, "bio")

    _check_pages(mine["main"]["url"], theirs["main"]["url"])
    _check_websocket_outlives_a_neighbour(installation, mine["main"]["url"])
    asyncio.run(_check_socks(installation, mine["linked"], theirs["linked"]))
    _check_as_shown(installation)


def _check_as_shown(installation: Installation) -> None:
    """Type it, connect, and press Ctrl-C while the connection is open."""
    (shown,) = blocks("docs/gateway.md", "console")
    typed = shown.typed.replace("aml/lab-3", "aml/book").replace("--port web", "--port linked")
    keyring = wire.keyring(Settings(state_dir=installation.folder / "state"))
    environment = {
        **os.environ,
        "ZOE_CONFIG": str(installation.folder / "zoe.toml"),
        "ZOE_SOCKS_PASSWORD": keyring.text("secret", "gateway", "aml"),
    }
    command = [sys.executable, "-m", "reconciler", *typed.split()[1:]]
    said = "http://linked.book:8080/ can be opened through SOCKS5 at 127.0.0.1:1080, until Ctrl-C."
    log = installation.folder / "log"
    with lasting(command, installation.folder, environment) as process:
        wait_for(lambda: said in log.read_text(), what=said)
        with closing(socket.create_connection((LOOPBACK, 1080), timeout=10)) as browser:
            browser.sendall(b"\x05\x01\x00")
            assert browser.recv(2) == b"\x05\x00"
            process.send_signal(signal.SIGINT)
            assert process.wait(20) == 0
    assert log.read_text().endswith("\nclosed\n")
    assert "Traceback" not in log.read_text()


def _reach(installation: Installation, namespace: str) -> dict[str, Any]:
    told = installation.status(f"{namespace}/book").get("endpoints", [])
    return {e["component"]: e for e in told if e.get("via")}


def _get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode().strip()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def _check_pages(mine: str, theirs: str) -> None:
    assert _get(mine) == (200, "mine")
    assert _get(theirs) == (200, "theirs")
    base, _, _ = mine.partition("/book/")
    # Declared for SOCKS only, not declared, not there, or a name of the outside.
    for wrong in ("/book/linked/8080/", "/book/main/9999/", "/other/main/8080/", "/com/x/80/"):
        assert _get(base + wrong)[0] == 502
    node = urlsplit(mine).hostname
    assert _get(f"{base}/{node}/main/8080/")[0] == 404
    assert _get(base + "/")[0] == 404


def _check_websocket_outlives_a_neighbour(installation: Installation, url: str) -> None:
    at = urlsplit(url)
    with closing(socket.create_connection((at.hostname, at.port), timeout=10)) as there:
        there.sendall(HANDSHAKE)
        assert there.recv(4096).startswith(b"HTTP/1.1 101")
        installation.push({path("neighbour"): execution("neighbour", {"main": web("new")})})
        installation.wait_until(
            lambda: installation.status("aml/neighbour").get("phase") == "Running",
            what="a neighbour",
        )
        wait_for(lambda: _get(url.replace("/book/", "/neighbour/"))[0] == 200, what="its page")
        there.sendall(b"still here")
        assert there.recv(4096) == b"still here"
        _check_use_is_seen(installation)


def _check_use_is_seen(installation: Installation) -> None:
    """A page that was answered is use, and so is a websocket that is open all the while."""
    labels = {"zoe.kind": "gateway", "zoe.namespace": "aml", "zoe.component": "http"}
    (gateway,) = [
        s for s in installation.services() if labels.items() <= s["Spec"]["Labels"].items()
    ]
    echo = (_overlay_address(installation, "aml", "echo"), 9000)
    with closing(
        SwarmCluster(
            installation.deployment,
            docker_host=installation.swarm.docker_host,
            clock=SystemClock(),
        )
    ) as cluster:

        def is_seen() -> bool:
            found = passage.read(cluster.logs(gateway["ID"], tail=200))
            asked = {"routes": {"/book/main/8080"}, "places": ()}, {"routes": (), "places": {echo}}
            return found is not None and all(
                found.last_use(**one, needed=timedelta(0)) is not None for one in asked
            )

        wait_for(is_seen, what="the use in the gateway's log")


async def _check_socks(installation: Installation, mine: Any, theirs: Any) -> None:
    keyring = wire.keyring(Settings(state_dir=installation.folder / "state"))
    host, _, port = mine["proxy"].rpartition(":")
    proxy = Proxy(
        host=host,
        port=int(port),
        user="zoe",
        password=keyring.text("secret", "gateway", "aml"),
    )
    wrong = Proxy(host=host, port=int(port), user="zoe", password="wrong")
    with pytest.raises(WrongPassword):
        async with forwarding(wrong, 0):
            pass
    address = _overlay_address(installation, "bio", "linked")
    async with forwarding(proxy, 0) as here:
        assert await _by_socks(here, "linked.book", 8080) == "mine"
        assert await _by_socks(here, "main.book", 8080) == "mine"
        # The same name is somebody else's there; by its address it isn't reached from here.
        assert await _by_socks(here, address, 8080) == ""
    theirs_at = Proxy(
        host=theirs["proxy"].rpartition(":")[0],
        port=int(theirs["proxy"].rpartition(":")[2]),
        user="zoe",
        password=proxy.password,
    )
    with pytest.raises(WrongPassword):
        async with forwarding(theirs_at, 0):
            pass


def _overlay_address(installation: Installation, namespace: str, component: str) -> str:
    (found,) = [
        task
        for s in installation.services()
        if s["Spec"]["Labels"].get("zoe.namespace") == namespace
        and s["Spec"]["Labels"].get("zoe.component") == component
        for task in installation.engine.tasks(filters={"service": s["Spec"]["Name"]})
    ]
    address: str = found["NetworksAttachments"][0]["Addresses"][0].split("/")[0]
    return address


async def _by_socks(port: int, host: str, target: int) -> str:
    """Return the page that a browser gets through the forwarder; "" where it gets none."""
    reader, writer = await asyncio.open_connection(LOOPBACK, port)
    with closing(writer):
        writer.write(b"\x05\x01\x00")
        assert await reader.readexactly(2) == b"\x05\x00"
        name = host.encode()
        writer.write(b"\x05\x01\x00\x03" + bytes([len(name)]) + name + target.to_bytes(2, "big"))
        try:
            async with asyncio.timeout(3):
                answer = await reader.readexactly(10)
        except TimeoutError:
            return ""
        if answer[1] != 0:
            return ""
        writer.write(b"GET / HTTP/1.0\r\n\r\n")
        return (await reader.read()).decode().rpartition("\r\n\r\n")[2].strip()

"""``zoe web`` beside ``zoe run``: a push runs when it is told of, whatever the interval is."""

from __future__ import annotations

import http.client

import pytest

from tests.e2e.installation import Installation
from tests.e2e.manifests import execution, path
from tests.fixtures.receiver import SECRET, github, hook_path, push

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]
WEBHOOK = """
[source.webhook]
provider = "github"
secret_file = "secret"
"""


def deliver(port: int, body: bytes, *, secret: str = SECRET) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        fields = github(body, identity=f"{secret} {body[-60:]!r}", secret=secret)
        connection.request("POST", hook_path(), body, fields)
        return connection.getresponse().status
    finally:
        connection.close()


def test_a_push_that_is_told_of_runs_long_before_the_interval(installation: Installation) -> None:
    (installation.folder / "secret").write_text(SECRET)
    settings = installation.folder / "zoe.toml"
    slow = settings.read_text().replace("\ninterval_s = 1\n", "\ninterval_s = 3600\n")
    settings.write_text(slow + WEBHOOK)
    run, web = installation.start(), installation.start("web", "--port", "0")
    installation.wait_until(lambda: web.events("listening"), what="the receiver")
    installation.wait_until(lambda: installation.store.load().accepted, what="the first pass")
    port = web.events("listening")[0]["port"]
    tip = installation.push({path("book"): execution("book")})
    assert deliver(port, push(after=tip), secret="not-the-secret") == 401
    assert deliver(port, push(after=tip)) == 202
    installation.await_phases({"aml/book": "Running"})
    web.stop()
    run.stop()

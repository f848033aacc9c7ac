"""On the real Swarm: what nobody uses ends by itself and leaves its log, and shared data stays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.installation import Installation
from tests.e2e.manifests import WORKSPACE, batch, execution, path, service

PROBE = {"type": "http", "service": "main", "port": "http", "path": "/use.json", "active": "/used"}
DATASETS = {"type": "volume", "source": "datasets", "target": "/data"}


def board(page: str, **fields: Any) -> dict[str, Any]:
    """A service that tells on a page of its own whether it is used."""
    line = (
        f"mkdir -p /tmp/www; echo '{page}' >/tmp/www/use.json; cat /data/note; "
        "touch /data/mine || echo read only; exec httpd -f -p 8080 -h /tmp/www"
    )
    ports = [{"name": "http", "target": 8080, "app_protocol": "http"}]
    return service(line, ports=ports, volumes=[DATASETS, *WORKSPACE["volumes"]], **fields)


def test_what_nobody_uses_ends_and_what_is_used_or_unknown_goes_on(
    installation: Installation, tmp_path: Path
) -> None:
    data = tmp_path / "datasets"
    data.mkdir()
    (data / "note").write_text("for all\n")
    with (installation.folder / "zoe.toml").open("a") as settings:
        settings.write(f'[storage.datasets]\npath = "{data}"\nshared = true\nread_only = true\n')
        settings.write("per_namespace = false\n")
    pages = {"unused": '{"used": false}', "used": '{"used": true}', "unknown": "who knows"}
    idle = {"after": "10s", "probe": PROBE}
    run = installation.start()
    logs = {"keep": "workspace"}
    installation.push(
        {
            path(n): execution(n, {"main": board(page)}, idle=idle, logs=logs)
            for n, page in pages.items()
        }
    )
    installation.wait_until(
        lambda: installation.status("aml/unused").get("phase") == "Stopped", what="its end"
    )
    assert installation.status("aml/unused")["reason"] == "Idle"
    installation.wait_until(
        lambda: installation.condition("aml/unknown", "IdleUnknown"), what="the silence to be told"
    )
    unknown = installation.condition("aml/unknown", "IdleUnknown")["message"]
    assert "/use.json isn't JSON" in unknown
    assert installation.phases()["aml/used"] == "Running"
    assert installation.condition("aml/used", "IdleSoon") == {}
    text = installation.zoe("logs", "aml/used")
    assert "for all" in text
    assert "read only" in text
    assert list(data.iterdir()) == [data / "note"]
    show = "for f in /work/.zoe/logs/unused/run-1/attempt-1/*; do ls -ln $f; cat $f; done"
    installation.push({path("show"): batch("show", show, **WORKSPACE)})
    installation.wait_until(
        lambda: installation.status("aml/show").get("phase") == "Succeeded", what="the kept log"
    )
    shown = installation.zoe("logs", "aml/show")
    assert "-rw-r-----" in shown
    assert "1000     1000" in shown
    assert "for all" in shown
    run.stop()

"""Ten executions, each in another state, with secrets in all that they are made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tests.e2e.installation import Installation
from tests.e2e.manifests import FOREVER, HALF, execution, namespace, path, platform, service
from tests.e2e.page import hostile
from tests.e2e.page.canaries import Canaries

WORKERS = 2  # the third node is the manager, which takes no work while there are workers
ALL_WORKERS = {"core": 2 * WORKERS, "max": 2 * WORKERS}
PHASES = {
    "aml/elastic": "Running",
    "aml/ahead": "Queued",
    "aml/behind": "Queued",
    "aml/never": "Queued",
    "aml/noimage": "Failed",
    "bio/failed": "Failed",
    "bio/done": "Succeeded",
    "bio/asleep": "Suspended",
    "bio/nightly": "Scheduled",
    "bio/kept": "Running",
}
INVALID = "bio/broken"
HOLD = "the disk of node2 is being changed"

BROKEN = """\
apiVersion: zoe/v1
kind: Execution
metadata: {name: broken}
spec:
  type: batch
  services:
    main:
      image: https://robot:%(image)s@registry.example.org/busybox
      command: [wget, "https://robot:%(command)s@data.example.org/"]
      environment:
        TOKEN: {value: %(environment)s}
"""


ZAPP = "odd"
ZAPP_FILE = {
    "apiVersion": "zoe/v1",
    "kind": "ZApp",
    "metadata": {"name": ZAPP, "title": hostile.LINES[0]},
    "spec": {
        "type": "interactive",
        "parameters": {
            "many": {"type": "integer", "default": 1, "description": hostile.PRINTABLE[:300]}
        },
    },
}


def first_commit(canaries: Canaries, secret: str) -> dict[str, str]:
    """Everything but what is pushed later, by path."""
    granted = {"secrets": [secret]}
    return {
        "platform.yaml": platform(notifyTargets=TARGETS),
        "namespaces/aml.yaml": namespace("aml", page={"logs": True}, **granted),
        "namespaces/bio.yaml": namespace("bio", **granted),
        **_zapp(canaries),
        path("elastic"): _elastic(canaries),
        path("noimage"): _batch("noimage", canaries, "true", fields=NO_IMAGE),
        path("failed", "bio"): _batch("failed", canaries, "echo $PROXY; exit 3", NOTIFY),
        path("done", "bio"): _batch(
            "done", canaries, "cat /run/secrets/token; echo $TOKEN", _mounting(secret), MOUNTS
        ),
        path("asleep", "bio"): _one("asleep", canaries, spec={"suspend": True}),
        path("nightly", "bio"): _batch("nightly", canaries, "true", NIGHTLY),
        path("kept", "bio"): _kept(canaries),
    }


def second_commit(canaries: Canaries) -> dict[str, str]:
    """Who waits for the whole cluster, and who can never have what it asks for."""
    enormous = {"reservations": {"cpus": 512, "memory": "16MiB"}}
    return {
        path("ahead"): _whole("ahead", canaries),
        path("never"): _one("never", canaries, resources=enormous),
    }


def third_commit(canaries: Canaries) -> dict[str, str]:
    """Who waits behind them, and a file that isn't valid."""
    leaks = {place: canaries.plant(f"{place} of an invalid file") for place in _BROKEN_PLACES}
    return {
        path("behind"): _whole("behind", canaries),
        path("broken", "bio"): BROKEN % leaks,
    }


def push_all(installation: Installation, canaries: Canaries, secret: str) -> None:
    """Bring about the ten states, but for ``SLOWEST``; a loop must run."""
    installation.push(first_commit(canaries, secret), message="Everybody's first work")
    installation.wait_until(lambda: installation.part("aml/elastic") == (3, 3), what="growth")
    installation.push(second_commit(canaries), message=f"{hostile.PRINTABLE}\n\n{hostile.ALL}")
    installation.wait_until(
        lambda: installation.status("aml/ahead").get("phase") == "Queued", what="ahead to wait"
    )
    installation.push(third_commit(canaries), message="Ask for it once more")
    installation.zoe("hold", "bio/kept", "--reason", HOLD)
    installation.wait_until(
        lambda: installation.condition("bio/kept", "Held"), what="the hold to be told"
    )
    installation.wait_until(lambda: _are_told(installation), what="nine of the ten states")


SLOWEST = "aml/noimage"


def _are_told(installation: Installation) -> bool:
    phases = installation.phases()
    return all(phases.get(name) == PHASES[name] for name in PHASES.keys() - {SLOWEST})


HOSTILE_LABELS = {
    f"odd-{number}": line[:255]
    for number, line in enumerate(hostile.LINES)
    if "{{" not in line  # an expression there is refused
}
TARGETS = {
    "ops": {"type": "webhook", "url": "https://127.0.0.1:9/notices"},
    "chat": {"type": "slack"},
    "staff": {"type": "email", "to": ["ada@example.org"]},
}
NOTIFY = {"notify": [{"on": ["failed"], "to": target} for target in TARGETS]}
NIGHTLY = {"schedule": {"cron": "30 2 1 1 *", "timezone": "Europe/Paris"}}
NO_IMAGE = {"image": "nobody/has-this-image:1"}
MOUNTS = {"secrets": [{"source": "token"}]}
_BROKEN_PLACES = ("image", "command", "environment")


def _mounting(secret: str) -> dict[str, Any]:
    return {"secrets": {"token": {"swarm": secret}}}


def _environment(name: str, canaries: Canaries) -> dict[str, str]:
    token, password, url = (canaries.plant(f"{kind} of {name}") for kind in ("token", "dsn", "url"))
    return {
        "TOKEN": token,
        "DATABASE_URL": f"postgresql://someone:{password}@db.example.org/x",
        "PROXY": f"https://someone:{url}@proxy.example.org",
    }


def _one(
    name: str, canaries: Canaries, *, spec: Mapping[str, Any] | None = None, **fields: Any
) -> str:
    fields.setdefault("environment", _environment(name, canaries))
    labels = {"course": "ml", "stage": name}
    return labelled(execution(name, {"main": service(**fields)}, **(spec or {})), labels)


def _elastic(canaries: Canaries) -> str:
    replicas = {"core": 1, "max": 3}
    environment = {**_environment("elastic", canaries), "SAID": hostile.LOGGED}
    line = f"echo \"$SAID\"; printf '\\033[2J\\033]0;owned\\007\\n'; {FOREVER}"
    main = service(line, replicas=replicas, resources=HALF, environment=environment)
    labels = {"course": "ml", "stage": "elastic"}
    return labelled(execution("elastic", {"main": main}, lifetime="4h"), labels)


def _zapp(canaries: Canaries) -> dict[str, str]:
    """A ZApp that nobody uses, with a README that tries everything, and secrets in its services."""
    main = service(environment=_environment(ZAPP, canaries))
    spec = {**ZAPP_FILE["spec"], "services": {"main": main}}  # type: ignore[dict-item]
    return {
        f"zapps/{ZAPP}/zapp.yaml": json.dumps({**ZAPP_FILE, "spec": spec}, indent=2),
        f"zapps/{ZAPP}/README.md": f"# {ZAPP}\n\n{hostile.ALL}\n\n{hostile.PRINTABLE}\n",
    }


def _kept(canaries: Canaries) -> str:
    """One with secrets in its command line, its health check and its service's labels."""
    url, check, label = (canaries.plant(f"{kind} of kept") for kind in ("line", "check", "label"))
    healthcheck = {"test": f"echo https://someone:{check}@example.org", "interval": "1s"}
    line = f": https://someone:{url}@example.org; {FOREVER}"
    fields = {"healthcheck": healthcheck, "labels": {"proxy.auth": label}}
    main = service(line, environment=_environment("kept", canaries), **fields)
    return labelled(execution("kept", {"main": main}, lifetime="2h"), HOSTILE_LABELS)


def _whole(name: str, canaries: Canaries) -> str:
    fields = {"replicas": ALL_WORKERS, "resources": HALF}
    return _one(name, canaries, spec={"lifetime": "1h"}, **fields)


def _batch(
    name: str,
    canaries: Canaries,
    line: str,
    spec: Mapping[str, Any] | None = None,
    fields: Mapping[str, Any] | None = None,
) -> str:
    main = service(line, environment=_environment(name, canaries), **(fields or {}))
    return execution(name, {"main": main}, type_="batch", **(spec or {}))


def labelled(text: str, labels: Mapping[str, str]) -> str:
    """Return a manifest with labels."""
    document = json.loads(text)
    document["metadata"]["labels"] = dict(labels)
    return json.dumps(document, indent=2)

"""From a push to what runs, what is told of it, and what is left of it."""

from __future__ import annotations

import json
import sys
import urllib.request
from collections.abc import Iterator

import pytest
import yaml

from reconciler.converge.publication import set_path, status_path
from tests.e2e.installation import Installation
from tests.e2e.manifests import WORKSPACE, batch, execution, path, service, sweep, web

pytestmark = [pytest.mark.swarm, pytest.mark.postgres, pytest.mark.slow]

PYTHON = (sys.executable, "-m", "reconciler")  # where others fork, one starts as operators do
SECRET = "correct horse battery staple"
GRANTS = """\
apiVersion: zoe/v1
kind: Namespace
metadata: {name: aml}
spec: {secrets: [NAME]}
"""
MOUNTS = {"secrets": [{"source": "token"}]}
ASKS = "until wget -qO- http://server.gang:8080/; do sleep 0.2; done; exec sleep 86400"


@pytest.fixture
def secret(installation: Installation) -> Iterator[str]:
    """The name of a Swarm secret that the operator made."""
    name = f"{installation.deployment}-token"
    made = installation.engine.create_secret(name, SECRET.encode())
    yield name
    installation.close()
    installation.engine.remove_secret(made["ID"])


def _twenty(secret: str) -> dict[str, str]:
    """Twenty executions of every kind, eight of them a set, by path."""
    gang = {"server": web("served"), "client": service(ASKS, depends_on=["server"])}
    token = {"token": {"swarm": secret}}
    files = [{"source": "files/train.txt", "target": "/app/train.txt"}]
    texts = {
        "web": execution("web", {"main": web("hello")}),
        "gang": execution("gang", gang),
        "files": batch("files", "cat /app/train.txt", spec={"files": files}),
        "keeps": batch("keeps", "echo kept >/work/kept && cat /work/kept", **WORKSPACE),
        "secret": batch("secret", "wc -c </run/secrets/token", spec={"secrets": token}, **MOUNTS),
    }
    texts["good"] = sweep("good", 8, "echo good ${{ item.key }}", parallel=4)
    texts |= {f"bad-{n}": batch(f"bad-{n}", f"echo bad {n}; exit 3") for n in range(3)}
    texts |= {f"book-{n}": execution(f"book-{n}") for n in range(4)}
    return {path(name): text for name, text in texts.items()}


def _expected() -> dict[str, str]:
    phases = {"web": "Running", "gang": "Running"}
    phases |= dict.fromkeys(("files", "keeps", "secret"), "Succeeded")
    phases |= {f"good-{n}": "Succeeded" for n in range(8)}
    phases |= {f"bad-{n}": "Failed" for n in range(3)}
    phases |= {f"book-{n}": "Running" for n in range(4)}
    return {f"aml/{name}": phase for name, phase in phases.items()}


def test_twenty_executions_reach_their_phases_and_are_told_the_same_everywhere(
    installation: Installation, secret: str
) -> None:
    installation.program = PYTHON
    run = installation.start()
    installation.push(
        {
            **_twenty(secret),
            "namespaces/aml.yaml": GRANTS.replace("NAME", secret),
            "executions/aml/files/train.txt": "learnt\n",
        }
    )
    installation.await_phases(_expected())

    (endpoint,) = installation.status("aml/web")["endpoints"]
    with urllib.request.urlopen(endpoint["url"], timeout=5) as answer:
        assert answer.read() == b"hello\n"
    assert _log(installation, "gang", "client") == "served"
    logs = {
        name: _log(installation, name) for name in ("files", "keeps", "secret", "bad-1", "good-3")
    }
    assert logs == {
        "files": "learnt",
        "keeps": "kept",
        "secret": str(len(SECRET)),
        "bad-1": "bad 1",
        "good-3": "good 3",
    }
    assert installation.status("aml/bad-1")["exitCode"] == 3

    assert installation.zoe("status", "--set", "aml/good").startswith("aml/good: 8 of 8 ready\n")
    told = json.loads(installation.zoe("status", "-o", "json"))["lines"]
    assert {f"{d['namespace']}/{d['name']}": d["state"] for d in told} == _expected()
    run.stop()
    published = [
        yaml.safe_load(installation.published()[status_path(*name.split("/"))])
        for name in _expected()
    ]
    assert {_name(d): d["status"]["phase"] for d in published} == _expected()
    assert {_name(d): d["status"].get("exitCode") for d in published} == _exit_codes()
    of_set = yaml.safe_load(installation.published()[set_path("aml", "good")])
    assert (of_set["status"]["ready"], of_set["status"]["total"]) == (8, 8)
    assert SECRET.encode() not in b"".join(installation.published().values())


def _exit_codes() -> dict[str, int | None]:
    codes = {"Running": None, "Succeeded": 0, "Failed": 3}
    return {name: codes[phase] for name, phase in _expected().items()}


def _name(document: dict[str, dict[str, str]]) -> str:
    return f"{document['metadata']['namespace']}/{document['metadata']['name']}"


def _log(installation: Installation, execution: str, component: str = "main") -> str:
    return installation.await_log(f"aml/{execution}", "--component", component)


def test_a_deleted_file_leaves_nothing_in_the_swarm_but_a_final_status(
    installation: Installation,
) -> None:
    files = [{"source": "files/train.txt", "target": "/app/train.txt"}]
    installation.push(
        {
            path("stays"): execution("stays"),
            path("goes"): execution("goes", files=files),
            "executions/aml/files/train.txt": "learnt\n",
        }
    )
    installation.zoe("once")
    assert installation.phases() == {"aml/stays": "Running", "aml/goes": "Running"}
    assert len(installation.configs()) == 1
    stays = installation.service_of("stays")
    installation.push({path("goes"): None})
    installation.zoe("once")
    assert installation.services() == [stays]
    assert installation.configs() == []
    document = yaml.safe_load(installation.published()[status_path("aml", "goes")])
    assert (document["status"]["phase"], document["status"]["reason"]) == ("Stopped", "Deleted")


def test_an_ended_notebook_starts_again_as_run_2_with_its_workspace(
    installation: Installation,
) -> None:
    line = "cat /work/note; echo written by run $RUN >/work/note; exec sleep 86400"
    environment = {"RUN": "${{ execution.run }}"}
    main = service(line, environment=environment, **WORKSPACE)

    def book(run: int) -> str:
        return execution("book", {"main": main}, run=run, lifetime="1s" if run == 1 else "1h")

    run = installation.start()
    installation.push({path("book"): book(run=1)})
    installation.await_phases({"aml/book": "Stopped"})
    assert installation.status("aml/book")["reason"] == "LifetimeReached"
    installation.push({path("book"): book(run=2)})
    installation.await_phases({"aml/book": "Running"})
    assert _log(installation, "book") == "written by run 1"
    run.stop()

"""What the Swarm says was done to it: every service that was made, ended or removed, in order."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, Self

import docker
from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from reconciler.converge.state import (
    LABEL_COMPONENT,
    LABEL_DEPLOYMENT,
    LABEL_EPOCH,
    LABEL_UID,
)
from tests.safety.chaos.results import ends, stamp
from tests.safety.history import Effect, Kind

Json = dict[str, Any]

# A name is made of uid, incarnation, attempt and node, behind what people read.
_NAME = re.compile(r".*-(?P<uid>[0-9a-f]{16})-g(?P<g>\d+)-a(?P<a>\d+)-(?P<node>\w+)")
_AGAIN_S = 0.2
_ENDS_S = 1
_TIMEOUT_S = 10


class Witness:
    """Listens to the manager's engine until told to stop, also when that dies in between."""

    def __init__(self, docker_host: str, deployment: str, *, since: datetime) -> None:
        self._host = docker_host
        self._deployment = deployment
        self._since = since.timestamp()
        self._seen: dict[str, Effect] = {}
        self._gone: dict[str, Effect] = {}
        self._ended: dict[str, Effect] = {}
        self._stop = threading.Event()
        self.created = threading.Event()
        """Set at each creation, for whoever wants to be in the middle of several."""
        self.pause = threading.Event()
        """Never set: to wait on."""
        self._threads = [
            threading.Thread(target=self._persist, args=given, daemon=True)
            for given in ((self._follow, _AGAIN_S), (self._look_for_ends, _ENDS_S))
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    def look(self) -> list[Effect]:
        """Return what is there now. Creations that no event told of are noted."""
        with docker_client(self._host) as client:
            there = client.services()
        for service in there:
            self._note(service)
        return [self._seen[one["ID"]] for one in there if one["ID"] in self._seen]

    def creations(self) -> list[Effect]:
        """Return every service that was made."""
        return list(self._seen.values())

    def effects(self) -> list[Effect]:
        """Return every creation, end and removal, oldest first.

        The Swarm doesn't tell who removed a service. Nobody else does here: it is put down to
        the leader who was the last to make one.
        """
        told = (*self._seen.values(), *self._ended.values(), *self._gone.values())
        found, epoch = [], 0
        for effect in sorted(told, key=lambda effect: effect.at):
            epoch = max(epoch, effect.epoch)
            found.append(replace(effect, epoch=epoch) if effect.kind is Kind.REMOVE else effect)
        return found

    def _persist(self, watch: Callable[[Any], None], again_s: float) -> None:
        """Watch until told to stop, also when the engine dies in between."""
        while not self._stop.is_set():
            with (
                suppress(RequestException, DockerException),
                docker_client(self._host) as client,
            ):
                watch(client)
            self._stop.wait(again_s)

    def _look_for_ends(self, client: Any) -> None:
        """Note which services ended by themselves: no event tells of tasks."""
        for id_, at in ends(client.services(), client.tasks()).items():
            if id_ in self._seen and id_ not in self._ended:
                self._ended[id_] = _effect(Kind.END, at, id_, self._seen[id_])

    def _follow(self, client: Any) -> None:
        filters = {"type": "service", "event": ["create", "remove"]}
        for event in client.events(since=int(self._since), filters=filters, decode=True):
            id_, at = event["Actor"]["ID"], event["timeNano"] // 1_000_000
            if event["Action"] == "remove" and id_ in self._seen:
                was = self._seen[id_]
                self._gone.setdefault(id_, _effect(Kind.REMOVE, at, id_, was))
            elif event["Action"] == "create":
                with suppress(NotFound):
                    self._note(client.inspect_service(id_), at=at)
            if self._stop.is_set():
                return

    def _note(self, service: Json, *, at: int = 0) -> None:
        spec = service["Spec"]
        labels, named = spec.get("Labels") or {}, _NAME.fullmatch(spec["Name"])
        if labels.get(LABEL_DEPLOYMENT) != self._deployment or not named:
            return
        if service["ID"] in self._seen:
            return
        self._seen[service["ID"]] = Effect(
            at=at or stamp(service["CreatedAt"]),
            epoch=int(labels.get(LABEL_EPOCH) or 0),
            kind=Kind.CREATE,
            id=service["ID"],
            uid=labels.get(LABEL_UID, ""),
            generation=int(named["g"]),
            attempt=int(named["a"]),
            component=labels.get(LABEL_COMPONENT, ""),
            node=named["node"],
        )
        self.created.set()


def docker_client(host: str) -> Any:
    """Return a client of an engine, closed by a ``with``."""
    return closing(docker.APIClient(host, version="1.41", timeout=_TIMEOUT_S))


def _effect(kind: Kind, at: int, id_: str, was: Effect) -> Effect:
    return Effect(
        at=at,
        epoch=0,
        kind=kind,
        id=id_,
        uid=was.uid,
        generation=was.generation,
        attempt=was.attempt,
        component=was.component,
        node=was.node,
    )

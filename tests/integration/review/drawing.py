"""Random repositories, and random commits on them.

Rule files (the platform, namespaces) stay as they are: the effect of changing those is told
apart, see docs/review.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

Files = dict[str, str | None]
ENDS, FAILS, FOREVER, MISSING = "ends", "fails", "forever", "missing"
"""Images; what their tasks do is scripted in ``world``."""

NAMES = ("a", "b", "c", "d", "e", "f", "g")
ZAPP = "zapps/tool/zapp.yaml"


def document(kind: str, name: str, **spec: Any) -> str:
    """A manifest; JSON is YAML."""
    head = {"apiVersion": "zoe/v1", "kind": kind, "metadata": {"name": name}}
    return json.dumps({**head, "spec": spec}) + "\n"


def zapp(version: int) -> str:
    return document("ZApp", "tool", type="interactive", services={"main": service(version)})


def service(version: int, *, image: str = FOREVER, cpus: int = 1, **more: Any) -> dict[str, Any]:
    asked = {"reservations": {"cpus": cpus, "memory": "64MiB"}}
    return {"image": image, "environment": {"V": str(version)}, "resources": asked, **more}


@dataclass(frozen=True, kw_only=True)
class App:
    """One execution's file. ``breaks`` makes it invalid, ``zapp`` leaves all to the ZApp."""

    namespace: str
    name: str
    type: str = "interactive"
    core: int = 1
    most: int = 1
    cpus: int = 1
    priority: str = "normal"
    lifetime_min: int = 0
    suspend: bool = False
    run: int = 1
    version: int = 1
    image: str = FOREVER
    node: str = ""
    side: bool = False
    zapp: bool = False
    follows: bool = False
    cron: str = ""
    after: str = ""
    breaks: bool = False

    @property
    def path(self) -> str:
        return f"executions/{self.namespace}/{self.name}.yaml"

    def text(self) -> str:
        spec: dict[str, Any] = {"priority": self.priority, "suspend": self.suspend}
        spec |= {"zapp": "tool"} if self.zapp else {"type": self.type, "services": self._services()}
        spec |= {"schedule": {"cron": self.cron}} if self.cron else {"run": self.run}
        spec |= {"lifetime": f"{self.lifetime_min}m"} if self.lifetime_min else {}
        spec |= {"update": "auto"} if self.follows else {}
        spec |= {"after": [{"name": self.after, "when": "started"}]} if self.after else {}
        spec |= {"colour": "red"} if self.breaks else {}
        return document("Execution", self.name, **spec)

    def _services(self) -> dict[str, Any]:
        where = {"constraints": [f"node.hostname == {self.node}"]} if self.node else {}
        main = service(
            self.version,
            image=self.image,
            cpus=self.cpus,
            replicas={"core": self.core, "max": max(self.core, self.most)},
            **({"placement": where} if where else {}),
            **({"completes": True} if self.type == "batch" else {}),
        )
        side = {"side": service(1, cpus=1, depends_on=["main"])} if self.side else {}
        return {"main": main, **side}


Repo = Mapping[tuple[str, str], App]

_rarely = st.sampled_from([False, False, False, False, True])
_fields: Mapping[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(["interactive", "batch", "streaming"]),
    "core": st.sampled_from([1, 1, 1, 2, 3]),
    "most": st.integers(1, 5),
    "cpus": st.sampled_from([1, 1, 1, 2, 4]),
    "priority": st.sampled_from(["normal", "normal", "high", "low", "filler"]),
    "lifetime_min": st.sampled_from([0, 5, 17, 29, 43, 61, 83]),
    "version": st.integers(1, 3),
    "image": st.sampled_from([*[FOREVER] * 6, ENDS, FAILS, MISSING]),
    "node": st.sampled_from(["", "", "n1", "n2"]),
    "side": _rarely,
    "zapp": _rarely,
    "follows": _rarely,
    "cron": st.sampled_from(["", "", "", "", "*/10 * * * *", "0 3 * * *"]),
    "after": st.sampled_from(["", "", "", "", "a", "b"]),
}


@st.composite
def apps(draw: st.DrawFn, namespace: str, name: str) -> App:
    fields = {field: draw(values) for field, values in _fields.items()}
    return App(namespace=namespace, name=name, suspend=draw(_rarely), **fields)


@st.composite
def repositories(draw: st.DrawFn) -> Repo:
    """Up to seven executions in two namespaces."""
    chosen = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=7, unique=True))
    found = [draw(apps(draw(st.sampled_from(["aml", "bio"])), name)) for name in chosen]
    return _tied({(app.namespace, app.name): app for app in found})


def _tied(repo: Repo) -> Repo:
    """Let nobody come after somebody who isn't there, or round in circles."""
    return {
        (namespace, name): replace(app, after="")
        if app.after >= name or (namespace, app.after) not in repo
        else app
        for (namespace, name), app in repo.items()
    }


_edit = st.sampled_from([*_fields, *_fields, "suspend", "suspend", "run", "run", "back"])
_whole = st.sampled_from([*["edit"] * 8, "delete", "delete", "rename", "breaks", "mend"])


@st.composite
def edited(draw: st.DrawFn, repo: Repo) -> Repo:
    """The repository after a commit of one to four edits."""
    after = dict(repo)
    for _ in range(draw(st.integers(1, 4))):
        if not after or draw(_rarely):
            name, namespace = draw(st.sampled_from(NAMES)), draw(st.sampled_from(["aml", "bio"]))
            after[namespace, name] = draw(apps(namespace, name))
            continue
        key = draw(st.sampled_from(sorted(after)))
        app = after.pop(key)
        match draw(_whole):
            case "edit":
                after[key] = draw(_changed(app))
            case "rename":
                moved = replace(app, name=draw(st.sampled_from(NAMES)))
                after[moved.namespace, moved.name] = moved
            case "breaks":
                after[key] = replace(app, breaks=True)
            case "mend":
                after[key] = replace(app, breaks=False, suspend=False)
    return _tied(after)


@st.composite
def _changed(draw: st.DrawFn, app: App) -> App:
    field = draw(_edit)
    if field == "suspend":
        return replace(app, suspend=not app.suspend)
    if field == "run":
        return replace(app, run=app.run + 1)
    if field == "back":
        return replace(app, run=max(1, app.run - 1))
    return replace(app, **{field: draw(_fields[field])})


def commit(before: Repo, after: Repo) -> Files:
    """What to write and to delete to get from one to the other."""
    old = {app.path: app.text() for app in before.values()}
    new = {app.path: app.text() for app in after.values()}
    files: Files = {path: None for path in old if path not in new}
    return files | {path: text for path, text in new.items() if old.get(path) != text}


@dataclass(frozen=True, kw_only=True)
class Story:
    """What is pushed one after the other; the last step is the one to plan.

    ``zapps`` are the versions of the ZApp at each step, ``waits_s`` how long to let things go on
    before the next.
    """

    policy: str
    quota: int
    steps: tuple[Repo, ...]
    zapps: tuple[int, ...]
    waits_s: tuple[int, ...]

    def files(self, step: int) -> Files:
        before = self.steps[step - 1] if step else {}
        files = commit(before, self.steps[step])
        if not step or self.zapps[step] != self.zapps[step - 1]:
            files[ZAPP] = zapp(self.zapps[step])
        return files | (self._rules() if not step else {})

    def _rules(self) -> Files:
        quota = {"quota": {"maximum": {"cpus": self.quota}}} if self.quota else {}
        policy = {"name": self.policy}
        return {
            "platform.yaml": document("Platform", "platform", policy=policy),
            "namespaces/aml.yaml": document("Namespace", "aml", **quota),
            "namespaces/bio.yaml": document("Namespace", "bio", weight=2),
        }


@st.composite
def queues(draw: st.DrawFn) -> Story:
    """More than fits, all with lifetimes that they use up, and a commit that changes the queue.

    No two end at the same time: which of them ends first would be a matter of milliseconds.
    """
    size = st.integers(1, 4)
    lifetimes = draw(st.permutations([5, 11, 18, 26, 35, 47, 62, 80, 99, 121]))

    def app(name: str) -> App:
        return App(
            namespace=draw(st.sampled_from(["aml", "bio"])),
            name=name,
            type=draw(st.sampled_from(["interactive", "streaming"])),
            core=draw(st.integers(1, 2)),
            cpus=draw(size),
            lifetime_min=lifetimes.pop(),
            priority=draw(st.sampled_from(["normal", "normal", "high", "low"])),
        )

    before = {name: app(name) for name in NAMES[:6]}
    after = before | {name: app(name) for name in ("x", "y")}
    for name in draw(st.lists(st.sampled_from(NAMES[:6]), max_size=2, unique=True)):
        if draw(st.booleans()):
            del after[name]
        else:
            after[name] = replace(after[name], lifetime_min=lifetimes.pop())
    return Story(
        policy=draw(st.sampled_from(["fair", "fifo", "easy"])),
        quota=draw(st.sampled_from([0, 0, 8])),
        steps=tuple({(a.namespace, a.name): a for a in step.values()} for step in (before, after)),
        zapps=(1, 1),
        waits_s=(draw(st.sampled_from([0, 100, 700])), 0),
    )


@st.composite
def stories(draw: st.DrawFn) -> Story:
    steps = [draw(repositories())]
    for _ in range(draw(st.integers(1, 2))):
        steps.append(draw(edited(steps[-1])))
    versions = st.sampled_from([1, 1, 1, 2])
    return Story(
        policy=draw(st.sampled_from(["fair", "fair", "fifo", "fifo-flexible", "size-flexible"])),
        quota=draw(st.sampled_from([0, 0, 6])),
        steps=tuple(steps),
        zapps=tuple(draw(versions) for _ in steps),
        waits_s=tuple(draw(st.sampled_from([0, 5, 400, 1300])) for _ in steps),
    )

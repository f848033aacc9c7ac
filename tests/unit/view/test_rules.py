"""Namespaces, sets, the catalogue and the reference: what the accepted commit says, for people."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from policy.model.execution import Uid
from policy.settings import Policy
from reconciler.manifest import source_map
from reconciler.manifest.catalogue import Catalogue as Loaded
from reconciler.manifest.catalogue import Loader
from reconciler.reporting.records import Board, Interval
from reconciler.view import encoding, namespaces, reference, sets, zapps
from reconciler.view.namespaces import Namespaces, NamespaceView, Quota
from reconciler.view.reference import Reference, RuleLine
from reconciler.view.sets import Sets
from reconciler.view.zapps import Catalogue, Knob

ROOT = Path(__file__).parents[3]
ZAPPS = sorted((ROOT / "examples").glob("*/**/zapps/*/zapp.yaml")) + sorted(
    (ROOT / "examples/zapps").glob("*/zapp.yaml")
)
T0 = datetime(2026, 11, 22, tzinfo=UTC)
GIB = 1024**3


def document(name: str, phase: str = "Running", **fields: Any) -> dict[str, Any]:
    namespace = fields.pop("namespace", "aml")
    metadata = {"namespace": namespace, "name": name, "uid": name, "run": fields.pop("run", 1)}
    path = fields.pop("path", f"executions/{namespace}/groups.yaml")
    status = {"phase": phase, "message": "as it is", **fields}
    return {"metadata": metadata, "source": {"path": path}, "status": status}


# -- namespaces -----------------------------------------------------------------------------------


def interval(namespace: str, hours: int, *, until: datetime | None = T0, cpus: int = 2) -> Interval:
    return Interval(
        uid=Uid(namespace),
        namespace=namespace,
        name="x",
        zapp="",
        labels=(),
        since=T0 - timedelta(hours=hours),
        until=until,
        cpu_millis=cpus * 1000,
        memory_bytes=GIB,
    )


BOARD = Board(
    namespaces={
        "aml": {
            "guaranteed": {"cpu": 8000},
            "maximum": {"cpu": 12000, "gpu": 1},
            "weight": 2,
            "cohort": "teaching",
            "members": ["ada"],
            "maximumExecutions": 9,
            "page": {"logs": True},
        },
        "lab": {},
    }
)


def test_a_namespace_tells_what_it_may_have_what_it_holds_and_what_it_used():
    held = [interval("aml", 2), interval("aml", 1, until=None), interval("lab", 2, cpus=1)]
    documents = [document("b"), document("a", "Queued"), document("c", namespace="lab")]
    found = namespaces.one(BOARD, "aml", documents, held, now=T0, limit=1)
    assert found is not None
    assert [line.name for line in found.lines] == ["a"]
    assert encoding.from_json(NamespaceView, encoding.to_json(found)) == found
    assert namespaces.of(BOARD, documents, held, now=T0).namespaces[0] == NamespaceView(
        name="aml",
        states={"Queued": 1, "Running": 1},
        weight=2,
        cohort="teaching",
        maximum_executions=9,
        quotas=(
            Quota(
                dimension="cpu", used=2000, guaranteed=8000, maximum=12000,
                told="2 CPUs of at most 12 CPUs, 8 CPUs guaranteed",
            ),
            Quota(dimension="memory", used=GIB, told="1 GiB memory"),
            Quota(dimension="gpu", used=0, maximum=1, told="0 gpu of at most 1 gpu"),
        ),
        share="6.0 core-hours since 2026-11-15T00:00:00Z, 75 % of what all used",
        members=("ada",),
        shows_logs=True,
    )  # fmt: skip
    own = [interval for interval in held if interval.namespace == "aml"]
    used = {"aml": 6 * 3_600_000, "lab": 2 * 3_600_000}
    assert namespaces.one(BOARD, "aml", documents, own, now=T0, used=used, limit=1) == found
    assert (found.more, found.share) == (1, namespaces.of(BOARD, documents, held, now=T0)
            .namespaces[0].share)  # fmt: skip


def test_a_namespace_that_nobody_declared_is_there_while_something_runs_in_it():
    found = namespaces.of(BOARD, [document("x", namespace="wild")], [], now=T0)
    assert [one.name for one in found.namespaces] == ["aml", "lab", "wild"]
    assert found.namespaces[2].share == "nothing since 2026-11-15T00:00:00Z"
    assert encoding.from_json(Namespaces, encoding.to_json(found)) == found
    assert namespaces.one(BOARD, "none", [], [], now=T0) is None


# -- sets -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("workspace", "told"),
    [
        (None, ""),
        ({"isShared": True, "node": ""}, "shared: the same on every node"),
        ({"isShared": False, "node": "n1"}, "on node n1: what mounts it runs there"),
        ({"isShared": False, "node": ""}, "on the node where it is first used"),
    ],
)
def test_a_namespace_tells_where_its_workspace_is(workspace: dict[str, Any] | None, told: str):
    board = Board(namespaces={"aml": {"workspace": workspace} if workspace else {}})
    (view,) = namespaces.of(board, [], [], now=T0).namespaces
    assert view.workspace == told


def member(name: str, phase: str = "Running", reason: str = "", **fields: Any) -> dict[str, Any]:
    """The status of an execution of the set ``groups`` over many namespaces."""
    made = document(name, phase, reason=reason, **fields)
    made["metadata"]["set"] = {"name": "groups"}
    return made


GROUPS = {
    "namespace": "",
    "name": "groups",
    "path": "sets/groups.yaml",
    "line": 1,
    "total": 26,
    "parallel": 5,
    "maxFailed": 0,
    "staggerMs": 1500,
    "repeats": False,
    "refused": [{"namespace": "aml", "name": "groups-z", "message": "sets/groups.yaml:9:3: taken"}],
}


def test_a_set_says_how_many_are_ready_and_who_is_missing_and_why():
    documents = [
        *(member(f"g{n:02}") for n in range(23)),
        member("g23", "Queued", message="no node has room"),
        member("g24", "Failed", message="it crashed"),
        document("alone"),
    ]
    board = Board(sets=(GROUPS,))
    (brief,) = sets.of(documents, board).sets
    assert (brief.full_name, brief.sentence, brief.lines) == (
        "groups", "23 of 26 ready; 1 Failed, 1 Queued, 1 refused", (),
    )  # fmt: skip
    assert brief.rules == (
        "at most 5 at a time, 1.5 s from one start to the next, "
        "no further one when more than 0 have failed"
    )
    whole = sets.one(documents, board, sets.NOWHERE, "groups")
    assert whole is not None
    assert (whole.ready, whole.total, len(whole.lines)) == (23, 26, 25)
    assert [(line.name, line.message) for line in whole.missing] == [
        ("g23", "no node has room"),
        ("g24", "it crashed"),
    ]
    assert [(item.name, item.message) for item in whole.refused] == [
        ("groups-z", "sets/groups.yaml:9:3: taken")
    ]
    assert sets.one(documents, board, "aml", "groups") is None
    found = sets.of(documents, board)
    assert encoding.from_json(Sets, encoding.to_json(found)) == found


def test_without_a_board_a_set_is_what_is_told_of_its_members():
    (found,) = sets.of([member("a"), member("b", "Queued")], Board()).sets
    assert (found.sentence, found.rules) == ("1 of 2 ready; 1 Queued", "")


def test_who_left_the_set_isnt_missing_and_the_newest_run_counts():
    documents = [
        member("a", "Failed", run=1),
        member("a", "Running", run=2),
        member("b"),
        member("c", "Stopped", reason="Deleted"),
    ]
    (found,) = sets.of(documents, Board()).sets
    assert found.sentence == "2 of 2 ready"


def test_of_what_is_repeated_the_run_under_way_stands_for_it():
    time = 1_800_000_000
    over = member("a", "Succeeded", run=time)
    over["status"]["endedAt"] = "2026-11-22T12:00:00+00:00"
    between = [member("a", "Pending", reason="BackOff", run=0), over]
    (found,) = sets.of(between, Board()).sets
    assert found.sentence == "0 of 1 ready; 1 Pending"
    (found,) = sets.of([*between, member("a", run=time + 9)], Board()).sets
    assert found.sentence == "1 of 1 ready"


# -- catalogue ------------------------------------------------------------------------------------


def declared(path: Path) -> dict[str, Any]:
    """Return a ZApp as the board has it."""
    (read,) = source_map.read(path.read_bytes(), file=path.name).documents
    spec, metadata = read.value["spec"], read.value["metadata"]
    return {"title": metadata.get("title", ""), "parameters": spec.get("parameters", {})}


def loaded(files: dict[str, str]) -> Loaded:
    class Commit:
        id, author, committed_at = "0" * 40, "", T0

    loader = Loader(
        deployment="test",
        source_id="platform",
        security_profiles=("restricted", "baseline"),
        storages={"workspace": ()},
    )
    return loader.load(
        {path: path for path in files},
        lambda path: files[path].encode(),
        commit=Commit(),
        commit_of=lambda _: Commit(),
        good={},
        refused=[],
        now=T0,
    )


@pytest.mark.parametrize("path", ZAPPS, ids=lambda path: path.parent.name)
def test_the_manifest_to_copy_of_every_zapp_is_valid(path: Path):
    name = path.parent.name
    urls: list[tuple[str, str]] = []

    def new_url(where: str, content: str) -> str:
        urls.append((where, content))
        return "https://forge.example/new"

    board = Board(zapps={name: declared(path)}, namespaces={"lab": {}, "aml": {}})
    view = zapps.one(board, name, [], new_url=new_url)
    assert view is not None
    assert urls == [(f"executions/aml/my-{name}.yaml", view.manifest)]
    example = ROOT / "examples/repository"
    found = loaded(
        {
            "platform.yaml": re.sub(
                r"  images:\n    allow:\n(      - .*\n)+",
                "",
                (example / "platform.yaml").read_text(),
            ),
            "namespaces/aml.yaml": (example / "namespaces/aml.yaml").read_text(),
            f"zapps/{name}/zapp.yaml": path.read_text(),
            urls[0][0]: view.manifest,
        }
    )
    assert [d for d in found.diagnostics if d.is_error] == []
    assert [manifest.name for manifest in found.manifests] == [f"my-{name}"]


def test_knobs_say_what_they_take():
    parameters = {
        "workers": {
            "type": "integer", "default": 2, "minimum": 1, "maximum": 16, "description": "How many",
        },
        "level": {"type": "enum", "values": ["low", "high"]},
        "memory": {"type": "quantity", "minimum": "1GiB"},
        "on": {"type": "boolean", "default": True, "maximum": 3},
    }  # fmt: skip
    board = Board(zapps={"spark": {"title": "Spark", "parameters": parameters, "logo": {"x": 1}}})
    running = [document("a", zapp="spark"), document("b", "Queued", zapp="spark")]
    view = zapps.one(board, "spark", running)
    assert view is not None
    assert view.knobs == (
        Knob(name="level", type="enum", bounds="one of low, high", is_required=True),
        Knob(name="memory", type="quantity", bounds="1GiB or more", is_required=True),
        Knob(name="workers", type="integer", told="How many", default="2", bounds="1 to 16"),
        Knob(name="on", type="boolean", default="true", bounds="3 or less"),
    )
    assert (view.title, view.has_logo, view.running, view.new_url) == ("Spark", True, 1, "")
    assert zapps.one(board, "other", []) is None
    brief = zapps.of(board, running)
    assert [(z.name, z.running, z.manifest, z.knobs) for z in brief.zapps] == [
        ("spark", 1, "", ()),
    ]  # fmt: skip
    assert encoding.from_json(Catalogue, encoding.to_json(brief)) == brief


def test_parameters_come_as_they_were_declared_whatever_order_they_were_stored_in():
    parameters = {
        name: {"type": "integer"} | ({} if name in ("data", "b") else {"default": 1})
        for name in ("b", "cores", "data", "a")
    }
    names = ["data", "cores", "b", "a"]
    board = Board(zapps={"z": {"parameters": parameters, "parameterNames": names}})
    view = zapps.one(board, "z", [])
    assert view is not None
    assert [knob.name for knob in view.knobs] == ["data", "b", "cores", "a"]
    written = [view.manifest.index(f" {name}: ") for name in ("data", "b", "cores", "a")]
    assert written == sorted(written)


@pytest.mark.parametrize(
    "value", ["true", "null", "no", "1", "0x1", "a: b", "#x", '"', "\\", "- a", "*x", "é", "a b"]
)
def test_a_default_is_written_so_that_it_is_read_as_it_was(value: str):
    parameters = {"p": {"type": "enum", "values": [value]}}
    board = Board(zapps={"z": {"parameters": parameters}})
    view = zapps.one(board, "z", [])
    assert view is not None
    assert yaml.safe_load(view.manifest)["spec"]["parameters"] == {"p": value}


# -- reference ------------------------------------------------------------------------------------


def test_the_schema_is_told_field_by_field():
    found = reference.of(Board())
    assert [kind.kind for kind in found.kinds] == [
        "Platform", "Namespace", "ZApp", "Execution", "ExecutionSet", "Reservation",
    ]  # fmt: skip
    lines = {f"{kind.kind}.{f.path}": f for kind in found.kinds for f in kind.fields}
    image = lines["ZApp.spec.services.*.image"]
    assert (image.type, image.is_required) == ("image reference", True)
    cpus = lines["Execution.spec.services.*.resources.reservations.cpus"]
    assert (cpus.type, cpus.default) == ("number of CPUs", "the platform's")
    assert lines["ZApp.spec.type"].type == "one of interactive, batch, streaming"
    assert lines["Execution.spec.run"].default == "1"
    assert lines["ZApp.spec.services.*.ports[].target"].type == "whole number, 1 to 65535"
    assert lines["ZApp.spec.services.*.ports[].mode"].default == "host"
    assert all(line.told and line.type for line in lines.values())
    assert (found.policy, found.rule, found.rules) == ("", "", ())
    assert encoding.from_json(Reference, encoding.to_json(found)) == found


def test_rules_in_force_are_named_as_in_platform_yaml():
    platform = {
        "policy": {"policy": "fair", "ageing_ms": 86_400_000, "interactive_permille": 500,
                   "size": "SRPT"},
        "priorities": [
            {"name": "filler", "value": -100, "filler": True},
            {"name": "high", "value": 10},
            {"name": "low", "value": -10, "preemptible": True},
        ],
        "headroom": {"cpu": 100, "memory": 128 * 1024**2},
        "maximumLifetimeMs": None,
        "publishedPorts": [30000, 30999],
        "changeWindows": [{"cron": "0 6 * * 1-5", "durationMs": 7_200_000, "timezone": "UTC"}],
        "requiresSignatures": True,
    }  # fmt: skip
    found = reference.of(Board(platform=platform))
    assert (found.policy, "namespaces that used little" in found.rule) == ("fair", True)
    assert {line.name: line.value for line in found.rules} == {
        "policy.ageing": "1d",
        "policy.interactiveShare": "50 %",
        "priorityClasses": "high 10, low -10 (preemptible), filler -100 (filler)",
        "headroom": "0.1 CPUs, 128 MiB memory",
        "caps.lifetime": "none",
        "ports.published": "30000 to 30999",
        "changeWindows": "Monday to Friday at 06:00, UTC, for 2h",
        "trust.signatures": "required",
    }
    assert all(line.told for line in found.rules)
    assert found.rules[0] == RuleLine(
        name="policy.ageing", value="1d", told=found.rules[0].told
    )  # fmt: skip


@pytest.mark.parametrize("policy", list(Policy))
def test_every_policy_has_its_rule(policy: Policy):
    assert reference.of(Board(platform={"policy": {"policy": str(policy)}})).rule

"""What translation to the Docker API and back promises, for every spec."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import NodeId
from policy.model.resources import Resources
from reconciler.cluster.dictionary import Kind
from reconciler.cluster.translate import from_service, to_service
from reconciler.converge.state import (
    LABEL_APPLIED_HASH,
    FileReference,
    HealthProbe,
    Mount,
    NetworkAttachment,
    ProcessLimit,
    PublishedPort,
    Restart,
    RestartCondition,
    ServiceSpec,
)
from reconciler.errors import ActionFailed, Missing

PRIVILEGES_API = (1, 44)

text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="{"), max_size=12)
some_text = text.filter(bool)
names = st.from_regex(r"[a-z][a-z0-9-]{0,20}", fullmatch=True)
ms = st.integers(0, 10**9)
amounts = st.builds(
    Resources.of, cpu_millis=st.integers(0, 10**6), memory_bytes=st.integers(0, 2**50)
)
reserved = st.builds(
    Resources.of,
    cpu_millis=st.integers(0, 10**6),
    memory_bytes=st.integers(0, 2**50),
    generic=st.lists(st.tuples(names, st.integers(1, 9)), max_size=2),
)
files = st.builds(
    FileReference,
    name=names,
    target=some_text,
    uid=st.integers(0, 65_535).map(str),
    gid=st.integers(0, 65_535).map(str),
    mode=st.integers(0, 0o777),
)
mounts = st.one_of(
    st.builds(Mount, type=st.just("bind"), target=some_text, source=some_text, read_only=...),
    st.builds(Mount, type=st.just("volume"), target=some_text, source=text, read_only=...),
    st.builds(Mount, type=st.just("tmpfs"), target=some_text, size_bytes=st.integers(0, 2**40)),
)
words = st.none() | st.lists(text, min_size=1, max_size=3).map(tuple)


def several(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(strategy, max_size=3).map(tuple)


specs = st.builds(
    ServiceSpec,
    name=names,
    image=some_text,
    labels=st.dictionaries(some_text, text, max_size=3),
    node=names.map(NodeId),
    replicas=st.integers(0, 500),
    command=words,
    entrypoint=words,
    environment=several(st.tuples(some_text.filter(lambda name: "=" not in name), text)),
    user=text,
    working_dir=text,
    hostname=text,
    container_labels=st.dictionaries(some_text, text, max_size=3).map(
        lambda labels: tuple(sorted(labels.items()))
    ),
    mounts=several(mounts),
    configs=several(files),
    secrets=several(files),
    health=st.none()
    | st.builds(
        HealthProbe,
        test=st.lists(text, min_size=1, max_size=3).map(tuple),
        interval_ms=ms,
        timeout_ms=ms,
        start_period_ms=ms,
        retries=st.integers(0, 9),
    ),
    stop_grace_ms=ms,
    reservations=reserved,
    limits=amounts,
    pids_limit=st.integers(0, 9999),
    ulimits=several(
        st.builds(ProcessLimit, name=names, soft=st.integers(0, 99), hard=st.integers(0, 99))
    ),
    capabilities_add=several(st.sampled_from(["CHOWN", "KILL", "SETUID"])),
    restart=st.builds(
        Restart,
        condition=st.sampled_from(RestartCondition),
        delay_ms=ms,
        max_attempts=st.integers(0, 99),
        window_ms=ms,
    ),
    networks=several(
        st.builds(NetworkAttachment, network=names.map("lab-{}".format), aliases=several(names))
    ),
    ports=several(
        st.builds(
            PublishedPort,
            name=names,
            target=st.integers(1, 65_535),
            published=st.integers(0, 65_535),
            protocol=st.sampled_from(["tcp", "udp"]),
            mode=st.sampled_from(["host", "ingress"]),
        )
    ),
    log_max_size=names,
    log_max_files=st.integers(1, 99),
)

ALLOWED = {
    "Name",
    "Labels",
    "Mode.Replicated.Replicas",
    "EndpointSpec.Mode",
    "EndpointSpec.Ports",
    "UpdateConfig.Parallelism",
    "UpdateConfig.Order",
    "UpdateConfig.FailureAction",
    "UpdateConfig.Monitor",
    "TaskTemplate.ContainerSpec.Image",
    "TaskTemplate.ContainerSpec.Init",
    "TaskTemplate.ContainerSpec.StopGracePeriod",
    "TaskTemplate.ContainerSpec.CapabilityAdd",
    "TaskTemplate.ContainerSpec.CapabilityDrop",
    "TaskTemplate.ContainerSpec.Env",
    "TaskTemplate.ContainerSpec.Mounts",
    "TaskTemplate.ContainerSpec.Configs",
    "TaskTemplate.ContainerSpec.Secrets",
    "TaskTemplate.ContainerSpec.Ulimits",
    "TaskTemplate.ContainerSpec.Command",
    "TaskTemplate.ContainerSpec.Args",
    "TaskTemplate.ContainerSpec.User",
    "TaskTemplate.ContainerSpec.Dir",
    "TaskTemplate.ContainerSpec.Hostname",
    "TaskTemplate.ContainerSpec.Labels",
    "TaskTemplate.ContainerSpec.Healthcheck.Test",
    "TaskTemplate.ContainerSpec.Healthcheck.Interval",
    "TaskTemplate.ContainerSpec.Healthcheck.Timeout",
    "TaskTemplate.ContainerSpec.Healthcheck.StartPeriod",
    "TaskTemplate.ContainerSpec.Healthcheck.Retries",
    "TaskTemplate.ContainerSpec.Privileges.NoNewPrivileges",
    "TaskTemplate.Resources.Limits.NanoCPUs",
    "TaskTemplate.Resources.Limits.MemoryBytes",
    "TaskTemplate.Resources.Limits.Pids",
    "TaskTemplate.Resources.Reservations.NanoCPUs",
    "TaskTemplate.Resources.Reservations.MemoryBytes",
    "TaskTemplate.Resources.Reservations.GenericResources",
    "TaskTemplate.RestartPolicy.Condition",
    "TaskTemplate.RestartPolicy.Delay",
    "TaskTemplate.RestartPolicy.MaxAttempts",
    "TaskTemplate.RestartPolicy.Window",
    "TaskTemplate.Placement.Constraints",
    "TaskTemplate.Networks",
    "TaskTemplate.LogDriver.Name",
    "TaskTemplate.LogDriver.Options.max-size",
    "TaskTemplate.LogDriver.Options.max-file",
}


def id_of(kind: Kind, name: str) -> str:
    return f"{kind}:{name}"


def name_of(kind: Kind, id_: str) -> str | None:
    return id_.removeprefix(f"{kind}:")


def spec(**fields: Any) -> ServiceSpec:
    base: dict[str, Any] = {"name": "a", "image": "i", "labels": {"k": "v"}, "node": NodeId("n")}
    return ServiceSpec(**{**base, **fields})


def paths(value: object, prefix: str = "") -> Iterator[str]:
    if not isinstance(value, dict) or prefix.endswith("Labels"):
        yield prefix
        return
    for key, item in value.items():
        yield from paths(item, f"{prefix}.{key}" if prefix else key)


@given(specs)
def test_reading_is_the_inverse_of_writing(sent: ServiceSpec) -> None:
    body = json.loads(json.dumps(to_service(sent, id_of=id_of)))
    back = from_service(body, name_of=name_of)
    assert back == replace(sent, labels={**sent.labels, LABEL_APPLIED_HASH: sent.applied_hash})
    assert back.applied_hash == sent.applied_hash


@given(specs, st.sampled_from([(1, 41), (1, 43), PRIVILEGES_API, (1, 52)]))
def test_a_body_holds_nothing_but_what_is_allowed(sent: ServiceSpec, api: tuple[int, int]) -> None:
    body = to_service(sent, id_of=id_of, api=api)
    container = body["TaskTemplate"]["ContainerSpec"]
    assert set(paths(body)) <= ALLOWED
    assert "ALL" in container["CapabilityDrop"]
    assert container["CapabilityAdd"] == list(sent.capabilities_add)
    assert [m["Source"] for m in container["Mounts"] if m["Type"] == "bind"] == [
        mount.source for mount in sent.mounts if mount.type == "bind"
    ]
    assert [item["Target"] for item in body["TaskTemplate"]["Networks"]] == [
        f"network:{item.network}" for item in sent.networks
    ]
    assert (container.get("Privileges") == {"NoNewPrivileges": True}) is (api >= PRIVILEGES_API)
    assert body["UpdateConfig"]["FailureAction"] == "pause"
    assert "Privileges" in container or api < PRIVILEGES_API


def test_labels_and_replicas_leave_the_digest_alone() -> None:
    one = to_service(spec(), id_of=id_of)
    other = to_service(spec(labels={"zoe.epoch": "9"}, replicas=4), id_of=id_of)
    assert one["TaskTemplate"] == other["TaskTemplate"]
    assert one["Labels"][LABEL_APPLIED_HASH] == other["Labels"][LABEL_APPLIED_HASH]


def test_the_digest_label_is_always_the_specs_own() -> None:
    body = to_service(spec(labels={LABEL_APPLIED_HASH: "forged"}), id_of=id_of)
    assert body["Labels"] == {LABEL_APPLIED_HASH: spec().applied_hash}


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"command": ()}, "command"),
        ({"entrypoint": ()}, "entrypoint"),
        ({"environment": (("A=B", "c"),)}, "environment"),
        ({"limits": Resources.of(generic=[("gpu", 1)])}, "limits"),
        ({"capabilities_add": ("CAP_CHOWN",)}, "capabilities_add"),
        ({"node": NodeId("a b")}, "node"),
    ],
)
def test_what_would_come_back_otherwise_is_refused(fields: dict[str, Any], lost: str) -> None:
    with pytest.raises(ActionFailed, match=rf"can't carry {lost} of a"):
        to_service(spec(**fields), id_of=id_of)


@pytest.mark.parametrize(
    "fields",
    [
        {"capabilities_drop": ()},
        {"capabilities_drop": ("KILL",)},
        {"networks": (NetworkAttachment(network="host"),)},
        {"networks": (NetworkAttachment(network="Bridge"),)},
        {"hostname": "{{.Node.Hostname}}"},
        {"environment": (("A", "x{{ env `SECRET` }}"),)},
        {"environment": (("A", "{" + "{{.Task.Slot}}" + "{.Service.Name}}"),)},
        {"mounts": (Mount(type="bind", source="/srv/{{.Service.Name}}", target="/x"),)},
        {"mounts": (Mount(type="tmpfs", target="/{{.Task.ID}}"),)},
    ],
)
def test_what_breaks_out_of_the_cage_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ActionFailed):
        to_service(spec(**fields), id_of=id_of)


def test_a_replicas_number_may_be_asked_for() -> None:
    numbered = spec(environment=(("ZOE_REPLICA", "{{.Task.Slot}}"),))
    body = to_service(numbered, id_of=id_of)
    assert body["TaskTemplate"]["ContainerSpec"]["Env"] == ["ZOE_REPLICA={{.Task.Slot}}"]


def test_a_name_that_nobody_knows_is_missing() -> None:
    def nothing(kind: Kind, name: str) -> str:
        raise Missing(f"no {kind} {name}")

    with pytest.raises(Missing, match="no network lab"):
        to_service(spec(networks=(NetworkAttachment(network="lab"),)), id_of=nothing)


CHANGES_BY_HAND = {
    "env": ("TaskTemplate", "ContainerSpec", "Env", ["A=1"]),
    "image": ("TaskTemplate", "ContainerSpec", "Image", "other"),
    "no init": ("TaskTemplate", "ContainerSpec", "Init", None),
    "capability": ("TaskTemplate", "ContainerSpec", "CapabilityAdd", ["SYS_ADMIN"]),
    "drop": ("TaskTemplate", "ContainerSpec", "CapabilityDrop", None),
    "no healthcheck": ("TaskTemplate", "ContainerSpec", "Healthcheck", {"Test": ["NONE"]}),
    "grace": ("TaskTemplate", "ContainerSpec", "StopGracePeriod", 10_000_000_001),
    "second constraint": (
        *("TaskTemplate", "Placement", "Constraints"),
        ["node.id==n", "node.role==worker"],
    ),
    "no constraint": ("TaskTemplate", "Placement", "Constraints", None),
    "restart on failure": ("TaskTemplate", "RestartPolicy", "Condition", "on-failure"),
    "restart": ("TaskTemplate", "RestartPolicy", "Condition", "any"),
    "log driver": ("TaskTemplate", "LogDriver", "Name", "syslog"),
    "log size": ("TaskTemplate", "LogDriver", "Options", {"max-size": "1g", "max-file": "many"}),
    "default log": ("TaskTemplate", "LogDriver", None),
    "memory": ("TaskTemplate", "Resources", "Limits", {"MemoryBytes": 1}),
    "a bit of CPU": ("TaskTemplate", "Resources", "Limits", {"NanoCPUs": 1}),
    "network": ("TaskTemplate", "Networks", [{"Target": "network:other"}]),
    "endpoint": ("EndpointSpec", "Mode", "vip"),
    "port": ("EndpointSpec", "Ports", [{"TargetPort": 1, "PublishMode": "host"}]),
}


@pytest.mark.parametrize("change", CHANGES_BY_HAND.values(), ids=CHANGES_BY_HAND)
def test_a_change_by_hand_is_a_different_spec(change: tuple[Any, ...]) -> None:
    sent = spec()
    body = copy.deepcopy(to_service(sent, id_of=id_of))
    *path, key, value = change
    section = body
    for step in path:
        section = section[step]
    section[key] = value
    back = from_service(body, name_of=name_of)
    assert back.applied_hash != back.labels.get(LABEL_APPLIED_HASH)


@pytest.mark.parametrize("data", [{}, {"TaskTemplate": None, "Labels": None}, {"Mode": {}}])
def test_any_shape_of_spec_can_be_read(data: dict[str, Any]) -> None:
    assert from_service(data, name_of=name_of).replicas == 0


def test_an_id_counts_more_than_the_name_beside_it() -> None:
    body = to_service(spec(configs=(FileReference(name="real", target="/x"),)), id_of=id_of)
    body["TaskTemplate"]["ContainerSpec"]["Configs"][0]["ConfigName"] = "fake"
    assert from_service(body, name_of=name_of).configs[0].name == "real"

"""Descriptions of the original, of every format, and what is told of them."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.importing.notes import Refused
from reconciler.importing.original import shop
from reconciler.importing.original.application import Choices, import_description
from reconciler.importing.result import Imported

SAMPLES = Path(__file__).parents[2] / "data" / "importing"


def sample(name: str) -> bytes:
    return (SAMPLES / name).read_bytes()


def described(version: int = 3, **service: Any) -> bytes:
    """Return a description with one service."""
    keys = {"image": "a:1"} if version == 3 else {"docker_image": "a:1"}
    whole = {"name": "main", "monitor": True, **keys, **service}
    listed = "processes" if version == 0 else "services"
    return json.dumps({"name": "app", "version": version, listed: [whole]}).encode()


def spec_of(data: bytes, **choices: Any) -> dict[str, Any]:
    (document,) = import_description(data, Choices(**choices)).documents
    spec: dict[str, Any] = document["spec"]
    return spec


def main_of(data: bytes, **choices: Any) -> dict[str, Any]:
    main: dict[str, Any] = spec_of(data, **choices)["services"]["main"]
    return main


def told(imported: Imported) -> str:
    return "\n".join(note.text("f") for note in imported.notes)


def test_format_0_folds_equal_processes_and_keeps_others_apart():
    imported = import_description(sample("v0.json"), Choices(has_workspace=False))
    (document,) = imported.documents
    assert document["metadata"] == {"name": "word-count-2015", "title": "Word count (2015)"}
    assert document["spec"]["services"] == {
        "head": {
            "image": "lab/head",
            "resources": {"reservations": {"memory": "1GiB"}},
            "ports": [
                {"name": "notebook-of-the-head", "target": 9000, "app_protocol": "http"},
                {"name": "jobs", "target": 4040, "app_protocol": "http"},
            ],
        },
        "hand": {
            "image": "registry.example.org:5000/lab/hand",
            "environment": {"HEAD_IP": "${{ services.head.host }}"},
            "replicas": 2,
            "resources": {"reservations": {"memory": "512MiB"}},
            "ports": [{"name": "hand", "target": 8081, "app_protocol": "http"}],
        },
        "hand-3": {
            "image": "registry.example.org:5000/lab/hand",
            "environment": {"HEAD_IP": "${{ services.head.host }}", "VERBOSE": "1"},
        },
    }
    assert "f: /processes/1: hand-1, hand-2 are equal: one service hand with 2 rep" in told(
        imported
    )
    assert "registry.example.org:5000 must answer the nodes" in told(imported)


def test_format_1_knows_the_names_that_authors_wrote_out():
    imported = import_description(sample("v1.json"), Choices())
    spec = imported.documents[0]["spec"]
    assert spec["type"] == "batch"
    assert spec["services"]["start"]["completes"] is True
    assert spec["services"]["start"]["command"] == "mpirun -np 2 ./pi"
    node = spec["services"]["node"]
    assert node["replicas"] == 2
    assert "environment" not in node  # each replica's own name
    assert node["placement"] == {
        "constraints": ["node.hostname == big-1", "node.labels.tier != old"]
    }
    assert node["volumes"] == [
        {"type": "workspace", "target": "/mnt/workspace"},
        {"type": "volume", "source": "words", "target": "/data", "read_only": True},
    ]
    assert "ME is another one in each of 2 replicas" in told(imported)


def test_format_2_inside_a_saved_answer():
    imported = import_description(sample("v2-answer.json"), Choices(has_workspace=False))
    assert imported.documents[0]["spec"]["services"] == {
        "store": {
            "image": "lab/store:3",
            "environment": {
                "OWNER": "${{ execution.namespace }}",
                "ID": "${{ execution.name }}/${{ execution.uid }}",
            },
            "resources": {"reservations": {"memory": "512MiB"}},
            "ports": [{"name": "web", "target": 8080, "app_protocol": "http", "path": "/admin"}],
        },
        "reader": {
            "image": "lab/reader:3",
            "environment": {"STORE": "tcp://${{ services.store.host }}:9999"},
            "depends_on": ["store"],
            "replicas": {"core": 1, "max": 3},
            "resources": {"reservations": {"memory": "256MiB"}},
        },
    }
    assert "f: /description/services/0/ports/0/expose: left out" in told(imported)


def test_format_3_as_text_with_notes():
    imported = import_description(sample("v3.json"), Choices())
    assert imported.text == (SAMPLES / "v3.yaml").read_text(encoding="utf-8")
    notes = told(imported)
    for piece in (
        "/services/0/resources/memory/max: left out: the original enforced the minimum",
        "/services/0/ports/0/proxy: left out",
        "/services/0/command: it looks like a secret",
        "/services/0/environment/1: API_TOKEN: it looks like a secret",
        "/services/0/labels: labels of nodes are rules now: node.labels.gpu == true",
        "/services/0/volumes/0: a folder of the node can't be mounted",
        "/size: left out: it was a rank",
        "zapps/notebook:7 stays as it is",
        "/will_end: imported as interactive",
    ):
        assert piece in notes


def test_names_that_the_original_injected_are_kept_on_request():
    main = main_of(
        described(ports=[{"name": "web", "port_number": 80, "url_template": "http://{ip_port}/"}]),
        keeps_names=True,
    )
    assert main["environment"] == {
        "EXECUTION_ID": "${{ execution.uid }}",
        "DEPLOY_NAME": "${{ parameters.deployment_name }}",
        "ZOE_USER": "${{ execution.namespace }}",
        "SERVICE_NAME": "main",
        "ZOE_WORKSPACE": "/mnt/workspace",
        "ZOE_UID": "${{ parameters.zoe_uid }}",
        "ZOE_GID": "${{ parameters.zoe_gid }}",
        "REVERSE_PROXY_PATH_80": "/",
    }


def test_what_was_proxied_learns_its_path_if_names_are_kept():
    data = sample("v3.json")
    kept = spec_of(data, keeps_names=True)["services"]["notebook"]
    assert kept["ports"][0]["route"] == "keep"
    assert kept["environment"]["REVERSE_PROXY_PATH_8888"] == "${{ services.notebook.route }}"
    assert kept["environment"]["REVERSE_PROXY_PATH_9999"] == "/"
    plain = spec_of(data)["services"]["notebook"]
    assert "route" not in plain["ports"][0]


def test_an_execution_says_it_all_with_defaults_filled_in():
    data = described(environment=[["WHERE", "on {deployment_name}"]])
    (document,) = import_description(data, Choices(kind="Execution", name="mine")).documents
    assert (document["kind"], document["metadata"]) == ("Execution", {"name": "mine"})
    assert "parameters" not in document["spec"]
    assert document["spec"]["services"]["main"]["environment"] == {"WHERE": "on zoe"}


@pytest.mark.parametrize(
    ("data", "where", "why"),
    [
        (b"{", (), "not JSON"),
        (b"\xff\xfe", (), "not JSON in UTF-8"),
        (b"[]", (), "a description is a JSON object"),
        (b'{"name": "x"}', (), "it has neither services nor processes"),
        (b'{"services": []}', (), "version is missing"),
        (b'{"version": 4, "services": []}', ("version",), "isn't a version"),
        (b'{"version": 3, "processes": []}', ("processes",), "version 3 calls its services"),
        (b'{"version": 0, "services": []}', ("services",), "version 0 calls its services"),
        (b'{"version": 3, "services": []}', (), "services is missing or empty"),
        (described(image=None), ("services", 0), "image is missing"),
        (described(docker_image="b"), ("services", 0, "docker_image"), "version 3 has image"),
        (described(2, resources={}), ("services", 0, "resources"), "version 2 has required_resour"),
        (described(monitor=False), ("services",), "no service is the monitor"),
        (described(essential_count=2, total_count=1), (..., "essential_count"), "is more than"),
        (described(environment=[["A", "{index}"]]), (..., "environment", 0), "{index} has no equ"),
        (described(environment=[["A", "{dns_name#b0}"]]), (..., "environment", 0), "no service is"),
        (described(environment=["A=b"]), (..., "environment", 0), "it isn't a pair"),
        (described(ports=[{"port_number": 0}]), (..., "ports", 0, "port_number"), "isn't a port"),
        (described(resources={"memory": {"min": "much"}}), (...,), "it isn't an amount"),
    ],
)
def test_what_no_manifest_can_be_made_of_is_refused(data: bytes, where: Any, why: str):
    with pytest.raises(Refused) as caught:
        import_description(data, Choices())
    assert why in caught.value.message
    assert caught.value.remedy
    if ... not in where:
        assert caught.value.path == where


def test_a_placeholder_without_an_equivalent_stands_for_what_one_says():
    data = described(environment=[["A", "{index}-{user_name}"]])
    main = main_of(data, placeholders={"index": "7"})
    assert main["environment"] == {"A": "7-${{ execution.namespace }}"}


def test_names_are_made_valid_everywhere_alike():
    services = [
        {"name": "The_Master", "image": "a", "monitor": True},
        {"name": "the-master", "image": "a", "environment": [["M", "{dns_name#The_Master0}"]]},
    ]
    data = json.dumps({"name": "9 Lives!", "version": 3, "services": services}).encode()
    (document,) = import_description(data, Choices()).documents
    assert document["metadata"] == {"name": "lives", "title": "9 Lives!"}
    assert list(document["spec"]["services"]) == ["the-master", "the-master-2"]
    other = document["spec"]["services"]["the-master-2"]
    assert other["environment"] == {"M": "${{ services.the-master.host }}"}


def test_a_value_that_the_loader_refuses_is_left_out_in_its_own_words():
    data = described(environment=[["A", "{{ .Node }}"], ["B C", "x"], ["D", "ok"]], work_dir="here")
    imported = import_description(data, Choices(has_workspace=False))
    main = imported.documents[0]["spec"]["services"]["main"]
    assert main == {"image": "a:1", "environment": {"D": "ok"}}
    assert "would be expanded on the node" in told(imported)
    assert "isn't the name of an environment variable" in told(imported)


def test_a_shop_gives_a_zapp_for_each_entry_with_its_parameters():
    data = sample("shop/manifest.json")
    assert shop.descriptions(data) == ("app.json",)
    imported = shop.import_shop(data, {"app.json": sample("shop/app.json")}, Choices())
    first, second = imported.documents
    assert [first["metadata"]["name"], second["metadata"]["name"]] == [
        "notebook-with-helpers",
        "notebook-alone",
    ]
    assert first["metadata"]["labels"] == {"category": "Teaching"}
    assert first["spec"]["parameters"] == {
        "memory_mb": {
            "type": "integer",
            "default": 512,
            "minimum": 256,
            "maximum": 2048,
            "description": "Memory in MB",
        },
        "main_command": {"type": "string", "default": "serve", "description": "Command What runs"},
        "helper_count": {
            "type": "integer",
            "default": 3,
            "minimum": 2,
            "maximum": 9,
            "description": "Helpers how many",
        },
    }
    services = first["spec"]["services"]
    assert services["main"]["command"] == "${{ parameters.main_command }}"
    assert services["helper"]["environment"] == {"MEMORY_MB": "${{ parameters.memory_mb }}"}
    assert services["helper"]["replicas"] == {"core": 2, "max": "${{ parameters.helper_count }}"}
    assert second["spec"]["services"]["helper"]["replicas"] == {"core": 2, "max": 4}
    assert 'no variable is called "NOWHERE"' in told(imported)


@pytest.mark.parametrize("name", ["../secret.json", "/etc/passwd", ".hidden", "", 3])
def test_a_shop_never_leads_out_of_its_folder(name: object):
    data = json.dumps({"version": 1, "zapps": [{"description": name}]}).encode()
    with pytest.raises(Refused, match="isn't a file beside this one"):
        shop.descriptions(data)


@pytest.mark.parametrize("value", ["--5", "5-", "", "1e3", True, "9" * 30])
def test_what_is_no_whole_number_in_a_shop_is_refused_where_it_stands(value: object):
    parameter = {"kind": "service_count", "name": "main", "default": value}
    entry = {"description": "app.json", "parameters": [parameter]}
    data = json.dumps({"version": 1, "zapps": [entry]}).encode()
    with pytest.raises(Refused, match="isn't a whole number") as refused:
        shop.import_shop(data, {"app.json": described()}, Choices())
    assert refused.value.path[-1] == 0


_TEXTS = st.sampled_from(["{dns_name#self}", "{user_name}", "${{", "{{x}}", "\u200b", "a: b"])
_LEAVES = st.none() | st.booleans() | st.integers() | st.floats() | _TEXTS | st.text(max_size=5)
_KEYS = st.sampled_from(["name", "port_number", "path", "memory", "cores", "min", "max"])
_VALUES = st.recursive(
    _LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner), max_leaves=5
)
_SERVICES = st.fixed_dictionaries(
    {
        "name": st.sampled_from(["a", "a0", "a1", "b-1"]),
        "image": st.just("i"),
        "monitor": st.just(True),
    },
    optional=dict.fromkeys(
        ("environment", "ports", "volumes", "resources", "command", "labels", "total_count"),
        _VALUES,
    ),
)


@settings(max_examples=50)
@given(st.lists(_SERVICES, max_size=3), st.booleans())
def test_odd_descriptions_are_valid_or_refused(services: list[dict[str, Any]], keeps: bool):
    data = json.dumps({"name": "x", "version": 3, "services": services}).encode()
    with contextlib.suppress(Refused):
        imported = import_description(data, Choices(keeps_names=keeps))
        assert imported.text.startswith("# yaml-language-server")

"""Compose files: what is kept, what is told, and that nothing odd brings it down."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.importing.compose import amounts, reading
from reconciler.importing.compose.application import Choices, import_compose
from reconciler.importing.notes import Refused
from reconciler.importing.result import Imported

DATA = {"type": "volume", "source": "data", "target": "/d"}
WORKSPACE = {"type": "workspace", "target": "/d"}
SAMPLES = Path(__file__).parents[2] / "data" / "importing"


def imported(text: str, **choices: Any) -> Imported:
    return import_compose(text.encode(), Choices(**choices))


def spec_of(text: str, **choices: Any) -> dict[str, Any]:
    spec: dict[str, Any] = imported(text, **choices).documents[0]["spec"]
    return spec


def service(*lines: str, **choices: Any) -> dict[str, Any]:
    """Return what a service with these lines becomes, without its image."""
    text = "services:\n  a:\n    image: i:1\n" + "".join(f"    {line}\n" for line in lines)
    found: dict[str, Any] = spec_of(text, **choices)["services"]["a"]
    assert found.pop("image") == "i:1"
    return found


def told(result: Imported) -> str:
    return "\n".join(note.text("f") for note in result.notes)


def test_a_whole_file_as_text_with_notes():
    result = import_compose((SAMPLES / "shop.compose.yaml").read_bytes(), Choices())
    assert result.text == (SAMPLES / "shop.zapp.yaml").read_text(encoding="utf-8")
    notes = told(result)
    for piece in (
        "/services/admin: left out: it is started with the profile debug only",
        "/services/web/build: left out: nothing is built here",
        "/services/web/image: $WEB_TAG is the parameter web_tag: default 1.4",
        "registry.example.org must answer the nodes",
        "/services/web/container_name: left out",
        "/services/web/env_file: left out",
        "/services/web/environment/3: left out: FROM_THE_SHELL",
        "/services/web/volumes/0: folders of the node can't be mounted",
        "/services/web/volumes/1: ./web.conf is files/web.conf",
        "/services/web/volumes/2: left out: /var/run/docker.sock belongs to the node",
        "/services/web/volumes/3: left out: it has no name",
        "/services/web/privileged: left out",
        "/services/web/nonsense: left out: no key of Compose",
        "/secrets/cookie: it came from file",
        "/services/store/volumes/0: the volume shopdata is the storage shop-data",
        "/services/store/healthcheck/start_interval: left out",
    ):
        assert piece in notes
    assert "x-usual" not in notes


def test_a_profile_takes_services_in_and_extends_is_written_out():
    data = (SAMPLES / "shop.compose.yaml").read_bytes()
    spec = import_compose(data, Choices(profiles=("debug",))).documents[0]["spec"]
    admin = spec["services"]["admin"]
    assert (admin["image"], admin["replicas"]) == ("admin:1", 2)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (['ports: ["53:53/udp", 80, "81-82"]'], [(53, "udp"), (80, ""), (81, ""), (82, "")]),
        (['ports: ["80:80", "8080:80"]'], [(80, "")]),
        (['ports: ["[::1]:1234:80"]'], [(80, "")]),
        (["ports: ['${PORT:-81}:${INNER:-82}']"], [(82, "")]),
        (["ports: [{target: 80, protocol: sctp}, {published: 1}, [1], 70000, x]"], []),
    ],
)
def test_ports_of_both_syntaxes(lines: list[str], expected: list[tuple[int, str]]):
    ports = service(*lines).get("ports", [])
    assert [(port["target"], port.get("protocol", "")) for port in ports] == expected


@pytest.mark.parametrize("mode", ["ingress", "'${MODE:-ingress}'"])
def test_a_port_of_every_node_becomes_one_of_a_node_and_that_is_told(mode: str):
    result = imported(f"services: {{a: {{image: i, ports: [{{target: 80, mode: {mode}}}]}}}}")
    (port,) = result.documents[0]["spec"]["services"]["a"]["ports"]
    assert port == {"name": "http", "target": 80, "app_protocol": "http"}
    assert "/services/a/ports/0/mode: left out: the port is the node's" in told(result)
    assert "left out" not in told(
        imported("services: {a: {image: i, ports: [{target: 80, mode: host}]}}")
    )


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        ("data:/d:ro", {"volumes": [{**DATA, "read_only": True}]}),
        ("./d:/d", {"volumes": [WORKSPACE]}),
        ("'C:\\d:/d'", {"volumes": [WORKSPACE]}),
        ("'${HOME}/d:/d'", {"volumes": [WORKSPACE]}),
        ("./a.conf:/a.conf", {"files": [{"source": "files/a.conf", "target": "/a.conf"}]}),
        ("/etc/localtime:/etc/localtime:ro, '/:/host', /anonymous", {}),
        ("{type: tmpfs, target: /t}, {type: npipe, target: /p}", {"tmpfs": ["/t"]}),
        ("data:/d, b:/d/", {"volumes": [DATA]}),
    ],
)
def test_no_folder_of_a_node_is_ever_mounted(volumes: str, expected: dict[str, Any]):
    assert service(f"volumes: [{volumes}]") == expected


def test_folders_that_would_mix_in_the_workspace_are_told():
    one = "services: {a: {image: i, volumes: ['./x:/x']}, b: {image: i, volumes: ['./x:/y']}}"
    assert "their files mix" not in told(imported(one))
    assert "2 folders or volumes are one" in told(imported(one.replace("./x:/y", "$Y:/y")))


def test_named_volumes_may_be_the_workspace():
    assert service("volumes: [a:/d]", volumes="workspace") == {
        "volumes": [{"type": "workspace", "target": "/d"}]
    }


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["mem_limit: 1.5g", "cpus: 0.5"], {"limits": {"memory": "1536MiB", "cpus": "0.5"}}),
        (["mem_reservation: 64mb", "pids_limit: -1"], {"reservations": {"memory": "64MiB"}}),
        (["gpus: all"], {"reservations": {"generic": {"gpu": 1}}}),
        (["deploy: {resources: {limits: {memory: lots}}}"], None),
    ],
)
def test_amounts(lines: list[str], expected: dict[str, Any] | None):
    resources = service(*lines).get("resources")
    if expected and "cpus" in expected.get("limits", {}):
        assert str(resources["limits"].pop("cpus")) == expected["limits"].pop("cpus")
    assert resources == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1m30s", "1m30s"),
        ("1.5s", "1s500ms"),
        ("90us", "1ms"),
        ("0", "0s"),
        ("10", None),
        ("", None),
    ],
)
def test_durations(text: str, expected: str | None):
    assert amounts.duration(text) == expected


def test_variables_become_parameters_where_text_may_stand():
    spec = spec_of(
        "services: {a: {image: 'i:${TAG:-1}', command: 'run ${MODE?say it} $$HOME ${X:+y}',"
        " environment: {N: '${TAG:-2}', U: $USER_NAME}, scale: '${N:-3}'}}"
    )
    assert spec["parameters"] == {
        "tag": {"type": "string", "default": "1"},
        "mode": {"type": "string"},
        "user_name": {"type": "string"},
    }
    assert spec["services"]["a"] == {
        "image": "i:${{ parameters.tag }}",
        "command": "run ${{ parameters.mode }} $HOME ",
        "environment": {"N": "${{ parameters.tag }}", "U": "${{ parameters.user_name }}"},
        "replicas": 3,
    }


def test_hosts_are_expressions_where_they_are_hosts():
    spec = spec_of(
        "services:\n"
        "  app:\n"
        "    image: i\n"
        "    links: ['db:database']\n"
        "    environment:\n"
        "      URL: mongodb://user@db:27017,db2.example:1/db\n"
        "      DB_HOST: db\n"
        "      DB_NAME: db\n"
        "      OLD: tcp://database:1234\n"
        "      PATH: /db/db:80\n"
        "  db: {image: db, container_name: my-db, environment: {SELF_URL: 'http://my-db/x'}}\n"
    )
    host = "${{ services.db.host }}"
    assert spec["services"]["app"]["environment"] == {
        "URL": f"mongodb://user@{host}:27017,db2.example:1/db",
        "DB_HOST": host,
        "DB_NAME": "db",
        "OLD": f"tcp://{host}:1234",
        "PATH": "/db/db:80",
    }
    assert spec["services"]["app"]["depends_on"] == ["db"]
    assert spec["services"]["db"]["environment"] == {"SELF_URL": f"http://{host}/x"}


@pytest.mark.parametrize(
    ("depends_on", "expected"),
    [
        ("[b]", ["b", "c"]),
        (
            "{b: {condition: service_healthy}}",
            {"b": {"condition": "service_healthy"}, "c": {"condition": "service_started"}},
        ),
    ],
)
def test_links_add_to_what_comes_first(depends_on: str, expected: Any):
    app = f"{{image: i, links: [b, 'c:d'], depends_on: {depends_on}}}"
    spec = spec_of(f"services: {{a: {app}, b: {{image: i}}, c: {{image: i}}}}")
    assert spec["services"]["a"]["depends_on"] == expected


def test_a_batch_ends_with_what_nothing_else_waits_for():
    done = "{condition: service_completed_successfully}"
    spec = spec_of(
        "services:\n"
        f"  load: {{image: i, restart: 'no', depends_on: {{make: {done}}}}}\n"
        "  make: {image: i, restart: 'no', depends_on: [db]}\n"
        "  db: {image: i, restart: on-failure:3}\n"
    )
    assert spec["type"] == "batch"
    ends = {name: item.get("completes", False) for name, item in spec["services"].items()}
    assert ends == {"load": True, "make": True, "db": False}


def test_nothing_goes_without_a_word():
    result = imported(
        "services:\n"
        "  a: {image: i, restart: 'no', tty: true, pull_policy: always, x-mine: 1, odd: 1}\n"
        "  b: {image: i, expose: [80], init: true}\n"
        "volumes: {v: {driver: nfs}}\n"
        "include: [other.yaml]\n"
        "x-note: 1\n"
    )
    told_of = [note.path for note in result.notes]
    assert told_of == [
        ("include",),
        ("volumes", "v"),
        ("services",),
        ("services", "a", "restart"),
        ("services", "a", "tty"),
        ("services", "a", "pull_policy"),
        ("services", "a", "odd"),
    ]


def test_a_job_in_an_interactive_application_is_told():
    result = imported(
        "services:\n"
        "  app: {image: i, depends_on: {init: {condition: service_completed_successfully}}}\n"
        "  init: {image: i}\n"
    )
    app = result.documents[0]["spec"]["services"]["app"]
    assert app["depends_on"] == {"init": {"condition": "service_started"}}
    assert "make it an execution of its own" in told(result)


def test_what_is_built_only_is_a_parameter_beside_what_has_an_image():
    text = "services: {a: {build: .}, b: {image: i}}"
    spec = spec_of(text)
    assert spec["services"]["a"]["image"] == "${{ parameters.a_image }}"
    assert "default" not in spec["parameters"]["a_image"]
    given = spec_of(text, images={"a": "registry/a:1"})
    assert given["services"]["a"]["image"] == "registry/a:1"


@pytest.mark.parametrize(
    ("environment", "kept"),
    [
        ({"5": "x", "A": "y"}, 1),  # a name of digits isn't an index
        ({"a b": "x", **{f"V{number}": "x" for number in range(256)}}, 256),
        ({"a b": "x", **{f"V{number}": "x" for number in range(257)}}, 0),
    ],
)
def test_what_the_loader_refuses_goes_by_item_and_as_a_whole_where_that_wont_do(
    environment: dict[str, str], kept: int
):
    text = yaml.safe_dump({"services": {"a": {"image": "i", "environment": environment}}})
    assert len(spec_of(text)["services"]["a"].get("environment", ())) == kept


def test_the_first_version_of_compose_had_services_only():
    spec = spec_of("db:\n  image: i\nweb:\n  image: i\n  links: [db]\n")
    assert spec["services"] == {"db": {"image": "i"}, "web": {"image": "i", "depends_on": ["db"]}}


def test_names_are_made_valid_and_stay_apart():
    spec = spec_of("services: {My_App: {image: i, depends_on: [my.app]}, my.app: {image: i}}")
    assert list(spec["services"]) == ["my-app", "my-app-2"]
    assert spec["services"]["my-app"]["depends_on"] == ["my-app-2"]


def test_an_execution_needs_values_for_all_variables():
    assert spec_of("services: {a: {image: 'i:${T:-1}'}}", kind="Execution")["services"]["a"] == {
        "image": "i:1"
    }
    with pytest.raises(Refused, match="the parameter t has no value"):
        imported("services: {a: {image: 'i:${T}'}}", kind="Execution")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing isn't a Compose file"),
        ("[1]", "a list isn't a Compose file"),
        ("a: [", "not YAML"),
        ("\tx: 1", "not YAML"),
        ("a: 1", "it has no services"),
        ("services: [a]", "a list isn't services"),
        ("services: {}", "a mapping isn't services"),
        ("services: {a: {build: .}}", "no service names an image"),
        ("services: {a: {image: 'not an image'}}", "isn't an image"),
        ("services: {a: {extends: b, image: i}, b: {extends: a}}", "a circle: a -> b -> a"),
        ("services: {a: {image: i, x: *b}}", "the alias *b stands for nothing"),
        ("services: &s {a: *s}", "the alias *s stands for nothing"),
        ("services: {? [a] : 1}", "a key isn't text"),
        ("services: {<<: 1}", "<< merges mappings only"),
        ("services: " + "[" * 60, "nested deeper than 40"),
    ],
)
def test_what_no_manifest_can_be_made_of_is_refused(text: str, why: str):
    with pytest.raises(Refused) as caught:
        imported(text)
    assert why in caught.value.message
    assert caught.value.remedy


@pytest.mark.parametrize("kind", ["list", "merge"])
def test_an_alias_bomb_is_refused_before_it_goes_off(kind: str):
    lines = ["a0: &a0 {k: v}"]
    for level in range(1, 30):
        twice = f"*a{level - 1}, *a{level - 1}"
        body = f"[{twice}]" if kind == "list" else f"{{<<: [{twice}], k{level}: 1}}"
        lines.append(f"a{level}: &a{level} {body}")
    with pytest.raises(Refused, match="aliases written out"):
        reading.read("\n".join(lines).encode())


def test_merge_keys_give_way_to_own_and_earlier_ones():
    text = "a: &a {x: 1, y: 1}\nb: &b {x: 2, z: 2}\nc: {<<: [*a, *b], y: 3}\n"
    assert reading.read(text.encode())["c"] == {"x": 1, "y": 3, "z": 2}


def test_words_and_odd_numbers_stay_text():
    text = "[yes, 0440, 22:22, 1_000, ~, true, 'true', 1.50, 0x1f]"
    read = reading.read(text.encode())
    assert [reading.plain_text(item) for item in read] == [
        *("yes", "0440", "22:22", "1_000", "", "true", "true", "1.50", "0x1f")
    ]


_TEXTS = st.sampled_from(
    [
        *(
            "8080:80",
            "${X:-1}",
            "${X",
            "$$",
            "{{.X}}",
            "./a:/b",
            "v:/d",
            "a=b",
            "512m",
            "1.5",
            "10s",
        ),
        *("\u200b", "x" * 5000, "/a:/b:ro", "${{ x }}", "'", "a\nb", "a: b", "NONE", "b"),
    ]
)
_LEAVES = st.none() | st.booleans() | st.integers(-5, 10**12) | _TEXTS | st.text(max_size=6)
_KEYS = st.sampled_from(
    [
        "target",
        "source",
        "type",
        "resources",
        "limits",
        "memory",
        "cpus",
        "devices",
        "placement",
        "test",
        "interval",
        "a",
        "b",
        "soft",
    ]
)
_VALUES = st.recursive(
    _LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=6,
)
_SERVICE_KEYS = [
    "ports",
    "volumes",
    "environment",
    "command",
    "entrypoint",
    "depends_on",
    "deploy",
    "healthcheck",
    "secrets",
    "configs",
    "labels",
    "ulimits",
    "tmpfs",
    "links",
    "networks",
    "extends",
    "profiles",
    "user",
    "shm_size",
    "mem_limit",
    "scale",
    "gpus",
    "x-y",
    "odd",
]
_SERVICES = st.dictionaries(st.sampled_from(_SERVICE_KEYS), _VALUES, max_size=5).map(
    lambda value: {"image": "i:1", **value}
)


@settings(max_examples=50)
@given(st.dictionaries(st.sampled_from(["a", "b", "A_b"]), _SERVICES, min_size=1), _VALUES)
def test_odd_files_are_valid_or_refused(services: dict[str, Any], other: Any):
    top = {"services": services, "secrets": other, "volumes": other, "configs": other}
    with contextlib.suppress(Refused):
        result = import_compose(yaml.safe_dump(top).encode(), Choices())
        assert result.text.startswith("# yaml-language-server")

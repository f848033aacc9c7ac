"""docs/manifests.md names every field, and all that it shows is valid together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli import main
from reconciler.manifest import schema
from reconciler.manifest.build import Attachment, Builder
from reconciler.manifest.spec import Service

PAGE = (Path(__file__).parents[2] / "docs/manifests.md").read_text()
SETTINGS = """\
[storage.workspace]
path = "/srv/workspaces"
shared = true
[storage.datasets]
path = "/srv/datasets"
shared = true
[security_profiles]
baseline = ["CHOWN"]
"""


def properties(node: Any, definitions: Mapping[str, Any], seen: set[str]) -> set[str]:
    """Return the names of all keys that may be written in what ``node`` describes."""
    if isinstance(node, list):
        return set().union(*(properties(item, definitions, seen) for item in node))
    if not isinstance(node, dict):
        return set()
    found = set(node.get("properties", {}))
    if (name := node.get("$ref", "").rpartition("/")[2]) and name not in seen:
        seen.add(name)
        found |= properties(definitions[name], definitions, seen)
    for key, value in node.items():
        children = list(value.values()) if key == "properties" else value
        found |= properties(children, definitions, seen)
    return found


@pytest.mark.parametrize("kind", ["Execution", "Namespace", "Platform", "Reservation"])
def test_every_field_is_named(kind: str) -> None:
    definitions = schema.published().definitions
    node = definitions[kind]
    if kind != "Execution":  # what is below is on the pages that this one leads to
        spec = node["properties"]["spec"]["properties"]
        assert {name for name in spec if f"`{name}`" not in PAGE} == set()
        return
    shown = set(re.findall(r"\w+", " ".join(re.findall(r"`[^`\n]+`", PAGE))))
    missing = properties(node, definitions, set()) - shown - {"apiVersion", "kind"}
    assert missing == set(), "give each a row, with an example, in docs/manifests.md"


def rows(heading: str) -> list[tuple[str, str]]:
    """Return (field, example) of the tables under a heading."""
    (part,) = re.findall(rf"^## {heading}\n(.*?)(?=^## )", PAGE, re.MULTILINE | re.DOTALL)
    return re.findall(r"^\| `(\w+)` \| `(.+?)` \| ", part, re.MULTILINE)


def execution(field: str, example: str, name: str, *, of_service: bool) -> str:
    """Return a manifest in which an example stands beside what it needs."""
    service = {
        "image": "busybox",
        "ports": "[{name: web, target: 80, app_protocol: http}]",
        "volumes": "[{type: workspace, target: /work}]",
    }
    spec = {"type": "interactive" if field == "idle" else "batch"}
    metadata, value = f"name: {name}", example.partition(": ")[2]
    if of_service:
        service["completes"] = "true"
        service[field] = value
        spec["secrets"] = "{token: {generate: random}}"
    elif field == "labels":
        metadata += f", {example}"
    elif field in ("zapp", "parameters"):
        spec = {"zapp": "hello-batch", field: value}
    if "zapp" not in spec:
        inner = ", ".join(f"{key}: {text}" for key, text in service.items())
        other = ", other: {image: busybox}" if of_service else ""
        spec["services"] = f"{{main: {{{inner}}}{other}}}"
    if not of_service and field != "labels":
        spec[field] = value
    lines = ["apiVersion: zoe/v1", "kind: Execution", f"metadata: {{{metadata}}}", "spec:"]
    return "\n".join([*lines, *(f"  {key}: {text}" for key, text in spec.items())]) + "\n"


def built(service: Mapping[str, Any]) -> tuple[Service, ...]:
    builder = Builder(attach=lambda _path: Attachment(blob="b", content_hash="c"))
    whole = {"image": "none", **service}
    services = builder.services({"main": whole}, {"token": {"generate": "random"}}, ())
    assert builder.problems == []
    return services


@pytest.mark.parametrize(("field", "example"), rows("A service"))
def test_no_field_of_a_service_is_taken_and_dropped(field: str, example: str) -> None:
    with_it = built(yaml.safe_load(example))
    assert with_it != built({}), f"manifest/build.py makes nothing of {field}"


def test_all_that_is_shown_is_valid(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", str(tmp_path / "config")]) == 0
    config = tmp_path / "config"
    (config / "zoe.toml").write_text(SETTINGS)
    for text in re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL):
        path = config / text.splitlines()[0].removeprefix("# ")
        path.write_text(text)
    examples = [(*row, False) for row in rows("Execution") if row[0] not in ("name", "namespace")]
    examples += [(*row, True) for row in rows("A service")]
    assert len(examples) > 40
    for number, (field, example, of_service) in enumerate(examples):
        text = execution(field, example, f"e-{number}", of_service=of_service)
        (config / f"executions/aml/e-{number}.yaml").write_text(text)
    monkeypatch.chdir(config)
    capsys.readouterr()
    code = main(["validate", str(config)])
    assert (code, re.sub("[0-9]+", "N", capsys.readouterr().out)) == (0, "N valid documents\n")

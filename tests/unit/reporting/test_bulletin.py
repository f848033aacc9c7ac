"""What a commit tells people beside its executions: all that is listed, and nothing that isn't."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from policy.model.execution import Constraint, Operator
from reconciler.manifest.membership import Member, Trust
from reconciler.manifest.platform import Namespace, NotifyTarget, Platform, ZAppSummary
from reconciler.reporting import bulletin

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 10
TOOL = ZAppSummary(name="tool", title="A tool", path="zapps/tool/zapp.yaml", type="batch")


def test_neither_hosts_nor_addresses_nor_keys_are_told() -> None:
    told = bulletin.platform(
        Platform(
            node_selector=(
                Constraint(attribute="node.hostname", operator=Operator.EQUAL, value="canary-1"),
            ),
            image_allow=("registry.canary-2/*",),
            image_rewrite=(("docker.io", "canary-3:5000"),),
            notify_targets=(NotifyTarget(name="t", type="webhook", url="https://canary-4/"),),
            trust=Trust(is_required=True, admins=(Member(name="ann", key="ssh-ed25519 canary-5"),)),
        )
    )
    member = Member(name="bob", key="ssh-ed25519 canary-6")
    namespace = bulletin.namespace(
        Namespace(name="lab", secrets=("canary-7",), members=(member, replace(member, key="")))
    )
    assert "canary" not in json.dumps([told, namespace])
    assert told["requiresSignatures"] is True
    assert namespace["members"] == ["bob"]


@pytest.mark.parametrize(
    ("data", "media"),
    [
        (PNG, "image/png"),
        (b"<svg xmlns='x'></svg>", "image/svg+xml"),
        (b"\n<?xml version='1.0'?><!-- a -->\n<svg>", "image/svg+xml"),
        (b"<html><svg></html>", ""),
        (b"<svgfoo>", ""),
        (b"GIF89a", ""),
        (b"", ""),
    ],
)
def test_a_logo_is_what_its_content_says(data: bytes, media: str) -> None:
    assert bulletin.media_type(data) == media


def test_a_logo_of_another_kind_is_left_out_and_the_next_name_tried() -> None:
    files = {"zapps/tool/logo.svg": b"<html>", "zapps/tool/logo.png": PNG}
    told = bulletin.zapp(TOOL, files.get)
    assert told["logo"]["type"] == "image/png"
    assert "logo" not in bulletin.zapp(TOOL, {"zapps/tool/logo.svg": b"<html>"}.get)


@pytest.mark.parametrize(
    ("readme", "description"),
    [
        ("", ""),
        ("# Title\n\n![logo](x)\n\nIt does\nthings.\n\nMore.", "It does things."),
        ("# Only a title", ""),
        ("Text\r\n\r\nMore", "Text"),
        ("a" * 400, "a" * 299 + "…"),
    ],
)
def test_the_description_is_the_first_paragraph_of_prose(readme: str, description: str) -> None:
    assert bulletin.description(readme) == description

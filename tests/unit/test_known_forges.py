"""A forge that is known is known everywhere."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from reconciler.config import WebhookSettings
from reconciler.known_forges import FORGES, ForgeName
from tests.fixtures.forge_server import RULES
from tests.fixtures.receiver import DIALECTS
from tests.unit.webhook.payloads import KNOWN
from webhook.providers import PROVIDERS

NAMES = set(get_args(ForgeName))
SETTABLE = set(get_args(get_type_hints(WebhookSettings)["provider"]))


@pytest.mark.parametrize(
    ("place", "there", "expected"),
    [
        ("FORGES of reconciler/known_forges.py", FORGES.keys(), NAMES),
        ("PROVIDERS of webhook/providers", PROVIDERS.keys(), SETTABLE),
        ("DIALECTS of tests/fixtures/receiver.py", DIALECTS.keys(), SETTABLE),
        ("KNOWN of tests/unit/webhook/payloads.py", {name for name, *_ in KNOWN}, SETTABLE),
        ("RULES of tests/fixtures/forge_server.py", RULES.keys(), NAMES | {"hook"}),
    ],
)
def test_every_table_of_forges_has_each_and_no_other(
    place: str, there: set[str], expected: set[str]
) -> None:
    assert there == expected, place

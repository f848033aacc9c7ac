"""The names that pages are served under."""

from __future__ import annotations

import pytest

from reconciler.config import Settings, WebSettings
from reconciler.errors import ConfigError
from webhook.guarded import hosts


def test_names_come_from_the_settings_and_from_the_address_of_the_page():
    settings = Settings(
        page_url="https://Zoe.example.org:8443/lab", web=WebSettings(hosts=("zoe", "Zoe.internal"))
    )
    found = hosts(settings)
    assert {"zoe.example.org", "zoe", "zoe.internal", "localhost"} <= found
    assert hosts(Settings()) <= found


@pytest.mark.parametrize("wrong", ["https://zoe", "zoe:8080", "", "*.example.org", "zoe/"])
def test_what_is_no_name_is_refused(wrong: str):
    with pytest.raises(ConfigError, match="isn't a name: leave out scheme, port and path"):
        hosts(Settings(web=WebSettings(hosts=(wrong,))))

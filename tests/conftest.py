"""Fixtures for real parts live in tests/fixtures, one module per part."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

for _name in [name for name in os.environ if name.startswith("ZOE_")]:
    del os.environ[_name]  # the developer's own settings must not reach the tests

_FIXTURES = Path(__file__).parent / "fixtures"
# Without those that hold no fixture: pytest objects to a plugin that another one has imported.
_HELPERS = ("desk", "pages", "parts")
pytest_plugins = [
    f"tests.fixtures.{module.stem}"
    for module in sorted(_FIXTURES.glob("[a-z]*.py"))
    if module.stem not in _HELPERS
]


@pytest.hookimpl(optionalhook=True)  # without pytest-xdist there is no such hook
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Let no more than two processes start a Swarm."""
    if config.option.dist != "loadfile":
        return None
    from tests.two_labs import TwoLabs

    return TwoLabs(config, log)

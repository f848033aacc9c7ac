"""Runs zoe as a later version of itself would: it renders every service with one more variable."""

from __future__ import annotations

import sys
from typing import Any

from reconciler.cli import main
from reconciler.converge import render

ADDED = ("ZOE_LATER", "1")

_environment = render._Rendering._environment


def _later_environment(rendering: Any, service: Any) -> tuple[tuple[str, str], ...]:
    return (*_environment(rendering, service), ADDED)


if __name__ == "__main__":
    render._Rendering._environment = _later_environment
    sys.exit(main())

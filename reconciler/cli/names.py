"""The argument ``NAMESPACE/NAME``."""

from __future__ import annotations

from typing import Any

import click


class ExecutionName(click.ParamType[tuple[str, str]]):
    """Turns ``aml/lab-3`` into ("aml", "lab-3")."""

    name = "NAMESPACE/NAME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Return the two names."""
        if isinstance(value, tuple):
            return value
        namespace, slash, name = str(value).partition("/")
        if not (slash and namespace and name) or "/" in name:
            self.fail(f"{value!r} isn't NAMESPACE/NAME, such as aml/lab-3", param, ctx)
        return namespace, name


EXECUTION = ExecutionName()

"""The argument ``NAMESPACE/NAME``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


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

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return the names in this clone that begin so; namespaces until a slash is there."""
        from click.shell_completion import CompletionItem

        from reconciler.cli import editing

        return [CompletionItem(name) for name in editing.beginning_with(incomplete)]


EXECUTION = ExecutionName()

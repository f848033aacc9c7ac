"""The argument of a length of time, as manifests write it: ``4h30m``."""

from __future__ import annotations

from typing import Any

import click

from reconciler.manifest.diagnostic import Complaint
from reconciler.manifest.quantities import duration_ms


class Duration(click.ParamType[int]):
    """Turns ``4h30m`` into milliseconds; not 0."""

    name = "DURATION"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the milliseconds."""
        if isinstance(value, int):
            return value
        try:
            found = duration_ms(value)
        except Complaint as complaint:
            self.fail(f"{complaint}: {complaint.remedy}", param, ctx)
        if not found:
            self.fail(f"{value} is no time at all: write 2h", param, ctx)
        return found


DURATION = Duration()

"""Views narrowed to the executions that a label selector admits. Pure."""

from __future__ import annotations

from dataclasses import replace

from reconciler.view import labels
from reconciler.view.labels import Selector
from reconciler.view.line import Line
from reconciler.view.namespaces import NamespaceView
from reconciler.view.sets import SetView
from webhook.site import Absurd


def _selector(text: str) -> Selector:
    try:
        return labels.parse(text)
    except ValueError as error:
        raise Absurd(str(error)) from None


def one_set(view: SetView, text: str) -> SetView:
    """Return a set with those of its executions; how many are ready stays that of all."""
    selector = _selector(text)
    return replace(view, missing=_lines(view.missing, selector), lines=_lines(view.lines, selector))


def namespace(view: NamespaceView, text: str) -> NamespaceView:
    """Return a namespace with those of its executions that are shown."""
    return replace(view, lines=_lines(view.lines, _selector(text)))


def _lines(lines: tuple[Line, ...], selector: Selector) -> tuple[Line, ...]:
    return tuple(line for line in lines if labels.admits(selector, line.labels))

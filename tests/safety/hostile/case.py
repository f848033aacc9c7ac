"""One hostile file, or a harmless one beside it: what it holds, and what must come of it.

In the text of a case ``‸`` stands before the character at which a diagnostic must point, and
``NAME`` for the name of the case; both are gone from what is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

CARET = "‸"

GOOD = """\
apiVersion: zoe/v1
kind: Execution
metadata: {name: NAME}
spec:
  type: batch
  services:
    main:
      image: busybox
      command: [echo, hi]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """``code`` = refused with it at ``at`` (line and column; 0 = the file as a whole).

    Without a code it must be in force, with ``value`` at ``place``: attributes, keys and indexes
    of the manifest, or of the catalogue for what is no execution. ``warning`` may be told beside.
    """

    name: str
    path: str
    data: bytes
    code: str = ""
    at: tuple[int, int] = (0, 0)
    place: str = ""
    value: object = None
    warning: str = ""
    beside: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def is_refused(self) -> bool:
        return bool(self.code)


def refused(
    name: str,
    text: str | bytes,
    code: str,
    *,
    path: str = "",
    beside: Mapping[str, str] | None = None,
) -> Case:
    """Return a case that must be refused with ``code`` where the caret is."""
    data, at = _without_caret(text, name)
    return Case(
        name=name,
        path=path or f"executions/lab/{name}.yaml",
        data=data,
        code=code,
        at=at,
        beside=_encoded(beside, name),
    )


def accepted(
    name: str,
    text: str | bytes,
    place: str = "spec.services.0.image",
    value: object = "busybox",
    *,
    path: str = "",
    warning: str = "",
    beside: Mapping[str, str] | None = None,
) -> Case:
    """Return a case that must be in force, and mean what is said."""
    data, _ = _without_caret(text, name)
    return Case(
        name=name,
        path=path or f"executions/lab/{name}.yaml",
        data=data,
        place=place,
        value=value,
        warning=warning,
        beside=_encoded(beside, name),
    )


def service(lines: str, *, type_: str = "batch", spec: str = "") -> str:
    """Return an Execution with ``lines`` in its service, and ``spec`` beside the services."""
    inner = "".join(f"      {line}\n" for line in lines.splitlines())
    outer = "".join(f"  {line}\n" for line in spec.splitlines())
    head = GOOD.replace("type: batch", f"type: {type_}").removesuffix("      command: [echo, hi]\n")
    if "image:" in lines:
        head = head.removesuffix("      image: busybox\n")
    return head + inner + outer


def spec(lines: str) -> str:
    """Return an Execution with ``lines`` under ``spec``, beside what it needs."""
    return GOOD + "".join(f"  {line}\n" for line in lines.splitlines())


def metadata(line: str) -> str:
    """Return an Execution with ``line`` for what stands under ``metadata``."""
    return GOOD.replace("metadata: {name: NAME}", f"metadata: {line}")


def variable(value: str) -> str:
    """Return an Execution with an environment variable of this text."""
    return service(f"environment: {{X: {value}}}")


def document(kind: str, name: str, lines: str = "") -> str:
    """Return a document of any kind with ``lines`` under ``spec``."""
    text = f"apiVersion: zoe/v1\nkind: {kind}\nmetadata: {{name: {name}}}\n"
    return text + "spec:\n" + "".join(f"  {line}\n" for line in lines.splitlines())


def _encoded(beside: Mapping[str, str] | None, name: str) -> dict[str, bytes]:
    return {
        path.replace("NAME", name): text.replace("NAME", name).encode()
        for path, text in (beside or {}).items()
    }


def _without_caret(text: str | bytes, name: str) -> tuple[bytes, tuple[int, int]]:
    if isinstance(text, bytes):
        text = text.replace(b"NAME", name.encode())
        mark = CARET.encode()
        before, found, after = text.partition(mark)
        if not found:
            return text, (0, 0)
        line = before.rpartition(b"\n")[2].decode(errors="replace")
        return before + after, (before.count(b"\n") + 1, len(line) + 1)
    text = text.replace("NAME", name)
    before, found, after = text.partition(CARET)
    at = (before.count("\n") + 1, len(before) - before.rfind("\n")) if found else (0, 0)
    return (before + after).encode("utf-8", "surrogatepass"), at

"""Reading and resolving one document so that a fault of ours at it holds that one and no other.

What is wrong with a document is told in problems; an exception is our own mistake, and whoever
wrote what it comes up at has to live with it until we have corrected it. Everybody else goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path as File

from reconciler.manifest import documents
from reconciler.manifest.diagnostic import Complaint
from reconciler.manifest.documents import Parsed
from reconciler.manifest.execution import Execution
from reconciler.manifest.limits import Limits
from reconciler.manifest.places import Place
from reconciler.manifest.resolve import Context, Resolved, identity_of, resolve

Parse = Callable[[bytes, str, Place, Limits], Parsed]
Resolve = Callable[[Execution, Context], Resolved]


def _parse(data: bytes, path: str, place: Place, limits: Limits) -> Parsed:
    return documents.parse(data, path=path, place=place, limits=limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """How documents are read and resolved; other functions than ours are for tests."""

    parse_file: Parse = _parse
    resolve_document: Resolve = resolve

    def parse(self, data: bytes, path: str, place: Place, limits: Limits) -> Parsed:
        """Return what a file says; where that can't be found out, that it is our fault."""
        try:
            return self.parse_file(data, path, place, limits)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other files are read
            return documents.refused(path, place, _fault(error))

    def resolve(self, execution: Execution, context: Context) -> Resolved:
        """Return what a document means; where that can't be found out, that it is our fault."""
        try:
            return self.resolve_document(execution, context)
        except Exception as error:  # noqa: BLE001 - whatever it is, the others are resolved
            problem = _fault(error).at(("metadata",), at_key=True)
            return Resolved(identity=identity_of(execution, context), problems=(problem,))


AS_SHIPPED = Handling()


def _fault(error: Exception) -> Complaint:
    """Return what is told: where it came up, but not with which words; they may quote values."""
    from traceback import extract_tb  # no verb should need it

    frames = extract_tb(error.__traceback__)
    where = f" at {File(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    message = f"a fault in zoe itself: {type(error).__name__}{where}"
    return Complaint("FaultInZoe", message, "report it with this file; write it in another way")

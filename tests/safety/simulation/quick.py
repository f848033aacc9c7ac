"""What worlds do over and over is done once, and what they only look at is written more quickly.

Parsing a manifest depends on its bytes and path alone, and worlds share most of theirs. Files of
the status branch are written as JSON, which is YAML as well, and takes a tenth of the time. Worlds
on the real store do without both.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any
from unittest.mock import patch

from reconciler.converge import publication
from reconciler.manifest import documents

_parse = cache(documents.parse)


@contextmanager
def quickened() -> Iterator[None]:
    """Do so within the block."""
    with ExitStack() as stack:
        stack.enter_context(patch.object(documents, "parse", _parse))
        stack.enter_context(patch.object(publication, "dump", _dump))
        yield


def _dump(data: Mapping[str, Any]) -> bytes:
    return json.dumps(data, sort_keys=True).encode()

"""A listing of the engine, as it comes: bounded, and decoded item by item. Pure.

Not all that is listed is ours: whoever may create services on the Swarm may make the answer long.
And the decoding of one item after the other takes a third of the time of that of the whole, of
which all dictionaries would live at once.
"""

from __future__ import annotations

import json
from codecs import getincrementaldecoder
from collections import deque
from collections.abc import Iterable, Iterator
from hashlib import blake2b

from reconciler.cluster.dictionary import Json
from reconciler.errors import ClusterUnavailable

MIB = 1024**2
ANSWER_MOST_BYTES = 256 * MIB
"""More than a hundred thousand services. What is longer isn't read to its end."""
ITEM_MOST = 8 * MIB
"""Characters of one item; the Swarm itself takes no spec of more than 4 MiB."""

_decode = json.JSONDecoder().raw_decode
_AFTER = {"[": "{]", ",": "{", "]": ""}


class Answer:
    """One whole answer of the engine. ``digest`` tells it from every other one."""

    def __init__(
        self, what: str, chunks: Iterable[bytes], *, most_bytes: int = ANSWER_MOST_BYTES
    ) -> None:
        """Read it to its end. Raises ClusterUnavailable if that doesn't come in time."""
        self.size_bytes = 0
        self._chunks: deque[bytes] = deque()
        digest = blake2b(digest_size=32)
        for chunk in chunks:
            self.size_bytes += len(chunk)
            if self.size_bytes > most_bytes:
                raise ClusterUnavailable(
                    f"the Swarm lists more than {most_bytes // MIB} MiB of {what}, and nothing is"
                    f" decided on a part of them: remove what nobody needs"
                )
            digest.update(chunk)
            self._chunks.append(chunk)
        self.digest = digest.digest()

    def items(self) -> Iterator[Json]:
        """Yield what it lists, once: what has been decoded is let go. Raises ValueError."""
        return items(self._chunks.popleft() for _ in range(len(self._chunks)))


def items(chunks: Iterable[bytes]) -> Iterator[Json]:
    """Yield the objects of a JSON array that may be cut anywhere.

    Raises:
        ValueError: It is something else, breaks off, or has an item that is too long.
    """
    decoder = getincrementaldecoder("utf-8")()
    text, at, awaited = "", 0, "["
    for chunk in chunks:
        if len(text) - at > ITEM_MOST:
            raise ValueError("an item is too long")
        text, at = text[at:] + decoder.decode(chunk), 0
        while (at := _past_blanks(text, at)) < len(text):
            sign = text[at]
            if sign not in awaited or not awaited:
                raise ValueError("no listing")
            if sign != "{":
                at, awaited = at + 1, _AFTER[sign]
                continue
            try:
                item, at = _decode(text, at)
            except ValueError:
                break  # the rest of it is still to come
            awaited = ",]"
            yield item
    if awaited:
        raise ValueError("the listing breaks off")


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in " \t\r\n":
        at += 1
    return at

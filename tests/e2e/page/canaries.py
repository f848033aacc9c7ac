"""Secrets that can be told apart, one for each place that may hold one.

Whoever plants one takes it from here by the name of its place; none of them may be found in
anything that people can read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256

COUNT = 50


class Canaries(Mapping[str, str]):
    """Each place asked for, with its secret. They look like nothing else, not even one another."""

    def __init__(self) -> None:
        self._planted: dict[str, str] = {}

    def plant(self, place: str) -> str:
        """Return the secret for a place that has none yet."""
        assert place not in self._planted, f"{place} has its canary"
        self._planted[place] = f"cnry{sha256(place.encode()).hexdigest()[:20]}"
        return self._planted[place]

    def found_in(self, text: str) -> list[str]:
        """Return the places whose secret is in a text."""
        return [place for place, secret in self._planted.items() if secret in text]

    def __getitem__(self, place: str) -> str:
        return self._planted[place]

    def __iter__(self) -> Iterator[str]:
        return iter(self._planted)

    def __len__(self) -> int:
        return len(self._planted)

"""When an execution ends because nobody uses it: what of that is frozen with its spec."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """How to learn when an application was used last: what to ask of a port of a service.

    ``type`` is jupyter (``path``: its base URL), http (``path``: a page in JSON, ``active``: the
    JSON pointer of what counts there), traffic (what the gateway passes on: to ``service`` and
    ``port``; "" = to any) or usage (what the containers of ``service`` consume; "" = of all).
    ``token`` names a generated secret; "" = none is sent.
    """

    type: str
    service: str = ""
    port: str = ""
    path: str = "/"
    active: str = ""
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Idle:
    """How long nobody may use it before it is stopped, and how that is known."""

    after_ms: int
    probe: Probe

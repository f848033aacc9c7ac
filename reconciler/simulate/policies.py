"""Policies as they are named on the command line: ``fair``, ``size-flexible:SJF:2``."""

from __future__ import annotations

import difflib
from dataclasses import replace
from enum import StrEnum
from typing import TypeVar

from policy.settings import Policy, PolicySettings, SizeRule
from reconciler.errors import ConfigError

Name = TypeVar("Name", bound=StrEnum)

DIMENSIONS = ("1", "2", "3")


def named(names: str, base: PolicySettings) -> dict[str, PolicySettings]:
    """Return settings by name for a list such as ``fair,easy,size-flexible:SRPT:2``.

    What a name doesn't say is as in ``base``.

    Raises:
        ConfigError: A name isn't known, or none is given.
    """
    found = {name: _settings(name, base) for part in names.split(",") if (name := part.strip())}
    if not found:
        raise ConfigError(f"--policy names none: write one or more of {', '.join(Policy)}")
    return found


def _settings(name: str, base: PolicySettings) -> PolicySettings:
    head, *rest = name.split(":")
    policy = _one_of(Policy, head, "policy")
    if rest and policy is not Policy.SIZE_FLEXIBLE:
        raise ConfigError(f"{head} takes no {':'.join(rest)}: only size-flexible has variants")
    if len(rest) > 2 or (len(rest) == 2 and rest[1] not in DIMENSIONS):
        raise ConfigError(f"{name!r} isn't a variant: write size-flexible:SRPT:2")
    size = _one_of(SizeRule, rest[0].upper(), "size rule") if rest else base.size
    dimensions = int(rest[1]) if len(rest) == 2 else base.dimensions
    return replace(base, policy=policy, size=size, dimensions=dimensions)


def _one_of(names: type[Name], text: str, what: str) -> Name:
    try:
        return names(text)
    except ValueError:
        near = difflib.get_close_matches(text, list(names), n=1, cutoff=0.4)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise ConfigError(f"{text!r} isn't a {what}: {hint}") from None

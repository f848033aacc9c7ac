"""A letter as a file of the status branch: who it is for in clear, the values encrypted."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from reconciler.converge.letters import Letter
from reconciler.converge.publication import dump
from reconciler.manifest.ciphertext import armoured, one_line
from reconciler.manifest.diagnostic import Complaint
from reconciler.secrets import age

_VERSION = "zoe.secrets/v1"


class NoLetter(ValueError):
    """What is there isn't a letter, or one that nobody can read."""


def sealed(letter: Letter, values: Mapping[str, bytes]) -> bytes:
    """Return the file. Without readers it only says whom it is kept from."""
    body: dict[str, Any] = {
        "apiVersion": _VERSION,
        "namespace": letter.namespace,
        "subject": letter.subject,
        "secrets": sorted(letter.values),
        "readers": [f"{member.name} {member.key}" for member in letter.readers],
    }
    if letter.left_out:
        body["leftOut"] = [f"{m.name} {m.key.split(' ')[0]}" for m in letter.left_out]
    if letter.readers:
        text = json.dumps({name: value.decode() for name, value in values.items()}, sort_keys=True)
        line = age.encrypt(text.encode(), (member.key for member in letter.readers))
        # As a block, so that who has no zoe can hand it to age.
        block = "".join(f"  {row}\n" for row in armoured(line).splitlines())
        return dump(body) + f"age: |\n{block}".encode()
    return dump(body)


def names(data: bytes) -> Sequence[str]:
    """Return which values a file holds, without opening it.

    Raises:
        NoLetter: It isn't one.
    """
    try:
        body = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError) as error:
        raise NoLetter("it is damaged") from error
    if not isinstance(body, dict) or body.get("apiVersion") != _VERSION:
        raise NoLetter("it isn't a file of secrets")
    return [str(name) for name in body.get("secrets", ())]


def opened(data: bytes, identities: list[age.Identity]) -> Mapping[str, str]:
    """Return the values of a file by name.

    Raises:
        NoLetter: It isn't one, or has no readers.
        age.CannotDecrypt: It isn't for any of the identities.
    """
    try:
        body = yaml.safe_load(data)
        if not isinstance(body, dict) or body.get("apiVersion") != _VERSION:
            raise NoLetter("it isn't a file of secrets")
        if "age" not in body:
            raise NoLetter("no member of its namespace has an ssh-ed25519 or ssh-rsa key")
        line = one_line(body["age"])
    except (yaml.YAMLError, ValueError, Complaint) as error:
        raise error if isinstance(error, NoLetter) else NoLetter("it is damaged") from error
    values: Mapping[str, str] = json.loads(age.decrypt(line, identities))
    return values

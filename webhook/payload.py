"""A body as JSON, read without trust: whatever its shape is, looking into it never fails."""

from __future__ import annotations

import json
from collections.abc import Mapping
from urllib.parse import parse_qs

Json = Mapping[str, object]


class Malformed(Exception):
    """The body isn't what its sender says it is."""


def parse(body: bytes) -> Json:
    """Return the JSON object in a body; bytes that are no UTF-8 are replaced.

    Raises:
        Malformed: It is no JSON, or no object.
    """
    try:
        data = json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        raise Malformed("the body is not JSON") from None
    if not isinstance(data, dict):
        raise Malformed("the body is not a JSON object")
    return data


def parse_form(body: bytes) -> Json:
    """Return the JSON object in the field ``payload`` of a form.

    Raises:
        Malformed: There isn't exactly one such field, or it isn't a JSON object.
    """
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=8)
    except ValueError:
        raise Malformed("the body is not a form") from None
    payloads = fields.get("payload", [])
    if len(payloads) != 1:
        raise Malformed("the form has no field `payload`")
    return parse(payloads[0].encode("utf-8", "replace"))


def at(data: object, *keys: str) -> object:
    """Return what lies at a path of keys; None where the path ends early."""
    for key in keys:
        if not isinstance(data, Mapping):
            return None
        data = data.get(key)
    return data


def text(data: object, *keys: str) -> str:
    """Return the text at a path; empty where there is none."""
    found = at(data, *keys)
    return found if isinstance(found, str) else ""


def objects(data: object, *keys: str) -> list[Json]:
    """Return the objects of the list at a path; empty where there is none."""
    found = at(data, *keys)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []

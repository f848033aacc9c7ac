"""Values of a description, each checked where it stands: texts, pairs, counts and amounts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler.importing.notes import Notes, Refused
from reconciler.manifest.diagnostic import Path, quoted


def amounts(
    value: Mapping[str, Any], version: int, path: Path, notes: Notes
) -> tuple[int, int, int]:
    """Return bytes of memory and milli-CPUs that count, and bytes of /dev/shm.

    Raises:
        Refused: They aren't amounts.
    """
    key = "resources" if version == 3 else "required_resources"
    amounts = value.get(key) or {}
    if not isinstance(amounts, dict):
        raise Refused((*path, key), f"{key} isn't an object", 'write {"memory": ...}')
    memory = _bounded(amounts.get("memory"), (*path, key, "memory"), notes)
    cpus = _bounded(amounts.get("cores"), (*path, key, "cores"), notes)
    shm = amounts.get("shm", amounts.get("shm_size", 0)) or 0
    for name in sorted(amounts.keys() - {"memory", "cores", "shm", "shm_size"}):
        notes.dropped((*path, key, name), "the original didn't act on it")
    place = (*path, key)
    return _whole(memory, place), _whole(cpus * 1000, place), _whole(shm, place)


def _bounded(amount: object, path: Path, notes: Notes) -> float:
    """Return what was reserved, and enforced as a limit: the minimum. The maximum never counted."""
    if not isinstance(amount, dict):
        return _number(amount, path)
    least = _number(amount.get("min"), (*path, "min"))
    most = _number(amount.get("max"), (*path, "max"))
    if most and most != least:
        why = "the original enforced the minimum, whatever the maximum said"
        remedy = "write resources: limits: if it is to have more than is set aside for it"
        notes.dropped((*path, "max"), why, remedy)
    return least


def _number(amount: object, path: Path) -> float:
    if amount is None:
        return 0
    if isinstance(amount, str):
        try:
            amount = float(amount)
        except ValueError:
            amount = None
    if not isinstance(amount, (int, float)) or isinstance(amount, bool) or amount != amount:
        raise Refused(path, "it isn't an amount", "write a number, or null for the default")
    return max(amount, 0)  # 0 and -1 both said: none


def _whole(amount: object, path: Path) -> int:
    number = _number(amount, path)
    if number > 2**50:
        raise Refused(path, "no machine has that much", "write a smaller amount")
    return int(number)


def count(value: object, path: Path, *, least: int = 1) -> int:
    """Return a whole number; where there is none, the smallest that may be.

    Raises:
        Refused: It isn't one, or is too small or too large.
    """
    if value is None:
        return max(least, 0)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= 10_000:
        raise Refused(
            path, f"{quoted(value)} isn't a count", f"write a whole number from {least} on"
        )
    return value


def text(value: object, path: Path) -> str:
    """Return a text, "" where there is none.

    Raises:
        Refused: It is something else.
    """
    if value is None:
        return ""
    if isinstance(value, (dict, list, bool)):
        raise Refused(path, "it isn't a text", "write a text")
    return str(value)


def texts(value: object, path: Path) -> tuple[str, ...]:
    """Return a list of texts.

    Raises:
        Refused: It is something else.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise Refused(path, "it isn't a list", "write a list")
    return tuple(text(item, (*path, index)) for index, item in enumerate(value))


def pairs(value: object, path: Path) -> tuple[tuple[str, str], ...]:
    """Return names and values, of a list of pairs or of an object.

    Raises:
        Refused: It is something else.
    """
    if value is None:
        return ()
    if isinstance(value, dict):
        return tuple((str(name), text(item, (*path, name))) for name, item in value.items())
    if not isinstance(value, list):
        raise Refused(path, "the environment isn't a list", 'write [["NAME", "value"]]')
    for index, item in enumerate(value):
        if not isinstance(item, list) or len(item) != 2:
            raise Refused((*path, index), "it isn't a pair", 'write ["NAME", "value"]')
    return tuple(
        (text(item[0], (*path, index, 0)), text(item[1], (*path, index, 1)))
        for index, item in enumerate(value)
    )

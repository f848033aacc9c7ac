"""A text or its bytes with something changed, by a seeded chance."""

from __future__ import annotations

from random import Random

_PIECES = (
    *("{{", "${{ ", " }}", "&a ", "*a", "!!str ", "<<: ", "? ", "- ", ": ", "\t", "\r", "---\n"),
    *("0777", "0x1F", ".nan", "1e999", "-1", "9" * 30, "~", "true", "yes", "null", "[]", "{}"),
    *("\u202e", "\u200b", "\ufeff", "\u2028", "\x00", "\x85", "\u3164", "\ud800", '"\\u202e"'),
    *("../", "/etc/passwd", "/var/run/docker.sock", "privileged: true", "zoe.uid", "com.docker.x"),
    *("[" * 40, "{a: " * 40, "x" * 5000, "#", "'", '"', "|\n", ">\n", "%YAML 1.1\n", "@", "`"),
    *("${{ parameters.x }}", "${{ 1 // 0 }}", "512M", "1EiB", "4000d", "1ns", "apiVersion", "run"),
)


def mutated(data: bytes, other: bytes, chance: Random) -> bytes:
    """Return ``data`` changed in one to four places, some of it from ``other``."""
    for _ in range(chance.randint(1, 4)):
        data = chance.choice(_CHANGES)(data, other, chance)
    return data


def _at(data: bytes, chance: Random) -> int:
    return chance.randrange(len(data) + 1)


def _insert(data: bytes, _: bytes, chance: Random) -> bytes:
    at = _at(data, chance)
    return data[:at] + chance.choice(_PIECES).encode("utf-8", "surrogatepass") + data[at:]


def _byte(data: bytes, _: bytes, chance: Random) -> bytes:
    at = _at(data, chance)
    return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]


def _cut(data: bytes, _: bytes, chance: Random) -> bytes:
    at = _at(data, chance)
    return data[:at] + data[at + chance.randint(1, 40) :]


def _value(data: bytes, _: bytes, chance: Random) -> bytes:
    """Replace what stands behind a colon."""
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    key, colon, _rest = lines[at].partition(b": ")
    if colon:
        lines[at] = key + colon + chance.choice(_PIECES).encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def _repeat(data: bytes, _: bytes, chance: Random) -> bytes:
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    return b"\n".join([*lines[:at], *lines[at : at + 1] * chance.randint(2, 30), *lines[at + 1 :]])


def _shift(data: bytes, _: bytes, chance: Random) -> bytes:
    lines = data.split(b"\n")
    at = chance.randrange(len(lines))
    lines[at] = b" " * chance.randrange(9) + lines[at].strip()
    return b"\n".join(lines)


def _splice(data: bytes, other: bytes, chance: Random) -> bytes:
    lines = other.split(b"\n")
    at = chance.randrange(len(lines))
    cut = _at(data, chance)
    return data[:cut] + b"\n" + b"\n".join(lines[at : at + 5]) + b"\n" + data[cut:]


_CHANGES = (_insert, _byte, _cut, _value, _value, _repeat, _shift, _splice)

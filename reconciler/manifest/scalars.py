"""Plain scalars as YAML 1.2's core schema reads them, without its traps.

Numbers stay exact: an integer is an int, anything with a point or an exponent a :class:`Number`
that remembers its text. What other readers take for something else is refused or warned of.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import NamedTuple, Self

from reconciler.manifest.diagnostic import Complaint, quoted

MAX_INTEGER = 2**63 - 1
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_INTEGER = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"[-+]?0[xXoObB][0-9A-Fa-f_]+")
_DECIMAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]{1,2})?")
_HUGE_EXPONENT = re.compile(r"[-+]?[0-9.]+[eE][-+]?[0-9]+")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
# What YAML 1.1 makes of it, for readers who expect that.
_OLD_BOOLEAN = re.compile(r"yes|Yes|YES|no|No|NO|on|On|ON|off|Off|OFF")
_OLD_NUMBER = re.compile(r"[-+]?[0-9][0-9_]*_[0-9_]*|[-+]?[0-9]{1,9}(?::[0-5]?[0-9]){1,9}")
_OLD_DATE = re.compile(r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt ].{0,40})?")
_MAX_NUMBER_CHARS = 40


class Number(Decimal):
    """A number that isn't plainly an integer; ``text`` is how it was written."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Return the number that a plain scalar stands for."""
        number = super().__new__(cls, text)
        number.text = text
        return number


class Scalar(NamedTuple):
    """A value, and what YAML 1.1 would have made of its text where that is something else."""

    value: object
    elsewhere: str = ""


def resolve(text: str) -> Scalar:
    """Return the value of a plain (unquoted) scalar.

    Raises:
        Complaint: It would mean different things to different readers, or can't be held exactly.
    """
    if text in _NULL:
        return Scalar(None)
    if text in _TRUE:
        return Scalar(True)
    if text in _FALSE:
        return Scalar(False)
    if text[0] in "+-.0123456789":
        return _numeric(text)
    if _OLD_BOOLEAN.fullmatch(text):
        return Scalar(text, "a boolean")
    return Scalar(text)


def _numeric(text: str) -> Scalar:
    if _INTEGER.fullmatch(text):
        return Scalar(_integer(text))
    if _BASED.fullmatch(text):
        raise Complaint(
            "NumberNotDecimal",
            f"{quoted(text)} isn't a decimal number",
            f'write the decimal number, or "{text[:_MAX_NUMBER_CHARS]}" for text',
        )
    if _NOT_FINITE.fullmatch(text):
        raise Complaint(
            "NumberNotFinite",
            f"{quoted(text)} isn't a finite number",
            f'write a number, or "{text}" for text',
        )
    if _DECIMAL.fullmatch(text) and len(text) <= _MAX_NUMBER_CHARS:
        return Scalar(Number(text))
    if _HUGE_EXPONENT.fullmatch(text):
        raise _too_large(text)
    if _OLD_NUMBER.fullmatch(text):
        return Scalar(text, "a number")
    if _OLD_DATE.fullmatch(text):
        return Scalar(text, "a date")
    return Scalar(text)


def _integer(text: str) -> int:
    digits = text.lstrip("+-")
    if len(digits) > 1 and digits[0] == "0":
        raise Complaint(
            "OctalLooking",
            f"{quoted(text)} looks like an octal number",
            f'write "{text[:_MAX_NUMBER_CHARS]}" for text or file modes, else leave the zeros out',
        )
    # Counted before converting: converting thousands of digits raises or takes for ever.
    if len(digits) > 19 or abs(number := int(text)) > MAX_INTEGER:
        raise _too_large(text)
    return number


def _too_large(text: str) -> Complaint:
    return Complaint(
        "NumberTooLarge",
        f"{quoted(text, limit=20)} is too large a number",
        "write a smaller number, or quote it for text",
    )

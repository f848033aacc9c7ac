"""Amounts as people write them to integers: bytes, milli-CPUs, milliseconds. Exact, no floats."""

from __future__ import annotations

import re
from decimal import Decimal

from reconciler.manifest.diagnostic import Complaint, quoted

_UNITS = {"Ki": 1024, "Mi": 1024**2, "Gi": 1024**3, "Ti": 1024**4}
_MEMORY = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?)([KMGT]i)B?")
_AMBIGUOUS = re.compile(r"([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kKmMgGtT])[iI]?[bB]?")
_DECIMAL = re.compile(r"([0-9]{1,7})(?:\.([0-9]{1,9}))?")
_MILLI_DECIMAL = re.compile(r"([0-9]{1,7})m")
_DURATION = re.compile(
    r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?(?:([0-9]{1,9})ms)?"
)
_DURATION_UNITS_MS = (86_400_000, 3_600_000, 60_000, 1_000, 1)
_BARE = re.compile(r"[0-9]{1,9}")
MAX_MEMORY_BYTES = 1024**5
MAX_CPU_MILLIS = 4_096_000
MAX_DURATION_MS = 10 * 365 * 86_400_000


def memory_bytes(value: object) -> int:
    """Return the bytes of ``2GiB``, ``512Mi``, ``1.5GiB`` or a whole number of bytes.

    Raises:
        Complaint: It isn't an amount, is ambiguous (``512M``), no whole number of bytes or huge.
    """
    text = str(value)
    if isinstance(value, int) and not isinstance(value, bool):
        amount = value
    elif match := _MEMORY.fullmatch(text):
        exact = Decimal(match[1]) * _UNITS[match[2]]
        amount = int(exact)
        if amount != exact:
            raise Complaint(
                "BadQuantity",
                f"{quoted(value)} isn't a whole number of bytes",
                f"write {max(1, amount // 1024**2)}MiB",
            )
    elif match := _AMBIGUOUS.fullmatch(text):
        remedy = f"write {match[1]}{match[2].upper()}iB"
        raise Complaint("AmbiguousQuantity", f"{quoted(value)} is ambiguous", remedy)
    else:
        message = f"{quoted(value)} isn't an amount of memory"
        raise Complaint("BadQuantity", message, "write 512MiB or 2GiB")
    if not 0 <= amount <= MAX_MEMORY_BYTES:
        message = f"{quoted(value)} isn't between 0 and 1024TiB"
        raise Complaint("OutOfRange", message, "write a smaller amount, such as 2GiB")
    return amount


def cpu_millis(value: object) -> int:
    """Return the milli-CPUs of ``2``, ``1.5`` or ``1500m``.

    Raises:
        Complaint: It isn't a number of CPUs, finer than a thousandth, or huge.
    """
    text = str(getattr(value, "text", value))
    if match := _MILLI_DECIMAL.fullmatch(text):
        amount = int(match[1])
    elif _DECIMAL.fullmatch(text):
        amount = thousandths(value)
    else:
        message = f"{quoted(text)} isn't a number of CPUs"
        raise Complaint("BadQuantity", message, "write 2, 1.5 or 1500m")
    if amount > MAX_CPU_MILLIS:
        message = f"{quoted(text)} is more than {MAX_CPU_MILLIS // 1000} CPUs"
        raise Complaint("OutOfRange", message, "write a smaller number, such as 2")
    return amount


def thousandths(value: object) -> int:
    """Return a number such as ``2`` or ``1.9`` in thousandths.

    Raises:
        Complaint: It isn't a number, or finer than a thousandth.
    """
    text = str(getattr(value, "text", value))
    match = _DECIMAL.fullmatch(text)
    if match is None:
        raise Complaint("BadQuantity", f"{quoted(text)} isn't a number", "write 2 or 1.9")
    fraction = (match[2] or "").rstrip("0")
    if len(fraction) > 3:
        message = f"{quoted(text)} is finer than a thousandth"
        nearest = f"{match[1]}.{fraction[:3]}"
        least = "0.001"
        raise Complaint("BadQuantity", message, f"write {nearest if Decimal(nearest) else least}")
    return int(match[1]) * 1000 + int(fraction.ljust(3, "0"))


def duration_ms(value: object) -> int:
    """Return the milliseconds of ``4h30m``, ``10s`` or ``500ms``; units fall, each once.

    Raises:
        Complaint: It isn't a length of time, has no unit, or is longer than ten years.
    """
    text = str(value)
    match = _DURATION.fullmatch(text)
    if match is None or not text:
        remedy = f"write {text}s" if _BARE.fullmatch(text) else "write 4h30m, 10s or 500ms"
        message = f"{quoted(value)} isn't a length of time"
        raise Complaint("BadDuration", message, remedy)
    amount = sum(
        int(count) * unit
        for count, unit in zip(match.groups(default="0"), _DURATION_UNITS_MS, strict=True)
    )
    if amount > MAX_DURATION_MS:
        raise Complaint(
            "OutOfRange", f"{quoted(value)} is over ten years", "write less, such as 30d"
        )
    return amount


def duration_within(value: object, least_ms: int, most_ms: int) -> int:
    """Return the milliseconds of a length of time that has bounds of its own.

    Raises:
        Complaint: As :func:`duration_ms`, or it isn't within them.
    """
    amount = duration_ms(value)
    if not least_ms <= amount <= most_ms:
        bound = f"{duration_text(least_ms)} to {duration_text(most_ms)}"
        message = f"{quoted(value)} isn't within {bound}"
        raise Complaint("OutOfRange", message, f"write {bound}")
    return amount


def memory_text(amount: int) -> str:
    """Return an amount of bytes with the largest unit that keeps it whole: ``2GiB``."""
    for unit in ("Ti", "Gi", "Mi", "Ki"):
        if amount and amount % _UNITS[unit] == 0:
            return f"{amount // _UNITS[unit]}{unit}B"
    return str(amount)


def cpus_text(millis: int) -> str:
    """Return an amount of milli-CPUs as CPUs: ``1.5``."""
    whole, rest = divmod(millis, 1000)
    return f"{whole}.{rest:03}".rstrip("0") if rest else str(whole)


def duration_text(amount_ms: int) -> str:
    """Return a length of time in falling units: ``4h30m``."""
    parts: list[str] = []
    for name, unit in zip(("d", "h", "m", "s", "ms"), _DURATION_UNITS_MS, strict=True):
        count, amount_ms = divmod(amount_ms, unit)
        if count:
            parts.append(f"{count}{name}")
    return "".join(parts) or "0s"

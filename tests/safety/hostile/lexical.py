"""How a text is written: numbers, keys, decorations, characters, encodings."""

from __future__ import annotations

from collections.abc import Iterator

from tests.safety.hostile.case import (
    GOOD,
    Case,
    accepted,
    refused,
    service,
    spec,
    variable,
)


def cases() -> Iterator[Case]:
    yield from _numbers()
    yield from _words()
    yield from _keys()
    yield from _decorations()
    yield from _characters()
    yield from _invisible()
    yield from _encodings()
    yield from _syntax()


_BAD_NUMBERS = {
    "octal": ("0777", "OctalLooking"),
    "octal-signed": ("-010", "OctalLooking"),
    "octal-digits": ("08", "OctalLooking"),
    "octal-zeros": ("000", "OctalLooking"),
    "octal-o": ("0o17", "NumberNotDecimal"),
    "hex": ("0x10", "NumberNotDecimal"),
    "hex-upper": ("0XfF", "NumberNotDecimal"),
    "binary": ("0b101", "NumberNotDecimal"),
    "nan": (".nan", "NumberNotFinite"),
    "nan-upper": (".NAN", "NumberNotFinite"),
    "infinity": (".inf", "NumberNotFinite"),
    "infinity-below": ("-.Inf", "NumberNotFinite"),
    "exponent": ("1e999", "NumberTooLarge"),
    "exponent-digits": ("1e99999999999", "NumberTooLarge"),
    "integer-63": ("9223372036854775808", "NumberTooLarge"),
    "integer-below": ("-9223372036854775809", "NumberTooLarge"),
    "integer-5000": ("9" * 3900, "NumberTooLarge"),
}
_GOOD_NUMBERS = {
    "integer": ("15", "15"),
    "largest": ("9223372036854775807", "9223372036854775807"),
    "fraction": ("1.50", "1.50"),
    "exponent": ("1e9", "1e9"),
    "quoted-octal": ('"0777"', "0777"),
    "quoted-nan": ("'.nan'", ".nan"),
    "quoted-hex": ('"0x10"', "0x10"),
}


def _numbers() -> Iterator[Case]:
    for name, (text, code) in _BAD_NUMBERS.items():
        yield refused(f"number-{name}", variable(f"‸{text}"), code)
    for name, (text, value) in _GOOD_NUMBERS.items():
        yield accepted(
            f"number-good-{name}", variable(text), "spec.services.0.environment", (("X", value),)
        )
    for name, text in {"float": "1.0", "float-exponent": "1e0", "text": '"1"'}.items():
        yield refused(f"run-{name}", spec(f"run: ‸{text}"), "WrongType")
    yield refused("run-zero", spec("run: ‸0"), "OutOfRange")
    yield refused("run-below", spec("run: ‸-1"), "OutOfRange")
    yield refused("run-true", spec("run: ‸true"), "WrongType")
    yield refused("run-null", spec("run: ‸null"), "WrongType")
    yield accepted("run-two", spec("run: 2"), "run", 2)


def _words() -> Iterator[Case]:
    """What YAML 1.1 takes for truth values, dates and numbers to the base of sixty is text."""
    for word in ("yes", "No", "on", "OFF"):
        yield refused(f"suspend-{word.lower()}", spec(f"suspend: ‸{word}"), "WrongType")
    words = {
        "yes": "yes",
        "sexagesimal": "12:30:45",
        "underscores": "1_000",
        "date": "2026-02-30",
        "version": "3.10.1",
    }
    for name, text in words.items():
        warning = "" if name == "version" else "TextHere"
        place = "spec.services.0.environment"
        yield accepted(f"word-{name}", variable(text), place, (("X", text),), warning=warning)
    yield refused("word-null", variable("‸~"), "WrongType")
    yield refused("word-true", variable("‸true"), "WrongType")


def _keys() -> Iterator[Case]:
    twice = "DuplicateKey"
    yield refused("key-twice-top", GOOD + "‸kind: Execution\n", twice)
    yield refused("key-twice-spec", spec("‸type: streaming"), twice)
    yield refused("key-twice-image", service("image: busybox\n‸image: evil"), twice)
    yield refused("key-twice-quoted", service('image: busybox\n‸"image": evil'), twice)
    yield refused("key-twice-escaped", service('image: busybox\n‸"\\x69mage": evil'), twice)
    yield refused("key-twice-flow", service("environment: {A: x, ‸A: y}"), twice)
    yield refused("key-twice-json", '{"apiVersion": "zoe/v1", ‸"apiVersion": "zoe/v1"}', twice)
    yield refused("key-merge", service("‸<<: {privileged: true}"), "MergeKeyNotAllowed")
    yield refused("key-merge-list", service("‸<<: [{user: root}]"), "MergeKeyNotAllowed")
    yield refused("key-number", service("environment: {‸1: x}"), "KeyNotText")
    yield refused("key-true", service("environment: {‸true: x}"), "KeyNotText")
    yield refused("key-null", service("environment: {‸~: x}"), "KeyNotText")
    yield refused("key-mapping", service("environment: {‸{a: b}: x}"), "KeyNotText")
    yield refused("key-list", service("? ‸[a, b]\n: x"), "KeyNotText")
    yield refused("key-octal", service("environment: {‸0777: x}"), "KeyNotText")
    yield accepted(
        "key-good-yes",
        service("environment: {yes: x}"),
        "spec.services.0.environment",
        (("yes", "x"),),
    )
    merge = service('environment: {A: "<<"}')
    yield accepted("key-good-merge", merge, "spec.services.0.environment", (("A", "<<"),))


def _decorations() -> Iterator[Case]:
    tag = "TagNotAllowed"
    tags = {
        "python": "!!python/object/apply:os.system [id]",
        "python-name": "!!python/name:os.system x",
        "binary": "!!binary aGk=",
        "string": "!!str 5",
        "integer": "!!int '5'",
        "float": "!!float 1",
        "local": "!include /etc/passwd",
        "bare": "! x",
        "verbatim": "!<tag:yaml.org,2002:str> x",
    }
    for name, text in tags.items():
        yield refused(f"tag-{name}", variable(f"‸{text}"), tag)
    for name, text in {"set": "!!set {A}", "map": "!!map {A: b}", "omap": "!!omap [A: b]"}.items():
        yield refused(f"tag-{name}", service(f"environment: ‸{text}"), tag)
    yield refused("tag-key", service("environment: {‸!!str A: x}"), tag)
    yield refused("tag-document", f"‸!!map\n{GOOD}", tag)
    yield refused("anchor", variable("‸&a x"), "AnchorNotAllowed")
    yield refused("anchor-mapping", service("environment: ‸&a {X: y}"), "AnchorNotAllowed")
    yield refused("anchor-key", service("environment: {‸&a X: y}"), "AnchorNotAllowed")
    yield refused("alias", service("command: [&a x, ‸*a]"), "AliasNotAllowed")
    yield refused("alias-key", service("environment: {A: &a x, ‸*a : y}"), "AliasNotAllowed")
    yield refused("alias-unknown", service("command: [‸*nowhere]"), "AliasNotAllowed")
    yield refused("directive-tag", f"%TAG ! tag:evil,2000:\n---\n{GOOD}x: ‸!y z\n", tag)
    yield refused("directive-version", "‸%YAML 2.0\n---\n" + GOOD, "Syntax")
    yield accepted(
        "good-ampersand",
        variable('"&a *a !b"'),
        "spec.services.0.environment",
        (("X", "&a *a !b"),),
    )
    yield accepted(
        "good-shell",
        service('command: [sh, -c, "a && b"]'),
        "spec.services.0.command",
        ("sh", "-c", "a && b"),
    )


_BREAKS = {"cr": "\r", "vt": "\x0b", "ff": "\x0c", "nel": "\x85", "ls": "\u2028", "ps": "\u2029"}


def _characters() -> Iterator[Case]:
    for name, char in _BREAKS.items():
        hidden = GOOD.replace("command: [echo, hi]", f"# harmless‸{char}      user: root")
        yield refused(f"break-{name}", hidden, "OddLineBreak")
    for name, char in {"nel": "\\N", "ls": "\\L", "ps": "\\P", "cr": "\\r"}.items():
        yield refused(f"break-escaped-{name}", variable(f'‸"a{char}b"'), "OddLineBreak")
    yield accepted("break-good-crlf", GOOD.replace("\n", "\r\n"))
    yield accepted("break-good-none", GOOD.rstrip("\n"))
    yield accepted(
        "break-good-tab", variable('"a\\tb"'), "spec.services.0.environment", (("X", "a\tb"),)
    )
    for name, code in {"nul": 0, "bell": 7, "escape": 27, "delete": 127, "csi": 0x9B}.items():
        yield refused(f"control-{name}", variable(f"x‸{chr(code)}"), "ForbiddenCharacter")
        escaped = variable(f'‸"x\\u{code:04x}"')
        yield refused(f"control-escaped-{name}", escaped, "ForbiddenCharacter")
    for name, code in {"high": 0xD800, "low": 0xDFFF}.items():
        yield refused(f"surrogate-{name}", variable(f"x‸{chr(code)}"), "NotUtf8")
        escaped = variable(f'"x\\u‸{code:04x}"')
        yield refused(f"surrogate-escaped-{name}", escaped, "Syntax")
    key = service('environment: {‸"A\\u200b": x}')
    yield refused("invisible-key", key, "ForbiddenCharacter")


_INVISIBLE = {
    "soft-hyphen": 0xAD,
    "grapheme-joiner": 0x34F,
    "arabic-mark": 0x61C,
    "hangul-filler": 0x115F,
    "khmer-vowel": 0x17B4,
    "mongolian-separator": 0x180E,
    "zero-width-space": 0x200B,
    "zero-width-joiner": 0x200D,
    "left-to-right": 0x200E,
    "bidi-embedding": 0x202A,
    "bidi-override": 0x202E,
    "word-joiner": 0x2060,
    "bidi-isolate": 0x2066,
    "invisible-times": 0x2062,
    "hangul-letter": 0x3164,
    "byte-order-mark": 0xFEFF,
    "half-width-filler": 0xFFA0,
    "annotation": 0xFFF9,
    "noncharacter": 0xFFFE,
    "shorthand": 0x1BCA0,
    "musical": 0x1D173,
    "tag": 0xE0041,
    "variation": 0xE0100,
}


def _invisible() -> Iterator[Case]:
    for name, code in _INVISIBLE.items():
        yield refused(f"unseen-{name}", variable(f"x‸{chr(code)}y"), "ForbiddenCharacter")
        escape = f"\\U{code:08x}"
        yield refused(f"unseen-escaped-{name}", variable(f'‸"{escape}"'), "ForbiddenCharacter")
    yield refused("unseen-comment", f"# ‸\u202e emircssap\n{GOOD}", "ForbiddenCharacter")
    for name, text in {
        "accents": "é ü ñ",
        "emoji": "⚙\ufe0f",
        "cjk": "日本語",
        "nbsp": "5\u00a0%",
    }.items():
        yield accepted(
            f"seen-{name}", variable(f'"{text}"'), "spec.services.0.environment", (("X", text),)
        )


def _encodings() -> Iterator[Case]:
    good = GOOD.encode()
    yield refused("encoding-bom", "‸\ufeff" + GOOD, "ForbiddenCharacter")
    yield refused("encoding-utf16", "‸".encode() + GOOD.encode("utf-16"), "NotUtf8")
    yield refused(
        "encoding-utf16-be", "‸\x00a".encode() + GOOD.encode("utf-16-be"), "ForbiddenCharacter"
    )
    yield refused(
        "encoding-utf32",
        b"a" + "‸".encode() + b"\0\0\0" + GOOD.encode("utf-32-le"),
        "ForbiddenCharacter",
    )
    yield refused("encoding-latin", good + "# caf‸".encode() + b"\xe9\n", "NotUtf8")
    yield refused("encoding-overlong", good + "# ‸".encode() + b"\xc0\xaf\n", "NotUtf8")
    yield refused("encoding-cut", good + "# ‸".encode() + b"\xe2\x82", "NotUtf8")
    yield refused("encoding-gzip", "‸".encode().join([b"\x1f", b"\x8b\x08"]), "NotUtf8")
    yield refused("encoding-nul-bytes", "‸\x00" + "\x00" * 400, "ForbiddenCharacter")


def _syntax() -> Iterator[Case]:
    yield refused("syntax-tab", GOOD + "‸\tx: y\n", "Syntax")
    yield refused("syntax-open-bracket", GOOD + "x: [a, b\n‸", "Syntax")
    yield refused("syntax-open-quote", GOOD + 'x: "a\n‸', "Syntax")
    yield refused("syntax-two-colons", GOOD + "x: a‸: b\n", "Syntax")
    yield refused("syntax-backtick", GOOD + "x: ‸`id`\n", "Syntax")
    yield refused("syntax-at", GOOD + "x: ‸@id\n", "Syntax")
    yield refused("empty", "", "EmptyFile")
    yield refused("empty-comment", "# nothing\n", "EmptyFile")
    yield refused("empty-null", "~\n", "EmptyFile")
    yield refused("empty-documents", "---\n---\n", "EmptyFile")
    yield refused("document-text", "‸just words\n", "NotAMapping")
    yield refused("document-list", "‸- a\n- b\n", "NotAMapping")
    yield refused("document-number", "‸12\n", "NotAMapping")
    two = GOOD + "---\n" + GOOD.replace("NAME", "NAME-b") + "‸bad: 1\n"
    yield refused("document-second", two, "UnknownKey")
    yield accepted(
        "good-json",
        '{"apiVersion": "zoe/v1", "kind": "Execution", "metadata": '
        '{"name": "NAME"}, "spec": {"type": "batch", "services": {"main": '
        '{"image": "busybox"}}}}',
    )
    yield accepted("good-marker", "---\n" + GOOD + "...\n")

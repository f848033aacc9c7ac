"""Secrets: what is written in clear, what belongs to others, what isn't a ciphertext."""

from __future__ import annotations

from collections.abc import Iterator

from tests.safety.hostile.case import GOOD, Case, accepted, refused, service, variable

CANARY = "canary-7fd1c0a9e4"
"""Stands for a secret in these cases: no diagnostic may repeat it."""

_CIPHERTEXT = "YWdlLWVuY3J5cHRpb24ub3JnL3YxCi0+IFgyNTUxOSBhCmIKLS0tIGMK"


def _secret(lines: str, mount: str = "[token]") -> str:
    return service(f"secrets: {mount}", spec=f"secrets:\n  token: {lines}")


def cases() -> Iterator[Case]:
    yield from _origins()
    yield from _mounts()
    yield from _literals()
    yield from _beside_faults()


def _origins() -> Iterator[Case]:
    for name, (text, code) in {
        "plain": (f"‸{CANARY}", "WrongType"),
        "value": (f"{{‸value: {CANARY}}}", "UnknownKey"),
        "file": ("{‸file: /etc/shadow}", "UnknownKey"),
        "external": ("{‸external: true}", "UnknownKey"),
        "environment": ("{‸environment: HOME}", "UnknownKey"),
        "both": (f"‸{{swarm: a, age: {_CIPHERTEXT}}}", "TooMany"),
        "none": ("‸{}", "TooFew"),
        "age-plain": (f"{{age: ‸{CANARY}}}", "BadCiphertext"),
        "age-base64": ("{age: ‸aGVsbG8gd29ybGQ=}", "BadCiphertext"),
        "age-key": ("{age: ‸AGE-SECRET-KEY-1QQQQQQQQQQQQQQQQQQQQQQQQQQQQQQ}", "BadCiphertext"),
        "age-list": ("{age: ‸[a]}", "WrongType"),
        "generate": ("{generate: ‸rsa-512}", "BadValue"),
        "swarm-path": ("{swarm: ‸../other}", "BadFormat"),
        "swarm-newline": ('{swarm: ‸"a\\n"}', "BadFormat"),
        "swarm-expression": ('{swarm: ‸"${{ execution.name }}"}', "ExpressionNotAllowedHere"),
        "swarm-template": ('{swarm: ‸"{{.Node.ID}}"}', "BareBraces"),
    }.items():
        yield refused(f"secret-{name}", _secret(text), code)
    yield accepted(
        "secret-good-random",
        _secret("{generate: random}"),
        "spec.services.0.secrets.0.generate",
        "random",
    )
    yield accepted(
        "secret-good-age",
        _secret(f"{{age: {_CIPHERTEXT}}}"),
        "spec.services.0.secrets.0.age",
        _CIPHERTEXT,
    )
    yield accepted(
        "secret-good-granted",
        _secret("{swarm: token}"),
        "spec.services.0.secrets.0.swarm_name",
        "token",
    )
    # Waits: a label on the secret may grant it as well, and only the Swarm knows.
    foreign = _secret("{swarm: postgres-password}")
    yield accepted(
        "secret-foreign-waits",
        foreign,
        "spec.services.0.secrets.0.swarm_name",
        "postgres-password",
        warning="SecretNotGranted",
    )


def _mounts() -> Iterator[Case]:
    for name, (mount, code) in {
        "unknown": ("[‸other]", "UnknownSecret"),
        "path": ("[{source: token, target: ‸/etc/shadow}]", "BadFormat"),
        "traversal": ("[{source: token, target: ‸../../etc/shadow}]", "BadFormat"),
        "dots": ("[{source: token, target: ‸..}]", "BadFormat"),
        "uid": ('[{source: token, uid: ‸"root"}]', "BadFormat"),
        "uid-number": ("[{source: token, uid: ‸0}]", "WrongType"),
        "mode": ('[{source: token, mode: ‸"4777"}]', "BadFormat"),
        "twice": ("[token, ‸{source: token}]", "Duplicate"),
    }.items():
        yield refused(f"mount-{name}", _secret("{generate: random}", mount), code)


def _literals() -> Iterator[Case]:
    """In Git for ever already: taken, but said, and not repeated."""
    tokens = {
        "github": "ghp_" + "a1B2" * 9,
        "amazon": "AKIA" + "ABCD2345" * 2,
        "address": "postgres://u:pa55w0rd@db/x",
        "private-key": "-----BEGIN OPENSSH PRIVATE KEY-----",
    }
    for name, token in tokens.items():
        yield accepted(
            f"literal-{name}",
            variable(f'"{token}"'),
            "spec.services.0.environment",
            (("X", token),),
            warning="LooksLikeSecret",
        )
    command = service(f"command: [run, --password, {CANARY}]")
    yield accepted(
        "literal-argument", command, "spec.services.0.command.2", CANARY, warning="LooksLikeSecret"
    )
    good = service("environment: {PASSWORD_FILE: /run/secrets/token}")
    yield accepted(
        "literal-good",
        good,
        "spec.services.0.environment",
        (("PASSWORD_FILE", "/run/secrets/token"),),
    )


def _beside_faults() -> Iterator[Case]:
    """What is wrong stands in the line of a secret, or ends the text before any has a path."""
    for name, (text, code) in {
        "indent": ("  type: true\n    secrets‸: {a: {age: CANARY}}\n", "Syntax"),
        "bracket": ("  secrets:\n    a: {age: CANARY}‸}\n", "Syntax"),
        "block": ("  secrets:\n    a:\n      value: CANARY‸: y\n", "Syntax"),
        "continued": ("  secrets:\n    a: {age:\n      CANARY, ‸: }: x\n", "Syntax"),
        "unseen": ("  secrets:\n    a: {age: CANARY‸\u200b}\n", "ForbiddenCharacter"),
        "quoted": ('  secrets:\n    a: {"age": CANARY‸\u200b}\n', "ForbiddenCharacter"),
        "neighbour": ("  {‸tyep: batch, secrets: {a: {age: CANARY}}}\n", "UnknownKey"),
    }.items():
        head = GOOD.partition("  type")[0]
        yield refused(f"beside-{name}", head + text.replace("CANARY", CANARY), code)

"""What is written into a manifest and should be a secret: told, not shown, and rarely wrong."""

from __future__ import annotations

import pytest

from reconciler.manifest import documents
from reconciler.manifest.diagnostic import to_text
from reconciler.manifest.literals import looks_like_secret
from reconciler.manifest.places import place_of
from tests.fixtures.site import execution_file

PATH = "executions/aml/book.yaml"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("JUPYTER_TOKEN", "9f8c2a17b3"),
        ("DB_PASSWORD", "hunter22"),
        ("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMIK7MDENG"),
        ("anything", "ghp_0123456789abcdefghij"),
        ("DATABASE_URL", "postgres://zoe:hunter2@db/zoe"),
        ("x", "-----BEGIN OPENSSH PRIVATE KEY-----"),
    ],
)
def test_secrets_are_found(name: str, value: str) -> None:
    assert looks_like_secret(name, value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DB_PASSWORD_FILE", "/run/secrets/password"),
        ("DB_PASSWORD", "/run/secrets/password"),
        ("JUPYTER_TOKEN", ""),
        ("JUPYTER_TOKEN", "${{ parameters.token }}"),
        ("JUPYTER_TOKEN", "$TOKEN"),
        ("TOKEN_TTL", "1h30m00s"),
        ("AUTH_TOKEN_TYPE", "bearer-token"),
        ("API_KEY", "none"),
        ("SPARK_MASTER", "spark://master.job:7077"),
        ("DATABASE_URL", "postgres://zoe:$PASSWORD@db/zoe"),
        ("IMAGE", "sha256:9f8c2a17b39f8c2a17b39f8c2a17b3"),
        ("KEYBOARD", "qwertz12345"),
    ],
)
def test_what_is_none_is_left_alone(name: str, value: str) -> None:
    assert not looks_like_secret(name, value)


def warnings(service: str) -> list[tuple[str, int]]:
    text = execution_file("book", service=service)
    place = place_of(PATH)
    assert place is not None
    parsed = documents.parse(text.encode(), path=PATH, place=place)
    assert parsed.is_valid
    assert "hunter22" not in to_text(parsed.diagnostics)
    return [(d.pointer.rpartition("/")[2], d.line) for d in parsed.diagnostics]


@pytest.mark.parametrize(
    ("service", "found"),
    [
        ("environment: {DB_PASSWORD: hunter22}", [("DB_PASSWORD", 11)]),
        ("environment:\n  - A=b\n  - DB_PASSWORD=hunter22", [("1", 13)]),
        ("command: [run, --password=hunter22]", [("1", 11)]),
        ("command: [run, --password, hunter22]", [("2", 11)]),
        ("command: run --app.token=hunter22", [("command", 11)]),
        ("command: [run, --password-file, hunter22.txt]", []),
        ("environment: {PORT: 8080}", []),
    ],
)
def test_a_warning_says_where_and_not_what(service: str, found: list[tuple[str, int]]) -> None:
    assert warnings(service) == found

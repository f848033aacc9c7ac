"""Addresses of remotes."""

from __future__ import annotations

import pytest

from reconciler.git.address import Address


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("/srv/config.git", Address(url="/srv/config.git", kind="file")),
        ("config.git", Address(url="config.git", kind="file")),
        ("./a:b", Address(url="./a:b", kind="file")),
        ("file:///srv/x", Address(url="file:///srv/x", kind="file")),
        ("https://e.org/x", Address(url="https://e.org/x", kind="https", host="e.org")),
        (
            "https://me:p%40ss@e.org:8443/x",
            Address(
                url="https://e.org:8443/x",
                kind="https",
                host="e.org",
                port=8443,
                user="me",
                password="p@ss",
            ),
        ),
        (
            "ssh://git@e.org:2222/x",
            Address(url="ssh://git@e.org:2222/x", kind="ssh", host="e.org", port=2222, user="git"),
        ),
        (
            "git@e.org:me/x.git",
            Address(url="git@e.org:me/x.git", kind="ssh", host="e.org", user="git"),
        ),
    ],
)
def test_an_address_is_taken_apart(url, address):
    assert Address.of(url) == address


def test_a_local_address_tells_its_directory():
    assert Address.of("file:///srv/a%20b").path == "/srv/a b"
    assert Address.of("/srv/a%20b").path == "/srv/a%20b"

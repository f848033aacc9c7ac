"""Which registries are asked: those that the platform names, and no others."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.manifest.platform import Platform
from reconciler.review.advice import advice
from reconciler.review.cluster import Cluster
from reconciler.review.images import MOST, Reference, may_ask, reference, to_ask
from reconciler.review.preview import preview
from tests.builders import HOST, Ledger, batch, manifest, observed, service, wanted

PLATFORM = Platform(
    image_allow=("busybox", "apache/spark", "quay.io/jupyter/*", "ghcr.io/lab/tool:*", "reg*"),
    image_rewrite=(("quay.io/", "mirror.lab:5000/"),),
)


@pytest.mark.parametrize(
    ("image", "host", "repository", "version"),
    [
        ("busybox", "docker.io", "library/busybox", "latest"),
        ("apache/spark:3.5", "docker.io", "apache/spark", "3.5"),
        ("docker.io/apache/spark", "docker.io", "apache/spark", "latest"),
        ("quay.io/a/b:1", "quay.io", "a/b", "1"),
        ("localhost/a", "localhost", "a", "latest"),
        ("mirror:5000/a:1", "mirror:5000", "a", "1"),
        (f"[::1]:5000/a@sha256:{'a' * 64}", "[::1]:5000", "a", f"sha256:{'a' * 64}"),
    ],
)
def test_names_are_taken_apart_as_docker_does(
    image: str, host: str, repository: str, version: str
) -> None:
    assert reference(image) == Reference(host=host, repository=repository, version=version)


@pytest.mark.parametrize(
    "image",
    ["", "A", "a/../b", "a b", "quay.io/a?x=1", "quay.io/a:1/../2", "q.io:1@evil/a", "a@sha256:1"],
)
def test_what_cant_be_a_name_is_none(image: str) -> None:
    assert reference(image) is None


@pytest.mark.parametrize(
    ("image", "is_asked"),
    [
        ("quay.io/jupyter/base:1", True),
        ("mirror.lab:5000/jupyter/base:1", True),
        ("ghcr.io/lab/tool:2", True),
        ("busybox:1", True),
        ("registry.evil/a", False),
        ("169.254.169.254/a", False),
        ("localhost:2375/a", False),
        ("quay.io.evil/a", False),
        ("quay.io:8080/a", False),
    ],
)
def test_only_registries_that_are_named_whole_are_asked(image: str, is_asked: bool) -> None:
    assert may_ask(image, PLATFORM) is is_asked


def test_a_platform_that_allows_everything_names_nobody() -> None:
    for allow in ((), ("*",), ("q*",)):
        assert not may_ask("busybox", Platform(image_allow=allow))
        assert not may_ask("quay.io/a", Platform(image_allow=allow))


@given(st.lists(st.text(alphabet="abq.io/:@-", max_size=20)))
def test_however_many_there_are_few_are_asked(found: list[str]) -> None:
    asked = to_ask([*found, *(f"quay.io/a:{number}" for number in range(50))], PLATFORM)
    assert len(asked) == MOST
    assert all(may_ask(image, PLATFORM) for image in asked)


def test_an_image_that_isnt_there_is_a_warning_at_who_asks_for_it() -> None:
    book = manifest(replace(batch(service(image="quay.io/a:9")), lifetime_ms=1), name="book")
    assert advice(book) == ()
    (found,) = advice(book, missing=["quay.io/a:9"])
    assert (found.code, found.is_error) == ("TagNotFound", False)
    assert "quay.io/a:9" in found.message


def test_a_preview_names_the_images_that_come_and_none_that_were_there() -> None:
    old = manifest(batch(service(image="quay.io/jupyter/a:1")), name="old")
    new = manifest(batch(service(image="quay.io/jupyter/a:2")), name="new")
    base, head = wanted(old, platform=PLATFORM), wanted(old, new, platform=PLATFORM)
    cluster = Cluster(id="test", observed=observed())
    found = preview(base, head, memory=Ledger().memory, cluster=cluster, host=HOST)
    assert found.images == ("quay.io/jupyter/a:2",)

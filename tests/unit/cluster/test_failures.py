"""Which of our errors each answer of the engine becomes."""

from __future__ import annotations

import docker.errors
import pytest
import requests

from reconciler.cluster.failures import reading, writing
from reconciler.errors import (
    ActionFailed,
    ClusterUnavailable,
    ConflictError,
    Missing,
    NameTaken,
    ReconcilerError,
)


def answer(status: int, text: str) -> docker.errors.APIError:
    response = requests.Response()
    response.status_code = status
    kind = docker.errors.NotFound if status == 404 else docker.errors.APIError
    return kind("answer", response=response, explanation=text)


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (409, "name conflicts with an existing object: service a already exists", NameTaken),
        (409, "network with name a already exists", NameTaken),
        (500, "rpc error: code = Unknown desc = name conflicts with an existing object", NameTaken),
        (500, "rpc error: code = Unknown desc = update out of sequence", ConflictError),
        (
            400,
            "code = InvalidArgument desc = config 'c' is in use by the service: a",
            ConflictError,
        ),
        (409, "something else conflicts", ConflictError),
        (404, "service a not found", Missing),
        (500, "network 9yo3h6s7e7y20y9mqvovw1524 not found", Missing),
        (503, "This node is not a swarm manager.", ClusterUnavailable),
        (
            500,
            "rpc error: code = DeadlineExceeded desc = context deadline exceeded",
            ClusterUnavailable,
        ),
        (500, "The swarm does not have a leader.", ClusterUnavailable),
        (400, "invalid memory value", ActionFailed),
        (400, "port '1' is already in use by service 'b' as an ingress port", ActionFailed),
        (500, "boom", ActionFailed),
        (501, "rename", ActionFailed),
    ],
)
def test_a_refusal_says_who_must_act(
    status: int, text: str, expected: type[ReconcilerError]
) -> None:
    with pytest.raises(expected) as caught, writing("create a"):
        raise answer(status, text)
    assert type(caught.value) is expected
    assert str(caught.value).startswith("create a: ")
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(
    "error",
    [
        answer(500, "boom"),
        answer(400, "bad filter"),
        requests.exceptions.ReadTimeout("slow"),
        requests.exceptions.ChunkedEncodingError("cut"),
        requests.exceptions.JSONDecodeError("cut", "[", 1),
        ConnectionRefusedError("no"),
        docker.errors.DockerException("Error while fetching server API version"),
        KeyError("ID"),
        TypeError("'NoneType' object is not iterable"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_listing_that_fails_in_any_way_is_no_listing(error: Exception) -> None:
    with pytest.raises(ClusterUnavailable), reading("listing"):
        raise error


@pytest.mark.parametrize(
    "error", [requests.exceptions.ReadTimeout("slow"), BrokenPipeError("gone")], ids=["slow", "cut"]
)
def test_no_answer_to_a_write_leaves_it_unknown(error: Exception) -> None:
    with pytest.raises(ClusterUnavailable), writing("create a"):
        raise error


def test_the_engines_text_is_bounded_and_cleaned() -> None:
    with pytest.raises(ActionFailed) as caught, writing("create a"):
        raise answer(400, "\x1b[31m" + "x" * 10_000)
    assert str(caught.value).startswith("create a: \\x1b[31mx")
    assert len(str(caught.value)) <= 520


def test_an_engine_that_is_no_manager_comes_with_a_remedy() -> None:
    with pytest.raises(ClusterUnavailable, match="docker swarm init"), reading("listing"):
        raise answer(503, "This node is not a swarm manager. Use docker swarm init or join.")

"""What a server asks for by its headers, whatever it sends."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import DeliveryRefused, TargetUnavailable
from reconciler.net.web_client import Answer
from reconciler.net.web_failures import failure, retry_after_s

DATE = "Thu, 01 Jan 2026 12:00:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "30"}, 30),
        ({"retry-after": "Thu, 01 Jan 2026 12:02:00 GMT", "date": DATE}, 120),
        ({"retry-after": "Thu, 01 Jan 2026 11:00:00 GMT", "date": DATE}, 0),
        ({"retry-after": "Thu, 01 Jan 2026 12:02:00 GMT"}, None),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767268860", "date": DATE}, 60),
        ({"x-ratelimit-remaining": "9", "x-ratelimit-reset": "1767268860", "date": DATE}, None),
        ({"retry-after": "soon", "date": DATE}, None),
        ({"retry-after": "9" * 400}, 999_999_999),
        ({}, None),
    ],
)
def test_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_a_path_of_one_slash_is_no_secret() -> None:
    answer = Answer(status=500, headers={}, body=b"see docs/errors, not /s3cret-path")
    error = failure(answer, "GET x", secrets=["/", "/s3cret-path"], hints={})
    assert str(error) == "GET x: 500 see docs/errors, not [hidden]"


@given(
    st.integers(100, 999),
    st.dictionaries(
        st.sampled_from(["retry-after", "date", "location", "x-ratelimit-reset"]), st.text()
    ),
    st.binary(max_size=200),
)
def test_every_answer_means_later_or_never(
    status: int, headers: dict[str, str], body: bytes
) -> None:
    answer = Answer(status=status, headers={"x-ratelimit-remaining": "0", **headers}, body=body)
    error = failure(answer, "GET /", secrets=["/", "s3cret-token"], hints={})
    assert isinstance(error, TargetUnavailable | DeliveryRefused)
    assert "\n" not in str(error)
    assert len(str(error)) < 500

"""A comment fits the forge and stays readable where it was cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from reconciler.forges.comment import closing, fit

MARK = "<!-- zoe/lab/platform -->"
LINES = st.lists(
    st.one_of(
        st.sampled_from(["```diff", "```", "~~~~", "<details>", "</details>", "| a | b |", ""]),
        st.text(max_size=30).map(lambda text: text.replace("`", "").replace("~", "")),
    ),
    max_size=60,
)


@given(LINES, st.integers(300, 900))
def test_it_never_exceeds_the_limit_and_loses_nothing_that_fits(lines: list[str], limit: int):
    body = "\n".join(lines)
    text = fit(body, mark=MARK, limit=limit, url="https://zoe.example.org/pulls/7")
    assert len(text) <= limit
    assert text.startswith(f"{MARK}\n")
    if len(MARK) + 1 + len(body) <= limit:
        assert text == f"{MARK}\n{body}"
    else:
        assert "(https://zoe.example.org/pulls/7).**" in text


@given(LINES)
def test_what_a_cut_leaves_open_is_closed(lines: list[str]):
    text = "\n".join(lines)
    assert closing(text + closing(text)) == ""


def test_lines_are_kept_whole():
    text = fit("one line\n" * 100, mark=MARK, limit=300)
    kept = text.removeprefix(f"{MARK}\n").partition("\n\n**Cut off")[0]
    assert set(kept.splitlines()) == {"one line"}

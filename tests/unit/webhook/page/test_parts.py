"""Text, addresses, Markdown and pictures, each on its own."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.view.cluster import Share
from reconciler.view.execution import Step
from tests.gallery import then
from tests.gallery.html import parsed
from tests.gallery.people import NOW, ago
from webhook.page import addresses, course, figures, markdown, svg, text
from webhook.page.looks import by_state
from webhook.page.svg import Curve, Stretch

GIB = 1024**3


def test_what_cannot_be_seen_is_shown():
    assert text.visible("a\x1b[1m\u202eb\ud800\U000e0041") == r"a\x1b[1m\u202eb\ud800\U000e0041"
    assert text.visible("two\nlines\tand ünï שלום 🙂") == "two\nlines\tand ünï שלום 🙂"


@given(st.text())
def test_a_sentence_keeps_its_words(sentence: str):
    page = parsed(str(text.told(sentence)))
    assert "".join(piece for _, piece in page.pieces) == text.visible(sentence)
    assert {tag for tag, _ in page.elements} <= {"bdi", "span"}


def test_a_sentence_holds_times_and_whole_names():
    found = str(text.told("node-2 until 2026-11-22T14:20:00Z & on"))
    assert found == (
        '<bdi><span class="w">node-2</span> until '
        '<time datetime="2026-11-22T14:20:00Z">2026-11-22 14:20 UTC</time> &amp; on</bdi>'
    )


@given(st.lists(st.text(min_size=1), min_size=1, max_size=4))
def test_a_path_has_as_many_segments_as_it_was_given(segments: list[str]):
    found = urlsplit(addresses.path(*segments))
    parts = found.path.split("/")
    assert len(parts) == len(segments) + 1
    assert not {".", "..", ""} & set(parts[1:])
    assert found.query == ""
    for part, segment in zip(parts[1:], segments, strict=True):
        assert unquote(part) in (segment.encode(errors="replace").decode(), "-")


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "/path",
        "http:relative",
        "http://",
        "https://a b",
        "https://a\nb",
        "ftp://a/",
        "https://ünï.example",
        "http://[",
        "",
    ],
)
def test_only_plain_web_addresses_lead_abroad(url: str):
    assert addresses.abroad(url) == ""


def test_a_forge_is_abroad():
    assert addresses.abroad("https://git.example/a?b=c#L3") == "https://git.example/a?b=c#L3"


def test_markdown_shows_where_a_link_leads_and_doesnt_lead_there():
    page = parsed(
        markdown.readme(
            "[the manual](https://a.example/x) <https://b.example> ![p](http://c/d.png)"
        )
    )
    assert [tag for tag, _ in page.elements] == ["p"]
    assert page.text == "the manual (https://a.example/x) https://b.example p (http://c/d.png)"


def test_markdown_is_nested_below_our_headings():
    page = parsed(markdown.readme("##### deep\n\n# top\n\n### skipped\n"))
    assert [tag for tag, _ in page.elements] == ["h3", "h3", "h4"]


def test_markdown_has_tables_without_styles_and_code_without_classes():
    page = parsed(markdown.readme("|a|\n|:-:|\n|b|\n\n```py\n<b>\n```\n"))
    assert all("style" not in a and "class" not in a for _, a in page.elements[1:])
    assert "<b>" in page.text


def test_a_posted_comment_folds_and_hides_its_marker():
    page = parsed(markdown.posted(then.COMMENT))
    assert len(page.all("details")) == 1
    assert page.within("summary") == ["bio/align-05: 1 field"]
    assert "zoe:plan" not in page.text


@given(st.text(alphabet="<>[]()!`*#|\\-:ab /\n&\"'"))
def test_no_markdown_makes_attributes(source: str):
    for tag, attributes in parsed(markdown.readme(source)).elements:
        assert set(attributes) <= {"class", "tabindex", "role", "aria-label"}, tag


@given(st.lists(st.one_of(st.none(), st.integers(0, 10**12)), min_size=1, max_size=9))
def test_an_axis_ends_above_every_value(values: list[int | None]):
    curve = Curve(name="x", style="a", values=tuple(values))
    top = svg.top_of([curve])
    assert all(value <= top for value in values if value is not None)
    assert top % 2 == 0


def test_gaps_in_a_curve_stay_gaps():
    curve = Curve(name="x", style="a", values=(1, None, 2))
    assert str(svg.plot([curve], 2, "x")).count("M") == 3 + 2  # the grid's lines, and two pieces


def test_a_bar_says_in_words_what_it_shows():
    share = Share(capacity=8000, reserved=6000, foreign=1000, headroom=400, limit=7600)
    told = "6 of 8 reserved, 1 by others, 0.4 kept free, 0.6 free, limits up to 7.6"
    assert svg.share_told(share, "cpu") == told
    page = parsed(str(svg.bar(share, "cpu", "CPU of node-1")))
    assert page.all("svg")[0]["aria-label"] == f"CPU of node-1: {told}"
    assert [a["width"] for a in page.all("rect")][:2] == ["75%", "12.5%"]


@given(*(st.integers(0, 10**15) for _ in range(5)))
def test_no_bar_leaves_its_frame(capacity: int, reserved: int, foreign: int, kept: int, limit: int):
    share = Share(capacity=capacity, reserved=reserved, foreign=foreign, headroom=kept, limit=limit)
    for rect in parsed(str(svg.bar(share, "memory", "x"))).all("rect"):
        assert float(rect["x"].removesuffix("%")) <= 100


def test_a_course_says_how_long_each_part_took():
    steps = (
        Step(at=ago(hours=3), told="", fact="first_seen"),
        Step(at=ago(hours=2), told="", fact="admitted"),
        Step(at=ago(hours=2), told="", fact="generation"),
        Step(at=ago(minutes=110), told="", fact="attempt_started"),
    )
    found = course.stretches(steps, NOW)
    assert [(one.kind, one.length_ms // 60_000) for one in found] == [
        ("waiting", 60),
        ("starting", 10),
        ("running", 110),
    ]
    assert svg.course_told(found) == "waiting 1 h, starting 10 min and running 1 h 50 min"


def test_a_course_that_is_over_ends_there():
    steps = (
        Step(at=ago(hours=3), told="", fact="first_seen"),
        Step(at=ago(hours=1), told="", fact="cancelled"),
    )
    assert course.stretches(steps, NOW) == [Stretch(kind="waiting", length_ms=7_200_000)]
    assert course.stretches((), NOW) == []


def test_figures_have_the_newest_steps_as_tables():
    found = {figure.id: figure for figure in figures.figures(then.HISTORY)}
    assert found["cpus"].marks == ("24", "12", "0")
    assert found["waits"].marks[1:] == ("30 min", "0")
    rows = found["executions"].rows
    assert len(rows) == figures.MOST_ROWS
    assert rows[0][0] == NOW - timedelta(minutes=15)
    assert rows == tuple(sorted(rows, reverse=True))


def test_states_come_in_the_order_of_their_urgency():
    counts = {"Succeeded": 1, "Odd": 2, "Running": 3, "Invalid": 4, "Failed": 0}
    assert [word for word, _ in by_state(counts)] == ["Invalid", "Running", "Succeeded", "Odd"]

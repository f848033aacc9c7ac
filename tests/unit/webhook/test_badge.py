"""Badges hold what they are told, as text."""

from __future__ import annotations

from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from webhook import badge

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)


@given(name=TEXT, state=TEXT)
def test_whatever_it_says_adds_no_element(name: str, state: str):
    root = ElementTree.fromstring(badge.svg(name, state))
    tags = [element.tag.rpartition("}")[2] for element in root.iter()]
    assert tags == ["svg", "title", "rect", "rect", "rect", "g", "text", "text"]


def test_it_says_who_and_how():
    root = ElementTree.fromstring(badge.svg("aml/job", "Running"))
    assert root.get("aria-label") == "aml/job: Running"

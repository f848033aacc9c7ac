"""The picture that is kept: newest, stale while the database is away, never worse than before."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from random import Random

from reconciler.reporting.records import Pulse
from tests.unit.webhook.pictures import AT, Shelf, document, picture
from webhook.keeper import Change, Keeper


def keeper(shelf: Shelf) -> tuple[Keeper, list[Change]]:
    changes: list[Change] = []
    return Keeper(shelf, told=changes.append, random=Random(1)), changes


def test_the_first_picture_is_news_of_everything():
    shelf = Shelf(picture(1, "a"))
    kept, changes = keeper(shelf)
    assert kept.picture is None
    assert kept.look()
    assert kept.picture is shelf.held
    assert [(c.names, c.is_state) for c in changes] == [(None, True)]


def test_a_change_names_who_is_new_other_and_gone():
    shelf = Shelf(picture(1, "stays", "goes", "turns"))
    kept, changes = keeper(shelf)
    kept.look()
    documents = dict(shelf.held.documents)
    del documents["goes"]
    documents["turns"] = document("turns", "Failed")
    documents["comes"] = document("comes")
    shelf.held = replace(shelf.held, version=2, documents=documents)
    kept.look()
    assert changes[-1].names == ("aml/comes", "aml/goes", "aml/turns")


def test_more_changes_than_can_be_named_are_everything():
    shelf = Shelf(picture(1))
    kept, changes = keeper(shelf)
    kept.look()
    shelf.held = picture(2, *(f"e{n}" for n in range(101)))
    kept.look()
    assert changes[-1].names is None


def test_nothing_new_is_told_of_nothing_and_a_sign_of_life_as_such():
    shelf = Shelf(picture(1, "a"))
    kept, changes = keeper(shelf)
    kept.look()
    shelf.held = replace(shelf.held, read_at=AT + timedelta(seconds=1))
    kept.look()
    assert len(changes) == 1
    assert kept.picture is shelf.held
    pulse = Pulse(at=AT + timedelta(seconds=2), interval_s=30, commit="c" * 40)
    shelf.held = replace(shelf.held, pulse=pulse)
    kept.look()
    assert [c.is_state for c in changes] == [True, False]


def test_without_the_database_the_last_picture_stays_and_says_its_age():
    shelf = Shelf(picture(1, "a"))
    kept, changes = keeper(shelf)
    kept.look()
    held, shelf.held = shelf.held, None
    assert not kept.look()
    assert not kept.look()
    assert kept.picture == replace(held, is_stale=True)
    assert len(changes) == 2, "told once"
    shelf.held = held
    assert kept.look()
    assert kept.picture is held
    assert changes[-1].is_state


def test_an_older_database_is_read_anew():
    shelf = Shelf(picture(7, "a"))
    kept, _ = keeper(shelf)
    kept.look()
    shelf.held = picture(3, "b")
    kept.look()
    assert shelf.asked_after[-1] is None
    assert list(kept.picture.documents) == ["b"]


class Broken(Shelf):
    def picture(self, last: object) -> object:
        raise ZeroDivisionError


def test_our_own_fault_ends_neither_the_thread_nor_the_picture():
    kept, _ = keeper(Broken(None))
    assert not kept.look()

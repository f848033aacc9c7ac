"""What looks like an accident is held as a whole."""

from __future__ import annotations

from typing import Any

import pytest

from policy.model.execution import Uid
from reconciler.converge.guard import Departure, Verdict, judge


def departures(count: int, namespace: str = "aml") -> list[Departure]:
    return [
        Departure(uid=Uid(f"{namespace}{index}"), namespace=namespace, name=f"e{index}")
        for index in range(count)
    ]


def verdict(gone: list[Departure], **fields: Any) -> Verdict:
    return judge(
        gone,
        **{
            "live": {"aml": 100},
            "tree_is_empty": False,
            "unparsed_namespaces": (),
            "is_confirmed": False,
            "commit": "0123456789abcdef",
            "message": "Tidy up",
        }
        | fields,
    )


def test_a_few_deletes_among_many_are_carried_out() -> None:
    assert len(verdict(departures(20)).allowed) == 20


def test_more_than_a_fifth_is_held_as_a_whole() -> None:
    found = verdict(departures(21))
    assert not found.allowed
    assert found.held[Uid("aml0")] == (
        "MassDelete",
        "21 deletes at once, more than 20; released by zoe confirm 0123456789ab, or a "
        "commit with the trailer Zoe-Confirm-Deletes: 21",
    )


def test_five_deletes_are_always_few() -> None:
    live = {"aml": 3, "bio": 3, "geo": 3}
    gone = departures(1) + departures(1, "bio") + departures(1, "geo")
    assert len(verdict(gone, live=live).allowed) == 3


def test_more_than_half_of_a_namespace_is_held_for_that_namespace_only() -> None:
    gone = departures(3, "bio") + departures(1)
    found = verdict(gone, live={"aml": 100, "bio": 4})
    assert found.allowed == {"aml0"}
    assert found.held[Uid("bio0")][0] == "MassDelete"


def test_an_empty_tree_deletes_nothing_even_when_it_would_be_few() -> None:
    found = verdict(departures(1), tree_is_empty=True)
    assert found.held[Uid("aml0")][1].startswith("the commit asks for no execution at all")


def test_an_owner_with_an_unreadable_file_loses_nothing() -> None:
    gone = departures(1) + departures(1, "bio")
    found = verdict(gone, unparsed_namespaces={"bio"})
    assert found.allowed == {"aml0"}
    assert found.held[Uid("bio0")][0] == "OwnerUnreadable"


def test_what_waits_for_an_unreadable_file_holds_up_nobody_else() -> None:
    live = {"aml": 5, "bio": 10}
    waiting = departures(7, "bio")
    found = verdict([*waiting, *departures(1)], live=live, unparsed_namespaces={"bio"})
    assert found.allowed == {Uid("aml0")}
    assert {found.held[gone.uid][0] for gone in waiting} == {"OwnerUnreadable"}


def test_what_a_set_may_ask_for_that_was_never_read_stays() -> None:
    gone = [*departures(2), Departure(uid=Uid("m"), namespace="bio", name="course-ann")]
    found = verdict(gone, unparsed_sets={"course"})
    assert (found.allowed, found.held.keys()) == ({"aml0", "aml1"}, {"m"})
    assert found.held[Uid("m")] == (
        "OwnerUnreadable",
        "the set course can't be read and may ask for it; its delete waits until it can",
    )


def test_a_set_that_may_be_in_a_file_of_another_name_keeps_its_members() -> None:
    """Its own file was renamed, and can't be read any more."""
    of_lab, of_seminar, of_aml = ("", "lab"), ("", "seminar"), ("aml", "sweep")
    gone = [
        Departure(uid=Uid("l"), namespace="bio", name="lab-ann", set=of_lab),
        Departure(uid=Uid("s"), namespace="bio", name="seminar-ann", set=of_seminar),
        Departure(uid=Uid("w"), namespace="aml", name="sweep-1", set=of_aml),
    ]
    found = verdict(gone, unparsed_sets={"course"}, sets={of_seminar: 9})
    assert (found.allowed, found.held.keys()) == ({"s", "w"}, {"l"})
    assert found.held[Uid("l")] == (
        "OwnerUnreadable",
        "the set course can't be read and may ask for it; its delete waits until it can",
    )


@pytest.mark.parametrize(
    ("fields", "released"),
    [
        ({"is_confirmed": True}, True),
        ({"message": "End of term\n\nZoe-Confirm-Deletes: 50\n"}, True),
        ({"message": "End of term\n\nZoe-Confirm-Deletes: 49\n"}, False),
        ({"message": "mentions Zoe-Confirm-Deletes: 50 in passing"}, False),
    ],
)
def test_a_hold_is_released_by_name_and_number_only(
    fields: dict[str, Any], *, released: bool
) -> None:
    assert bool(verdict(departures(50), **fields).allowed) is released


def test_what_whoever_merged_was_shown_is_carried_out() -> None:
    gone = departures(21)
    agreed = {departure.uid for departure in departures(22)}
    assert len(verdict(gone, agreed=agreed).allowed) == 21
    assert len(verdict(gone, agreed=agreed, tree_is_empty=True).allowed) == 21
    assert len(verdict(gone, agreed=agreed, live={"aml": 22}).allowed) == 21


def test_one_that_nobody_was_shown_holds_them_all() -> None:
    agreed = {departure.uid for departure in departures(20)}
    assert not verdict(departures(21), agreed=agreed).allowed


def test_what_was_agreed_to_waits_for_an_owner_that_can_be_read() -> None:
    gone = departures(21)
    agreed = {departure.uid for departure in gone}
    found = verdict(gone, agreed=agreed, unparsed_namespaces={"aml"})
    assert {reason for reason, _ in found.held.values()} == {"OwnerUnreadable"}


def test_what_isnt_known_isnt_gone_whatever_is_confirmed_of_it() -> None:
    why = ("SourceGone", "put it back")
    found = verdict(departures(1), missing=why, is_confirmed=True)
    assert (found.allowed, found.held) == (frozenset(), {Uid("aml0"): why})


def of_set(count: int, name: str = "lab", namespace: str = "aml") -> list[Departure]:
    """A set's executions that nobody asks for any more."""
    return [
        Departure(
            uid=Uid(f"{name}{index}"), namespace=namespace, name=f"{name}-{index}", set=("", name)
        )
        for index in range(count)
    ]


def test_a_set_counts_once() -> None:
    assert len(verdict(of_set(25)).allowed) == 25
    found = verdict(of_set(25) + departures(20))
    assert not found.allowed
    assert "21 deletes at once" in found.held[Uid("lab0")][1]


def test_a_trailer_counts_sets_once_too() -> None:
    found = verdict(of_set(25) + departures(20), message="Tidy up\n\nZoe-Confirm-Deletes: 21\n")
    assert len(found.allowed) == 45


def test_a_few_items_of_a_set_may_go() -> None:
    assert len(verdict(of_set(12), sets={("", "lab"): 25}).allowed) == 12


def test_most_items_of_a_set_that_stays_are_held() -> None:
    found = verdict(of_set(13) + departures(1), sets={("", "lab"): 25})
    assert found.allowed == {"aml0"}
    code, told = found.held[Uid("lab0")]
    assert code == "MassDelete"
    assert told.startswith("13 of 25 executions at once of a set that is still asked for; released")


def test_most_items_may_go_once_that_is_confirmed_or_agreed() -> None:
    gone = of_set(13)
    sets = {("", "lab"): 25}
    assert len(verdict(gone, sets=sets, is_confirmed=True).allowed) == 13
    assert len(verdict(gone, sets=sets, agreed={d.uid for d in gone}).allowed) == 13

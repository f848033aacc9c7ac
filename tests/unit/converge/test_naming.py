"""Names of Swarm objects: short, valid, and never the same for two things."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import NodeId, Uid
from reconciler.converge import naming

NAME = st.from_regex(r"[a-z]([a-z0-9-]{0,38}[a-z0-9])?", fullmatch=True)
UID = st.from_regex(r"[0-9a-f]{16}", fullmatch=True).map(Uid)
NODE = st.from_regex(r"[a-z0-9]{25}", fullmatch=True).map(NodeId)
VALID = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
SERVICE = st.fixed_dictionaries(
    {
        "execution": NAME,
        "component": NAME,
        "uid": UID,
        "incarnation": st.integers(1, 9999),
        "attempt": st.integers(1, 999),
        "node": NODE,
    }
)


@given(SERVICE)
def test_service_names_are_valid_host_names_that_hold_the_whole_uid(parts: dict) -> None:
    name = naming.service_name(**parts)
    assert len(name) <= naming.MAXIMUM_LENGTH
    assert VALID.fullmatch(name)
    assert parts["uid"] in name


@given(SERVICE, SERVICE)
def test_what_differs_in_more_than_words_differs_in_name(one: dict, two: dict) -> None:
    words = ("execution", "component")
    two = two | {key: one[key] for key in words}
    same = {k: v for k, v in one.items() if k not in words} == {
        k: v for k, v in two.items() if k not in words
    }
    assert (naming.service_name(**one) == naming.service_name(**two)) is same


@given(SERVICE, st.sets(NAME, min_size=1, max_size=3))
def test_components_on_one_node_have_names_of_their_own(parts: dict, names: set[str]) -> None:
    alike = {f"{name:a<12.12}-{end}" for name in names for end in ("cpu", "gpu", "gpu-2")}
    components = sorted(names | alike)

    def named(others: list[str]) -> list[str]:
        each = [parts | {"component": component} for component in components]
        return [naming.service_name(**one, components=others) for one in each]

    found = named(components)
    assert len(set(found)) == len(components)
    assert all(len(n) <= naming.MAXIMUM_LENGTH and VALID.fullmatch(n) for n in found)
    assert named(components[::-1]) == found


@given(SERVICE)
def test_a_service_that_is_there_keeps_its_name_and_nobody_else_takes_it(parts: dict) -> None:
    """An earlier version gave the same name to components that begin alike on different nodes."""
    first, last = "spark-worker-cpu", "spark-worker-gpu"
    parts |= {"components": (first, last)}
    simple = naming.service_name(**parts | {"component": first})
    for there in ({simple: first}, {simple: last}):
        of_first, of_last = (
            naming.service_name(**parts | {"component": component}, there=there)
            for component in (first, last)
        )
        assert of_first != of_last
        assert (simple, there[simple]) in ((of_first, first), (of_last, last))
        again = {of_first: first, of_last: last}
        assert naming.service_name(**parts | {"component": first}, there=again) == of_first


def test_names_stay_as_they_are() -> None:
    """They can't be changed without orphaning what runs."""
    name = naming.service_name(
        execution="spark-lab-3-of-the-course",
        component="worker",
        uid=Uid("0123456789abcdef"),
        incarnation=2,
        attempt=1,
        node=NodeId("n1"),
    )
    assert name == "spark-lab-3-of-t-worker-0123456789abcdef-g2-a1-676b8b"
    network = naming.network_name(deployment="zoe", namespace="aml", incarnation=7)
    assert network == "zoe-zoe-aml-22775a-n7"


@given(NAME, NAME, st.integers(0, 10**6), st.integers(0, 10**6))
def test_a_network_made_again_has_another_name(
    deployment: str, namespace: str, one: int, two: int
) -> None:
    names = {
        naming.network_name(deployment=deployment, namespace=namespace, incarnation=number)
        for number in (one, two)
    }
    assert len(names) == len({one, two})
    assert all(len(name) <= naming.MAXIMUM_LENGTH and VALID.fullmatch(name) for name in names)


LONG = "a-name-that-is-as-long-as-a-name-may-be1"


def init_name(deployment: str = "zoe", **fields: str) -> str:
    parts = {"namespace": "aml", "storage": "workspace", "path": "", "owner": "1000:1000"} | fields
    return naming.init_name(deployment=deployment, node=NodeId("n1"), **parts)


def test_two_deployments_prepare_their_storages_side_by_side() -> None:
    assert init_name(deployment="one") != init_name(deployment="two")


def test_a_storage_that_is_moved_is_prepared_anew() -> None:
    assert init_name(path="/srv/old") != init_name(path="/srv/new")


@given(NAME, NAME, NAME)
def test_namespaces_and_storages_whose_names_begin_or_join_alike_are_prepared_apart(
    one: str, two: str, three: str
) -> None:
    storages = {
        (f"{one:a<16.16}-01", two),
        (f"{one:a<16.16}-02", two),
        (one, f"{two:a<12.12}-01"),
        (one, f"{two:a<12.12}-02"),
        (f"{one}-{two}", three),
        (one, f"{two}-{three}"),
    }
    names = {init_name(namespace=namespace, storage=storage) for namespace, storage in storages}
    assert len(names) == len(storages)


def test_no_name_is_longer_than_the_engine_takes_it() -> None:
    uid, node = Uid("0123456789abcdef"), NodeId("x" * 25)
    names = [
        init_name(deployment=LONG, namespace=LONG, storage=LONG),
        naming.network_name(deployment=LONG, namespace=LONG, incarnation=10**9),
        naming.service_name(
            execution=LONG, component=LONG, uid=uid, incarnation=999, attempt=999, node=node
        ),
    ]
    assert max(map(len, names)) <= naming.MAXIMUM_LENGTH

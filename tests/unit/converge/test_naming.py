from __future__ import annotations

from policy.model.execution import NodeId, Uid
from reconciler.converge import naming

LONG = "a-name-that-is-as-long-as-a-name-may-be1"


def init_name(deployment: str = "zoe", **fields: str) -> str:
    parts = {"namespace": "aml", "storage": "workspace", "owner": "1000:1000"} | fields
    return naming.init_name(deployment=deployment, node=NodeId("n1"), **parts)


def test_two_deployments_prepare_their_storages_side_by_side() -> None:
    assert init_name(deployment="one") != init_name(deployment="two")


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

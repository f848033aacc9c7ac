from __future__ import annotations

import ipaddress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.cluster.lab.layout import LabState, Layout, NodeOptions, free_subnet
from reconciler.errors import ConfigError

networks = st.builds(
    lambda address, length: str(ipaddress.ip_network((address, length), strict=False)),
    st.integers(min_value=0, max_value=2**32 - 1).map(ipaddress.IPv4Address),
    st.integers(min_value=8, max_value=32),
)


@given(st.lists(networks, max_size=20))
def test_a_chosen_subnet_overlaps_none_that_is_taken(taken: list[str]) -> None:
    try:
        chosen = ipaddress.ip_network(free_subnet(taken))
    except ConfigError:
        return
    assert not any(chosen.overlaps(ipaddress.ip_network(network)) for network in taken)


def test_labs_side_by_side_get_neighbouring_subnets_and_a_wide_route_gets_out_of_the_way() -> None:
    assert free_subnet([]) == "10.77.0.0/24"
    assert free_subnet(["10.77.0.0/24"]) == "10.78.0.0/24"
    assert free_subnet(["10.0.0.0/8"]) == "192.168.200.0/24"
    with pytest.raises(ConfigError, match="no free subnet"):
        free_subnet(["10.0.0.0/8", "192.168.0.0/16"])


@given(st.integers(min_value=1, max_value=200))
def test_every_node_has_an_address_of_its_own_beside_the_gateway(nodes: int) -> None:
    state = LabState(nodes=nodes, subnet="10.77.0.0/24")
    addresses = {state.gateway, *(state.address(number) for number in state.numbers)}
    assert len(addresses) == nodes + 1
    assert all(ipaddress.ip_address(a) in ipaddress.ip_network(state.subnet) for a in addresses)


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    layout = Layout.at(tmp_path)
    assert layout.read_state() is None
    options = {2: NodeOptions(labels=("tier=compute",), generic_resources=("gpu=2",))}
    state = LabState(
        nodes=3, managers=1, heartbeat_ms=1_000, subnet="10.77.0.0/24", options=options
    )
    layout.write_state(state)
    assert layout.read_state() == state
    layout.forget_state()
    assert layout.read_state() is None


@pytest.mark.parametrize("content", ["", "[]", "{", '{"nodes": 1}', '{"options": {}, "x": 1}'])
def test_a_broken_state_says_how_to_get_rid_of_it(tmp_path: Path, content: str) -> None:
    (tmp_path / "lab.json").write_text(content)
    with pytest.raises(ConfigError, match="zoe lab down"):
        Layout.at(tmp_path).read_state()


def test_names_of_links_fit_the_kernel(tmp_path: Path) -> None:
    assert len(Layout.at(tmp_path).link(200)) <= 15


def test_two_directories_never_share_a_tag(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert Layout.at(tmp_path / "a").tag != Layout.at(tmp_path / "b").tag


@pytest.mark.parametrize("directory", ["/run/lab", "/tmp/" + "x" * 90])
def test_a_directory_that_can_not_serve_is_refused(directory: str) -> None:
    with pytest.raises(ConfigError, match="choose"):
        Layout.at(Path(directory))

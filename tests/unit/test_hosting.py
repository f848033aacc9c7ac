"""What an installation provides reaches what is made from it."""

from __future__ import annotations

import pytest

from reconciler.config import Settings
from reconciler.converge.render import network_spec
from reconciler.hosting import host


@pytest.mark.parametrize("is_encrypted", [False, True])
def test_networks_are_encrypted_where_the_operator_says_so(is_encrypted: bool) -> None:
    provided = host(Settings(encrypt_networks=is_encrypted))
    spec = network_spec("net", host=provided, namespace="aml", epoch=1)
    assert spec.is_encrypted == is_encrypted

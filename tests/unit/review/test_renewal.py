"""What a preview says of new ciphertexts."""

from __future__ import annotations

from reconciler.manifest.secret_mount import SecretMount
from reconciler.review.diff import changes
from reconciler.review.renewal import renewed
from tests.builders import interactive, service


def mounting(age: str, *names: str) -> tuple[SecretMount, ...]:
    return tuple(SecretMount(name=name, target=name, age=age) for name in names)


def test_a_new_ciphertext_is_told_with_whoever_mounts_it() -> None:
    old, new = (
        interactive(
            service("web", secrets=mounting(age, "token")),
            service("worker", secrets=mounting(age, "token")),
            service("other", secrets=mounting("same", "key")),
        )
        for age in ("one", "two")
    )
    assert renewed(old, new) == (
        "secret token changes: a rolling update of web, worker, nothing if the value is the same"
    )
    assert renewed(old, old) == ""


def test_a_secret_that_is_mounted_for_the_first_time_isnt_a_new_value() -> None:
    old, new = interactive(service()), interactive(service(secrets=mounting("one", "token")))
    assert renewed(old, new) == ""


def test_a_difference_names_ciphertexts_and_doesnt_show_them() -> None:
    old, new = (interactive(service(secrets=mounting(age * 400, "token"))) for age in "ab")
    (change,) = changes(old, new)
    assert change.path == "services.main.secrets.token.age"
    assert len(change.told) < 100

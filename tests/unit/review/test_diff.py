"""The difference of two specs in people's units, with secrets hidden."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import ApplicationType, Constraint, Operator
from policy.model.resources import Resources
from reconciler.manifest.secret_mount import SecretMount
from reconciler.manifest.spec import ExecutionSpec, Port, Service
from reconciler.review.diff import NOT_SHOWN, Change, changes
from reconciler.review.masking import HIDDEN, is_secret, is_secret_argument

GIB = 1024**3
WORKER = Service(name="worker", image="spark:3.5", environment=(("MODE", "fast"),))


def spec(*services: Service, **fields: object) -> ExecutionSpec:
    return replace(ExecutionSpec(type=ApplicationType.BATCH, services=services), **fields)


def test_fields_are_told_in_the_units_that_people_write() -> None:
    old = spec(WORKER, lifetime_ms=3_600_000)
    more = Resources(cpu_millis=1500, memory_bytes=2 * GIB)
    new = spec(replace(WORKER, image="spark:3.6", reservations=more), lifetime_ms=5_400_000)
    assert changes(old, new) == (
        Change(path="lifetime_ms", before="1 h", after="1 h 30 min"),
        Change(path="services.worker.image", before="spark:3.5", after="spark:3.6"),
        Change(path="services.worker.reservations.cpu_millis", before=None, after="1.5 CPUs"),
        Change(path="services.worker.reservations.memory_bytes", before=None, after="2 GiB"),
    )


def test_moving_a_named_thing_changes_nothing() -> None:
    master = Service(name="master", image="spark:3.5")
    web, ui = Port(name="web", target=80), Port(name="ui", target=4040)
    old = spec(replace(WORKER, ports=(web, ui)), master)
    new = spec(master, replace(WORKER, ports=(ui, web)))
    assert changes(old, new) == ()


def test_a_new_execution_is_all_additions() -> None:
    found = changes(None, spec(WORKER))
    assert {change.before for change in found} == {None}
    assert Change(path="services.worker.environment.MODE", before=None, after="fast") in found


def test_what_looks_like_a_secret_is_hidden_on_both_sides() -> None:
    old = spec(replace(WORKER, environment=(("DB_PASSWORD", "hunter2"),)))
    new = spec(replace(WORKER, environment=(("DB_PASSWORD", "hunter3"),)))
    path = "services.worker.environment.DB_PASSWORD"
    assert changes(old, new) == (Change(path=path, before=HIDDEN, after=HIDDEN),)
    command = spec(replace(WORKER, command=("serve", "--token=abcdef", "--port=80")))
    (change,) = changes(spec(WORKER), command)
    assert change.after == f"serve {HIDDEN} --port=80"


def test_where_anybody_reads_no_value_of_a_variable_is_told() -> None:
    old = spec(replace(WORKER, environment=(("MODE", "fast"), ("OLD", ""))))
    new = spec(replace(WORKER, environment=(("MODE", "slow"), ("NEW", "x"))))
    assert [
        (c.path.rpartition(".")[2], c.before, c.after) for c in changes(old, new, for_anybody=True)
    ] == [
        ("MODE", NOT_SHOWN, NOT_SHOWN),
        ("NEW", None, NOT_SHOWN),
        ("OLD", NOT_SHOWN, None),
    ]


def test_a_service_that_is_called_environment_hides_nothing() -> None:
    old = spec(Service(name="environment", image="spark:3.5", environment=(("MODE", "fast"),)))
    new = spec(Service(name="environment", image="other:1", environment=(("MODE", "slow"),)))
    assert changes(old, new, for_anybody=True) == (
        Change(path="services.environment.environment.MODE", before=NOT_SHOWN, after=NOT_SHOWN),
        Change(path="services.environment.image", before="spark:3.5", after="other:1"),
    )


def test_of_things_with_one_name_each_is_told() -> None:
    def placed(zone: str, mode: int) -> ExecutionSpec:
        rules = (
            Constraint(attribute="node.labels.zone", operator=Operator.NOT_EQUAL, value=value)
            for value in (zone, "b")
        )
        mounts = (
            SecretMount(name="token", target="one", generate="random", mode=mode),
            SecretMount(name="token", target="two", generate="random", mode=0o440),
        )
        return spec(replace(WORKER, constraints=tuple(rules), secrets=mounts))

    assert changes(placed("a", 0o400), placed("c", 0o600)) == (
        Change(path="services.worker.constraints.node.labels.zone.value", before="a", after="c"),
        Change(path="services.worker.secrets.token.mode", before="0400", after="0600"),
    )


def test_a_curve_is_told_as_it_is_written() -> None:
    found = changes(spec(WORKER), spec(replace(WORKER, maximum=2, speedup=(1000, 1900))))
    assert Change(path="services.worker.speedup", before=None, after="1 1.9") in found


def test_where_a_secret_lies_is_no_secret() -> None:
    assert not is_secret("DB_PASSWORD_FILE", "/run/secrets/db")
    assert not is_secret("TOKEN", "/run/secrets/token")
    assert not is_secret("MODE", "fast")
    assert is_secret("REPO", "https://me:hunter2@git.example.org/x.git")
    assert is_secret("X", "ghp_0123456789abcdefghij")
    assert is_secret_argument("-----BEGIN RSA PRIVATE KEY-----\nMIIE")


@given(st.text(min_size=6, max_size=30).filter(lambda s: not s.startswith("/")))
def test_no_value_under_a_secrets_name_is_ever_shown(value: str) -> None:
    hushed = spec(replace(WORKER, environment=(("API_TOKEN", value),)))
    for change in (*changes(None, hushed), *changes(hushed, None)):
        if change.path.endswith("API_TOKEN"):
            assert HIDDEN in (change.before, change.after)

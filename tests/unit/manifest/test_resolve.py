"""From documents to specs: what is filled in, what counts as the same, who may do what."""

from __future__ import annotations

from dataclasses import replace

import pytest

from policy.model.execution import Constraint, Operator
from policy.model.resources import Resources
from reconciler import canonical
from reconciler.manifest.grants import matches, rewritten
from reconciler.manifest.idle import Idle, Probe
from reconciler.manifest.rules import cycles
from reconciler.manifest.secret_mount import SecretMount
from reconciler.manifest.spec import (
    Dependency,
    DependsCondition,
    ExecutionSpec,
    Healthcheck,
    Manifest,
    Port,
    Retries,
    Route,
    Service,
    Tmpfs,
    Ulimit,
    Volume,
)
from tests.repositories import BATCH, Repository, document

GIB = 1024**3


def resolve(spec: str, repository: Repository | None = None) -> Manifest:
    repository = repository or Repository.small()
    repository.execution("job", spec)
    catalogue = repository.load()
    assert catalogue.diagnostics == ()
    (manifest,) = catalogue.manifests
    return manifest


def codes(spec: str, repository: Repository | None = None) -> list[str]:
    repository = repository or Repository.small()
    repository.execution("job", spec)
    return [diagnostic.code for diagnostic in repository.load().diagnostics]


def test_every_field_of_a_service_arrives():
    manifest = resolve(
        """
        type: interactive
        secrets: {token: {swarm: token}}
        services:
          db: {image: busybox}
          web:
            image: quay.io/x/web:1
            command: run --name "two words"
            entrypoint: [/init, 3]
            environment: {B: "2", A: 1.50}
            user: 1000
            working_dir: /work
            healthcheck: {test: curl localhost, interval: 5s, retries: 2}
            depends_on: {db: {condition: service_started}}
            ports: [{name: http, target: 80, app_protocol: http, path: /x, mode: ingress}]
            volumes: [{type: volume, source: datasets, target: /data, read_only: true}]
            secrets: [{source: token, target: t, mode: "0400", uid: "5"}]
            tmpfs: [/run, {target: /tmp, size: 64MiB}]
            shm_size: 1GiB
            ulimits: {nofile: 1024, nproc: {soft: 1, hard: 2}}
            stop_grace_period: 1m
            labels: [b=2, a=1=1]
            replicas: {core: 1, max: 3}
            resources:
              reservations: {cpus: 1.5, memory: 1GiB, generic: {gpu: 2}}
              limits: {cpus: 2000m, memory: 2Gi, pids: 10}
            placement:
              constraints: [node.labels.tier == compute, node.role!=manager]
              spread: node.hostname
              max_replicas_per_node: 2
        """
    )
    assert manifest.spec is not None
    assert manifest.spec.services[1] == Service(
        name="web",
        image="quay.io/x/web:1",
        command=("run", "--name", "two words"),
        entrypoint=("/init", "3"),
        environment=(("A", "1.50"), ("B", "2")),
        user="1000",
        working_dir="/work",
        healthcheck=Healthcheck(test=("CMD-SHELL", "curl localhost"), interval_ms=5_000, retries=2),
        depends_on=(Dependency(service="db", condition=DependsCondition.STARTED),),
        ports=(Port(name="http", target=80, app_protocol="http", path="/x", mode="ingress"),),
        volumes=(Volume(type="volume", source="datasets", target="/data", read_only=True),),
        secrets=(SecretMount(swarm_name="token", target="t", mode=0o400, uid="5"),),
        tmpfs=(Tmpfs(target="/run"), Tmpfs(target="/tmp", size_bytes=64 * 1024**2)),
        shm_bytes=GIB,
        ulimits=(Ulimit(name="nofile", soft=1024, hard=1024), Ulimit(name="nproc", soft=1, hard=2)),
        stop_grace_ms=60_000,
        labels=(("a", "1=1"), ("b", "2")),
        core=1,
        maximum=3,
        reservations=Resources.of(cpu_millis=1500, memory_bytes=GIB, generic=[("gpu", 2)]),
        limits=Resources.of(cpu_millis=2000, memory_bytes=2 * GIB),
        pids_limit=10,
        constraints=(
            Constraint(attribute="node.labels.tier", operator=Operator.EQUAL, value="compute"),
            Constraint(attribute="node.role", operator=Operator.NOT_EQUAL, value="manager"),
        ),
        spread="node.hostname",
        max_per_node=2,
    )


NOTEBOOK = """
type: interactive
services:
  main:
    image: busybox
    command: [serve, "--base=${{ services.main.route }}"]
    ports: [{name: http, target: "${{ 8000 + 888 }}", app_protocol: http, route: keep}]
  beside:
    image: busybox
    environment: {SEE: "${{ services.main.route }}/lab"}
"""


def test_route_is_the_path_under_which_the_gateway_shows_a_service():
    spec = resolve(NOTEBOOK).spec
    assert spec is not None
    beside, main = spec.services
    assert main.ports[0].route is Route.KEEP
    assert main.command == ("serve", "--base=/~/job/main/8888")
    assert beside.environment == (("SEE", "/~/job/main/8888/lab"),)


@pytest.mark.parametrize("port", ["app_protocol: https", "app_protocol: http, protocol: udp"])
def test_a_route_needs_http(port: str):
    manifest = NOTEBOOK.replace("app_protocol: http", port)
    assert codes(manifest.replace("${{ services.main.route }}", "")) == ["RouteWithoutHttp"]
    assert "UnknownName" in codes(manifest)


def test_no_service_has_a_route_that_only_socks_leads_to():
    assert codes(NOTEBOOK.replace("route: keep", "route: socks")) == ["UnknownName"] * 2


def test_route_that_says_nothing_new_leaves_a_spec_as_it_was():
    plain = NOTEBOOK.replace(", route: keep", "").replace("${{ services.main.route }}", "")
    said = plain.replace("app_protocol: http", "app_protocol: http, route: strip")
    assert resolve(plain).spec_hash == resolve(said).spec_hash
    assert "route" not in canonical.dumps(resolve(plain).spec)


def test_terms_of_an_execution_arrive():
    manifest = resolve(
        BATCH
        + """
run: 3
priority: low
size: L
lifetime: 2h
queueTimeout: 1d
suspend: true
update: auto
retries: {failure: 2, nodeLost: 0, exitCodes: {noRetry: [3, 2]}}
"""
    )
    spec = manifest.spec
    assert isinstance(spec, ExecutionSpec)
    assert (manifest.run, manifest.suspend, manifest.update) == (3, True, "auto")
    assert (spec.priority, spec.priority_value, spec.size) == ("low", -10, "L")
    assert (spec.lifetime_ms, spec.queue_timeout_ms) == (7_200_000, 86_400_000)
    assert spec.retries == Retries(failure=2, node_lost=0, no_retry=(2, 3))


def test_single_service_of_a_batch_completes_it():
    spec = resolve(BATCH).spec
    assert spec is not None
    assert spec.services[0].completes


def test_platform_fills_in_reservations_and_limits():
    repository = Repository.small()
    repository.put(
        "platform.yaml",
        document("Platform", "p", "defaults: {reservations: {memory: 256MiB}, lifetime: 1h}"),
    )
    spec = resolve(
        """
        type: streaming
        services:
          a: {image: busybox}
          b: {image: busybox, resources: {limits: {memory: 64MiB}}}
        """,
        repository,
    ).spec
    assert spec is not None
    a, b = spec.services
    assert a.reservations == Resources(cpu_millis=100, memory_bytes=256 * 1024**2)
    assert a.limits == Resources(memory_bytes=256 * 1024**2)
    assert b.reservations.memory_bytes == b.limits.memory_bytes == 64 * 1024**2
    assert spec.lifetime_ms == 3_600_000


def test_lifetime_without_default_is_the_cap():
    repository = Repository.small()
    repository.put("platform.yaml", document("Platform", "p", "caps: {lifetime: 2h}"))
    spec = resolve(BATCH, repository).spec
    assert spec is not None
    assert spec.lifetime_ms == 7_200_000


def test_zapp_takes_parameters_and_the_same_amounts_for_all_services():
    repository = Repository.example()
    spark = next(m for m in repository.load().manifests if m.name == "spark-lab-3").spec
    assert spark is not None
    master, notebook, worker = spark.services
    assert (spark.zapp, worker.core, worker.maximum) == ("spark-jupyter", 1, 4)
    assert worker.reservations == Resources(cpu_millis=1000, memory_bytes=4 * GIB)
    assert worker.command is not None
    assert worker.command[-7:-3] == ("--cores", "1", "--memory", "3712m")
    assert worker.command[-1] == "spark://master.spark-lab-3:7077"
    assert "spark.executor.memory 3712m\n" in dict(notebook.environment)["SPARK_DEFAULTS"]
    assert [secret.target for secret in notebook.secrets] == ["jupyter_token"]
    assert master.security_profile == "restricted"


EQUAL = [
    ("memory: 2GiB", "memory: 2048MiB"),
    ("memory: 2GiB", "memory: 2Gi,  # the same\n "),
    ("cpus: 1.5, memory: 2GiB", "memory: 2GiB, cpus: 1500m"),
]


@pytest.mark.parametrize(("one", "other"), EQUAL)
def test_another_spelling_means_the_same(one: str, other: str):
    spec = "type: streaming\nservices: {a: {image: busybox, resources: {reservations: {%s}}}}"
    first, second = resolve(spec % one), resolve(spec % other)
    assert first.document_hash == second.document_hash
    assert first.spec_hash == second.spec_hash


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("worker_memory: 2GiB", "worker_memory: 2048MiB", True),
        ("workers: 1, worker_cpus: 2", "worker_cpus: 2, workers: 1", True),
        ("workers: 1", "workers: 2", False),
    ],
)
def test_meaning_of_parameters(one: str, other: str, is_same: bool):
    hashes = []
    for values in (one, other):
        repository = Repository.example()
        path = "executions/aml/spark-lab-3.yaml"
        spec = f"zapp: spark-jupyter\nparameters: {{{values}}}"
        repository.put(path, document("Execution", "spark-lab-3", spec))
        catalogue = repository.load()
        hashes += [m.document_hash for m in catalogue.manifests if m.name == "spark-lab-3"]
    assert (hashes[0] == hashes[1]) is is_same


def test_suspend_is_not_part_of_the_meaning_but_run_makes_another_identity():
    plain, suspended = resolve(BATCH), resolve(BATCH + "\nsuspend: true")
    again = resolve(BATCH + "\nrun: 2")
    assert plain.document_hash == suspended.document_hash
    assert plain.spec_hash == suspended.spec_hash
    assert again.uid != plain.uid


@pytest.mark.parametrize("change", ["priority: low", "lifetime: 1h", "size: S", "update: auto"])
def test_terms_are_part_of_the_meaning(change: str):
    assert resolve(BATCH).document_hash != resolve(f"{BATCH}\n{change}").document_hash


def test_edit_of_a_zapp_changes_the_spec_but_not_what_the_document_says():
    repository = Repository.example()
    before = {m.name: m for m in repository.load().manifests}
    path = "zapps/hello-batch/zapp.yaml"
    repository.files[path] = repository.files[path].replace(b"16MiB", b"32MiB")
    after = {m.name: m for m in repository.load().manifests}
    assert after["hello"].document_hash == before["hello"].document_hash
    assert after["hello"].spec_hash != before["hello"].spec_hash
    assert after["web"] == before["web"]


def test_commit_and_platform_are_not_what_the_author_said():
    spec = (
        "type: batch\nservices: {a: {image: busybox, environment: "
        '{C: "${{ execution.commit }}", M: "${{ services.a.memory_mib }}"}}}'
    )
    repository = Repository.small()
    first = resolve(spec, repository)
    repository.execution("job", spec + "\n# a comment")
    repository.put(
        "platform.yaml", document("Platform", "p", "defaults: {reservations: {memory: 1GiB}}")
    )
    (second,) = repository.load().manifests
    assert first.document_hash == second.document_hash
    assert first.spec is not None
    assert second.spec is not None
    assert dict(first.spec.services[0].environment) == {"C": first.origin.commit, "M": "128"}
    assert dict(second.spec.services[0].environment) == {"C": second.origin.commit, "M": "1024"}


def test_specs_come_back_from_their_canonical_form():
    for manifest in Repository.example().load().manifests:
        assert manifest.spec is not None
        assert canonical.loads(ExecutionSpec, canonical.dumps(manifest.spec)) == manifest.spec
        assert canonical.digest(manifest.spec) == manifest.spec_hash
        assert canonical.loads(Manifest, canonical.dumps(manifest)) == manifest


def test_images_are_rewritten_by_their_longest_known_beginning():
    rules = (("quay.io/", "mirror/q/"), ("quay.io/jupyter/", "mirror/j/"))
    assert rewritten("quay.io/jupyter/base:1", rules) == "mirror/j/base:1"
    assert rewritten("quay.io/other:1", rules) == "mirror/q/other:1"
    assert rewritten("busybox", rules) == "busybox"


@pytest.mark.parametrize(
    ("image", "is_allowed"),
    [
        ("busybox", True),
        ("busybox:1.36", True),
        ("busybox@sha256:0", True),
        ("busybox-evil", False),
        ("evil/busybox", False),
        ("quay.io/jupyter/base:1", True),
        ("quay.io/jupyterevil/base", False),
        ("host:5000/app", True),
        ("host:5000/app:2", True),
        ("host", False),
    ],
)
def test_allowed_images(image: str, is_allowed: bool):
    assert matches(image, ("busybox", "quay.io/jupyter/*", "host:5000/app")) is is_allowed


def test_baseline_is_granted_by_zapp_or_image_only():
    spec = "type: streaming\nservices: {a: {image: busybox, security_profile: baseline}}"
    assert codes(spec) == ["ProfileNotGranted"]
    repository = Repository.small()
    grant = "security: {baseline: {images: [busybox]}}"
    repository.put("platform.yaml", document("Platform", "p", grant))
    assert codes(spec, repository) == []


def test_braces_can_not_be_put_together_from_parameters():
    repository = Repository.small()
    zapp = """
        type: batch
        parameters: {a: {type: string, default: x}}
        services: {m: {image: busybox, environment: {E: "{${{ parameters.a }}"}}}
        """
    repository.put("zapps/z/zapp.yaml", document("ZApp", "z", zapp))
    assert codes('zapp: z\nparameters: {a: "{ .Node.ID }}"}', repository) == ["BareBraces"]


def test_parameter_that_makes_a_service_invalid_is_told_at_the_execution():
    repository = Repository.small()
    zapp = """
        type: batch
        parameters: {image: {type: string}}
        services: {m: {image: "${{ parameters.image }}"}}
        """
    repository.put("zapps/z/zapp.yaml", document("ZApp", "z", zapp))
    repository.execution("job", 'zapp: z\nparameters: {image: "Not An Image"}')
    (found,) = repository.load().diagnostics
    assert (found.file, found.pointer) == ("executions/lab/job.yaml", "/spec/zapp")
    assert "ZApp z, services.m.image" in found.message


@pytest.mark.parametrize(
    ("edges", "found"),
    [
        ({"a": ["b"], "b": ["c"], "c": []}, []),
        ({"a": ["a"]}, [["a"]]),
        ({"b": ["a"], "a": ["b"]}, [["a", "b"]]),
        ({"x": ["a"], "a": ["b"], "b": ["c"], "c": ["a"], "y": ["c"]}, [["a", "b", "c"]]),
        ({"a": ["b"], "b": ["a"], "c": ["d"], "d": ["c"]}, [["a", "b"], ["c", "d"]]),
        ({"a": ["unknown"]}, []),
    ],
)
def test_circles_are_found_once(edges: dict[str, list[str]], found: list[list[str]]):
    assert cycles(edges) == found


def test_long_chain_is_no_circle_and_no_crash():
    assert cycles({str(i): [str(i + 1)] for i in range(600)}) == []


def replicas(text: str, parameters: str = "") -> Service:
    repository = Repository.small()
    spec = f"""
type: batch
parameters:
  workers: {{type: integer, default: 3}}
  curve: {{type: list, default: [1, 1.5, 1.75]}}
services:
  main: {{image: busybox, replicas: {text}}}
"""
    repository.put("zapps/app/zapp.yaml", document("ZApp", "app", spec))
    manifest = resolve(f"zapp: app\nparameters: {{{parameters}}}", repository)
    assert manifest.spec is not None
    return manifest.spec.services[0]


def test_elastic_replicas_may_be_kept_and_have_a_speed():
    found = replicas("{core: 1, max: 3, revocable: false, speedup: [1, 1.9, 2.725]}")
    assert (found.revocable, found.speedup) == (False, (1000, 1900, 2725))
    plain = replicas("{core: 1, max: 3}")
    assert (plain.revocable, plain.speedup) == (True, ())


def test_a_curve_may_be_longer_than_a_parameter_asks_for():
    text = '{core: 1, max: "${{ parameters.workers }}", speedup: [1, 1.9, 2.7]}'
    assert replicas(text).speedup == (1000, 1900, 2700)
    assert replicas(text, "workers: 2").speedup == (1000, 1900)


def test_a_curve_may_be_a_parameter():
    text = '{core: 1, max: 3, speedup: "${{ parameters.curve }}"}'
    assert replicas(text).speedup == (1000, 1500, 1750)
    assert replicas(text, "curve: [1, 2, 3]").speedup == (1000, 2000, 3000)


@pytest.mark.parametrize("curve", ["[1, 2]", "[2, 2, 2]", "[1, 2, 1.5]", "[1, 1.00001, 2]"])
def test_curves_that_cannot_be_are_refused(curve: str):
    spec = f"""
type: batch
services:
  main: {{image: busybox, replicas: {{core: 1, max: 3, speedup: {curve}}}}}
"""
    assert codes(spec) in (["BadSpeedup"], ["BadQuantity"])


def test_a_storage_that_is_for_others_is_refused():
    mounting = (
        "services: {main: {image: busybox, volumes: [{type: volume, source: archive, target: /a}]}}"
    )
    assert codes(f"type: interactive\n{mounting}") == ["StorageNotGranted"]


def test_an_executions_idle_and_logs_come_before_its_zapps():
    repository = Repository.small()
    zapp = """
        type: interactive
        services:
          main:
            image: busybox
            ports: [{name: web, target: 80}]
            volumes: [{type: workspace, target: /work}]
        idle: {after: 1h, probe: {type: http, service: main, port: web, active: /at}}
    """
    repository.put("zapps/board/zapp.yaml", document("ZApp", "board", zapp))
    of_zapp = resolve("zapp: board", repository).spec
    own = resolve("zapp: board\nidle: {after: 2h}\nlogs: {keep: workspace}", repository).spec
    assert of_zapp is not None
    assert own is not None
    assert of_zapp.idle == Idle(
        after_ms=3_600_000, probe=Probe(type="http", service="main", port="web", active="/at")
    )
    assert own.idle == replace(of_zapp.idle, after_ms=7_200_000)
    assert (of_zapp.logs_kept_in, own.logs_kept_in) == ("", "workspace")

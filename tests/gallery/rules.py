"""What there is to use and by which rules: sets, namespaces, the catalogue, the reference."""

from __future__ import annotations

from reconciler.view.namespaces import Namespaces, NamespaceView, Quota
from reconciler.view.reference import Reference, RuleLine
from reconciler.view.schema_tables import FieldLine, KindView
from reconciler.view.sets import Refused, Sets, SetView
from reconciler.view.zapps import Catalogue, Knob, ZAppView
from tests.gallery.now import GIB
from tests.gallery.people import EVERYBODY, WAITING, ago, counted, line

STUDENTS = tuple(
    line(
        f"group-{number:02}/lesson-3",
        "Running" if number not in (7, 19) else "Queued",
        zapp="jupyter",
        labels={"set": "lesson-3", "group": f"{number:02}"},
        replicas="core 1" if number not in (7, 19) else "",
        message="" if number not in (7, 19) else WAITING[1].message,
        reason="" if number not in (7, 19) else "BehindInQueue",
        queued_at=ago(minutes=55),
        started_at=ago(minutes=50) if number not in (7, 19) else None,
    )
    for number in range(1, 26)
)
SET = SetView(
    namespace="aml",
    name="lesson-3",
    path="sets/lesson-3.yaml",
    sentence="23 of 25 ready; 2 wait in the queue.",
    ready=23,
    total=25,
    rules="at most 10 at a time, 5 s from one start to the next",
    refused=(
        Refused(
            namespace="aml",
            name="lesson-3-group 26",
            message='sets/lesson-3.yaml:14: "group 26" can\'t be part of a name',
        ),
    ),
    missing=tuple(one for one in STUDENTS if one.state != "Running"),
    lines=STUDENTS,
)
SETS = Sets(
    sets=(
        SetView(
            namespace="aml",
            name="lesson-3",
            path="sets/lesson-3.yaml",
            sentence="23 of 25 ready",
            ready=23,
            total=25,
        ),
        SetView(
            namespace="bio",
            name="align",
            path="executions/bio/align.yaml",
            sentence="5 of 6 ready",
            ready=5,
            total=6,
        ),
    )
)

AML = NamespaceView(
    name="aml",
    states=counted(*(one for one in EVERYBODY if one.namespace == "aml")),
    weight=2,
    cohort="teaching",
    maximum_executions=100,
    quotas=(
        Quota(
            dimension="cpu",
            used=9500,
            guaranteed=8000,
            maximum=12000,
            told="1.5 CPUs are borrowed from the cohort teaching.",
        ),
        Quota(dimension="memory", used=29 * GIB, guaranteed=32 * GIB, maximum=40 * GIB),
        Quota(dimension="gpu", used=0, maximum=1),
    ),
    share="It used 18.2 % of the cluster lately, and may use 25 % before others come first.",
    workspace="on node node-2: what mounts it runs there",
    members=("Ada Okafor", "Jonas Weber"),
    shows_logs=True,
    lines=tuple(one for one in EVERYBODY if one.namespace == "aml"),
    more=12,
    labels={"course": "applied-machine-learning"},
)
NAMESPACES = Namespaces(
    namespaces=(
        AML,
        NamespaceView(
            name="bio",
            states={"Running": 5, "Queued": 1, "Stopped": 1},
            quotas=(Quota(dimension="cpu", used=20000, maximum=24000),),
            share="41.0 % of the cluster lately",
        ),
        NamespaceView(name="empty", states={}),
    )
)

README = """# Spark with a Jupyter notebook

A stand-alone Spark cluster and a notebook that is its driver. See
[the manual](https://spark.apache.org/docs) or <https://jupyter.org>.

![a picture of it](https://pictures.example/spark.png)

| parameter | meaning | default |
|---|:---|---:|
| `workers` | workers at most | 2 |
| `worker_memory` | memory of a worker; Spark is given 256 MiB less | 2GiB |

### Deep heading

- one
- two

```python
spark = SparkSession.builder.getOrCreate()  # <b>not bold</b>
```
"""
MANIFEST = """apiVersion: zoe/v1
kind: Execution
metadata: {name: my-spark}
spec:
  zapp: spark-jupyter
  parameters:
    workers: 2            # 1 to 16
    worker_memory: 2GiB
  lifetime: 4h
"""
ZAPP = ZAppView(
    name="spark-jupyter",
    title="Spark with a Jupyter notebook",
    description="A stand-alone Spark cluster and a notebook that is its driver.",
    has_logo=True,
    readme=README,
    knobs=(
        Knob(
            name="workers",
            type="integer",
            told="Spark workers, the first is core",
            default="2",
            bounds="1 to 16",
        ),
        Knob(name="worker_memory", type="quantity", told="Memory of a worker", default="2GiB"),
        Knob(name="dataset", type="string", told="What to read", is_required=True),
    ),
    manifest=MANIFEST,
    path="zapps/spark-jupyter/zapp.yaml",
    new_url="https://git.example/lab/config/_new/main/executions/aml/my-spark.yaml",
    running=2,
)
LOGO = (
    b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 44 44">'
    b'<circle cx="22" cy="22" r="20" fill="#d9731a"/><path d="M22 8l4 10h10l-8 7 3 11-9-7-9 7'
    b' 3-11-8-7h10z" fill="#fff"/></svg>'
)
CATALOGUE = Catalogue(
    zapps=(
        ZAppView(
            name="boinc",
            title="BOINC, for what nobody uses",
            description="Gives idle CPUs to science, and yields to everybody.",
            running=1,
        ),
        ZAppView(
            name="hello-batch", title="Hello", description="Says something and ends. A beginning."
        ),
        ZAppView(
            name="jupyter",
            title="Jupyter notebook",
            description="A notebook with the scientific Python stack.",
            running=2,
        ),
        ZAPP,
    )
)
REFERENCE = Reference(
    kinds=(
        KindView(
            kind="Execution",
            told="One requested run of an application.",
            fields=(
                FieldLine(
                    path="metadata.name",
                    type="string",
                    told="Its name, unique in its namespace.",
                    is_required=True,
                ),
                FieldLine(path="spec.zapp", type="string", told="The ZApp that it is made from."),
                FieldLine(
                    path="spec.lifetime",
                    type="duration",
                    told="When it is ended at the latest, counted from its start.",
                ),
                FieldLine(
                    path="spec.services.*.replicas.core",
                    type="integer ≥ 0",
                    told="How many must be up for any progress.",
                    default="1",
                ),
            ),
        ),
        KindView(
            kind="Namespace",
            told="An owner of executions: a user, a group or a team.",
            fields=(
                FieldLine(
                    path="spec.weight", type="integer", told="How much counts as fair.", default="1"
                ),
            ),
        ),
    ),
    policy="size-flexible",
    rule="the smallest first; elastic replicas yield to cores",
    rules=(
        RuleLine(
            name="policy.ageing", value="6h", told="After this it counts as if it were first."
        ),
        RuleLine(name="defaults.lifetime", value="12h"),
    ),
)

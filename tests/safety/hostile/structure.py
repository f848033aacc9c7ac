"""What a document claims to be: kinds, places, identity, names, labels, owners, statuses."""

from __future__ import annotations

from collections.abc import Iterator

from tests.safety.hostile.case import (
    GOOD,
    Case,
    accepted,
    document,
    metadata,
    refused,
    service,
    spec,
)

LAB = "executions/lab/NAME.yaml"


def cases() -> Iterator[Case]:
    yield from _envelopes()
    yield from _kinds()
    yield from _owners()
    yield from _names()
    yield from _labels()
    yield from _claims()
    yield from _paths()


def _envelopes() -> Iterator[Case]:
    yield refused("no-version", "‸" + GOOD.replace("apiVersion: zoe/v1\n", ""), "MissingKey")
    yield refused("no-kind", "‸" + GOOD.replace("kind: Execution\n", ""), "MissingKey")
    other = GOOD.replace("zoe/v1", "‸zoe/v2")
    yield refused("other-version", other, "UnknownVersion")
    yield refused("version-number", GOOD.replace("zoe/v1", "‸1"), "UnknownVersion")
    yield refused("version-list", GOOD.replace("zoe/v1", "‸[zoe/v1]"), "UnknownVersion")
    yield refused("version-newline", GOOD.replace("zoe/v1", '‸"zoe/v1\\n"'), "UnknownVersion")
    yield refused("kind-unknown", GOOD.replace("kind: Execution", "kind: ‸Pod"), "UnknownKind")
    yield refused("kind-case", GOOD.replace("kind: Execution", "kind: ‸execution"), "UnknownKind")
    yield refused("kind-mapping", GOOD.replace("kind: Execution", "kind: ‸{a: b}"), "UnknownKind")
    yield refused("kind-list", GOOD.replace("kind: Execution", "kind: ‸[Execution]"), "UnknownKind")
    yield refused("no-spec", "‸" + GOOD.partition("spec:")[0], "MissingKey")
    yield refused("spec-list", GOOD.partition("spec:")[0] + "spec: ‸[a]\n", "WrongType")
    yield refused("spec-empty", GOOD.partition("spec:")[0] + "‸spec: {}\n", "MissingKey")
    yield refused("unknown-top", GOOD + "‸status: {phase: Succeeded}\n", "UnknownKey")
    yield refused("unknown-dunder", GOOD + "‸__class__: x\n", "UnknownKey")
    yield refused("unknown-spec", spec("‸nodeName: manager-1"), "UnknownKey")
    yield refused("unknown-service", service("‸command_line: x"), "UnknownKey")


def _kinds() -> Iterator[Case]:
    """A kind where it doesn't belong grants nobody anything."""
    quota = document("Namespace", "lab", "quota: {maximum: {cpus: 4096}}")
    for kind in ("Platform", "Namespace", "Reservation", "ZApp"):
        text = quota.replace("kind: Namespace", f"kind: ‸{kind}")
        yield refused(f"kind-{kind.lower()}-here", text, "KindNotAllowedHere")
    beside = GOOD + "---\n" + quota.replace("kind: ", "kind: ‸")
    yield refused("kind-second-document", beside, "KindNotAllowedHere")
    execution = GOOD.replace("kind: ", "kind: ‸")
    for place in (
        "zapps/NAME/zapp.yaml",
        "namespaces/NAME.yaml",
        "sets/NAME.yaml",
        "platform.yaml",
    ):
        name = f"execution-at-{place.partition('/')[0].partition('.')[0]}"
        path = place.replace("NAME", name)
        yield refused(name, execution, "KindNotAllowedHere", path=path)
    yield refused("namespace-nested", quota, "NothingReadHere", path="namespaces/a/b.yaml")
    yield refused("execution-root", GOOD, "NothingReadHere", path="executions/NAME.yaml")
    yield refused("execution-deep", GOOD, "NothingReadHere", path="executions/lab/a/b.yaml")
    yield refused("execution-yml", GOOD, "NotYaml", path="executions/lab/name.yml")
    yield accepted("elsewhere-ignored", "‸: [", "manifests.0.name", "bystander", path="x/y.yaml")


def _owners() -> Iterator[Case]:
    yield refused("owner-other", metadata("{name: NAME, namespace: ‸other}"), "NotTheFolder")
    yield refused("owner-case", metadata("{name: NAME, namespace: ‸Lab}"), "BadFormat")
    yield refused("owner-path", metadata("{name: NAME, namespace: ‸../other}"), "BadFormat")
    yield refused("owner-newline", metadata('{name: NAME, namespace: ‸"lab\\n"}'), "BadFormat")
    yield accepted("owner-good", metadata("{name: NAME, namespace: lab}"), "namespace", "lab")
    undeclared = "executions/nobody/NAME.yaml".replace("NAME", "owner-undeclared")
    yield refused(
        "owner-undeclared",
        GOOD.replace("metadata", "‸metadata"),
        "UnknownNamespace",
        path=undeclared,
    )
    for name, folder in {"upper": "Lab", "dots": "..", "blank": "a b", "dash": "-a"}.items():
        path = f"executions/{folder}/x.yaml"
        yield refused(f"folder-{name}", GOOD, "BadFolderName", path=path)
    for key in ("uid", "owner", "user", "ownerReferences", "generation", "annotations"):
        text = metadata(f"{{name: NAME, ‸{key}: x}}")
        yield refused(f"metadata-{key.lower()}", text, "UnknownKey")
    yield refused(
        "twice-one-file", GOOD + "---\n" + GOOD.replace("NAME", "‸NAME"), "DuplicateIdentity"
    )
    yield refused(
        "twice-two-files",
        GOOD.replace("{name: NAME}", "{name: ‸twin-of-NAME}"),
        "DuplicateIdentity",
        beside={"executions/lab/aaa.yaml": GOOD.replace("NAME", "twin-of-NAME")},
    )


_BAD_NAMES = {
    "upper": "Big",
    "traversal": "../../etc/passwd",
    "slash": "a/b",
    "dot": "a.b",
    "underscore": "a_b",
    "dash-first": "-a",
    "dash-last": "a-",
    "digit-first": "1a",
    "long": "a" * 41,
    "blank": '"a b"',
    "newline": '"abc\\n"',
    "empty": '""',
    "sql": '"x\'; DROP TABLE ledger;--"',
    "format": '"%s%n{0}"',
    "shell": '"$(id)"',
    "markup": '"<script>alert(1)</script>"',
    "template": '"{{.Node.ID}}x"',
    "cyrillic": '"\\u0430bc"',
    "full-width": '"\\uff41bc"',
    "accent": '"caf\\u00e9"',
    "null-word": "~",
    "number": "12",
    "true": "true",
    "list": "[a]",
}


def _names() -> Iterator[Case]:
    for name, text in _BAD_NAMES.items():
        code = {
            "null-word": "WrongType",
            "number": "WrongType",
            "true": "WrongType",
            "list": "WrongType",
            "template": "BareBraces",
        }.get(name, "BadFormat")
        yield refused(f"name-{name}", metadata(f"{{name: ‸{text}}}"), code)
    yield accepted("name-good-forty", metadata(f"{{name: {'a' * 40}}}"), "name", "a" * 40)
    yield accepted("name-good-words", metadata("{name: drop-table}"), "name", "drop-table")
    for name, text in {"dot": "a.b", "upper": "A", "long": "a" * 21, "slash": "a/b"}.items():
        renamed = GOOD.replace("    main:", f"    ‸{text}:")
        yield refused(f"service-name-{name}", renamed, "BadFormat")


def _labels() -> Iterator[Case]:
    for name, label in {
        "zoe": "zoe.uid",
        "zoe-case": "ZoE.execution",
        "docker": "com.docker.stack.namespace",
        "docker-case": "COM.Docker.Swarm.x",
    }.items():
        text = metadata(f"{{name: NAME, labels: {{‸{label}: x}}}}")
        yield refused(f"label-{name}", text, "ReservedLabel")
        mapping = service(f"labels: {{‸{label}: x}}")
        yield refused(f"label-service-{name}", mapping, "ReservedLabel")
        listed = service(f'labels: ‸["{label}=x"]')
        yield refused(f"label-listed-{name}", listed, "ReservedLabel")
    yield refused("label-newline", metadata('{name: NAME, labels: {a: ‸"b\\nc"}}'), "BadFormat")
    yield refused("label-number", metadata("{name: NAME, labels: {a: ‸1}}"), "WrongType")
    many = ", ".join(f"l{n}: x" for n in range(17))
    yield refused("label-many", metadata(f"{{name: NAME, labels: ‸{{{many}}}}}"), "TooMany")
    good = metadata("{name: NAME, labels: {course: aml}}")
    yield accepted("label-good", good, "labels", (("course", "aml"),))


def _claims() -> Iterator[Case]:
    """Nobody approves, starts or names himself."""
    for key in ("status", "phase", "approved", "admitted", "uid", "nodes", "generation", "owner"):
        yield refused(f"claim-{key}", spec(f"‸{key}: x"), "UnknownKey")
    yield refused("claim-isolation", spec("‸isolation: none"), "NotSupportedYet")
    yield refused("priority-unknown", spec("priority: ‸highest"), "UnknownPriority")
    yield refused("priority-number", spec("priority: ‸99999"), "WrongType")
    yield refused("zapp-traversal", spec("zapp: ‸../../x"), "BadFormat")
    both = spec("zapp: hello\nparameters: {}")
    yield refused("zapp-and-services", both.replace("  type:", "  ‸type:"), "ZAppAndServices")
    none = GOOD.partition("spec:")[0] + "spec: {zapp: ‸nowhere}\n"
    yield refused("zapp-unknown", none, "UnknownZApp")
    yield refused("after-itself", spec("after: ‸[{name: NAME}]"), "DependencyCycle")
    yield refused("after-other", spec("after: [{name: ‸other/bystander}]"), "BadFormat")


_BAD_SOURCES = {
    "traversal": "files/../../../etc/passwd",
    "absolute": "/etc/passwd",
    "parent": "../x",
    "dots": "files/..",
    "hidden": "files/.ssh/id",
    "backslash": "files\\\\x",
    "url": "http://169.254.169.254/x",
    "newline": '"files/x\\n"',
    "nul-byte": "files/x%00",
    "outside": "secrets/x",
    "template": '"files/{{.Node.ID}}"',
}


def _paths() -> Iterator[Case]:
    for name, source in _BAD_SOURCES.items():
        text = spec(f"files: [{{source: ‸{source}, target: /app/x}}]")
        code = {"template": "BareBraces"}.get(name, "BadFormat")
        yield refused(f"source-{name}", text, code)
    target = "files: [{source: files/x, target: ‸%s}]"
    beside = {"executions/lab/files/x": "content"}
    for name, path in {
        "relative": "x",
        "traversal": "/app/../../etc/shadow",
        "colon": "/a:/b",
        "template": '"/{{.Node.ID}}"',
        "secrets": "/run/secrets/token",
        "newline": '"/a\\n"',
        "double": "/a//b",
        "proc": "/proc/sys/kernel/core_pattern",
        "sys": "/sys/fs/cgroup/x",
        "root": "/",
        "dev": "/dev/mem",
    }.items():
        code = {"template": "BareBraces", "root": "BadTarget"}.get(name, "BadTarget")
        code = "BadFormat" if name in ("relative", "colon", "newline") else code
        yield refused(f"target-{name}", spec(target % path), code, beside=beside)
    yield accepted(
        "target-good",
        spec("files: [{source: files/x, target: /app/x}]"),
        "spec.services.0.files.0.target",
        "/app/x",
        beside=beside,
    )
    for name, mode in {
        "setuid": '"4755"',
        "number": "444",
        "long": '"00444"',
        "letters": '"0rwx"',
    }.items():
        code = "WrongType" if name == "number" else "BadFormat"
        text = spec(f"files: [{{source: files/x, target: /app/x, mode: ‸{mode}}}]")
        yield refused(f"mode-{name}", text, code, beside=beside)

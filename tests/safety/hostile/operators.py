"""What operators declare: Platform, Namespace, Reservation, ZApp. A slip of theirs stops nobody."""

from __future__ import annotations

from collections.abc import Iterator

from tests.safety.hostile.case import Case, accepted, document, refused

_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI" + "A" * 43


def cases() -> Iterator[Case]:
    yield from _platforms()
    yield from _namespaces()
    yield from _reservations()
    yield from _zapps()


def _platforms() -> Iterator[Case]:
    for name, (lines, code) in {
        "unknown": ("‸socket: /var/run/docker.sock", "UnknownKey"),
        "storage": ("‸storage: {root: /}", "NotSupportedYet"),
        "cap-zero": ("caps: {replicas: ‸0}", "OutOfRange"),
        "cap-huge": ("caps: {replicas: ‸10001}", "OutOfRange"),
        "policy": ("policy: ‸__import__", "BadValue"),
        "ports": ("ports: {published: {first: ‸0, last: 70000}}", "OutOfRange"),
        "selector": ('nodes: {selector: [‸"x || y"]}', "BadFormat"),
        "expression": ('caps: {lifetime: ‸"${{ 1 }}"}', "ExpressionNotAllowedHere"),
        "notify": ('notifyTargets: {a: {type: webhook, url: ‸"file:///etc/passwd"}}', "BadFormat"),
        "notify-user": ('notifyTargets: {a: {type: webhook, url: ‸"https://u:p@h/"}}', "BadFormat"),
        "recipient": ("secrets: {recipients: [‸age1x]}", "BadFormat"),
        "allow-regex": ('images: {allow: [‸"(a+)+$"]}', "BadFormat"),
        "trust-key": (f"trust: {{admins: [{{name: a, key: ‸ssh-dss {'A' * 60}}}]}}", "BadKey"),
    }.items():
        text = document("Platform", "platform", lines)
        yield refused(f"platform-{name}", text, code, path="platform.yaml")
    cut = document("Platform", "platform", "caps: {replicas: 64}") + "‸x: [\n"
    yield refused("platform-cut", cut.replace("‸", "") + "‸", "Syntax", path="platform.yaml")
    good = document("Platform", "platform", "caps: {replicas: 63}")
    yield accepted("platform-good", good, "platform.maximum_replicas", 63, path="platform.yaml")


def _namespaces() -> Iterator[Case]:
    for name, (lines, code) in {
        "root": ("uid: ‸0", "OutOfRange"),
        "root-group": ("gid: ‸0", "OutOfRange"),
        "uid-huge": ("uid: ‸4294967296", "OutOfRange"),
        "weight": ("weight: ‸1001", "OutOfRange"),
        "quota": ("quota: {maximum: {cpus: ‸-1}}", "OutOfRange"),
        "quota-huge": ("quota: {maximum: {memory: ‸1e999}}", "NumberTooLarge"),
        "secret": ("secrets: [‸../x]", "BadFormat"),
        "secret-star": ('secrets: [‸"*"]', "BadFormat"),
        "key": (f"members: [{{name: a, key: ‸ssh-rsa {'A' * 60}}}]", "BadKey"),
        "key-options": ('members: [{name: a, key: ‸"command=id ssh-ed25519 AAAA"}]', "BadFormat"),
        "key-lines": (f'members: [{{name: a, key: ‸"{_KEY}\\nssh-ed25519 AAAA"}}]', "BadFormat"),
        "member": (f'members: [{{name: ‸"a b", key: {_KEY}}}]', "BadFormat"),
        "mounts": ("‸mounts: [/]", "UnknownKey"),
    }.items():
        text = document("Namespace", "NAME", lines)
        yield refused(f"ns-{name}", text, code, path=f"namespaces/ns-{name}.yaml")
    renamed = document("Namespace", "‸lab", "weight: 1000")
    yield refused("ns-twin", renamed, "DuplicateIdentity", path="namespaces/zzz.yaml")
    good = document("Namespace", "NAME", "weight: 7")
    yield accepted("ns-good", good, "namespaces.ns-good.weight", 7, path="namespaces/ns-good.yaml")


def _reservations() -> Iterator[Case]:
    for name, (lines, code) in {
        "none": ("slots: {count: 1}", "MissingKey"),
        "long": ("window: {cron: 0 6 * * 1, duration: ‸5000d}", "OutOfRange"),
        "image": ('window: {cron: 0 6 * * 1, duration: 2h}\nprefetch: [‸"-x"]', "BadFormat"),
        "slots": ("window: {cron: 0 6 * * 1, duration: 2h}\nslots: {count: ‸10001}", "OutOfRange"),
        "selector": ("window: {cron: 0 6 * * 1, duration: 2h}\nnodes: {selector: ‸[]}", "TooFew"),
    }.items():
        text = document("Reservation", "NAME", lines)
        text = text.replace("spec:", "‸spec:") if "‸" not in text else text
        yield refused(f"room-{name}", text, code, path=f"reservations/room-{name}.yaml")
    good = document(
        "Reservation", "NAME", "window: {cron: 0 6 * * 1, duration: 3h}\nslots: {count: 1, cpus: 1}"
    )
    yield accepted(
        "room-good",
        good,
        "reservations.room-good.window.duration_ms",
        10_800_000,
        path="reservations/room-good.yaml",
    )


def _zapps() -> Iterator[Case]:
    services = "services: {main: {image: busybox}}"
    for name, (lines, code) in {
        "run": (f"type: batch\n{services}\n‸run: 5", "UnknownKey"),
        "type": (f"type: ‸daemon\n{services}", "BadValue"),
        "parameter": (
            f"type: batch\nparameters: {{‸__class__: {{type: string}}}}\n{services}",
            "BadFormat",
        ),
        "parameter-type": (
            f"type: batch\nparameters: {{a: {{type: ‸python}}}}\n{services}",
            "BadValue",
        ),
        "default": (
            f"type: batch\nparameters: {{a: {{type: integer, default: ‸x}}}}\n{services}",
            "WrongType",
        ),
        "privileged": (
            "type: batch\nservices: {main: {image: busybox, ‸privileged: true}}",
            "ComposeKeyNotHonoured",
        ),
        "unknown-name": (
            'type: batch\nservices: {main: {image: ‸"${{ parameters.x }}"}}',
            "UnknownName",
        ),
    }.items():
        text = document("ZApp", "NAME", lines)
        yield refused(f"zapp-{name}", text, code, path=f"zapps/zapp-{name}/zapp.yaml")
    good = document("ZApp", "NAME", f"type: batch\n{services}")
    yield accepted("zapp-good", good, "zapps.0.name", "zapp-good", path="zapps/zapp-good/zapp.yaml")

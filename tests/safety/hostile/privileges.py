"""What a service asks of the host: Compose's privileges, mounts, networks, images, templates."""

from __future__ import annotations

from collections.abc import Iterator

from tests.safety.hostile.case import Case, accepted, refused, service, spec, variable


def cases() -> Iterator[Case]:
    yield from _keys()
    yield from _mounts()
    yield from _limits()
    yield from _profiles()
    yield from _ports()
    yield from _images()
    yield from _templates()
    yield from _placement()


_KEYS = {
    "privileged": "true",
    "cap_add": "[ALL]",
    "cap_drop": "[]",
    "security_opt": '["seccomp:unconfined"]',
    "sysctls": "{net.ipv4.ip_forward: 1}",
    "devices": '["/dev/mem:/dev/mem"]',
    "device_cgroup_rules": '["a *:* rwm"]',
    "network_mode": "host",
    "networks": "[other]",
    "pid": "host",
    "ipc": "host",
    "uts": "host",
    "userns_mode": "host",
    "cgroup": "host",
    "cgroup_parent": "/",
    "runtime": "runc",
    "volumes_from": "[other]",
    "extra_hosts": '["postgres:10.0.0.1"]',
    "dns": "[6.6.6.6]",
    "container_name": "zoe",
    "hostname": "manager",
    "env_file": "/etc/environment",
    "configs": "[x]",
    "logging": "{driver: syslog}",
    "group_add": "[docker]",
    "oom_kill_disable": "true",
    "oom_score_adj": "-1000",
    "deploy": "{placement: {constraints: [node.role == manager]}}",
    "build": ".",
    "extends": "{file: /etc/passwd}",
    "init": "true",
    "isolation": "hyperv",
    "credential_spec": "{file: x}",
    "post_start": "[{command: id, privileged: true}]",
}


def _keys() -> Iterator[Case]:
    for key, value in _KEYS.items():
        code = "UnknownKey" if key in ("isolation", "credential_spec") else "ComposeKeyNotHonoured"
        yield refused(f"compose-{key.replace('_', '-')}", service(f"‸{key}: {value}"), code)
    yield refused("compose-case", service("‸Privileged: true"), "UnknownKey")
    yield refused("compose-camel", service("‸capAdd: [ALL]"), "UnknownKey")
    for key, value in {
        "networks": "{host: {external: true}}",
        "configs": "{x: {file: /etc/shadow}}",
    }.items():
        yield refused(f"compose-top-{key}", spec(f"‸{key}: {value}"), "ComposeKeyNotHonoured")


_BINDS = {
    "root": "{type: bind, source: /, target: /host}",
    "socket": "{type: bind, source: /var/run/docker.sock, target: /s, read_only: true}",
    "traversal": "{type: bind, source: ../../etc, target: /e}",
    "propagation": "{type: bind, source: /srv, target: /s, bind: {propagation: shared}}",
}


def _mounts() -> Iterator[Case]:
    for name, volume in _BINDS.items():
        yield refused(f"bind-{name}", service(f"volumes: [‸{volume}]"), "ComposeKeyNotHonoured")
    for name, text in {
        "short": '"/:/host"',
        "short-socket": '"/var/run/docker.sock:/s:ro"',
    }.items():
        yield refused(f"bind-{name}", service(f"volumes: [‸{text}]"), "ComposeKeyNotHonoured")
    volumes = {
        "driver": (
            "{type: volume, source: datasets, target: /d, ‸volume: {nocopy: true}}",
            "UnknownKey",
        ),
        "options": (
            "{type: volume, source: datasets, target: /d, ‸driver_opts: {o: bind}}",
            "UnknownKey",
        ),
        "sub-path": ("{type: workspace, target: /w, ‸subpath: ../other}", "UnknownKey"),
        "tmpfs": ("{type: ‸tmpfs, target: /w}", "BadValue"),
        "npipe": ("{type: ‸npipe, source: x, target: /w}", "BadValue"),
        "other-workspace": ("{type: workspace, ‸source: other, target: /w}", "SourceOfWorkspace"),
        "named-workspace": ("‸{type: volume, source: workspace, target: /w}", "UnknownStorage"),
        "unknown": ("‸{type: volume, source: etc, target: /w}", "UnknownStorage"),
        "not-granted": ("‸{type: volume, source: archive, target: /w}", "StorageNotGranted"),
        "path-source": ("{type: volume, source: ‸/etc, target: /w}", "BadFormat"),
        "no-target": ("‸{type: workspace}", "MissingKey"),
        "target-root": ("{type: workspace, target: ‸/}", "BadTarget"),
        "target-proc": ("{type: workspace, target: ‸/proc}", "BadTarget"),
        "target-dots": ("{type: workspace, target: ‸/w/../etc}", "BadTarget"),
        "target-secrets": ("{type: workspace, target: ‸/run/secrets}", "BadTarget"),
        "target-relative": ("{type: workspace, target: ‸work}", "BadFormat"),
    }
    for name, (text, code) in volumes.items():
        yield refused(f"volume-{name}", service(f"volumes: [{text}]"), code)
    twice = "[{type: workspace, target: /w}, ‸{type: volume, source: datasets, target: /w/}]"
    yield refused("volume-twice", service(f"volumes: {twice}"), "Duplicate")
    good = service("volumes: [{type: workspace, target: /w, read_only: true}]")
    yield accepted("volume-good", good, "spec.services.0.volumes.0.read_only", True)
    shared = service("volumes: [{type: volume, source: datasets, target: /d}]")
    yield accepted("volume-good-shared", shared, "spec.services.0.volumes.0.source", "datasets")


def _limits() -> Iterator[Case]:
    for name, text in {"rtprio": "rtprio: 99", "nice": "nice: 40", "rttime": "rttime: -1"}.items():
        yield refused(f"ulimit-{name}", service(f"ulimits: {{‸{text}}}"), "BadFormat")
    yield refused("ulimit-name", service('ulimits: {‸"no file": 1}'), "BadFormat")
    yield refused("ulimit-huge", service("ulimits: {nofile: ‸2147483648}"), "OutOfRange")
    yield refused("ulimit-text", service("ulimits: {nofile: ‸unlimited}"), "WrongType")
    yield refused("ulimit-swapped", service("ulimits: {nofile: ‸{soft: 9, hard: 8}}"), "OutOfRange")
    yield accepted(
        "ulimit-good", service("ulimits: {memlock: -1}"), "spec.services.0.ulimits.0.hard", -1
    )
    yield refused("pids-none", service("resources: {limits: {pids: ‸0}}"), "OutOfRange")
    yield refused("pids-below", service("resources: {limits: {pids: ‸-1}}"), "OutOfRange")
    yield refused("pids-huge", service("resources: {limits: {pids: ‸65537}}"), "OutOfRange")
    for name, user in {
        "option": "‸-u",
        "blank": '‸"root root"',
        "template": '‸"{{.x}}"',
        "below": "‸-1",
    }.items():
        code = {"below": "OutOfRange"}.get(name, "BadFormat")
        yield refused(f"user-{name}", service(f"user: {user}"), code)
    yield accepted("user-good-root", service("user: root"), "spec.services.0.user", "root")


def _profiles() -> Iterator[Case]:
    yield refused("profile-unknown", service("security_profile: ‸unconfined"), "UnknownProfile")
    yield refused("profile-baseline", service("security_profile: ‸baseline"), "ProfileNotGranted")
    yield refused("profile-privileged", service("security_profile: ‸privileged"), "UnknownProfile")
    good = service("security_profile: restricted")
    yield accepted("profile-good", good, "spec.services.0.security_profile", "restricted")


def _ports() -> Iterator[Case]:
    bad = {
        "ssh": ("{name: a, target: 22, published: ‸22}", "PortNotAllowed"),
        "docker": ("{name: a, target: 1, published: ‸2375}", "PortNotAllowed"),
        "huge": ("{name: a, target: ‸65536}", "OutOfRange"),
        "zero": ("{name: a, target: ‸0}", "OutOfRange"),
        "protocol": ("{name: a, target: 1, protocol: ‸sctp}", "BadValue"),
        "address": ("{name: a, target: 1, ‸host_ip: 0.0.0.0}", "UnknownKey"),
        "range": ('{name: a, target: ‸"1-65535"}', "WrongType"),
        "script": ('{name: a, target: 1, app_protocol: ‸"javascript:x"}', "BadFormat"),
        "path": ('{name: a, target: 1, path: ‸"//evil.example/x y"}', "BadFormat"),
        "path-quote": ("{name: a, target: 1, path: ‸'/\"onload=x'}", "BadFormat"),
    }
    for name, (text, code) in bad.items():
        yield refused(f"port-{name}", service(f"ports: [{text}]", type_="streaming"), code)
    yield refused("port-short", service('ports: [‸"0.0.0.0:22:22"]'), "ComposeKeyNotHonoured")
    good = service("ports: [{name: web, target: 80, app_protocol: http}]", type_="streaming")
    yield accepted("port-good", good, "spec.services.0.ports.0.target", 80)


_ADDRESSES = {
    "metadata": "169.254.169.254/latest/meta-data:v1",
    "loopback": "127.0.0.1:2375/a",
    "private": "10.0.0.1/a",
    "short": "127.1:80/a",
    "decimal": "2130706433:80/a",
    "hexadecimal": "0x7f000001:80/a",
    "octal": "0177.0.0.1/a",
    "localhost": "localhost:5000/a",
    "localhost-below": "x.localhost/a",
}


def _images() -> Iterator[Case]:
    for name, image in _ADDRESSES.items():
        yield refused(f"image-{name}", service(f"image: ‸{image}"), "ImageNotAllowed")
    bad = {
        "scheme": "http://registry.example/a",
        "user": "user:secret@registry.example/a",
        "blank": '"busybox sh"',
        "option": '"--privileged"',
        "upper": "Busybox",
        "ipv6": '"[::1]:5000/a"',
        "newline": '"busybox\\n"',
        "traversal": "../../a",
        "dots": "registry.example/../a",
        "query": '"a?x=y"',
        "empty": '""',
        "digest": "busybox@sha256:zz",
        "digest-short": "busybox@sha256:abc",
        "slashes": "registry.example//a",
        "two-tags": "registry.example/a:b:c",
        "slash-last": "busybox/",
        "trailing-dot": "127.0.0.1./a",
        "tag-empty": "'busybox:'",
    }
    for name, image in bad.items():
        yield refused(f"image-{name}", service(f"image: ‸{image}"), "BadFormat")
    yield refused("image-list", service("image: ‸[busybox]"), "WrongType")
    digest = "quay.io/lab/app:1.0@sha256:" + "a" * 64
    for name, image in {
        "tag": "busybox:1.36.1",
        "host": "registry.lab.example:5000/team/app:v1",
        "digest": digest,
        "underscore": "quay.io/lab/my_app__x:1",
    }.items():
        yield accepted(
            f"image-good-{name}", service(f"image: {image}"), "spec.services.0.image", image
        )


_TEMPLATED = {
    "environment": 'environment: {A: ‸"{{.Node.Hostname}}"}',
    "environment-list": 'environment: [‸"A={{.Node.ID}}"]',
    "command": 'command: [echo, ‸"{{.Task.ID}}"]',
    "command-text": 'command: ‸"echo {{.Task.ID}}"',
    "entrypoint": 'entrypoint: [‸"{{ .Service.ID }}"]',
    "working-dir": 'working_dir: ‸"/{{.Node.ID}}"',
    "health": 'healthcheck: {test: [CMD, ‸"{{.Node.ID}}"]}',
    "volume": 'volumes: [{type: workspace, target: ‸"/{{.Node.ID}}"}]',
    "tmpfs": 'tmpfs: [‸"/{{.Node.ID}}"]',
    "label": 'labels: {a: ‸"{{.Node.ID}}"}',
    "secret-function": "environment: {A: ‸'{{ secret \"x\" }}'}",
    "environment-function": "environment: {A: ‸'{{ env \"x\" }}'}",
    "image": 'image: ‸"busybox:{{.Node.ID}}"',
}


def _templates() -> Iterator[Case]:
    for name, lines in _TEMPLATED.items():
        code = "BadFormat" if name == "image" else "BareBraces"
        yield refused(f"template-{name}", service(lines), code)
    yield refused("template-key", service('environment: {‸"{{A}}": x}'), "BadFormat")
    split = 'environment: {A: ‸"${{ execution.name }}{{.Node.ID}}"}'
    yield refused("template-beside", service(split), "BareBraces")
    yield accepted(
        "template-good-shell",
        variable('"${HOME} {x}"'),
        "spec.services.0.environment",
        (("X", "${HOME} {x}"),),
    )
    yield accepted(
        "template-good-braces",
        variable('"a{ {b"'),
        "spec.services.0.environment",
        (("X", "a{ {b"),),
    )


def _placement() -> Iterator[Case]:
    for name, text in {
        "or": "node.role == manager || true",
        "regex": "node.labels.x == .*",
        "greater": "node.labels.x > 3",
        "spaces": "node.role  ==  manager",
        "template": "{{.Node.Role}} == x",
        "attribute": "node.ip == 10.0.0.1",
    }.items():
        lines = f'placement: {{constraints: [‸"{text}"]}}'
        yield refused(f"constraint-{name}", service(lines), "BadFormat")
    spread = service('placement: {spread: ‸"node.labels."}')
    yield refused("spread-empty", spread, "BadFormat")
    good = service("placement: {constraints: [node.labels.tier == compute]}")
    yield accepted("constraint-good", good, "spec.services.0.constraints.0.value", "compute")

"""How much, how long and when: resources, replicas, health checks, schedules, times."""

from __future__ import annotations

from collections.abc import Iterator

from tests.safety.hostile.case import Case, accepted, refused, service, spec

RESERVED = "resources: {reservations: {%s}}"


def cases() -> Iterator[Case]:
    yield from _memory()
    yield from _cpus()
    yield from _counts()
    yield from _durations()
    yield from _schedules()


_MEMORY = {
    "exbibyte": ("1EiB", "BadQuantity"),
    "exponent": ("1e999", "NumberTooLarge"),
    "exponent-small": ("1e9", "WrongType"),
    "below": ("-1", "OutOfRange"),
    "below-text": ('"-1GiB"', "BadQuantity"),
    "huge": ("9223372036854775807", "OutOfRange"),
    "huge-text": ("999999999999999TiB", "OutOfRange"),
    "ambiguous": ("512M", "AmbiguousQuantity"),
    "fraction-bytes": ("0.0001KiB", "BadQuantity"),
    "blank": ('"1 GiB"', "AmbiguousQuantity"),
    "nan": (".nan", "NumberNotFinite"),
    "hex": ("0x10", "NumberNotDecimal"),
    "newline": ('"1GiB\\n"', "BadQuantity"),
    "arabic": ('"\\u0661GiB"', "BadQuantity"),
    "list": ("[1GiB]", "WrongType"),
    "tiny": ("1KiB", "MemoryTooSmall"),
    "never-run": ("5MiB", "MemoryTooSmall"),
}


def _memory() -> Iterator[Case]:
    for name, (text, code) in _MEMORY.items():
        yield refused(f"memory-{name}", service(RESERVED % f"memory: ‸{text}"), code)
    over = "resources: {reservations: {memory: ‸2GiB}, limits: {memory: 1GiB}}"
    yield refused("memory-over-limit", service(over), "ReservationOverLimit")
    good = service(RESERVED % "memory: 1.5GiB")
    yield accepted(
        "memory-good", good, "spec.services.0.reservations.memory_bytes", 3 * 512 * 1024**2
    )
    yield refused("shm-huge", service("shm_size: ‸2000TiB"), "OutOfRange")
    yield refused("tmpfs-huge", service("tmpfs: [{target: /t, size: ‸2000TiB}]"), "OutOfRange")
    yield refused("tmpfs-relative", service("tmpfs: [‸t]"), "BadFormat")
    yield refused("tmpfs-root", service("tmpfs: [‸/]"), "BadTarget")


def _cpus() -> Iterator[Case]:
    for name, (text, code) in {
        "below": ("-1", "OutOfRange"),
        "many": ("4097", "OutOfRange"),
        "many-text": ('"9999999"', "OutOfRange"),
        "fine": ("0.0001", "BadQuantity"),
        "exponent": ("1e3", "BadQuantity"),
        "exponent-huge": ("1e99", "OutOfRange"),
        "infinite": (".inf", "NumberNotFinite"),
        "newline": ('"2\\n"', "BadQuantity"),
        "true": ("true", "WrongType"),
    }.items():
        yield refused(f"cpus-{name}", service(RESERVED % f"cpus: ‸{text}"), code)
    good = service(RESERVED % "cpus: 250m")
    yield accepted("cpus-good", good, "spec.services.0.reservations.cpu_millis", 250)
    for name, (text, code) in {
        "zero": ("{gpu: ‸0}", "OutOfRange"),
        "below": ("{gpu: ‸-1}", "OutOfRange"),
        "huge": ("{gpu: ‸1000000}", "OutOfRange"),
        "name": ('{‸"g pu": 1}', "BadFormat"),
    }.items():
        yield refused(f"generic-{name}", service(RESERVED % f"generic: {text}"), code)


def _counts() -> Iterator[Case]:
    for name, (text, code) in {
        "zero": ("replicas: ‸0", "OutOfRange"),
        "below": ("replicas: ‸-1", "OutOfRange"),
        "huge": ("replicas: ‸10001", "OutOfRange"),
        "swapped": ("replicas: {core: ‸3, max: 2}", "CoreOverMaximum"),
        "fraction": ("replicas: ‸1.5", "WrongType"),
        "text": ('replicas: ‸"5"', "WrongType"),
        "per-node": ("placement: {max_replicas_per_node: ‸-1}", "OutOfRange"),
    }.items():
        yield refused(f"replicas-{name}", service(text), code)
    over = service("replicas: 65").replace("  services:", "  ‸services:")
    yield refused("replicas-over-cap", over, "TooManyReplicas")
    yield refused(
        "replicas-no-core",
        service("replicas: {core: 0, max: 2}").replace("  services:", "  ‸services:"),
        "NoCore",
    )
    yield accepted(
        "replicas-good", service("replicas: {core: 1, max: 4}"), "spec.services.0.maximum", 4
    )
    yield refused("retries-huge", spec("retries: {failure: ‸101}"), "OutOfRange")
    yield refused("retries-below", spec("retries: {nodeLost: ‸-1}"), "OutOfRange")
    yield refused("retries-code", spec("retries: {exitCodes: {noRetry: [‸256]}}"), "OutOfRange")


def _durations() -> Iterator[Case]:
    for name, (text, code) in {
        "bare": ("60", "BadDuration"),
        "below": ("-1h", "BadDuration"),
        "unknown": ("5y", "BadDuration"),
        "empty": ('""', "BadDuration"),
        "order": ("5s1h", "BadDuration"),
        "nanosecond": ("1ns", "BadDuration"),
        "fraction": ("1.5h", "BadDuration"),
        "eleven-years": ("4000d", "OutOfRange"),
        "digits": ("9" * 30 + "s", "BadDuration"),
        "zero": ("0s", "OutOfRange"),
        "newline": ('"1h\\n"', "BadDuration"),
    }.items():
        yield refused(f"lifetime-{name}", spec(f"lifetime: ‸{text}"), code)
    yield accepted("lifetime-good", spec("lifetime: 4h30m"), "spec.lifetime_ms", 16_200_000)
    for name, text in {
        "nanosecond": "interval: ‸1ns",
        "zero": "interval: ‸0s",
        "fast": "interval: ‸1ms",
        "timeout": "timeout: ‸0s",
        "retries": "retries: ‸0",
        "long": "interval: ‸4000d",
    }.items():
        code = "BadDuration" if name == "nanosecond" else "OutOfRange"
        yield refused(f"health-{name}", service(f"healthcheck: {{test: [CMD, x], {text}}}"), code)
    yield refused("health-command", service("healthcheck: {test: ‸[sh, x]}"), "BadHealthcheck")
    none = service("healthcheck: {test: [NONE]}")
    yield accepted("health-good-none", none, "spec.services.0.healthcheck.test", ("NONE",))
    yield refused("health-empty", service("healthcheck: {test: ‸[]}"), "TooFew")
    yield accepted(
        "health-good",
        service("healthcheck: {test: [CMD, x], interval: 1s}"),
        "spec.services.0.healthcheck.interval_ms",
        1000,
    )
    yield refused("grace-years", service("stop_grace_period: ‸3650d"), "OutOfRange")
    yield accepted(
        "grace-good", service("stop_grace_period: 2m"), "spec.services.0.stop_grace_ms", 120_000
    )


def _schedules() -> Iterator[Case]:
    for name, (text, code) in {
        "every-second": ('{cron: ‸"* * * * * *"}', "BadCron"),
        "sixty": ('{cron: ‸"60 * * * *"}', "BadCron"),
        "day-32": ('{cron: ‸"0 0 32 * *"}', "BadCron"),
        "never": ('{cron: ‸"0 0 30 2 *"}', "NeverDue"),
        "words": ('{cron: ‸"@reboot"}', "BadCron"),
        "newline": ('{cron: ‸"0 0 * * *\\n"}', "BadFormat"),
        "step-zero": ('{cron: ‸"*/0 * * * *"}', "BadCron"),
        "range-huge": ('{cron: ‸"0-99999999999 * * * *"}', "BadCron"),
        "zone": ('{cron: "0 0 * * *", timezone: ‸Mars/Olympus}', "UnknownTimeZone"),
        "zone-path": ('{cron: "0 0 * * *", timezone: ‸../../etc/passwd}', "BadFormat"),
        "zone-inner": ('{cron: "0 0 * * *", timezone: ‸Europe/../Europe/Paris}', "BadFormat"),
        "zone-absolute": ('{cron: "0 0 * * *", timezone: ‸/etc/passwd}', "BadFormat"),
        "keep": ('{cron: "0 0 * * *", keep: ‸101}', "OutOfRange"),
        "overlap": ('{cron: "0 0 * * *", overlap: ‸always}', "BadValue"),
        "unknown": ('{cron: "0 0 * * *", ‸user: root}', "UnknownKey"),
    }.items():
        yield refused(f"schedule-{name}", spec(f"schedule: {text}"), code)
    good = spec('schedule: {cron: "0 2 * * *", timezone: Europe/Paris}')
    yield accepted("schedule-good", good, "schedule.timezone", "Europe/Paris")
    for name, text in {
        "february": "2026-02-30T00:00:00Z",
        "year-0": "0000-01-01T00:00:00Z",
        "hour": "2026-01-01T25:00:00Z",
        "zone": "2026-01-01T00:00:00+99:00",
    }.items():
        yield refused(f"moment-{name}", spec(f"notBefore: ‸{text}"), "BadTime")
    yield refused("moment-bare", spec("notBefore: ‸2026-01-01"), "BadTime")
    yield refused("moment-far", spec("notBefore: ‸9999-12-31T23:59:59-23:59"), "OutOfRange")

"""What was and what will be: the past, accounting, the calendar, commits, pull requests."""

from __future__ import annotations

from datetime import timedelta

from reconciler.view.calendar import Calendar, Recurring, Window
from reconciler.view.commits import CommitLine, Commits, CommitView, Did
from reconciler.view.execution import Step
from reconciler.view.history import History, Point
from reconciler.view.pulls import PullLine, Pulls, PullView
from reconciler.view.usage import Usage, Used
from tests.gallery.now import GIB
from tests.gallery.people import COMMIT, NOW, ago, ahead

BUCKET = timedelta(minutes=15)


def _point(number: int) -> Point:
    at = NOW - BUCKET * (96 - number)
    if 30 <= number < 34:  # the loop was away
        return Point(at=at)
    swing = (number * number * 7 + number * 13) % 11
    rise = min(number, 90 - number // 2)
    return Point(
        at=at,
        running=3 + rise // 8 + swing % 3,
        waiting=max(0, rise // 14 - 1 + swing % 4),
        cpu_millis=24000 if number < 92 else 20000,
        cpu_reserved_millis=4000 + rise * 190 + swing * 220,
        memory_bytes=128 * GIB,
        memory_reserved_bytes=(12 + rise * 4 // 5 + swing) * GIB,
        pass_ms=80 + swing * 6,
        longest_pass_ms=140 + swing * 31,
        wait_p50_ms=60_000 + rise * 9000 + swing * 20000 if swing % 3 else None,
        wait_p95_ms=240_000 + rise * 42000 + swing * 70000 if swing % 3 else None,
        started=swing % 3,
    )


HISTORY = History(
    since=NOW - timedelta(days=1),
    until=NOW,
    bucket_ms=15 * 60_000,
    points=tuple(_point(number) for number in range(96)),
    sentence="64 executions started in this time; half of them waited less than 6 min.",
)


def _used(key: str, executions: int, core_hours: int, failed: int) -> Used:
    return Used(
        key=key,
        executions=executions,
        cpu_milli_ms=core_hours * 3_600_000_000,
        memory_byte_ms=core_hours * 4 * GIB * 3_600_000,
        core_hours=f"{core_hours}.4",
        gib_hours=f"{core_hours * 4}.0",
        wait_median_ms=core_hours * 900,
        ended=executions - 2,
        failed=failed,
        failed_share=f"{failed * 100 // executions} %" if failed else "",
    )


USAGE = Usage(
    by="namespace",
    since=NOW - timedelta(days=30),
    until=NOW,
    rows=(
        _used("bio", 212, 3104, 9),
        _used("vision", 61, 2210, 4),
        _used("aml", 340, 1480, 22),
        _used("lab", 95, 402, 0),
    ),
    total=_used("", 708, 7196, 35),
)

CALENDAR = Calendar(
    windows=(
        Window(
            name="aml-lab",
            starts_at=ahead(minutes=58),
            ends_at=ahead(hours=2, minutes=58),
            told="2 slots of 0.5 CPUs, 512 MiB memory, for aml",
        ),
        Window(
            name="maintenance",
            starts_at=ago(hours=1),
            ends_at=ahead(hours=5),
            told="all of node-4, for nobody",
            is_open=True,
        ),
    ),
    recurring=(
        Recurring(
            namespace="lab",
            name="nightly",
            rule="30 2 * * * in Europe/Paris",
            next_at=ahead(hours=11, minutes=28),
            last_at=ago(hours=12, minutes=32),
            last_state="Succeeded",
        ),
        Recurring(
            namespace="bio",
            name="weekly-index",
            rule="0 6 * * MON in UTC",
            told="It is suspended.",
        ),
    ),
    told="All times of the next 14 days.",
)


def _commit(number: int, subject: str, **kwargs: object) -> CommitLine:
    return CommitLine(
        id=f"{number:x}{COMMIT}"[:40],
        subject=subject,
        author="Ada Okafor" if number % 2 else "Jonas Weber",
        committed_at=ago(minutes=44 * number),
        seen_at=ago(minutes=44 * number - 1),
        outcome=str(kwargs.pop("outcome", "accepted")),
        **kwargs,  # type: ignore[arg-type]
    )


COMMITS = Commits(
    lines=(
        _commit(
            1,
            "Third Spark session of the course",
            added=1,
            pull=41,
            signer="ada@lab.example (ssh)",
            url="https://git.example/lab/config/commit/14f9c2e7",
        ),
        _commit(2, "Try a typo", problems=1),
        _commit(
            3,
            "Remove the samples of last year",
            outcome="held back",
            told="It would stop 38 of 61 executions: zoe confirm 34f9c2e7 lets it.",
            removed=38,
        ),
        _commit(4, "Double the memory of align-05", changed=1, pull=39),
        _commit(5, "Say in the README who to ask"),
    ),
    next="WzVd",
)
COMMIT_VIEW = CommitView(
    line=COMMITS.lines[0],
    message="Third Spark session of the course\n\nWith four workers, as agreed on Friday.\n",
    added=("aml/spark-lab-3",),
    changed=("aml/spark-lab-2",),
    removed=("aml/spark-lab-0",),
    did=(
        Did(
            name="aml/spark-lab-3",
            steps=(Step(at=ago(minutes=41), told="first seen", fact="first_seen"),),
        ),
        Did(
            name="aml/spark-lab-0",
            steps=(Step(at=ago(minutes=41), told="cancelled: its file is gone", fact="cancelled"),),
        ),
    ),
    desired=("aml/notebook", "aml/spark-lab-1", "aml/spark-lab-2", "aml/spark-lab-3", "lab/web"),
    more=14,
)

PULLS = Pulls(
    lines=(
        PullLine(
            subject="pull/42",
            number=42,
            head="c0ffee12aa",
            base=COMMIT,
            at=ago(minutes=8),
            state="open",
            sentence="1 created, 1 changed in place, 1 other affected",
            url="https://git.example/lab/config/pulls/42",
        ),
        PullLine(
            subject="pull/41",
            number=41,
            head="beef001122",
            base="99aa00bb11",
            at=ago(hours=1),
            state="merged with differences",
            sentence="1 created",
            merged_as=COMMIT,
        ),
        PullLine(
            subject="pull/39",
            number=39,
            head="feed556677",
            base="99aa00bb11",
            at=ago(hours=4),
            state="merged as planned",
            sentence="1 updated",
            merged_as="4" + COMMIT[:39],
        ),
    )
)
COMMENT = """<!-- zoe:plan -->

### 1 created, 1 changed in place

| execution | what happens | core + elastic | queue | starts | why |
|---|---|---|---|---|---|
| `aml/spark-lab-4` | created | 3 + 3 | number 3 | about 2026-11-22 16:10 UTC, by lifetimes | no \
room |
| `bio/align-05` | changed in place | 4 + 0 |  |  | memory |

**Others**

- `lab/charity` gives up its place

<details><summary>bio/align-05: 1 field</summary>

| field | before | after |
|---|---|---|
| `services.rank.resources.reservations.memory` | `4GiB` | `8GiB` |

</details>

Base `4f9c2e71b8d0`, head `c0ffee12aa`, the queue of 2026-11-22 14:01 UTC (`5b7e90aa1f3c`). Plan \
`a1b2c3d4e5f6`.
"""
PULL = PullView(
    line=PULLS.lines[1],
    comment=COMMENT,
    differences=("aml/spark-lab-3 was to start at once; it waits, since bio/align-05 came first",),
    plan={"lines": []},
)

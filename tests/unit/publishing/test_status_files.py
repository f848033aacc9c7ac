"""What is made of the runs that changed is what would be made of all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.converge import mirror, publication, set_status
from reconciler.converge.describe import invalid_status
from reconciler.converge.ledger import Entry, Fact
from reconciler.converge.newest import newest, rank
from reconciler.converge.status import document, set_of
from reconciler.converge.world import Identity
from reconciler.manifest.spec import SetSpec, SetSummary
from reconciler.publishing.status_files import StatusFiles
from reconciler.stored import Changes, ExecutionRow, Stored
from reconciler.working_set import WorkingSet
from tests.builders import NOW

KEY = b"k" * 32
SCHEDULED = 1_792_913_700
NAMESPACES, NAMES = ("aml", "bio"), ("job", "nightly", "lab")
SETS = (None, ("aml", "course"), ("", "all"))
UIDS = tuple(Uid(f"{number:02x}" * 8) for number in range(6))


def row(uid: Uid, of_set: tuple[str, str] | None, *, has_ended: bool, reason: str) -> ExecutionRow:
    """Whose a run is never changes: the uid says it."""
    index = UIDS.index(uid)
    namespace, name = NAMESPACES[index % 2], NAMES[index % 3]
    run = (0, 1, 2, SCHEDULED, 1, SCHEDULED + 60)[index]
    identity = Identity(namespace=namespace, name=name, run=run)
    told = document(invalid_status(identity, uid, reason, previous=None, now=NOW, of_set=of_set))
    told["status"]["reason"] = reason
    if has_ended:
        told["status"]["endedAt"] = (NOW + timedelta(hours=1)).isoformat()
    return ExecutionRow(
        uid=uid,
        namespace=namespace,
        name=name,
        run=run,
        source_id="platform",
        phase="Invalid",
        reason=reason,
        status=told,
    )


rows = st.builds(
    row,
    st.sampled_from(UIDS),
    st.sampled_from(SETS),
    has_ended=st.booleans(),
    reason=st.sampled_from(["One", "Two"]),
)
steps = st.lists(
    st.one_of(
        rows,
        st.tuples(st.just("forget"), st.sampled_from(UIDS)),
        st.tuples(st.just("sets"), st.sets(st.sampled_from(SETS[1:]))),
        st.just("push"),
    ),
    max_size=30,
)


def empty() -> WorkingSet:
    return WorkingSet(
        Stored(
            entries=(),
            frozen=(),
            placements={},
            executions=(),
            good_files=(),
            accepted={},
            snapshot=None,
            published={},
            state_version=1,
        )
    )


def summary(name: tuple[str, str]) -> SetSummary:
    return SetSummary(
        spec=SetSpec(namespace=name[0], name=name[1]), path="sets/x.yaml", line=1, total=3
    )


def naive(known: WorkingSet, sets: Sequence[SetSummary]) -> dict[str, bytes]:
    """All files but the ledger's, by looking at everything."""
    found: dict[str, Mapping[str, Any]] = {}
    for uid, told in known.statuses.items():
        identity = known.identities[uid]
        path = publication.status_path(identity.namespace, identity.name, identity.run)
        if path not in found or rank(found[path]) < rank(told):
            found[path] = told
    files = {path: publication.status_file(told) for path, told in found.items()}
    for namespace in {identity.namespace for identity in known.identities.values()}:
        mine = [
            told
            for uid, told in known.statuses.items()
            if known.identities[uid].namespace == namespace
        ]
        files[publication.readme_path(namespace)] = publication.readme_file(namespace, newest(mine))
    members = set_status.members_of(known.statuses.values())
    for one in sets:
        name = (one.spec.namespace, one.spec.name)
        told = set_status.document(one, members.get(name, ()))
        files[publication.set_path(*name)] = publication.dump(told)
    return files


@given(steps)
def test_the_files_are_those_that_looking_at_everything_gives(told: list[Any]) -> None:
    known = empty()
    files, sets, there = StatusFiles(known, key=KEY), [], {}
    for step in (*told, "push"):
        match step:
            case ExecutionRow():
                entry = Entry(
                    uid=step.uid,
                    run=step.run,
                    generation=1,
                    attempt=0,
                    fact=Fact.FIRST_SEEN,
                    at=NOW,
                    seq=known.last_seq + 1,
                )
                moved = known.statuses.get(step.uid)
                known.committed(Changes(executions=(step,)), (entry,))
                # Who leaves a set is noticed where the set's document loses it, too.
                left = moved is not None and set_of(moved) != set_of(step.status)
                if left:
                    files.touch([step.uid], sets=[])
                files.touch([step.uid], sets=sets)
            case ("forget", uid):
                if uid in known.identities:
                    files.forget(uid)
                    known.committed(Changes(forgotten=(uid,)), ())
            case ("sets", names):
                sets = [summary(name) for name in sorted(names)]
                files.touch((), sets=sets)
            case _:
                for path, data in files.make():
                    if data is None:
                        there.pop(path, None)
                    else:
                        there[path] = data
    expected = naive(known, sets)
    # The table of a namespace that lost its last run stays, empty.
    shown = {path: data for path, data in there.items() if not path.startswith("ledger/")}
    assert {p: d for p, d in shown.items() if p in expected or "README" not in p} == expected
    head = files.head(deployment="test")
    assert head.folders == mirror.folders(
        (uid, known.entries[uid][-1].seq) for uid in known.statuses
    )
    assert {path for path in there if path.startswith("ledger/")} == {
        publication.ledger_path(uid) for uid in known.statuses
    }


def test_nothing_is_made_twice() -> None:
    known = empty()
    files = StatusFiles(known, key=KEY)
    known.committed(Changes(executions=(row(UIDS[1], None, has_ended=False, reason="One"),)), ())
    files.touch([UIDS[1]])
    assert files.is_waiting
    assert {path for path, _ in files.make()} == {
        publication.status_path("bio", "nightly", 1),
        publication.readme_path("bio"),
    }
    assert (files.is_waiting, list(files.make())) == (False, [])

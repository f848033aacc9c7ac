"""Whose a name is when several sources ask for it."""

from __future__ import annotations

from collections.abc import Mapping

from hypothesis import given
from hypothesis import strategies as st

from policy.model.execution import Uid
from reconciler.converge import union
from reconciler.converge.ledger import Entry, Fact, fold
from reconciler.converge.union import Part, Union
from reconciler.converge.world import Identity, Memory, Reading, Wanted
from reconciler.manifest.spec import Manifest, Namespace, Origin
from tests.builders import NOW

SOURCES = ("", "g1", "g2")


def manifest(source: str, name: str) -> Manifest:
    origin = Origin(source_id=source or "main", path=f"{name}.yaml", line=3, blob="b", commit="c")
    return Manifest(
        uid=uid(source, name),
        namespace="lab",
        name=name,
        run=1,
        origin=origin,
        document_hash="d",
        spec=None,
    )


def uid(source: str, name: str) -> Uid:
    return Uid(f"{source or 'main'}-{name}")


def wanted(source: str, names: set[str]) -> Wanted:
    return Wanted(
        source_id=source or "main",
        manifests={uid(source, name): manifest(source, name) for name in sorted(names)},
        namespaces={"lab": Namespace(name="lab", sources=("g1",))},
    )


def memory(known: Mapping[tuple[str, str], bool]) -> Memory:
    """Of (source, name) -> whether it is live, the oldest first."""
    records, identities = {}, {}
    for number, ((source, name), is_live) in enumerate(known.items()):
        its = uid(source, name)
        facts = [Fact.FIRST_SEEN] if is_live else [Fact.FIRST_SEEN, Fact.CANCELLED]
        entries = [
            Entry(uid=its, run=1, fact=fact, at=NOW, seq=2 * number + order + 1, reason="Deleted")
            for order, fact in enumerate(facts)
        ]
        record = fold(entries)
        assert record is not None
        assert record.is_final is not is_live
        records[its] = record
        identities[its] = Identity(namespace="lab", name=name, run=1, source_id=source or "main")
    return Memory(records=records, identities=identities)


def united(asked: Mapping[str, set[str]], known: Mapping[tuple[str, str], bool]) -> Union:
    platform = wanted("", asked.get("", set()))
    parts = [
        Part(source_id=source, wanted=wanted(source, asked[source]), reading=Reading())
        for source in SOURCES[1:]
        if source in asked
    ]
    remembered = memory(known)
    names = union.contested(platform, parts, remembered)
    whose = union.holders(names, platform, parts, remembered)
    return union.unite(platform, parts, whose)


def owners(found: Union) -> dict[str, str]:
    return {m.name: m.origin.source_id for m in found.wanted.manifests.values()}


def test_the_platform_comes_first_then_the_order_of_the_settings() -> None:
    found = united({"": {"a"}, "g1": {"a", "b"}, "g2": {"b", "c"}}, {})
    assert owners(found) == {"a": "main", "b": "g1", "c": "g2"}
    ((source, told), (other, _)) = found.clashes
    assert (source, other) == ("g1", "g2")
    assert (told.code, told.file, told.line) == ("DuplicateIdentity", "a.yaml", 3)
    assert "main" in told.message
    assert "g1" in told.message


def test_who_has_it_live_keeps_it_also_when_nobody_asks_for_it_any_more() -> None:
    live = {("g2", "a"): True}
    assert owners(united({"": {"a"}, "g2": {"a"}}, live)) == {"a": "g2"}
    assert owners(united({"": {"a"}, "g2": set()}, live)) == {}
    assert owners(united({"": {"a"}}, live)) == {}


def test_of_those_that_ended_the_last_keeps_it_while_it_asks() -> None:
    ended = {("", "a"): False, ("g1", "a"): False}
    assert owners(united({"": {"a"}, "g1": {"a"}}, ended)) == {"a": "g1"}
    assert owners(united({"": {"a"}, "g1": set()}, ended)) == {"a": "main"}


def test_what_never_was_valid_is_told_only_where_the_source_may_write() -> None:
    def broken(source: str, namespace: str) -> tuple[Identity, Uid, str]:
        identity = Identity(namespace=namespace, name="x", run=0, source_id=source)
        return identity, Uid(f"{source}-{namespace}"), "executions/lab/x.yaml:1:1: bad"

    platform = wanted("", set())
    parts = [
        Part(
            source_id=source,
            wanted=Wanted(source_id=source, invalid=(broken(source, "lab"), broken(source, "no"))),
            reading=Reading(),
        )
        for source in ("g1", "g2")
    ]
    whose = union.holders(union.contested(platform, parts, Memory()), platform, parts, Memory())
    found = union.unite(platform, parts, whose).wanted.invalid
    assert [told for _, _, told in found] == ["g1:executions/lab/x.yaml:1:1: bad"]


names = st.sets(st.sampled_from("abcd"))


@given(
    asked=st.fixed_dictionaries(dict.fromkeys(SOURCES, names)),
    known=st.dictionaries(
        st.tuples(st.sampled_from(SOURCES), st.sampled_from("abcd")), st.booleans(), max_size=8
    ),
)
def test_a_name_is_one_sources_and_nothing_live_is_taken_from_anybody(
    asked: dict[str, set[str]], known: dict[tuple[str, str], bool]
) -> None:
    found = united(asked, known)
    in_force = [m.name for m in found.wanted.manifests.values()]
    assert len(in_force) == len(set(in_force))
    told = {(source, diagnostic.file.removesuffix(".yaml")) for source, diagnostic in found.clashes}
    everything = {(source, name) for source, theirs in asked.items() for name in theirs}
    kept = {("" if of == "main" else of, name) for name, of in owners(found).items()}
    assert kept | told == everything
    assert not kept & told
    live = {(source, name) for (source, name), is_live in known.items() if is_live}
    for source, name in kept:
        holding = {of for of, its in live if its == name}
        assert not holding or source in holding

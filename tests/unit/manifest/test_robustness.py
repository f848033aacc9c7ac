"""Whatever is in a repository, loading it never raises and never forgets what was good."""

from __future__ import annotations

import copy
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler import canonical
from reconciler.manifest import source_map
from reconciler.manifest.spec import Manifest
from tests.repositories import Repository

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**70),
    st.floats(allow_nan=False, allow_infinity=False, width=16),
    st.text(max_size=8),
    st.sampled_from(
        [
            "${{ parameters.workers }}",
            "${{ services.worker.host }}",
            "${{ execution.run * 0 }}",
            "${{ nothing }}",
            "${{",
            "{{ x }}",
            "worker",
            "512M",
            "0s",
            "files/../../etc/passwd",
            "/",
            "'",
            "node.role==x",
        ]
    ),
    st.lists(st.sampled_from(["a", "worker", 1, None, {}]), max_size=3),
    st.dictionaries(
        st.sampled_from(["core", "max", "swarm", "source", "name"]), st.integers(-1, 9)
    ),
)
EXAMPLE = Repository.example()
FILES = sorted(path for path in EXAMPLE.files if path.endswith(".yaml"))


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [path]
    items: Any = value.items() if isinstance(value, dict) else ()
    items = enumerate(value) if isinstance(value, list) else items
    for key, item in items:
        found += places(item, (*path, key))
    return found


def as_json(value: Any) -> str:
    return json.dumps(value, default=float, ensure_ascii=False)


def mutated(data: st.DataObject, original: Any) -> Any:
    value = copy.deepcopy(original)
    for _ in range(data.draw(st.integers(1, 2))):
        path = data.draw(st.sampled_from([place for place in places(value) if place]))
        target = value
        for part in path[:-1]:
            target = target[part]
        if data.draw(st.booleans()):
            target[path[-1]] = data.draw(ODD)
        else:
            del target[path[-1]]
    return value


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(st.data())
def test_mutated_documents_are_in_force_or_explained(data: st.DataObject):
    repository = Repository.example()
    before = {m.uid: m for m in repository.load().manifests}
    path = data.draw(st.sampled_from(FILES))
    documents = source_map.read(repository.files[path], file=path).documents
    changed = [mutated(data, document.value) for document in documents]
    repository.put(path, "\n---\n".join(map(as_json, changed)))
    catalogue = repository.load()
    for diagnostic in catalogue.diagnostics:
        assert diagnostic.remedy, diagnostic
        assert diagnostic.code
    if path in catalogue.bad_paths:
        assert any(d.file == path and d.is_error for d in catalogue.diagnostics)
        assert {m.uid for m in catalogue.manifests} == before.keys()
        if path.startswith("executions/"):
            assert {m.uid: m.spec for m in catalogue.manifests} == {
                uid: m.spec for uid, m in before.items()
            }
    for manifest in catalogue.manifests:
        assert canonical.loads(Manifest, canonical.dumps(manifest)) == manifest
    assert all(m.spec is not None for m in catalogue.manifests if m.is_current) or (
        catalogue.bad_paths
    )


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(FILES), st.binary(max_size=60), st.integers(0, 500))
def test_spoilt_bytes_never_raise(path: str, noise: bytes, at: int):
    repository = Repository.example()
    text = repository.files[path]
    repository.put(path, text[:at] + noise + text[at + len(noise) :])
    catalogue = repository.load()
    assert path not in catalogue.bad_paths or any(d.file == path for d in catalogue.diagnostics)

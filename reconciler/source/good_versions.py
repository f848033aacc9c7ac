"""The newest valid version of files whose newest one isn't, looked for in the history."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from reconciler.source.desired import Reader


def newest_valid(
    reader: Reader, commit: str, known: Mapping[str, tuple[str, str]], *, most: int
) -> Mapping[str, tuple[str, str]]:
    """Return path -> (blob, commit): what is ``known``, and what ``most`` commits before hold.

    Raises:
        SourceUnavailable: A commit can't be read.
    """
    here = reader.apart()
    here.read(commit, good=known)
    good = {**known, **here.good}
    tried = {d.file: {here.files.get(d.file)} for d in here.diagnostics if d.is_error}
    tried = {path: blobs for path, blobs in tried.items() if path not in good}
    history = reader.source.provenance().history(commit, since="", limit=most) if tried else ()
    for step in islice(history, 1, None):
        files = reader.source.tree(step.id).files
        fresh = [path for path, blobs in tried.items() if files.get(path) not in {None, *blobs}]
        if fresh:
            then = reader.apart()
            then.read(step.id, good={})
        for path in fresh:
            tried[path].add(files[path])
            if path in then.good:
                good[path] = then.good[path]
                del tried[path]
    return good

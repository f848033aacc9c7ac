"""The process that looks at what anybody may propose: ``python -m reconciler.reviewer.worker``.

It has the job on its standard input, an empty environment, a directory of its own to write into,
and nothing else. Whatever becomes of it, the loop goes on.
"""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path

import pygit2

from reconciler import canonical, planning
from reconciler.converge import snapshots
from reconciler.converge.snapshots import Taken
from reconciler.errors import SourceUnavailable
from reconciler.git.integrity import RepositoryCorrupt
from reconciler.git.merge import merge
from reconciler.git.source import LocalSource
from reconciler.manifest.diagnostic import Diagnostic
from reconciler.planning import Planned
from reconciler.posted import files_digest
from reconciler.review.as_json import to_json
from reconciler.review.cluster import cluster_of
from reconciler.review.markdown import to_markdown, verdict
from reconciler.review.preview import ActionKind
from reconciler.reviewer.confinement import Bounds, confine
from reconciler.reviewer.job import Job, Result
from reconciler.simulate import recorded
from reconciler.source.desired import Kept, Reader

_WINDOW_BYTES = 16 * 1024**2
_MAPPED_BYTES = 128 * 1024**2


def main(arguments: list[str]) -> int:
    """Answer the job on standard input; the arguments are the bounds of :class:`Bounds`."""
    memory, processor, file = map(int, arguments)
    bounds = Bounds(memory_bytes=memory, processor_s=processor, file_bytes=file)
    is_cut_off = confine(bounds)
    # Packs are mapped into the bounded memory: by default up to 32 GiB of them.
    pygit2.settings.mwindow_size = _WINDOW_BYTES
    pygit2.settings.mwindow_mapped_limit = _MAPPED_BYTES
    # Written by the loop that started us, and by nobody else.
    job: Job = pickle.load(sys.stdin.buffer)  # noqa: S301
    result = _answered(job, is_cut_off=is_cut_off)
    sys.stdout.write(canonical.dumps(result))
    return 0


def _answered(job: Job, *, is_cut_off: bool) -> Result:
    try:
        return review(job, Path.cwd() / "merge.git", is_cut_off=is_cut_off)
    except RepositoryCorrupt as error:
        return Result(is_cut_off=is_cut_off, problem=str(error), is_damaged=True)
    except SourceUnavailable as error:
        return Result(is_cut_off=is_cut_off, problem=str(error))


def review(job: Job, scratch: Path, *, is_cut_off: bool = False) -> Result:
    """Merge the head into the base and plan what comes out; what is made goes into ``scratch``.

    Raises:
        SourceUnavailable: The commits have nothing in common, or a tree can't be read.
    """
    repository = _over(job.repository, scratch)
    merged = merge(repository, job.base, job.head)
    if merged.conflicts:
        return Result(is_cut_off=is_cut_off, conflicts=merged.conflicts)
    if merged.commit == job.base:
        return Result(is_cut_off=is_cut_off, verdict="nothing that isn't there already")
    source = LocalSource(repository, id=job.source_id)
    base_reader, planned = _planned(job, source, merged.commit)
    old, new = source.tree(job.base).files, source.tree(merged.commit).files
    touched = {path for path in {*old, *new} if old.get(path) != new.get(path)}
    known = set(base_reader.diagnostics)
    mine = tuple(d for d in planned.diagnostics if d.file in touched or d not in known)
    return Result(
        is_cut_off=is_cut_off,
        tree=files_digest(new),
        plan=to_json(
            planned.preview,
            base=job.base,
            head=job.head,
            diagnostics=mine,
            taken_at=planned.cluster.observed.taken_at,
        ),
        body=_body(job, planned, mine),
        verdict=verdict(planned.preview, [d for d in mine if d.is_error]),
        errors=sum(d.is_error for d in mine),
        images=planned.preview.images,
    )


def _over(repository: Path, scratch: Path) -> pygit2.Repository:
    """Return an empty repository that reads another one's objects and writes none there."""
    pygit2.init_repository(str(scratch), bare=True)
    objects = (repository / "objects").absolute()
    (scratch / "objects" / "info" / "alternates").write_text(f"{objects}\n", encoding="utf-8")
    return pygit2.Repository(str(scratch))


def _planned(job: Job, source: LocalSource, head: str) -> tuple[Reader, Planned]:
    """Return the reader of the base, and the plan."""
    # The loop's, as the job is.
    kept: Kept = pickle.loads(job.kept)  # noqa: S301
    reader = kept.over(source)
    taken, memory = _taken(job), job.known.memory
    planned = planning.plan(
        job.base,
        head,
        make_reader=lambda: reader,
        remembered=lambda _: (memory, cluster_of(taken)),
        host=job.host,
        good=job.known.good,
        past=lambda: recorded.past(memory, taken.snapshot.nodes, now=taken.taken_at),
        missing=job.missing,
        tip=job.head,
    )
    return reader, planned


def _taken(job: Job) -> Taken:
    if job.known.snapshot is None:
        raise SourceUnavailable("no pass has looked at the cluster yet")
    return snapshots.read(json.loads(job.known.snapshot))


def _body(job: Job, planned: Planned, diagnostics: tuple[Diagnostic, ...]) -> str:
    body = to_markdown(
        planned.preview,
        base=job.base,
        head=job.head,
        diagnostics=diagnostics,
        taken_at=planned.cluster.observed.taken_at,
    )
    lines = planned.preview.lines
    held = sum(line.leaves and line.action is ActionKind.HELD for line in lines)
    if not held:
        return body
    return (
        f"{body}\n**Deletions.** {held} of them are held as long as nobody agrees. Merging this "
        "as it is shown here is that agreement, for these and no others.\n"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

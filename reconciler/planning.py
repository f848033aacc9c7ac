"""From two revisions to a preview: what ``zoe plan`` prints, and what a pull request is told."""

from __future__ import annotations

import gc
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace

from reconciler.converge.host import Host
from reconciler.converge.world import Memory, Wanted
from reconciler.manifest.diagnostic import Diagnostic
from reconciler.review.beside import with_others
from reconciler.review.cluster import Cluster
from reconciler.review.preview import Preview, preview
from reconciler.review.rehearsal import Past, rehearse
from reconciler.review.rules import RuleChanges, judgement, rule_changes
from reconciler.source import trust
from reconciler.source.desired import Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a head would do instead of its base, and what is wrong with it or worth knowing."""

    base: str
    head: str
    cluster: Cluster
    preview: Preview
    diagnostics: tuple[Diagnostic, ...]

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        """What makes the head invalid."""
        return tuple(d for d in self.diagnostics if d.is_error)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """A head under the base's rules, and under its own where it changes any."""

    wanted: Wanted
    own: Wanted
    rules: RuleChanges
    diagnostics: tuple[Diagnostic, ...]


@contextmanager
def _without_collections() -> Iterator[None]:
    """Put the search for garbage off: all of ten thousand manifests is in use until the end."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


@_without_collections()
def plan(
    base: str,
    head: str,
    *,
    make_reader: Callable[[], Reader],
    remembered: Callable[[Wanted], tuple[Memory, Cluster]],
    host: Host,
    good: Mapping[str, tuple[str, str]],
    past: Callable[[], Past | None] = lambda: None,
    missing: Collection[str] = (),
    tip: str = "",
) -> Planned:
    """Return what ``head`` would do if it were desired instead of ``base``, by the base's rules.

    Args:
        base: A commit's id.
        head: A commit's id.
        make_reader: A reader of the repository that has both; what it has read before isn't
            read again.
        remembered: What is known beside the repository, for what the base wants.
        host: What the installation provides.
        good: Path -> (blob, commit) of the newest valid content known before the base.
        past: What ran lately; asked for only where rules change. None: not known.
        missing: Images that their registry doesn't have; which to ask for, a preview tells.
        tip: The commit whose history is judged, where ``head`` is a merge made for the plan.

    Raises:
        SourceUnavailable: A commit or a blob can't be read.
    """
    reader = make_reader()
    wanted = reader.read(base, good=good)
    memory, cluster = remembered(wanted)
    judged = _judged(reader, base, head)
    with_head = with_others(judged.wanted, memory)
    found = preview(
        with_others(wanted, memory).wanted,
        with_head.wanted,
        memory=memory,
        cluster=cluster,
        host=host,
        rules=judged.rules,
        missing=missing,
    )
    found = replace(found, warnings=_untold(found.warnings, judged.diagnostics))
    if judged.rules.paths and not judged.rules.is_first:
        found = replace(found, rehearsal=rehearse(wanted, judged.own, past()))
    return Planned(
        base=base,
        head=head,
        cluster=cluster,
        preview=found,
        diagnostics=(
            *trust.review(reader.apart(), base=base, head=tip or head, good=good),
            *judged.diagnostics,
            *(clash for source, clash in with_head.clashes if not source),
            *found.warnings,
        ),
    )


def _untold(
    warnings: tuple[Diagnostic, ...], told: tuple[Diagnostic, ...]
) -> tuple[Diagnostic, ...]:
    """Return the warnings without those that the reader of the file gave with their line."""
    known = {(item.file, item.code) for item in told}
    return tuple(item for item in warnings if (item.file, item.code) not in known)


def _judged(of_base: Reader, base: str, head: str) -> _Judged:
    """Read a head; what it shares with the base, which was read last, isn't read again."""
    rules = of_base.rules(base)
    changes = rule_changes(rules, of_base.rules(head))
    reader = of_base.apart()
    own = reader.read(head, good=of_base.good)
    if not changes.paths or changes.is_first:
        return _Judged(wanted=own, own=own, rules=changes, diagnostics=reader.diagnostics)
    judge = of_base.apart()
    return _Judged(
        wanted=judge.read(head, good=of_base.good, rules=rules),
        own=own,
        rules=changes,
        diagnostics=judgement(judge.diagnostics, reader.diagnostics),
    )

"""From two revisions to a preview: what ``zoe plan`` prints, and what a pull request is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from reconciler import trust
from reconciler.converge.host import Host
from reconciler.converge.world import Memory, Wanted
from reconciler.desired import Reader
from reconciler.manifest.diagnostic import Diagnostic
from reconciler.review.cluster import Cluster
from reconciler.review.preview import Preview, preview


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


def plan(
    base: str,
    head: str,
    *,
    make_reader: Callable[[], Reader],
    remembered: Callable[[Wanted], tuple[Memory, Cluster]],
    host: Host,
    good: Mapping[str, tuple[str, str]],
) -> Planned:
    """Return what ``head`` would do if it were desired instead of ``base``.

    Args:
        base: A commit's id.
        head: A commit's id.
        make_reader: A new reader of the repository that has both.
        remembered: What is known beside the repository, for what the base wants.
        host: What the installation provides.
        good: Path -> (blob, commit) of the newest valid content known before the base.

    Raises:
        SourceUnavailable: A commit or a blob can't be read.
    """
    old, new = make_reader(), make_reader()
    wanted = old.read(base, good=good)
    memory, cluster = remembered(wanted)
    found = preview(
        wanted, new.read(head, good=old.good), memory=memory, cluster=cluster, host=host
    )
    return Planned(
        base=base,
        head=head,
        cluster=cluster,
        preview=found,
        diagnostics=(
            *trust.review(old, base=base, head=head, good=good),
            *new.diagnostics,
            *found.warnings,
        ),
    )

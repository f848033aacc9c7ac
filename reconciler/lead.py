"""Leading: hold the lease, make passes, hand over. What ``zoe run`` and ``zoe once`` do."""

from __future__ import annotations

import contextlib
import logging
import os
import random
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from datetime import datetime

from reconciler import failpoints, shared_key, wire
from reconciler.clock import elapsed_s
from reconciler.config import Settings
from reconciler.errors import (
    ConfigError,
    DatabaseBehind,
    InvariantViolated,
    LeaseLost,
    StoreUnavailable,
    TransientError,
)
from reconciler.heap import Heap
from reconciler.loop import Loop
from reconciler.ports import TIDYING, Lease, Store
from reconciler.probes.port_checker import PortChecker
from reconciler.probes.prober import Prober
from reconciler.recovery import continuity
from reconciler.report import Report
from reconciler.reporting.alerts import DATABASE_BEHIND
from reconciler.reporting.tails import Tails
from reconciler.reviewer.service import Reviewer
from reconciler.source.lookout import Lookout
from reconciler.stages import Stages
from reconciler.trigger import REST_S, Trigger

log = logging.getLogger(__name__)

RETRY_FIRST_S = 1.0
RETRY_MOST_S = 60.0
ONCE_PASSES_MOST = 1000
FOLLOW_S = 1.0
TIDY_S = 3600.0
SLOW_MS = 5000
"""A pass that does nothing and takes longer gets a line, too."""


class Standby(TransientError):
    """Somebody else leads."""


def holder() -> str:
    """Return who we are, for the lease and for people."""
    return f"{socket.gethostname()}/{os.getpid()}"


def once(
    settings: Settings, *, until_settled: bool, told: Callable[[Report], None] = lambda _: None
) -> Report:
    """Make one pass (or passes until nothing moves) and publish what came of it.

    Raises:
        ConfigError: No source is set.
        Standby: Another process leads.
        TransientError: A part can't be reached.
    """
    _ = settings.platform_source  # told before a database is made where none belongs
    with failpoints.armed(), wire.store(settings) as store:
        return _once(settings, store, until_settled, told)


def _once(
    settings: Settings, store: Store, until_settled: bool, told: Callable[[Report], None]
) -> Report:
    store.migrate()
    shared_key.verify(settings, store)
    lease = store.acquire_lease(holder(), ttl_s=settings.lease_ttl_s)
    if lease is None:
        raise Standby("another zoe run leads; it makes the passes")
    stop = threading.Event()
    try:
        with (
            wire.loop(settings, lease, store) as loop,
            probing(settings, loop, lambda: None) as prober,
        ):
            begin(loop, key=wire.ledger_key(settings), ttl_s=settings.lease_ttl_s)
            loop.tenants.lookout.look_now()
            prober.round()  # nobody is asked before a pass: what is known is read
            report = loop.reconcile()
            told(report)
            for _ in range(ONCE_PASSES_MOST):
                if not (until_settled and report.is_moving):
                    break
                stop.wait(0.2)
                loop.lease = store.renew_lease(loop.lease, ttl_s=settings.lease_ttl_s)
                report = loop.reconcile(fetch=False)
                told(report)
            prober.round()
            loop.publish(wait=True)
            with reviewing(settings, loop) as reviewer:
                if reviewer is not None:
                    reviewer.round()
            loop.deliver()
        return report
    finally:
        with contextlib.suppress(StoreUnavailable):
            store.release_lease(lease)


def begin(loop: Loop, *, key: bytes, ttl_s: int) -> None:
    """Make sure that the database knows all that was done with it; else say so and do nothing.

    ``key`` is the ledger's, ``ttl_s`` the lease's.

    Raises:
        DatabaseBehind: It doesn't.
        LeaseLost: Another process leads by now.
        SourceUnavailable, ClusterUnavailable: It can't be told.
    """
    try:
        continuity.verify(loop, loop.publisher.sink, key=key)
    except (DatabaseBehind, TransientError) as error:
        if isinstance(error, DatabaseBehind):
            # What a successor did looks the same to one that was stopped in the middle of this.
            loop.lease = loop.store.renew_lease(loop.lease, ttl_s=ttl_s)
        loop.recorder.failed(error, lease=loop.lease)
        with contextlib.suppress(TransientError):
            loop.store.release_lease(loop.lease)
        raise


@contextlib.contextmanager
def reviewing(settings: Settings, loop: Loop) -> Iterator[Reviewer | None]:
    """Lend a reviewer, if there is a forge to tell."""
    reviewer = wire.reviewer(settings, loop)
    try:
        yield reviewer
    finally:
        if reviewer is not None:
            reviewer.close()


@contextlib.contextmanager
def reading_logs(loop: Loop) -> Iterator[None]:
    """Have logs read for whoever looks at a page."""
    tails = Tails(loop.store, loop.cluster, loop.clock, loop.around)
    tails.start()
    try:
        yield
    finally:
        tails.close()


@contextlib.contextmanager
def probing(settings: Settings, loop: Loop, wake: Callable[[], None]) -> Iterator[Prober]:
    """Lend what asks executions whether they are used; the loop's passes know what it learns."""
    prober = wire.prober(settings, loop, wake)
    loop.activity = prober.known
    try:
        yield prober
    finally:
        prober.close()


@contextlib.contextmanager
def checking_ports(settings: Settings, loop: Loop, wake: Callable[[], None]) -> Iterator[None]:
    """Have the ports of what runs tried, where something real may listen on them."""
    if settings.cluster == "simulated":
        yield
        return
    checker = PortChecker(last=lambda: loop.last, wake=wake)
    loop.silent = checker.silent
    checker.start()
    try:
        yield
    finally:
        checker.close()


def run(settings: Settings, *, chance: random.Random | None = None) -> None:
    """Lead whenever nobody else does, until told to stop (SIGTERM, SIGINT).

    Raises:
        ConfigError: No source is set, or another setting can't be used.
    """
    _ = settings.platform_source  # told before a database is made where none belongs
    chance = chance or random.Random()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with failpoints.armed(), wire.store(settings) as store:
        _lead_until(stop, settings, store, chance)


def _lead_until(
    stop: threading.Event, settings: Settings, store: Store, chance: random.Random
) -> None:
    tries = 0
    while not stop.is_set():
        began_s = elapsed_s()
        try:
            store.migrate()
            shared_key.verify(settings, store)  # told at its start, not when it takes over
            lease = store.acquire_lease(holder(), ttl_s=settings.lease_ttl_s)
            if lease is None:
                log.info("standing by")
                stop.wait(settings.lease_ttl_s / 3)
                continue
            log.info("leading", extra={"epoch": lease.epoch})
            _lead(settings, store, lease, stop, chance)
            tries = 0
        except LeaseLost as error:
            log.warning("lease lost", extra={"error": str(error)})
        except DatabaseBehind as error:
            told = {"reason": DATABASE_BEHIND, "error": str(error), "retry_s": RETRY_MOST_S}
            log.error("the database isn't up to date", extra=told)  # noqa: TRY400
            stop.wait(RETRY_MOST_S)
        except TransientError as error:
            tries = _tries(tries, began_s)
            delay_s = backoff_s(tries, chance)
            log.warning("a part is away", extra={"error": str(error), "retry_s": round(delay_s)})
            stop.wait(delay_s)
        except ConfigError:
            raise
        except Exception as error:
            # A fault of ours mustn't end an unattended process: begin anew from what is stored.
            tries = _tries(tries, began_s)
            evidence = repr(error.evidence) if isinstance(error, InvariantViolated) else ""
            log.exception("a fault in zoe itself", extra={"evidence": evidence})
            stop.wait(backoff_s(tries, chance))


def _tries(before: int, began_s: float) -> int:
    """Return which failure in a row this is: the first after what went well for long."""
    return 1 if elapsed_s() - began_s > RETRY_MOST_S else before + 1


def backoff_s(tries: int, chance: random.Random) -> float:
    """Return how long to wait after the n-th failure in a row: doubling, less up to half."""
    delay_s: float = min(RETRY_MOST_S, RETRY_FIRST_S * 2 ** min(tries - 1, 10))
    return chance.uniform(0.5, 1) * delay_s


def _lead(
    settings: Settings, store: Store, lease: Lease, stop: threading.Event, chance: random.Random
) -> None:
    with (
        wire.loop(settings, lease, store) as loop,
        reviewing(settings, loop) as reviewer,
        reading_logs(loop),
    ):
        begin(loop, key=wire.ledger_key(settings), ttl_s=settings.lease_ttl_s)
        lookout, heap = loop.tenants.lookout, Heap()
        trigger = Trigger(
            interval_s=settings.interval_s,
            jitter_s=settings.jitter_s,
            wait_for_event=loop.cluster.wait_for_event,
            wait_for_wanted=lambda timeout_s: _is_wanted(
                store, lookout, timeout_s, stop, tidy=loop.tidying.soon
            ),
        )
        trigger.every(settings.lease_ttl_s / 3, lambda: _renew(loop, store, settings, trigger))
        trigger.every(TIDY_S, lambda: _tidy(store))
        trigger.every(TIDY_S, heap.sweep)
        if lookout.ids:
            trigger.every(settings.interval_s, lookout.look)
        trigger.start()
        lookout.start(trigger.look)
        if reviewer is not None:
            reviewer.start()
        threading.Thread(target=_follow, args=(stop, trigger), daemon=True).start()
        try:
            with (
                probing(settings, loop, trigger.look) as prober,
                checking_ports(settings, loop, trigger.look),
            ):
                prober.start()
                _passes(loop, store, heap, trigger, chance)
            loop.publish(wait=True)
        finally:
            trigger.close()
            with contextlib.suppress(TransientError):
                store.release_lease(loop.lease)


def _follow(stop: threading.Event, trigger: Trigger) -> None:
    """Stop the trigger when the process is to stop; end with the lead, or it would keep it all."""
    while not trigger.is_stopped:
        if stop.wait(FOLLOW_S):
            trigger.stop()


def _is_wanted(
    store: Store,
    lookout: Lookout,
    timeout_s: float,
    stop: threading.Event,
    *,
    tidy: Callable[[], None] = lambda: None,
) -> bool:
    """Wait for requests and take them: from then on the trigger remembers that somebody asked.

    Those for tenants' sources are the lookout's. A leader that ends before it fetched loses them,
    and the next one begins with a fetch.
    """
    try:
        wanted = set(store.take_wanted()) if store.wait_for_wanted(timeout_s) else set()
    except StoreUnavailable:
        return False  # they are still there when the database is
    if TIDYING in wanted:
        tidy()
    of_tenants = wanted & set(lookout.ids)
    if of_tenants:
        lookout.look_at(of_tenants)
        if of_tenants == wanted:
            stop.wait(REST_S)  # a flood of these is no reason to ask the database without a pause
    return wanted > of_tenants


def _tidy(store: Store) -> None:
    with contextlib.suppress(StoreUnavailable):
        store.forget()


def _renew(loop: Loop, store: Store, settings: Settings, trigger: Trigger) -> None:
    try:
        loop.lease = store.renew_lease(loop.lease, ttl_s=settings.lease_ttl_s)
    except LeaseLost:
        trigger.stop()
    except StoreUnavailable as error:
        log.warning("lease not renewed", extra={"error": str(error)})


def _passes(loop: Loop, store: Store, heap: Heap, trigger: Trigger, chance: random.Random) -> None:
    tries, fetch = 0, True
    while not trigger.is_stopped:
        try:
            report = loop.reconcile(fetch=fetch)
        except StoreUnavailable:
            # It isn't known what was written: whoever leads next begins by reading it.
            raise
        except TransientError as error:
            loop.recorder.failed(error, lease=loop.lease)
            tries += 1
            delay_s = backoff_s(tries, chance)
            log.warning("pass failed", extra={"error": str(error), "retry_s": round(delay_s, 1)})
            trigger.pause(delay_s)
            fetch = True
            continue
        except Exception as error:
            loop.recorder.failed(error, lease=loop.lease)
            raise
        tries = 0
        if report.facts:
            heap.keep()
        _log_pass(report, loop.stages)
        fetch = trigger.wait(
            is_moving=report.is_moving or report.runs_batch or loop.publisher.is_dirty,
            is_changing=bool(report.facts or report.outcomes),
            took_s=loop.stages.took_ms / 1000,
            at_most_s=_seconds_until(report.wake_at, loop.clock.now()),
        )


def _log_pass(report: Report, stages: Stages) -> None:
    took_ms = stages.took_ms
    if not (report.outcomes or report.facts) and took_ms < SLOW_MS:
        return
    log.info(
        "pass",
        extra={
            "revision": report.commit[:12],
            "facts": report.facts,
            "actions": len(report.outcomes),
            "failed": sum(bool(o.error) for o in report.outcomes),
            "invalid": report.diagnostics,
            "duration_s": took_ms / 1000,
            "stages_ms": stages.ms,
        },
    )


def _seconds_until(at: datetime | None, now: datetime) -> float | None:
    return None if at is None else max(0.05, (at - now).total_seconds())

"""The command ``zoe``: its one entry, and the one place where errors become exit codes.

Exit codes: 0 all is well, 1 problems were found, 2 wrong usage or settings, or a file that can't be
written, 3 a part (Git, Swarm, database) can't be reached, 70 a fault of ours, 130 interrupted.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Sequence

from reconciler import __version__
from reconciler.errors import (
    ConfigError,
    ManifestError,
    NoSuchRevision,
    ReconcilerError,
    TransientError,
)

OK, PROBLEMS, USAGE, UNREACHABLE, FAULT, INTERRUPTED = 0, 1, 2, 3, 70, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb and return the exit code. People never see a traceback."""
    if sys.stdout is None:  # closed, as `>&-` does
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_WRONLY), "w")
    try:
        code = _run(argv)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError as error:
        if not _has_reader_left():
            return _fault(error)
        _write_no_more()
        return OK
    except OSError as error:
        if error.errno not in _REFUSALS:
            return _fault(error)
        if error.filename is None:
            _write_no_more()
        return _refused(error)
    return code


def _run(argv: Sequence[str] | None) -> int:
    if list(sys.argv[1:] if argv is None else argv) == ["--version"]:
        print(f"zoe {__version__}")
        return OK
    # Imported here: it takes three times as long as Python does to start.
    import click

    from reconciler.cli.verbs import zoe

    try:
        result = zoe.main(
            args=None if argv is None else list(argv), prog_name="zoe", standalone_mode=False
        )
    except click.exceptions.Exit as stop:
        return stop.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        return INTERRUPTED
    except SystemExit as end:
        # click's own end where the reader of a help left, or a completion's.
        if _COMPLETING in os.environ:
            raise
        raise BrokenPipeError from end
    except ReconcilerError as error:
        return _translated(error)
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001 - the last resort, see _fault
        return _fault(error)
    return result if isinstance(result, int) else OK


_COMPLETING = "_ZOE_COMPLETE"
_MAKE_ROOM = "make room there"
_ELSEWHERE = "work where you may write, or as the user who may"
_REFUSALS = {
    errno.EACCES: _ELSEWHERE,
    errno.EPERM: _ELSEWHERE,
    errno.EROFS: _ELSEWHERE,
    errno.ENOSPC: _MAKE_ROOM,
    errno.EDQUOT: _MAKE_ROOM,
}
"""What the system may refuse, and what to do then."""


def _has_reader_left() -> bool:
    """Tell whether nobody takes what we print, as after `| head`: a pipe of ours may break, too."""
    import select

    poll = select.poll()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # no file
            poll.register(stream.fileno(), 0)
    return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))


def _write_no_more() -> None:
    # Python would complain again when it flushes at its end.
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _refused(error: OSError) -> int:
    place = error.filename or "what is written"
    remedy = _REFUSALS[error.errno or errno.EACCES]
    print(f"zoe: {place}: {error.strerror}: {remedy}", file=sys.stderr)
    return USAGE


def _translated(error: ReconcilerError) -> int:
    match error:
        case ManifestError():
            from reconciler.manifest.diagnostic import to_text

            print(to_text(error.diagnostics), file=sys.stderr)
            return PROBLEMS
        case ConfigError():
            code = USAGE
        case NoSuchRevision():
            code = PROBLEMS
        case TransientError():
            code = UNREACHABLE
        case _:
            code = PROBLEMS
    print(f"zoe: {error}", file=sys.stderr)
    return code


def _fault(error: Exception) -> int:
    """Say in one line that it is our fault, and where the traceback is."""
    # Imported here: every start would pay for what almost none needs.
    import tempfile
    import traceback

    place = "nowhere: the temporary folder can't be written"
    with contextlib.suppress(OSError):
        handle, place = tempfile.mkstemp(prefix="zoe-fault-", suffix=".txt")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.writelines(traceback.format_exception(error))
    kind = type(error).__name__
    print(f"zoe: a fault in zoe itself ({kind}); the traceback is in {place}", file=sys.stderr)
    return FAULT

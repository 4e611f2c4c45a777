"""The command `forensics`: a module here for each of `COMMANDS`, with its `ABOUT`, `arguments` and `run`.

`run` returns the exit status, None meaning 0. What is heavy is imported where it is used.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from forensics.errors import ForensicsError
from forensics.extras import lacking

COMMANDS = (
    "new add collect load "
    "sql timeline who coverage verify show detect behaviour note "
    "sources playbooks run readiness simulate demo"
).split()
"""In the order of the help: a case and its evidence, looking into it, registries and playbooks, made-up incidents."""

INTERRUPTED = 128
"""Exit status of a command that a signal ended, to be added to its number: 130 of Ctrl-C, as shells have it."""


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status is 0 done, 1 the work failed, 2 wrong usage, 130 interrupted (143, 129: ended by SIGTERM, SIGHUP)."""
    _make_printable()
    with _signals() as ended:
        try:
            options = _parser().parse_args(argv)
            status = int(options.run(options) or 0)
            sys.stdout.flush()
            return status
        except BrokenPipeError:
            return 0
        except KeyboardInterrupt:
            return _interrupted(ended)
        except Exception as error:  # noqa: BLE001
            return _interrupted(ended) if ended else _failed(error)
        finally:
            _let_go()


@contextlib.contextmanager
def _signals() -> Iterator[list[int]]:
    """Ctrl-C, SIGTERM and a terminal that goes away undo what is not committed; the list tells which came."""
    ended: list[int] = []

    def stop(number: int, _: FrameType | None) -> None:
        ended.append(number)
        raise KeyboardInterrupt

    wanted = [signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM)]
    usual = (signal.SIG_DFL, signal.default_int_handler)
    here = threading.current_thread() is threading.main_thread()
    before = {number: signal.getsignal(number) for number in wanted if here and signal.getsignal(number) in usual}
    try:
        for number in before:
            signal.signal(number, stop)
        yield ended
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _interrupted(ended: list[int]) -> int:
    """DuckDB makes another error of what a signal raises: `ended` has the signal."""
    return _fail("interrupted; run the command again to finish", INTERRUPTED + (ended or [signal.SIGINT])[0])


def _let_go() -> None:
    """A pipe that nobody reads, a terminal that is gone and a full disk are not written to again at the exit."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _failed(error: Exception) -> int:
    known = lacking(error) if isinstance(error, ModuleNotFoundError) else error
    if isinstance(known, ForensicsError):
        return _fail(str(known), known.status)
    return _fail(_unforeseen(error), 1)


def _unforeseen(error: Exception) -> str:
    from forensics import recovery

    said = recovery.words(error) or f"{type(error).__name__}: {error}"
    return f"{said} (FORENSICS_DEBUG=1 shows where)"


def _fail(message: str, status: int) -> int:
    from forensics.cli.terminal import remark

    with contextlib.suppress(OSError):
        if os.environ.get("FORENSICS_DEBUG") == "1":
            traceback.print_exc()
        remark(" ".join(message.split()))
    return status


def _make_printable() -> None:
    """A character that the terminal's encoding lacks is written as an escape; an output that is closed takes all."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="forensics",
        description="AWS logs into a case, and answers that cite their records.",
        epilog="Exit status: 0 done, 1 the work failed, 2 wrong usage.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for name in COMMANDS:
        module = importlib.import_module(f"{__name__}.{name}")
        command = commands.add_parser(name, help=module.ABOUT, description=module.ABOUT)
        module.arguments(command)
        command.set_defaults(run=module.run)
    return parser

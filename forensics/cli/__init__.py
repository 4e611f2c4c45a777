"""The command `forensics`: a module here for each of `COMMANDS`, with its `ABOUT`, `arguments` and `run`.

`run` returns the exit status, None meaning 0. What is heavy is imported where it is used.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
import traceback

from forensics.errors import ForensicsError
from forensics.extras import lacking

COMMANDS = (
    "new add collect load "
    "sql timeline who coverage verify show detect behaviour note "
    "sources playbooks run readiness simulate demo"
).split()
"""In the order of the help: a case and its evidence, looking into it, registries and playbooks, made-up incidents."""

INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status is 0 done, 1 the work failed, 2 wrong usage, 130 interrupted."""
    _make_printable()
    options = _parser().parse_args(argv)
    try:
        status = int(options.run(options) or 0)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _fail("interrupted; run the command again to finish", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ForensicsError as error:
        return _fail(str(error), error.status)
    except ModuleNotFoundError as error:
        missing = lacking(error)
        return _fail(str(missing or error), missing.status if missing else 1)
    except Exception as error:  # noqa: BLE001
        return _fail(f"{type(error).__name__}: {error} (FORENSICS_DEBUG=1 shows where)", 1)


def _fail(message: str, status: int) -> int:
    from forensics.cli.terminal import remark

    if os.environ.get("FORENSICS_DEBUG") == "1":
        traceback.print_exc()
    remark(" ".join(message.split()))
    return status


def _make_printable() -> None:
    """A character that the terminal's encoding lacks is written as an escape instead of failing."""
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

"""The command `forensics load`: evidence into source tables, and who and what out of them."""

from __future__ import annotations

import argparse

from forensics.cli.terminal import case_argument, open_case, progress, remark, say

ABOUT = "parse what is pending, resolve who and what; then `detect` again"

_WHY = "SELECT status, reason, uri FROM evidence WHERE reason IS NOT NULL"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)
    parser.add_argument("--workers", metavar="N", type=int, help="processes that read; default: one per processor")
    parser.add_argument(
        "--retry",
        action="store_true",
        help="read again what could not be read: bytes gone or changed, or reading them ended the loading process",
    )


def run(options: argparse.Namespace) -> None:
    """Load, and say what came of every object. Raises CaseLocked, LoadError, UsageError."""
    from forensics.detect import ran
    from forensics.load import load

    with open_case(options.case, write=True) as case, progress("load", "B") as show:
        ledger = load(case, workers=options.workers, progress=show, retry=options.retry)
        unseen = ran.remark(case)
    say(str(ledger))
    remark(unseen)
    if "unrecognised" in ledger.objects:
        say(f"events that lost their envelope load once named: forensics add {options.case} PATH --log-group NAME")
    if ledger.objects.keys() & {"partial", "rejected", "unrecognised"}:
        say(f'which and why: forensics sql {options.case} "{_WHY}"')

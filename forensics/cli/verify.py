"""The command `forensics verify`: the evidence and its custody record; CloudTrail's digests; the tables' digests."""

from __future__ import annotations

import argparse
from pathlib import Path

from forensics.cli.terminal import FORMATS, case_argument, open_case, progress, say
from forensics.errors import UsageError

ABOUT = "hash all evidence again, check it and the custody record"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)
    parser.add_argument(
        "--digests",
        action="store_true",
        help="instead: check CloudTrail's digests (signatures, chain) and the log files they list, without AWS;"
        " exit status 1 if anything is altered, missing or without a digest, or if nothing could be proved",
    )
    parser.add_argument(
        "--tables",
        action="store_true",
        help="instead: a SHA-256 of every table's rows; the same evidence gives the same ones, in any order of adding,"
        " with any number of processes",
    )
    parser.add_argument("--format", choices=FORMATS, help="with --digests: every row instead of the report")
    parser.add_argument("--out", metavar="FILE", type=Path, help="with --format: write to FILE")


def run(options: argparse.Namespace) -> int:
    """Check, and say how it stands; 1 where anything is wrong. Raises UsageError, NotACase, CaseLocked."""
    from forensics import verification

    if options.tables:
        return _tables(options)
    if options.digests or options.format or options.out:
        return _digests(options)
    with open_case(options.case, remarks=False) as case, progress("verify", "B") as show:
        found = verification.verify(case, progress=(lambda _, size: show(size, None)) if show else None)
    say(str(found))
    return 0 if found.ok else 1


def _tables(options: argparse.Namespace) -> int:
    """Digest every table, and print the list. Raises UsageError."""
    from forensics import canonical

    if options.digests or options.format or options.out:
        raise UsageError("--tables goes without --digests, --format and --out")
    with open_case(options.case) as case:
        say(str(canonical.tables(case)))
    return 0


def _digests(options: argparse.Namespace) -> int:
    """Check, and print the report or the rows; the exit status. Raises UsageError."""
    from forensics.digests import validate
    from forensics.output import write

    if not options.digests:
        raise UsageError("--format and --out are of `forensics verify CASE --digests`")
    if options.out and not options.format:
        raise UsageError("--out needs --format: table, csv, json, jsonl or parquet")
    with open_case(options.case) as case:
        report = validate(case)
    if options.format:
        write(report.table(), options.format, options.out)
    else:
        say(str(report))
    return 0 if report.ok else 1

"""The command `forensics verify --digests`: CloudTrail's digests and log files, checked from files alone."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path

from forensics.errors import UsageError


def arguments(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    """Declare what the command takes beside the case."""
    parser.add_argument(
        "--digests",
        action="store_true",
        help="instead: check CloudTrail's digests (signatures, chain) and the log files they list, without AWS;"
        " exit status 1 if anything is altered, missing or without a digest, or if nothing could be proved",
    )
    parser.add_argument("--format", choices=formats, help="with --digests: every row instead of the report")
    parser.add_argument("--out", metavar="FILE", type=Path, help="with --format: write to FILE")


def digests(options: argparse.Namespace, say: Callable[[str], None]) -> int:
    """Check, and print the report or the rows; the exit status. Raises UsageError."""
    from forensics.case import Case
    from forensics.digests import validate
    from forensics.output import write

    if not options.digests:
        raise UsageError("--format and --out are of `forensics verify CASE --digests`")
    if options.out and not options.format:
        raise UsageError("--out needs --format: table, csv, json, jsonl or parquet")
    with Case.open(options.case) as case:
        report = validate(case)
    if options.format:
        write(report.table(), options.format, options.out)
    else:
        say(str(report))
    return 0 if report.ok else 1

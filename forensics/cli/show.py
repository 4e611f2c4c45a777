"""The command `forensics show`: a record as the evidence has it."""

from __future__ import annotations

import argparse
import sys

from forensics.cli.terminal import case_argument, open_case, say

ABOUT = "print the raw record"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)
    parser.add_argument("reference", metavar="EVENT_ID|OBJECT#RECORD", help="an event id, or object id and record")


def run(options: argparse.Namespace) -> None:
    """Print it: its very bytes into a pipe, made harmless on a terminal. Raises UnknownName, EvidenceError."""
    from forensics.raw import raw_record

    with open_case(options.case) as case:
        record = raw_record(case, options.reference)
    data = record if isinstance(record, bytes) else record.encode()
    if sys.stdout.isatty():
        say(data.decode("utf-8", "backslashreplace"))
    else:
        sys.stdout.buffer.write(data if data.endswith(b"\n") else data + b"\n")

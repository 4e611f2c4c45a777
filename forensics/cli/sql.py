"""The command `forensics sql`: one statement over a case."""

from __future__ import annotations

import argparse
import sys

from forensics.cli.terminal import case_argument, open_case, output_options, write

ABOUT = "run one SQL statement; every row, no limit"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)
    parser.add_argument("query", metavar="SQL", help="the statement, or - to read it from standard input")
    output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run it. Raises QueryError, NotACase, CaseLocked."""
    with open_case(options.case) as case:
        write(case.sql(sys.stdin.read() if options.query == "-" else options.query), options)

"""The command `forensics coverage`: which hours of which source a case holds, and why not the others."""

from __future__ import annotations

import argparse

from forensics.cli.terminal import case_argument, open_case, output_options, remark, window_options, write

ABOUT = "which hours of which source the case holds, or why not"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)
    parser.add_argument("--source", metavar="S", help="of one source")
    parser.add_argument("--account", metavar="ID", help="of one account")
    parser.add_argument("--region", metavar="REGION", help="of one Region")
    window_options(parser)
    output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Write hours that say the same as one row each. Raises UnknownName, UsageError."""
    from forensics.export.covering import STRETCHES

    names = ("source", "account", "region", "start", "end")
    with open_case(options.case) as case:
        found = case.coverage(**{name: getattr(options, name) for name in names})
        write(found.select(STRETCHES), options)
        remark(str(found.badge))

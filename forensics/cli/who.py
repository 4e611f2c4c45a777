"""The command `forensics who`: who held an address, interface or key at a moment."""

from __future__ import annotations

import argparse

from forensics.cli.terminal import case_argument, open_case, say

ABOUT = "who held an address, interface or key at a moment"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)
    parser.add_argument("held", metavar="ADDRESS", help="an address, an interface (eni-…) or an access key id")
    parser.add_argument("--at", metavar="T", required=True, help="the moment: 2026-11-05T09:12:00, UTC")


def run(options: argparse.Namespace) -> None:
    """Print the card. Raises UsageError, NotACase, CaseLocked."""
    with open_case(options.case) as case:
        say(str(case.who_was(options.held, at=options.at)))

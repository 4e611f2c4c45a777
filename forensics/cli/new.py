"""The command `forensics new`: an empty case."""

from __future__ import annotations

import argparse

from forensics.cli.terminal import case_argument, say

ABOUT = "create a case directory"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)


def run(options: argparse.Namespace) -> None:
    """Make it, and begin its custody record. Raises CaseExists."""
    from forensics import custody
    from forensics.case import Case

    with Case.create(options.case) as case:
        custody.append(case.path, "new")
    say(f"created {options.case}")

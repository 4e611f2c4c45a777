"""The command `forensics demo`: from the logs of a made-up theft to the report about it."""

from __future__ import annotations

import argparse
from pathlib import Path

from forensics.cli.terminal import say

ABOUT = "a made-up theft of Lambda credentials, from logs to report"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("directory", metavar="DIR", type=Path, nargs="?", default=Path("forensics-demo"))


def run(options: argparse.Namespace) -> None:
    """Simulate, load, run the playbook, and say where the report is. Raises UsageError, PlaybookError."""
    from forensics.demo import demo

    say(f"the report is {demo(options.directory, say=say)}")

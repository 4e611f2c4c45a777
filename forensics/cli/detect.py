"""The command `forensics detect`: Sigma rules over a case, and a report of every rule."""

from __future__ import annotations

import argparse
from pathlib import Path

from forensics.cli.terminal import case_argument, open_case, output_options, remark, say, window_options

ABOUT = "run Sigma rules over the case: what fired, what could not have, and why"

SHORT = ("state", "level", "hits", "findings", "rule", "why")
"""Columns of a table that is written to a file; the other formats have all."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)
    parser.add_argument(
        "rules", metavar="RULES", type=Path, nargs="*", help="files, folders or zips of rules; default: our own"
    )
    parser.add_argument(
        "--rules", dest="folders", metavar="DIR", type=Path, action="append", default=[], help="the same; repeatable"
    )
    parser.add_argument(
        "--allow", metavar="FILE", type=Path, help="known-good principals, addresses, user_agents: a YAML file of lists"
    )
    window_options(parser)
    output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Run the rules, write the report (with --format or --out a row a rule), say on standard error how many did what."""
    from forensics.detect.told import told
    from forensics.output import write

    with open_case(options.case, write=True) as case:
        rules = [*options.rules, *options.folders]
        found = case.detect(*rules, allowed=options.allow, start=options.start, end=options.end)
    if options.format == "table" and options.out is None:
        say("\n".join(told(found)))
    else:
        write(found.rows(SHORT if options.format == "table" else ()), options.format, options.out)
    remark(f"{found}, kept in `finding` until the next detect")

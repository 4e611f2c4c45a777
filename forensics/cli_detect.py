"""The command `forensics detect`: Sigma rules over a case, and a report of every rule."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forensics.case import Case

TITLE = "run Sigma rules over the case: what fired, what could not have, and why"
FORMATS = ("table", "csv", "json", "jsonl", "parquet")
SHORT = ("state", "level", "hits", "findings", "rule", "why")
"""Columns of the table on a terminal; the other formats have all."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "rules", metavar="RULES", type=Path, nargs="*", help="files, folders or zips of rules; default: our own"
    )
    parser.add_argument(
        "--rules", dest="folders", metavar="DIR", type=Path, action="append", default=[], help="the same; repeatable"
    )
    parser.add_argument(
        "--allow", metavar="FILE", type=Path, help="known-good principals, addresses, user_agents: a YAML file of lists"
    )
    parser.add_argument("--from", dest="start", metavar="T", help="not before: 2026-11-05 or 2026-11-05T09:12, UTC")
    parser.add_argument("--to", dest="end", metavar="T", help="before: 2026-11-05 or 2026-11-05T09:12, UTC")
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: %(default)s")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write to FILE instead of standard output")


def run(options: argparse.Namespace) -> None:
    """Run the rules, write the report, and say on standard error how many did what."""
    import sys

    from forensics.case import Case
    from forensics.output import write

    with Case.open(options.case, read_only=False) as case:
        rules = [*options.rules, *options.folders]
        found = case.detect(*rules, allowed=options.allow, start=options.start, end=options.end)
    write(found.rows(SHORT if options.format == "table" else ()), options.format, options.out)
    print(f"{found}, kept in `finding` until the next detect", file=sys.stderr)


def unseen(case: Case) -> str:
    """One line on what rules and behaviours have not looked at in a case; "" where they have looked at all."""
    from forensics.detect import ran

    return ran.remark(case)

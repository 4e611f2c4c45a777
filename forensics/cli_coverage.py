"""The command `coverage`, and what `timeline` says of the window it was asked for."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forensics.case import Case, Query
    from forensics.covered import Coverage
    from forensics.timeline import Timeline


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--source", metavar="S", help="of one source")
    parser.add_argument("--account", metavar="ID", help="of one account")
    parser.add_argument("--region", metavar="REGION", help="of one Region")
    parser.add_argument("--from", dest="start", metavar="T", help="not before: 2026-11-05 or 2026-11-05T09:12, UTC")
    parser.add_argument("--to", dest="end", metavar="T", help="before: 2026-11-05 or 2026-11-05T09:12, UTC")


def asked(case: Case, options: argparse.Namespace) -> tuple[Query, Coverage]:
    """Hours that say the same as one row each, and the coverage they are of. Raises UnknownName, UsageError."""
    from forensics.export.covering import STRETCHES

    names = ("source", "account", "region", "start", "end")
    found = case.coverage(**{name: getattr(options, name) for name in names})
    return found.select(STRETCHES), found


def of_timeline(timeline: Timeline) -> str | None:
    """What to say of a timeline's window: what an empty one means, or what of it was not logged; None if all was."""
    found = timeline.coverage()
    if not timeline.count():
        return found.remark(empty=True)
    return None if found.badge.word == "logged" else found.remark(empty=False)


def remark(text: str | None) -> None:
    """A line beside the answer, on standard error."""
    from forensics.output import visible

    if text:
        print(f"forensics: {visible(text)}", file=sys.stderr)

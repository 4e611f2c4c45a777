"""The command `forensics timeline`: events in order of time, narrowed as asked, and what of their window was logged."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from forensics.cli.terminal import case_argument, open_case, output_options, remark, window_options, write

if TYPE_CHECKING:
    from forensics.timeline import Timeline

ABOUT = "events in order of time"
FORMATS = ("table", "csv", "jsonl", "parquet", "timesketch")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)
    parser.add_argument("--principal", metavar="P", help="calls of an IAM ARN, unique id or name")
    parser.add_argument("--workload", metavar="W", help="events of a workload, by ARN or name")
    parser.add_argument("--resource", metavar="R", help="events about an ARN or id")
    parser.add_argument("--access-key", metavar="K", help="events of an access key id")
    parser.add_argument("--address", metavar="A", help="events from or to an address, as recorded")
    parser.add_argument("--source", metavar="S", help="events of one source")
    window_options(parser)
    output_options(parser, FORMATS)


def run(options: argparse.Namespace) -> None:
    """Write the events; on standard error what was left out or not logged. Raises UnknownName, UsageError."""
    from forensics import export
    from forensics.detect import ran
    from forensics.timeline import Timeline

    with open_case(options.case) as case:
        timeline = Timeline(case).between(options.start, options.end)
        for name in ("principal", "workload", "resource", "access_key", "address", "source"):
            if (value := getattr(options, name)) is not None:
                timeline = getattr(timeline, name)(value)
        if options.format == "timesketch":
            untimed = int(timeline.select(export.UNTIMED).rows()[0][0])
            if untimed:
                print(f"forensics: {untimed} events without a time are left out", file=sys.stderr)
            options.format = "csv" if options.out and options.out.suffix == ".csv" else "jsonl"
            write(timeline.select(export.TIMESKETCH), options)
        else:
            write(timeline.select(export.SHORT) if options.format == "table" else timeline.query, options)
        remark(_logged(timeline))
        remark(ran.remark(case))


def _logged(timeline: Timeline) -> str | None:
    """What an empty timeline means, or what of the window was not logged; None if all was."""
    found = timeline.coverage()
    if not timeline.count():
        return found.remark(empty=True)
    return None if found.badge.word == "logged" else found.remark(empty=False)

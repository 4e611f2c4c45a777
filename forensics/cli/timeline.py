"""The command `timeline`: events in order of time on the terminal, or exported, with what the export left out."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.cli.terminal import case_argument, open_case, remark, window_options
from forensics.export import formats

if TYPE_CHECKING:
    from forensics.export import Exported
    from forensics.timeline import Timeline

ABOUT = "events in order of time, or exported"

NARROWING = ("principal", "workload", "resource", "access_key", "address", "source", "tagged")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "formats:\n" + "\n".join(f"  {name:<12}{form.title}" for name, form in formats().items())
    parser.add_argument("--principal", metavar="P", help="calls of an IAM ARN, unique id or name")
    parser.add_argument("--workload", metavar="W", help="events of a workload, by ARN or name")
    parser.add_argument("--resource", metavar="R", help="events about an ARN or id")
    parser.add_argument("--access-key", metavar="K", help="events of an access key id")
    parser.add_argument("--address", metavar="A", help="events from or to an address, as recorded")
    parser.add_argument("--source", metavar="S", help="events of one source")
    parser.add_argument("--tag", dest="tagged", metavar="T", help="events with that tag of a responder's")
    window_options(parser)
    parser.add_argument("--format", choices=("table", *formats()), default="table", help="default: %(default)s")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write to FILE (ocsf: a folder), and FILE.about.json")
    parser.add_argument("--overwrite", action="store_true", help="replace what --out names")
    parser.add_argument("--raw", action="store_true", help="with the records as in the evidence: ocsf only")


def run(options: argparse.Namespace) -> None:
    """Print or export the events; say on standard error what is not in them."""
    from forensics.timeline import Timeline

    with open_case(options.case) as case:
        timeline = Timeline(case).between(options.start, options.end)
        for name in NARROWING:
            if (value := getattr(options, name)) is not None:
                timeline = getattr(timeline, name)(value)
        if options.format == "table":
            _table(timeline, options)
        else:
            _export(timeline, options)


def _table(timeline: Timeline, options: argparse.Namespace) -> None:
    from forensics.detect import ran
    from forensics.export.hits import SHORT
    from forensics.output import Rows, write

    write(Rows.of(timeline.select(SHORT)), options.format, options.out)
    remark(_logged(timeline))
    remark(ran.remark(timeline.case))


def _export(timeline: Timeline, options: argparse.Namespace) -> None:
    from forensics.export import export, stream

    if options.out is None:
        sys.stdout.flush()
        _remark(stream(timeline, sys.stdout.buffer, format=options.format, raw=options.raw))
        return
    done = export(timeline, options.out, format=options.format, raw=options.raw, overwrite=options.overwrite)
    for line in str(done).split("\n"):
        remark(line)
    _remark(done)
    remark(f"all this is in {done.about}")


def _remark(done: Exported) -> None:
    for line in done.remarks:
        remark(line)


def _logged(timeline: Timeline) -> str | None:
    """What an empty timeline means, or what of the window was not logged; None if all was."""
    found = timeline.coverage()
    if not timeline.count():
        return found.remark(empty=True)
    return None if found.badge.word == "logged" else found.remark(empty=False)

"""The command `forensics coverage`: which hours of which source a case holds, and why not the others."""

from __future__ import annotations

import argparse

from forensics.cli.terminal import case_argument, open_case, output_options, remark, window_options, write

READABLE = 250_000
"""Hours of logs, accounts and Regions in all, up to which a table on a terminal has a row for each stretch of them."""

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
    """Write hours that say the same as one row each, of very many a row for each place. Raises UnknownName, UsageError."""
    from forensics.export.covering import PLACES, STRETCHES

    names = ("source", "account", "region", "start", "end")
    with open_case(options.case) as case:
        found = case.coverage(**{name: getattr(options, name) for name in names})
        (hours,) = found.select("SELECT count(*) FROM covered").rows()[0]
        whole = options.format != "table" or hours <= READABLE
        write(found.select(STRETCHES if whole else PLACES), options)
        remark(str(found.badge))
        remark(None if whole else _SHORTENED.format(hours=hours))


_SHORTENED = (
    "a row for each log, account and Region, as these are {hours:,} hours: for a row for each stretch that says the same,"
    " narrow with --source, --account, --region, --from or --to, or write --format csv"
)

"""The command `forensics sources`: the log sources this version reads."""

from __future__ import annotations

import argparse

from forensics.cli.terminal import output_options, say

ABOUT = "the log sources this version reads"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("source", metavar="SOURCE", nargs="?", help="show the columns of that one")
    output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Print them, or the columns of one. Raises UnknownName."""
    from forensics import catalogue
    from forensics.output import write

    if options.source:
        write(catalogue.columns(options.source), options.format, options.out)
    elif options.format == "table" and options.out is None:
        say(catalogue.cards())
    else:
        write(catalogue.listed(), options.format, options.out)

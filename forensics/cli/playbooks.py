"""The command `forensics playbooks`: which there are, one question each."""

from __future__ import annotations

import argparse

from forensics.cli.terminal import output_options

ABOUT = "the playbooks: one question each"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    output_options(parser)


def run(options: argparse.Namespace) -> None:
    """List them."""
    from forensics.output import Rows, write
    from forensics.playbook import playbooks

    known = list(playbooks().values())
    rows = Rows.table(
        playbook=[item.name for item in known],
        question=[item.question for item in known],
        sources=[", ".join(item.sources) for item in known],
    )
    write(rows, options.format, options.out)

"""The command `forensics simulate`: a made-up incident, and the truth about it."""

from __future__ import annotations

import argparse
from pathlib import Path

from forensics.cli.terminal import say

ABOUT = "write a made-up incident: logs, and truth.json"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("scenario", metavar="SCENARIO", help="for example lambda-credential-theft")
    parser.add_argument("out", metavar="OUT", type=Path, help="an empty or new directory")
    parser.add_argument("--seed", metavar="N", type=int, default=7, help="default: %(default)s")
    parser.add_argument("--scale", metavar="S", type=float, default=1.0, help="amount of benign noise")


def run(options: argparse.Namespace) -> None:
    """Write it, and print where the logs and the truth are. Raises UnknownName, UsageError."""
    from forensics.simulate import simulate

    truth = simulate(options.scenario, options.out, seed=options.seed, scale=options.scale)
    say(f"{truth.parent / 'logs'}\n{truth}")

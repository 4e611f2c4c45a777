"""The command `forensics run`: one playbook, or all that fit a finding."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from forensics.cli.terminal import Show, open_case, progress, say
from forensics.errors import PlaybookError, UsageError

ABOUT = "run a playbook: report.html, notebook.ipynb, findings.json"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "playbook", metavar="PLAYBOOK", nargs="?", help="its name (see `forensics playbooks`), or a notebook"
    )
    parser.add_argument(
        "--all", metavar="FINDING_ID", help="instead of one: all that fit this finding, each under its name"
    )
    parser.add_argument("--case", metavar="CASE", type=Path, required=True, help="the case directory")
    parser.add_argument("--out", metavar="DIR", type=Path, required=True, help="where the report goes")
    parser.add_argument(
        "-p",
        dest="parameters",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="a parameter; repeatable",
    )
    parser.add_argument(
        "--jobs", metavar="N", type=int, default=2, help="with --all, how many at once; default: %(default)s"
    )
    parser.add_argument("--timeout", metavar="SECONDS", type=float, help="what a cell may take; default: no limit")
    parser.add_argument("--pdf", action="store_true", help="also print report.pdf, by a Chromium that is installed")
    parser.add_argument(
        "--geoip",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        help="a MaxMind file (.mmdb: country, city, ASN) that says where addresses are; repeatable",
    )
    parser.add_argument("--ip-ranges", metavar="FILE", type=Path, help="AWS's ip-ranges.json, to know its addresses")


def run(options: argparse.Namespace) -> None:
    """Run the one that is named, or all that fit the finding. Raises UsageError, PlaybookError."""
    if options.all is not None:
        _run_all(options)
        return
    with progress("run", "cell") as show:
        say(_run_one(options, show))


def _manner(options: argparse.Namespace) -> dict[str, Any]:
    names = ("timeout", "pdf", "geoip", "ip_ranges")
    return {name: getattr(options, name) for name in names}


def _run_one(options: argparse.Namespace, show: Show | None) -> str:
    """Run the one that is named; what it left, a path a line. Raises UsageError, PlaybookError."""
    from forensics.playbook import name_and_value, playbook

    if not options.playbook:
        raise UsageError("name a playbook, or give --all FINDING_ID; `forensics playbooks` lists them")
    given = dict(map(name_and_value, options.parameters))
    how = _manner(options)
    return str(playbook(options.playbook).run(options.case, given, options.out, progress=show, **how))


def _run_all(options: argparse.Namespace) -> None:
    """Run all that fit the finding, a line for each as it ends. Raises UsageError, PlaybookError if any stopped."""
    from forensics.fitting import described, fitting, run_several

    if options.playbook or options.parameters:
        raise UsageError("with --all neither a playbook nor parameters are given: the finding chooses both")
    with open_case(options.case) as case:
        chosen = fitting(case, options.all)
    how = {"jobs": options.jobs, **_manner(options)}
    found = run_several(options.case, chosen, options.out, done=lambda item: say(*described([item])), **how)
    if stopped := [item.name for item in found if not item.result]:
        raise PlaybookError(f"{len(stopped)} of {len(found)} playbooks stopped: {', '.join(stopped)}")

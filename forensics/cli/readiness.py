"""The command `forensics readiness`: which logs are on, what could not be answered, and a plan to review."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from forensics.cli.aws_options import aws_of, aws_options
from forensics.cli.terminal import progress, remark
from forensics.errors import ForensicsError, UsageError

if TYPE_CHECKING:
    from forensics.case import Case
    from forensics.readiness.report import Report

FORMATS = ("table", "json", "html")
PLANS = ("terraform", "cli")
ABOUT = "which logs an account has on, what an incident could not be answered, what to switch on; changes nothing"

_POLICY = (
    "The policy that the caller, or the role in each account, needs: forensics collect CASE readiness --print-policy;"
    " for an organisation also organizations:ListAccounts and sts:AssumeRole."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.epilog = _POLICY
    parser.add_argument("--case", metavar="CASE", type=Path, help="keep the answers as evidence in this case")
    parser.add_argument("--offline", action="store_true", help="ask nothing: judge what the case holds")
    parser.add_argument(
        "--regions", metavar="all|R,…", default="all", help="Regions, parted by commas; default: all that are enabled"
    )
    parser.add_argument(
        "--organization-role", metavar="NAME", default="", help="ask every account of the organisation by this role"
    )
    parser.add_argument("--format", choices=FORMATS, default="table", help="default: %(default)s")
    parser.add_argument("--plan", choices=PLANS, help="instead: what to switch on, as text to review")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write to FILE instead of standard output")
    aws_options(parser)


def run(options: argparse.Namespace) -> int:
    """Ask, judge and show; 1 where something went wrong as a whole. Raises UsageError, AwsError."""
    if options.offline and not options.case:
        raise UsageError("--offline judges the answers that a case holds: give --case CASE")
    with _case(options) as case:
        problems = [] if options.offline else _ask(case, options)
        _write(_report(case), options)
    for line in problems:
        remark(line)
    return 1 if problems else 0


@contextmanager
def _case(options: argparse.Namespace) -> Iterator[Case]:
    from forensics.case import DATABASE, Case

    if not options.case:
        with TemporaryDirectory(prefix="readiness-") as place, Case.create(Path(place) / "case") as case:
            yield case
    elif options.offline or (options.case / DATABASE).exists():
        with Case.open(options.case, read_only=options.offline) as case:
            yield case
    else:
        with Case.create(options.case) as case:
            yield case


def _ask(case: Case, options: argparse.Namespace) -> list[str]:
    from forensics.readiness.live import ask

    regions = [name.strip() for name in options.regions.split(",") if name.strip()]
    with progress("readiness", "call") as show:
        return ask(case, aws_of(options), regions=regions, role=options.organization_role, progress=show)


def _report(case: Case) -> Report:
    from forensics.readiness.report import Report

    found = Report.of(case)
    if not found.rows:
        raise ForensicsError(
            f"the case {case.path} holds no answers of AWS's APIs: `forensics readiness --case {case.path}` asks for them"
        )
    return found


def _write(report: Report, options: argparse.Namespace) -> None:
    made = _rendered(report, options)
    if options.out is None:
        print(made)
        return
    try:
        options.out.write_text(f"{made}\n", "utf-8")
    except OSError as error:
        raise ForensicsError(f"cannot write {options.out}: {error.strerror or error}") from error


def _rendered(report: Report, options: argparse.Namespace) -> str:
    if options.plan:
        from forensics.readiness.plan import plan

        return plan(report).text(options.plan)
    if options.format == "json":
        from forensics.readiness.report import json_text

        return json_text(report)
    if options.format == "html":
        from forensics.readiness.html import html

        return html(report)
    from forensics.readiness.text import text

    return text(report)

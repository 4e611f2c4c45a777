"""The command `forensics add`: evidence from this machine, or from S3."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from forensics.cli.aws_options import aws_of, aws_options
from forensics.cli.terminal import Show, case_argument, open_case, progress, say
from forensics.errors import UsageError

if TYPE_CHECKING:
    from forensics.acquire.s3 import Asked, Outcome
    from forensics.acquire.s3.plan import Plan
    from forensics.case import Case
    from forensics.source import LogStream

ABOUT = "take in evidence: copied, hashed, recorded in custody"

_S3 = ("start", "end", "accounts", "regions", "sources", "plan", "versions", "requester_pays", "jobs")
_AWS = ("profile", "role", "endpoint_url")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)
    parser.add_argument(
        "path", metavar="PATH", nargs="+", help="a file, a folder, a zip or tar archive; or s3://BUCKET/PREFIX"
    )
    parser.add_argument("--in-place", action="store_true", help="reference files where they are, copy nothing")
    parser.add_argument(
        "--log-group",
        metavar="NAME",
        help="the events there are of that CloudWatch log group: an export does not say it",
    )
    parser.add_argument("--log-stream", metavar="NAME", help="and of that stream")
    parser.add_argument("--account", metavar="ID", help="account of the log group: 12 digits")
    parser.add_argument("--region", metavar="REGION", help="Region of the log group; with s3://, the Region to ask too")
    _s3_options(parser)
    aws_options(parser, region=False)


def _s3_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("with s3://BUCKET/PREFIX: what to take")
    group.add_argument(
        "--from", dest="start", metavar="T", help="events not before: 2026-11-05 or 2026-11-05T09:12, UTC"
    )
    group.add_argument("--to", dest="end", metavar="T", help="events before that time; late delivery is allowed for")
    group.add_argument("--accounts", metavar="IDS", help="only these, with commas between")
    group.add_argument("--regions", metavar="REGIONS", help="only these, with commas between")
    group.add_argument("--sources", metavar="SOURCES", help="only these (see `forensics sources`), with commas between")
    group.add_argument(
        "--plan", action="store_true", help="say what there is, what it costs and how long it takes; stop"
    )
    group.add_argument("--versions", action="store_true", help="also older versions and delete markers")
    group.add_argument("--requester-pays", action="store_true", help="this caller pays what the bucket's requests cost")
    group.add_argument("--jobs", metavar="N", type=int, help="requests at once; default: 32")


def run(options: argparse.Namespace) -> int:
    """Take in all that is named. Raises UsageError, EvidenceError, AwsError."""
    remote = [path for path in options.path if path.startswith("s3://")]
    if not remote:
        _refuse(options, (*_S3, *_AWS), "goes with s3://BUCKET/PREFIX, not with what is on this machine")
        return _add_local(options)
    if len(remote) < len(options.path):
        raise UsageError("give either places in S3 or paths of this machine: their options differ")
    _refuse(options, ("in_place",), "goes with what is on this machine, not with s3://")
    if options.jobs is not None and not 1 <= options.jobs <= 256:
        raise UsageError(f"--jobs is from 1 to 256, not {options.jobs}")
    _stream(options)
    asked = [_asked(options, place) for place in remote]
    with open_case(options.case, write=not options.plan) as case:
        for one in asked:
            _add_s3(options, case, one)
    return 0


def _add_local(options: argparse.Namespace) -> int:
    from forensics import evidence, naming

    stream = naming.stated(options.log_group, options.log_stream, options.account, options.region)
    with open_case(options.case, write=True) as case, progress("add", "B") as show:
        total = evidence.Added()
        for path in options.path:
            before = total.bytes
            later = (lambda _, size, show=show, before=before: show(before + size, None)) if show else None
            total += evidence.add(case, path, in_place=options.in_place, stream=stream, progress=later)
    say(str(total))
    return 0


def _add_s3(options: argparse.Namespace, case: Case, asked: Asked) -> None:
    from forensics import naming
    from forensics.acquire import s3

    stream = _stream(options)
    aws, how = aws_of(options), s3.Manner(jobs=options.jobs or s3.JOBS)
    if options.plan:
        with progress("list", "key") as show:
            plan = s3.planned(case, aws, asked, s3.Manner(jobs=how.jobs, listing=_counted(show)))
        say(str(plan))
        return
    with contextlib.ExitStack() as bars:
        listing = _counted(bars.enter_context(progress("list", "key")))
        later: list[Callable[[int, int], None]] = []

        def planned(plan: Plan) -> None:
            bars.close()
            say(f"{plan}\n")
            if bar := bars.enter_context(progress("add", "B")):
                later.append(lambda _, size: bar(size, plan.bytes))

        def fetched(objects: int, size: int) -> None:
            for show in later:
                show(objects, size)

        manner = s3.Manner(jobs=how.jobs, listing=listing, planned=planned, progress=fetched)
        outcome = s3.acquire(case, aws, asked, command=_command(options, asked), manner=manner)
    if stream:
        naming.name(case, asked.uri.rstrip("/"), stream)
    _report(outcome, options)


def _stream(options: argparse.Namespace) -> LogStream | None:
    """What was stated of the events; a Region alone is where to ask."""
    from forensics import naming

    region = options.region if options.log_group else None
    return naming.stated(options.log_group, options.log_stream, options.account, region)


def _counted(show: Show | None) -> Callable[[int], None] | None:
    return (lambda count: show(count, None)) if show else None


def _report(outcome: Outcome, options: argparse.Namespace) -> None:
    say(str(outcome))
    if outcome.added.rejected or outcome.problems:
        query = "SELECT reason, uri FROM evidence WHERE status = 'rejected'"
        say(f'which and why: forensics sql {options.case} "{query}"; the same command tries them again')


def _asked(options: argparse.Namespace, uri: str) -> Asked:
    from forensics.acquire import s3
    from forensics.timeline import parse_time

    def listed(text: str | None) -> frozenset[str]:
        return frozenset(item.strip() for item in (text or "").split(",") if item.strip())

    bucket, prefix = s3.place(uri)
    return s3.Asked(
        bucket,
        prefix,
        start=parse_time(options.start) if options.start else None,
        end=parse_time(options.end) if options.end else None,
        accounts=listed(options.accounts),
        regions=listed(options.regions),
        sources=listed(options.sources),
        versions=options.versions,
        requester_pays=options.requester_pays,
    )


def _command(options: argparse.Namespace, asked: Asked) -> str:
    given: dict[str, Any] = {"from": options.start, "to": options.end, "accounts": options.accounts}
    given |= {"regions": options.regions, "sources": options.sources, "profile": options.profile, "role": options.role}
    flags = [f"--{name.replace('_', '-')}" for name in ("versions", "requester_pays") if getattr(options, name)]
    return " ".join(["add", asked.uri, *(f"--{name} {value}" for name, value in given.items() if value), *flags])


def _refuse(options: argparse.Namespace, names: tuple[str, ...], why: str) -> None:
    spelled = {"start": "from", "end": "to"}
    given = [f"--{spelled.get(name, name).replace('_', '-')}" for name in names if getattr(options, name)]
    if given:
        raise UsageError(f"{', '.join(given)} {why}")

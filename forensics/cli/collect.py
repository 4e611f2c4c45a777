"""The command `forensics collect`: what AWS's APIs tell, as evidence; and the policy that it needs."""

from __future__ import annotations

import argparse
import json
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from forensics.cli.aws_options import aws_of, aws_options
from forensics.cli.terminal import progress, say
from forensics.errors import UsageError

if TYPE_CHECKING:
    from forensics.acquire.calls import Call
    from forensics.acquire.collect import Collected
    from forensics.acquire.sets import Set
    from forensics.acquire.step import Step, Wanted

ABOUT = "ask AWS's APIs, keep what they answer"
SETS = "account ecs eks lambda"
EPILOG = """sets for incidents: account (all that exists); lambda --function NAME; ecs --task ARN or --cluster NAME;
eks --cluster NAME. Nothing is changed in AWS. Values of environment variables are not kept, their names are."""
SHOWN = 20
"""Lines about troubles that are printed; all are in the table `acquisition` and in the custody record."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.epilog = EPILOG
    parser.add_argument("case", metavar="CASE", nargs="?", help="the case directory; not for --print-policy")
    parser.add_argument("set", metavar="SET", nargs="?", help=f"what is collected: {SETS}, or a step by its name")
    parser.add_argument(
        "--regions", metavar="REGION", nargs="+", default=[], help="default: the profile's; `all`: those enabled"
    )
    parser.add_argument("--from", dest="start", metavar="T", help="records not before: 2026-11-05T09:12, UTC")
    parser.add_argument("--to", dest="end", metavar="T", help="records before: 2026-11-05T09:12, UTC")
    _named(parser)
    _policy(parser)
    aws_options(parser)


def _named(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("what it is about")
    for option, metavar, what in (
        ("--function", "NAME[:VERSION]", "a Lambda function"),
        ("--task", "ARN", "an ECS task, by ARN, or by id with --cluster"),
        ("--cluster", "NAME", "a cluster of ECS or EKS"),
    ):
        group.add_argument(option, metavar=metavar, action="append", default=[], help=f"{what}; repeatable")
    group.add_argument("--log-groups", metavar="PATTERN", nargs="+", default=[], help="log groups: names, or with *")
    group.add_argument(
        "--request-ids", metavar="FILE|ID", nargs="+", default=[], help="requests: ids, or a file with one a line"
    )
    group.add_argument(
        "--resources", metavar="TYPE/ID", nargs="+", default=[], help="resources, as AWS Config names them"
    )
    group.add_argument(
        "--lookup", metavar="NAME=VALUE", nargs="+", default=[], help="events of CloudTrail: AccessKeyId=…, Username=…"
    )
    group.add_argument("--with-code", action="store_true", help="also the code packages of functions and layers")


def _policy(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("the policy that the caller needs")
    group.add_argument("--print-policy", action="store_true", help="print it, and ask AWS nothing")
    group.add_argument("--bucket", metavar="S3URI", action="append", default=[], help="with evidence in that bucket")
    group.add_argument(
        "--kms-key", metavar="ARN", action="append", default=[], help="that its objects are encrypted with"
    )


def run(options: argparse.Namespace) -> int:
    """Collect, or print the policy; 1 where the collection ended before its end."""
    if options.print_policy:
        print(json.dumps(_document(options), indent=2))
        return 0
    if not options.case or not options.set:
        raise UsageError(f"say which case and what: forensics collect CASE SET, SET one of {', '.join(SETS.split())}")
    return _collect(options)


def wanted_of(options: argparse.Namespace) -> Wanted:
    """What the options ask for. Raises UsageError."""
    from forensics.acquire.step import Wanted

    start, end = _moment("--from", options.start), _moment("--to", options.end)
    if start and end and start >= end:
        raise UsageError(f"--from {options.start} is not before --to {options.end}")
    return Wanted(
        start=start,
        end=end,
        log_groups=tuple(options.log_groups),
        request_ids=tuple(_lines(options.request_ids)),
        resources=tuple(options.resources),
        lookup=tuple(options.lookup),
        functions=tuple(options.function),
        tasks=tuple(options.task),
        clusters=tuple(options.cluster),
        with_code=options.with_code,
    )


def _moment(option: str, said: str | None) -> datetime | None:
    if said is None:
        return None
    try:
        found = datetime.fromisoformat(said)
    except ValueError:
        raise UsageError(f"{option} {said!r} is no time: give 2026-11-05 or 2026-11-05T09:12, UTC") from None
    if offset := found.utcoffset():
        found -= offset
    return found.replace(tzinfo=None)


def _lines(given: Iterable[str]) -> Iterator[str]:
    """Each id; of a file, its lines."""
    for said in given:
        if not Path(said).is_file():
            yield said
            continue
        try:
            yield from filter(None, map(str.strip, Path(said).read_text("utf-8").splitlines()))
        except (OSError, ValueError) as error:
            raise UsageError(f"{said}: no ids can be read from it: {error}") from None


def _steps(chosen: Set, wanted: Wanted) -> list[Step]:
    from forensics.acquire.sets import steps

    return [steps()[name] for name in chosen.steps_for(wanted)]


def _document(options: argparse.Namespace) -> dict[str, object]:
    from forensics.acquire import policy
    from forensics.acquire.sets import named, sets

    wanted, said = wanted_of(options), options.set or options.case
    chosen = [named(said)] if said else [] if options.bucket else list(sets().values())
    narrowed = [(item, item.narrowed(wanted)) for item in chosen]
    allowed = [policy.of_set(item, its, _steps(item, its)) for item, its in narrowed]
    return policy.document([*allowed, *(policy.of_bucket(uri, options.kms_key) for uri in options.bucket)])


def _collect(options: argparse.Namespace) -> int:
    from forensics.acquire.collect import chosen_regions, collect
    from forensics.acquire.sets import named
    from forensics.case import Case

    chosen, aws = named(options.set), aws_of(options)
    wanted = chosen.narrowed(wanted_of(options))
    if wanted.request_ids and not wanted.log_groups:
        raise UsageError("request ids are looked for in log groups: give --log-groups too")
    asked: list[Call | Step] = [*chosen.of(wanted), *_steps(chosen, wanted)]
    with Case.open(options.case, read_only=False) as case:
        regions = chosen_regions(aws, options.regions or _regions(wanted))
        for note in chosen.check(aws, regions, wanted):
            say(note)
        if left := set(chosen.records) - set(chosen.steps_for(wanted)):
            say(f"without --from T no records are asked for: {', '.join(sorted(left))}")
        with progress("collect", "call") as show:
            done = collect(
                case, aws, asked, regions=regions, wanted=wanted, command=f"collect {chosen.name}", progress=show
            )
    _report(done, options)
    done.check()
    return 0


def _regions(wanted: Wanted) -> list[str]:
    """The Regions of the ARNs that are named."""
    arns = [said.split(":") for said in (*wanted.functions, *wanted.tasks, *wanted.clusters) if said.startswith("arn:")]
    return list(dict.fromkeys(parts[3] for parts in arns if len(parts) > 5))


def _lost(problems: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """A line for each operation and error; the place, of several the first."""
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for problem in problems:
        what, place = _place(problem["what"])
        groups.setdefault((what, problem["code"]), []).append((place, problem["message"]))
    for (what, code), places in groups.items():
        place, message = places[0]
        more = f" and {len(places) - 1} more" if len(places) > 1 else ""
        said = textwrap.shorten(message, 160, placeholder=" …")
        yield f"not had: {what}, {place}{more}: {code}{': ' if said else ''}{said}"


def _place(what: str) -> tuple[str, str]:
    """Of a uri the service and operation, and the Region with the parameters."""
    if not what.startswith("aws://"):
        return what, "as said"
    _, region, service, operation, *rest = [*what.removeprefix("aws://").split("/"), "", "", ""]
    said = [unquote(part) for part in rest if part and not re.fullmatch(r"\d{8}T\d{12}Z|-", part)]
    return f"{service} {operation}", textwrap.shorten(" ".join([region, *said]), 120, placeholder=" …")


def _report(done: Collected, options: argparse.Namespace) -> None:
    from forensics.output import Rows, write

    named = sorted(done.tallies.items())
    rows = Rows.table(
        service=[service or "-" for (service, _), _ in named],
        operation=[operation for (_, operation), _ in named],
        pages=[tally.pages for _, tally in named],
        items=[tally.items if service else None for (service, _), tally in named],
        refused=[tally.refused for _, tally in named],
    )
    write(rows, "table", None)
    say(f"{done.outcome}: {done.added}")
    if code := done.tallies.get(("", "lambda-code")):
        wrong = sum(problem["code"] == "CodeSha256" for problem in done.problems)
        said = f"{wrong} of them with another SHA-256 than" if wrong else "each with the SHA-256 that"
        say(f"{code.pages} code packages, {said} Lambda says")
    lost = list(_lost(done.problems))
    for line in lost[:SHOWN]:
        say(line)
    if len(lost) > SHOWN:
        say(f"… and {len(lost) - SHOWN} more: SELECT problems FROM acquisition")
    if any(problem["kind"] == "denied" for problem in done.problems):
        say(f"what the caller needs: forensics collect --print-policy {options.set}")
    say(f"next: forensics load {options.case}")
    sys.stdout.flush()

"""The command `forensics behaviour`: what behaviours find in a case, and what kept those from looking that could not."""

from __future__ import annotations

import argparse
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from forensics.attack import VERSION
from forensics.cli.terminal import case_argument, open_case, output_options, say

if TYPE_CHECKING:
    from forensics.behaviour.behaviour import Behaviour
    from forensics.behaviour.report import Hit, Report

ABOUT = "what stands out without a rule: new, rare, regular, much"

WIDTH = 110
"""Characters of a line."""

SHOWN = 50
"""Hits printed for reading, the most severe; `--format` gives all that are kept."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)
    parser.add_argument("names", metavar="NAME", nargs="*", help="those behaviours only; then nothing is stored")
    parser.add_argument(
        "--no-store", action="store_true", help="only print: leave the findings of the case as they are"
    )
    parser.add_argument(
        "--about", action="store_true", help="instead: what each behaviour asks, compares with, and mistakes"
    )
    parser.add_argument(
        "--geoip", metavar="FILE", type=Path, action="append", default=[], help="a MaxMind file (.mmdb) with cities"
    )
    parser.add_argument("--ip-ranges", metavar="FILE", type=Path, help="AWS's ip-ranges.json, to know its addresses")
    output_options(parser)


def run(options: argparse.Namespace) -> None:
    """Look, store, print. Raises UnknownName, NotACase, CaseLocked, UsageError."""
    from forensics.behaviour import behaviour, behaviours, find
    from forensics.geography import read_geography

    chosen = [behaviour(name) for name in options.names] or list(behaviours().values())
    if options.about:
        say("\n\n".join(map(card, chosen)))
        return
    geography = read_geography(options.geoip, options.ip_ranges)
    store = not (options.names or options.no_store)
    with open_case(options.case, write=store) as case:
        report = find(case, options.names, geography=geography)
        stored = report.store(case) if store else None
    if options.format == "table" and options.out is None:
        say("\n".join(told(report)))
        if stored is not None:
            say(f"\n{stored} stored as findings of source behaviour; those of before are replaced")
    else:
        _write(report, options)


def _write(report: Report, options: argparse.Namespace) -> None:
    from forensics.output import Rows, write

    frame = report.df()
    write(Rows.table(**{name: list(frame[name]) for name in frame.columns}), options.format, options.out)


def told(report: Report) -> Iterator[str]:
    """Lines: a summary of all behaviours, then the hits with their reasons, the most severe first."""
    for item in report.looked:
        found = f"{item.count} found, {item.strong} of severity 5 or more" if item.count else item.state
        yield f"{item.behaviour.name:<17} {found}{f' ({item.why})' if item.why else ''}"
    for hit in report.hits[:SHOWN]:
        yield ""
        yield from _hit(hit)
    if len(report.hits) > SHOWN:
        yield f"\n… {len(report.hits) - SHOWN} more, none more severe: --format jsonl gives all"


def _hit(hit: Hit) -> Iterator[str]:
    yield f"{hit.severity:g}  {hit.behaviour}: {hit.title}"
    who = " · ".join(part for part in (hit.principal, hit.access_key_id, hit.workload, *hit.resources[:2]) if part)
    when = f"{hit.time:%Y-%m-%d %H:%M:%S}Z" if hit.time else "at an unknown time"
    yield f"   {when}  {who}".rstrip()
    for reason in hit.reasons:
        yield from textwrap.wrap(
            reason, WIDTH, initial_indent="   - ", subsequent_indent="     ", break_long_words=False
        )
    shown = f"first of {hit.evidence_count} records: " if hit.evidence_count > 1 else "record: "
    yield f"   {shown}{hit.evidence_event_ids[0] if hit.evidence_event_ids else 'none'}"


def card(item: Behaviour) -> str:
    """A behaviour as a few lines for reading."""
    said = [("asks", item.question), ("needs", " or ".join((", ".join(item.sources), *item.instead)))]
    said += [("past", f"{item.past:g} hours in the logs before a hit")] if item.past else []
    said += [("severity", item.severity)]
    said += [("compares with", f"{one.name} = {one.value:g}: {one.why}") for one in item.constants]
    said += [("mistakes", text) for text in item.false_positives]
    said += [("ATT&CK", f"{item.technique} (version {VERSION})"), ("look at next", f"forensics run {item.playbook}")]
    lines = [item.name]
    last = ""
    for word, text in said:
        lines += textwrap.wrap(
            text,
            WIDTH,
            initial_indent=f"    {'' if word == last else word:<14}",
            subsequent_indent=" " * 18,
            break_long_words=False,
        )
        last = word
    return "\n".join(lines)

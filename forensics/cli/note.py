"""The command `forensics note`: tags and notes of people, put on, taken off, edited, listed and merged."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics.cli.terminal import case_argument, open_case, output_options, remark, say

if TYPE_CHECKING:
    from forensics.notes import About, Notes
    from forensics.output import Rows

ABOUT = "tags and notes: put on events, written, listed, merged"

SHOWN = 8
"""Characters of an id in the table for reading; as many are enough for `edit` and `withdraw`."""

_KINDS = "principal, session, credential, workload, resource, finding, address or event"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    case_argument(parser)
    acts = parser.add_subparsers(metavar="ACTION", required=True)
    add = _action(acts, "add", _add, "write a note: about the case, or one event or thing")
    add.add_argument("text", metavar="TEXT", help="the note, or - to read it from standard input")
    tag = _action(acts, "tag", _tag, "put a tag on events and things")
    untag = _action(acts, "untag", _untag, "take a tag off, whoever put it on")
    for each in (tag, untag):
        each.add_argument("tag", metavar="TAG", help="one line, such as exfil")
        each.add_argument(
            "events", metavar="EVENT_ID", nargs="*", help="or - to read them from standard input, a line each"
        )
    for each in (add, tag, untag):
        each.add_argument("--about", metavar="KIND=KEY", action="append", default=[], help=f"KIND: {_KINDS}")
    edit = _action(acts, "edit", _edit, "replace the text of a note")
    withdraw = _action(acts, "withdraw", _withdraw, "withdraw a note or a tag; it stays in the history")
    for each in (edit, withdraw):
        each.add_argument("note", metavar="ID", help="its id, or the beginning of that")
    edit.add_argument("text", metavar="TEXT", help="the new text, or - to read it from standard input")
    sketch = _action(acts, "from-timesketch", _from_timesketch, "take in tags, stars and comments made in Timesketch")
    sketch.add_argument(
        "file", metavar="FILE", type=Path, help="its export of events that came from here: CSV or JSONL"
    )
    for each in (add, tag, untag, edit, withdraw, sketch):
        each.add_argument(
            "--by", metavar="NAME", help="who notes; default: FORENSICS_AUTHOR, else the user's name here"
        )
    listed = _action(acts, "list", _list, "what stands: notes and tags, by time")
    listed.add_argument("--tag", metavar="TAG", help="only what has that tag")
    listed.add_argument("--history", action="store_true", help="every entry, also what was edited or withdrawn")
    output_options(listed)
    merge = _action(acts, "merge", _merge, "add what another noted; the same again adds nothing")
    merge.add_argument("other", metavar="PATH", type=Path, help="a notes.jsonl, or another copy of the case")


def _action(
    acts: Any, name: str, act: Callable[[Notes, argparse.Namespace], None], title: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = acts.add_parser(name, help=title, description=title)
    parser.set_defaults(act=act)
    return parser


def run(options: argparse.Namespace) -> None:
    """Do it, and say which lines of the file cannot be read. Raises NotACase, UnknownName, AmbiguousName, UsageError."""
    from forensics.case import DATABASE
    from forensics.errors import NotACase
    from forensics.notes import Notes

    if not (options.case / DATABASE).is_file():
        raise NotACase(
            f"no case at {options.case}: {DATABASE} is not there; make one with `forensics new {options.case}`"
        )
    notes = Notes.of(options.case)
    options.act(notes, options)
    for problem in notes.problems():
        remark(str(problem))


def _add(notes: Notes, options: argparse.Namespace) -> None:
    over = _over(options, [])
    say(f"noted: {notes.write(_text(options), over or None, by=options.by)[:SHOWN]}")


def _tag(notes: Notes, options: argparse.Namespace) -> None:
    over = _over(options, options.events)
    added = notes.tag(over, options.tag, by=options.by)
    before = f", {len(over) - added:,} had it from you before" if added < len(over) else ""
    say(f"tagged {options.tag}: {added:,}{before}")


def _untag(notes: Notes, options: argparse.Namespace) -> None:
    over = [_about(text) for text in options.about] + list(_events(options.events))
    say(f"taken off: {notes.untag(over, options.tag, by=options.by):,}")


def _edit(notes: Notes, options: argparse.Namespace) -> None:
    say(f"noted: {notes.edit(options.note, _text(options), by=options.by)[:SHOWN]}")


def _withdraw(notes: Notes, options: argparse.Namespace) -> None:
    say(
        f"withdrawn: {notes.withdraw(options.note, by=options.by):,}; `forensics note CASE list --history` still has it"
    )


def _merge(notes: Notes, options: argparse.Namespace) -> None:
    say(str(notes.merge(options.other)))


def _from_timesketch(_: Notes, options: argparse.Namespace) -> None:
    from forensics.timesketch import take_in

    with open_case(options.case) as case:
        say(str(take_in(case, options.file, by=options.by)))


def _list(notes: Notes, options: argparse.Namespace) -> None:
    from forensics.output import write

    if options.history:
        write(_history(notes), options.format, options.out)
    elif options.format == "table" and options.out is None:
        write(_readable(notes, options.tag), "table")
    else:
        write(_rows(notes, options.tag), options.format, options.out)


def _text(options: argparse.Namespace) -> str:
    return sys.stdin.read() if options.text == "-" else str(options.text)


def _events(given: Sequence[str]) -> Iterator[About]:
    from forensics.notes import About

    for text in given:
        read = (line.strip() for line in sys.stdin) if text == "-" else (text,)
        yield from (About("event", event_id) for event_id in read if event_id)


def _over(options: argparse.Namespace, events: Sequence[str]) -> list[About]:
    """What is meant, looked up in the case; not looked up, and that said, while another process writes to the case."""
    from forensics.errors import CaseLocked
    from forensics.notes.known import known

    over = [_about(text) for text in options.about] + list(_events(events))
    if all(item.kind == "case" for item in over):
        return over
    try:
        with open_case(options.case) as case:
            return known(case, over)
    except CaseLocked:
        remark("the case is being written: noted without looking whether it holds that")
        return over


def _about(text: str) -> About:
    from forensics.notes import About

    kind, _, key = text.partition("=")
    return About(kind.strip(), key.strip())


# What is listed


def _rows(notes: Notes, tag: str | None) -> Rows:
    import pyarrow as pa

    from forensics.notes.notes import COLUMNS, row
    from forensics.output import Rows

    types = {"at": pa.timestamp("us"), "first_at": pa.timestamp("us"), "versions": pa.int64()}
    schema = pa.schema([(name, types.get(name, pa.string())) for name in COLUMNS])
    made = [dict(zip(COLUMNS, row(item), strict=True)) for item in notes.rows(tag=tag)]
    return Rows(schema, pa.Table.from_pylist(made, schema).to_batches())


def _readable(notes: Notes, tag: str | None) -> Rows:
    from forensics.output import Rows

    found = notes.rows(tag=tag)
    columns = {
        "id": [item.id[:SHOWN] for item in found],
        "when": [f"{item.at:%Y-%m-%d %H:%M:%S}Z" for item in found],
        "who": [item.by for item in found],
        "about": [str(item.about) for item in found],
        "tag": [item.tag or "" for item in found],
        "note": [(item.text or "") + (f" [{item.remark}]" if item.remark else "") for item in found],
    }
    return Rows.table(**columns)


def _history(notes: Notes) -> Rows:
    from forensics.output import Rows

    found = notes.history()
    columns: dict[str, list[Any]] = {
        "id": [item.id for item in found],
        "at": [item.at for item in found],
        "by": [item.by for item in found],
        "kind": [item.about.kind for item in found],
        "key": [item.about.key for item in found],
        "tag": [item.tag for item in found],
        "text": [item.text for item in found],
        "supersedes": [list(item.supersedes) for item in found],
        "withdraws": [list(item.withdraws) for item in found],
    }
    return Rows.table(**columns)

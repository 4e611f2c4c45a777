"""The command `forensics`: one small handler per subcommand; what is heavy is imported when needed."""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from forensics import (
    cli_add,
    cli_behaviour,
    cli_collect,
    cli_coverage,
    cli_detect,
    cli_readiness,
    cli_run,
    cli_timeline,
    cli_verify,
)
from forensics.errors import ForensicsError

if TYPE_CHECKING:
    from forensics.case import Case, Query

Commands = Any
"""argparse's collection of subcommands, whose type has no public name."""

FORMATS = ("table", "csv", "json", "jsonl", "parquet")
INTERRUPTED = 130


def main(argv: list[str] | None = None) -> int:
    """Run one command; the exit status is 0 done, 1 the work failed, 2 wrong usage, 130 interrupted."""
    _make_printable()
    options = _parser().parse_args(argv)
    try:
        status = int(options.run(options) or 0)
        sys.stdout.flush()
        return status
    except KeyboardInterrupt:
        return _fail("interrupted; run the command again to finish", INTERRUPTED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ForensicsError as error:
        return _fail(str(error), error.status)
    except Exception as error:  # noqa: BLE001
        return _fail(f"{type(error).__name__}: {error} (FORENSICS_DEBUG=1 shows where)", 1)


def _fail(message: str, status: int) -> int:
    from forensics.output import visible

    if os.environ.get("FORENSICS_DEBUG") == "1":
        traceback.print_exc()
    print(f"forensics: {visible(' '.join(message.split()))}", file=sys.stderr)
    return status


def _make_printable() -> None:
    """A character that the terminal's encoding lacks is written as an escape instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="forensics",
        description="AWS logs into a case, and answers that cite their records.",
        epilog="Exit status: 0 done, 1 the work failed, 2 wrong usage.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)
    for declare in (_new, _add, _collect, _load, _sql, _timeline, _who, _coverage, _verify, _show):
        declare(commands)
    cli_detect.arguments(_case_command(commands, "detect", cli_detect.run, cli_detect.TITLE))
    for declare in (_behaviour, _sources, _playbooks, _run, cli_readiness.declare, _simulate, _demo):
        declare(commands)
    return parser


def _command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int | None], description: str
) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(name, help=description, description=description)
    parser.set_defaults(run=run)
    return parser


def _case_command(
    commands: Commands, name: str, run: Callable[[argparse.Namespace], int | None], description: str
) -> argparse.ArgumentParser:
    parser = _command(commands, name, run, description)
    parser.add_argument("case", metavar="CASE", type=Path, help="the case directory")
    return parser


def _output_options(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    parser.add_argument("--format", choices=formats, default="table", help="default: %(default)s")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write to FILE instead of standard output")


def _open(path: Path, *, write: bool = False) -> Case:
    from forensics.case import Case

    return Case.open(path, read_only=not write)


def _write(query: Query, options: argparse.Namespace) -> None:
    from forensics.output import Rows, write

    write(Rows.of(query), options.format, options.out)


def _say(text: str) -> None:
    from forensics.output import visible

    for line in text.split("\n"):
        print(visible(line))


Show = Callable[[int, int | None], None]
"""Takes the bytes done, and the bytes in all where they are known."""


@contextlib.contextmanager
def _progress(label: str, unit: str) -> Iterator[Show | None]:
    """A bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm  # type: ignore[import-untyped,unused-ignore]

    with tqdm(desc=label, unit=unit, unit_scale=True, leave=False, file=sys.stderr) as bar:

        def show(done: int, total: int | None = None) -> None:
            bar.total = total
            bar.update(done - bar.n)

        yield show


def _later(show: Show | None, before: int) -> Callable[[int, int], None] | None:
    """The callback for objects and bytes, where `before` bytes are done already."""
    if show is None:
        return None
    return lambda _, size: show(before + size, None)


# A case and its evidence


def _new(commands: Commands) -> None:
    _case_command(commands, "new", _run_new, "create a case directory")


def _run_new(options: argparse.Namespace) -> None:
    from forensics import custody
    from forensics.case import Case

    with Case.create(options.case) as case:
        custody.append(case.path, "new")
    _say(f"created {options.case}")


def _add(commands: Commands) -> None:
    cli_add.arguments(_case_command(commands, "add", _run_add, "take in evidence: copied, hashed, recorded in custody"))


def _run_add(options: argparse.Namespace) -> int:
    return cli_add.run(options, cli_add.Terminal(_say, _progress, _open))


def _collect(commands: Commands) -> None:
    cli_collect.arguments(_command(commands, "collect", _run_collect, "ask AWS's APIs, keep what they answer"))


def _run_collect(options: argparse.Namespace) -> int:
    return cli_collect.run(options, _say, _progress("collect", "call"))


def _load(commands: Commands) -> None:
    parser = _case_command(
        commands, "load", _run_load, "parse what is pending, resolve who and what; then `detect` again"
    )
    parser.add_argument("--workers", metavar="N", type=int, help="processes that read; default: one per processor")


def _run_load(options: argparse.Namespace) -> None:
    from forensics.load import load

    with _open(options.case, write=True) as case, _progress("load", "B") as show:
        ledger = load(case, workers=options.workers, progress=show)
    _say(str(ledger))
    if "unrecognised" in ledger.objects:
        _say(f"events that lost their envelope load once named: forensics add {options.case} PATH --log-group NAME")
    if ledger.objects.keys() & {"partial", "rejected", "unrecognised"}:
        _say(
            f'which and why: forensics sql {options.case} "SELECT status, reason, uri FROM evidence WHERE reason IS NOT NULL"'
        )


def _verify(commands: Commands) -> None:
    parser = _case_command(commands, "verify", _run_verify, "hash all evidence again, check it and the custody record")
    cli_verify.arguments(parser, FORMATS)


def _run_verify(options: argparse.Namespace) -> int:
    from forensics import verification

    if options.digests or options.format or options.out:
        return cli_verify.digests(options, _say)

    with _open(options.case) as case, _progress("verify", "B") as show:
        found = verification.verify(case, progress=_later(show, 0))
    _say(str(found))
    return 0 if found.ok else 1


# Looking into a case


def _sql(commands: Commands) -> None:
    parser = _case_command(commands, "sql", _run_sql, "run one SQL statement; every row, no limit")
    parser.add_argument("query", metavar="SQL", help="the statement, or - to read it from standard input")
    _output_options(parser, FORMATS)


def _run_sql(options: argparse.Namespace) -> None:
    with _open(options.case) as case:
        _write(case.sql(sys.stdin.read() if options.query == "-" else options.query), options)


def _timeline(commands: Commands) -> None:
    cli_timeline.arguments(
        _case_command(commands, "timeline", cli_timeline.run, "events in order of time, or exported")
    )


def _who(commands: Commands) -> None:
    parser = _case_command(commands, "who", _run_who, "who held an address, interface or key at a moment")
    parser.add_argument("held", metavar="ADDRESS", help="an address, an interface (eni-…) or an access key id")
    parser.add_argument("--at", metavar="T", required=True, help="the moment: 2026-11-05T09:12:00, UTC")


def _run_who(options: argparse.Namespace) -> None:
    with _open(options.case) as case:
        _say(str(case.who_was(options.held, at=options.at)))


def _coverage(commands: Commands) -> None:
    parser = _case_command(
        commands, "coverage", _run_coverage, "which hours of which source the case holds, or why not"
    )
    cli_coverage.arguments(parser)
    _output_options(parser, FORMATS)


def _run_coverage(options: argparse.Namespace) -> None:
    with _open(options.case) as case:
        query, found = cli_coverage.asked(case, options)
        _write(query, options)
        cli_coverage.remark(str(found.badge))


def _show(commands: Commands) -> None:
    parser = _case_command(commands, "show", _run_show, "print the raw record")
    parser.add_argument("reference", metavar="EVENT_ID|OBJECT#RECORD", help="an event id, or object id and record")


def _run_show(options: argparse.Namespace) -> None:
    from forensics.raw import raw_record

    with _open(options.case) as case:
        record = raw_record(case, options.reference)
    data = record if isinstance(record, bytes) else record.encode()
    if sys.stdout.isatty():
        _say(data.decode("utf-8", "backslashreplace"))
    else:
        sys.stdout.buffer.write(data if data.endswith(b"\n") else data + b"\n")


def _behaviour(commands: Commands) -> None:
    run = partial(cli_behaviour.run, say=_say)
    parser = _case_command(commands, "behaviour", run, "what stands out without a rule: new, rare, regular, much")
    cli_behaviour.arguments(parser, FORMATS)


# Registries and playbooks


def _sources(commands: Commands) -> None:
    parser = _command(commands, "sources", _run_sources, "the log sources this version reads")
    parser.add_argument("source", metavar="SOURCE", nargs="?", help="show the columns of that one")
    _output_options(parser, FORMATS)


def _run_sources(options: argparse.Namespace) -> None:
    from forensics import catalogue
    from forensics.output import write

    if options.source:
        write(catalogue.columns(options.source), options.format, options.out)
    elif options.format == "table" and options.out is None:
        _say(catalogue.cards())
    else:
        write(catalogue.listed(), options.format, options.out)


def _playbooks(commands: Commands) -> None:
    parser = _command(commands, "playbooks", _run_playbooks, "the playbooks: one question each")
    _output_options(parser, FORMATS)


def _run_playbooks(options: argparse.Namespace) -> None:
    from forensics.output import Rows, write
    from forensics.playbook import playbooks

    known = list(playbooks().values())
    rows = Rows.table(
        playbook=[item.name for item in known],
        question=[item.question for item in known],
        sources=[", ".join(item.sources) for item in known],
    )
    write(rows, options.format, options.out)


def _run(commands: Commands) -> None:
    parser = _command(commands, "run", _run_run, "run a playbook: report.html, notebook.ipynb, findings.json")
    cli_run.arguments(parser)


def _run_run(options: argparse.Namespace) -> None:
    if options.all is not None:
        cli_run.run_all(options, _say)
        return
    with _progress("run", "cell") as show:
        _say(cli_run.run_one(options, show))


# Made-up incidents


def _simulate(commands: Commands) -> None:
    parser = _command(commands, "simulate", _run_simulate, "write a made-up incident: logs, and truth.json")
    parser.add_argument("scenario", metavar="SCENARIO", help="for example lambda-credential-theft")
    parser.add_argument("out", metavar="OUT", type=Path, help="an empty or new directory")
    parser.add_argument("--seed", metavar="N", type=int, default=7, help="default: %(default)s")
    parser.add_argument("--scale", metavar="S", type=float, default=1.0, help="amount of benign noise")


def _run_simulate(options: argparse.Namespace) -> None:
    from forensics.simulate import simulate

    truth = simulate(options.scenario, options.out, seed=options.seed, scale=options.scale)
    _say(f"{truth.parent / 'logs'}\n{truth}")


def _demo(commands: Commands) -> None:
    parser = _command(commands, "demo", _run_demo, "a made-up theft of Lambda credentials, from logs to report")
    parser.add_argument("directory", metavar="DIR", type=Path, nargs="?", default=Path("forensics-demo"))


def _run_demo(options: argparse.Namespace) -> None:
    from forensics.demo import demo

    _say(f"the report is {demo(options.directory, say=_say)}")


if __name__ == "__main__":
    sys.exit(main())

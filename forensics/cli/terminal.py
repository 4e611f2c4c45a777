"""What commands share: the case they are about, where their answer goes, lines and bars on the terminal."""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from forensics.case import Case, Query

FORMATS = ("table", "csv", "json", "jsonl", "parquet")

Show = Callable[[int, int | None], None]
"""Takes what is done, and how much it is in all where that is known."""


def case_argument(parser: argparse.ArgumentParser) -> None:
    """The case as first argument."""
    parser.add_argument("case", metavar="CASE", type=Path, help="the case directory")


def window_options(parser: argparse.ArgumentParser) -> None:
    """`--from` and `--to`: the times that an answer is about, as `start` and `end`."""
    parser.add_argument("--from", dest="start", metavar="T", help="not before: 2026-11-05 or 2026-11-05T09:12, UTC")
    parser.add_argument("--to", dest="end", metavar="T", help="before: 2026-11-05 or 2026-11-05T09:12, UTC")


def output_options(parser: argparse.ArgumentParser, formats: Sequence[str] = FORMATS) -> None:
    """`--format` and `--out`."""
    parser.add_argument("--format", choices=formats, default="table", help="default: %(default)s")
    parser.add_argument("--out", metavar="FILE", type=Path, help="write to FILE instead of standard output")


def open_case(path: Path, *, write: bool = False, remarks: bool = True) -> Case:
    """The case, read-only unless it is written; then a remark says what was left unfinished in it.

    Raises NotACase, CaseLocked, NewerCase, CaseError.
    """
    from forensics.case import Case
    from forensics.verification import unfinished

    case = Case.open(path, read_only=not write)
    for line in unfinished(case) if remarks and not write else ():
        remark(line)
    return case


def write(query: Query, options: argparse.Namespace) -> None:
    """Every row, as `output_options` say."""
    from forensics import output

    output.write(output.Rows.of(query), options.format, options.out)


def say(text: str) -> None:
    """Lines of the answer, without anything that a terminal would obey."""
    from forensics.output import visible

    for line in text.split("\n"):
        print(visible(line))


def remark(text: str | None) -> None:
    """A line beside the answer, on standard error; None says nothing."""
    from forensics.output import visible

    if text:
        print(f"forensics: {visible(text)}", file=sys.stderr)


@contextlib.contextmanager
def progress(label: str, unit: str) -> Iterator[Show | None]:
    """A bar on a terminal, nothing in a pipe."""
    if not sys.stderr.isatty():
        yield None
        return
    from tqdm import tqdm  # type: ignore[import-untyped,unused-ignore]

    with tqdm(desc=label, unit=unit, unit_scale=True, leave=False, file=sys.stderr) as bar:

        def show(done: int, total: int | None = None) -> None:
            bar.total = total
            bar.update(done - bar.n if done >= bar.n else done)

        yield show

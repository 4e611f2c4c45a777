"""Plain lines, read all at once, give what their source's own split gives of each."""

import random
from dataclasses import replace

import pyarrow as pa
import pytest

from forensics.columns.plain_lines import plain_columns
from forensics.columns.text_lines import split_table
from forensics.readers.parts import Reject
from forensics.source import LineFormat
from forensics.sources import sources
from tests.benchmarks.bench_sources import ALB, ORDINARY
from tests.sources.test_sources import specimens

PIECES = (
    '"',
    '""',
    '" "',
    " ",
    "  ",
    "-",
    " - ",
    "\t",
    "é",
    "\u00a0",
    "TLSv1.2",
    "[",
    "]",
    "\\",
    "Yes",
    "0",
    '" - "',
    "TID_",
)


def layout_of(name: str) -> LineFormat:
    """The source's layout of an ordinary line."""
    of = sources()[name].line_format
    found = of([ORDINARY[name]]) if of else None
    assert found is not None
    return found


def told(name: str, layout: LineFormat, lines: list[str]) -> tuple[pa.Table, list[Reject], list[tuple[int, str]]]:
    """What lines give: rows, rejects by record, strays."""
    rejects: list[Reject] = []
    strays: list[tuple[int, str]] = []
    table = split_table(sources()[name], layout, (range(5, 5 + len(lines)), lines), rejects, strays=strays)  # type: ignore[arg-type]
    ordered = sorted(rejects, key=lambda item: (item.record or 0, item.reason))
    return pa.table({held: table[held].combine_chunks() for held in sorted(table.column_names)}), ordered, strays


def one_by_one(name: str, lines: list[str]) -> tuple[pa.Table, list[Reject], list[tuple[int, str]]]:
    """What lines give that are split one by one."""
    return told(name, replace(layout_of(name), plain=None), lines)


def mutated(line: str, made: random.Random) -> str:
    """The line with one or two pieces put in, left out or in another's place."""
    for _ in range(made.randint(1, 2)):
        at = made.randrange(len(line))
        line = line[:at] + made.choice(PIECES) + line[at + made.choice((0, 0, 1, 1, 5)) :]
    return line


@pytest.mark.parametrize("name", ORDINARY)
def test_ordinary_lines_are_plain(name: str) -> None:
    plain = layout_of(name).plain
    assert plain is not None
    ((chosen, columns),) = plain_columns(plain, [ORDINARY[name]] * 9)
    assert len(chosen) == 9
    assert len(columns) <= len(layout_of(name).fields) - 1


@pytest.mark.parametrize("name", ORDINARY)
def test_plain_lines_give_what_the_split_gives(name: str) -> None:
    lines = [ORDINARY[name]] * 20
    assert told(name, layout_of(name), lines) == one_by_one(name, lines)


@pytest.mark.parametrize("name", ORDINARY)
def test_lines_that_clients_wrote_into_give_what_the_split_gives(name: str) -> None:
    made = random.Random(name)
    for _ in range(150):
        lines = [mutated(ORDINARY[name], made) if made.random() < 0.4 else ORDINARY[name] for _ in range(16)]
        assert told(name, layout_of(name), lines) == one_by_one(name, lines), lines


@pytest.mark.parametrize("name", ORDINARY)
def test_lines_of_the_specimens_give_what_the_split_gives(name: str) -> None:
    written = [line for item in specimens(sources()[name]) for line in str(item.get("content", "")).splitlines()]
    lines = [line for line in written for _ in range(3) if line.strip()]
    assert told(name, layout_of(name), lines) == one_by_one(name, lines)
    for line in set(lines):
        assert told(name, layout_of(name), [line] * 8) == one_by_one(name, [line] * 8), line


def test_lines_of_older_and_newer_files_are_read_side_by_side() -> None:
    older = ALB.rpartition(" TID_")[0].rpartition(' "-" "-"')[0]
    lines = [ALB, older] * 10
    assert len(told("alb", layout_of("alb"), lines)[0]) == 20
    assert told("alb", layout_of("alb"), lines) == one_by_one("alb", lines)


def test_no_lines_give_no_rows() -> None:
    table, rejects, strays = told("alb", layout_of("alb"), [])
    assert (len(table), rejects, strays) == (0, [], [])

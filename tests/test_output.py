"""Rows come out whole and in order, and hostile text does nothing in any format."""

import csv
import io
import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from forensics.case import Case
from forensics.errors import ForensicsError, UsageError
from forensics.output import Rows, dump, spreadsheet_text, visible, write

HOSTILE = [
    "<script>alert(1)</script>",
    "=cmd()|'/c calc'!A1",
    "'; DROP TABLE event; --",
    "\x1b[2J\x9b31mred\x07",
    "a\r\nb",
]


def rows(**columns: list[Any]) -> Rows:
    """Rows of those columns."""
    return Rows.table(**columns)


def written(capsys: pytest.CaptureFixture[str], table: Rows, form: str) -> str:
    """What goes to standard output."""
    write(table, form)
    return capsys.readouterr().out


class Terminal(io.StringIO):
    """Standard output that is a terminal."""

    def isatty(self) -> bool:
        """It is."""
        return True


def terminal_of_40_columns(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A terminal of 40 columns."""
    made = Terminal()
    monkeypatch.setattr("sys.stdout", made)
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_: os.terminal_size((40, 24)))
    return made


def test_a_table_is_aligned_and_numbers_stand_right(capsys: pytest.CaptureFixture[str]) -> None:
    table = rows(name=["a", "long name", None], n=[1, 20, 300])
    assert written(capsys, table, "table").splitlines() == [
        "name       n",
        "---------  ---",
        "a            1",
        "long name   20",
        "           300",
    ]


def test_a_table_in_a_pipe_cuts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    text = "x" * 1_000_000
    assert text in written(capsys, rows(a=[text, "b"], b=["1", "2"]), "table")


def test_a_long_value_does_not_pad_the_other_rows(capsys: pytest.CaptureFixture[str]) -> None:
    out = written(capsys, rows(a=["x" * 1_000_000, "b"], b=["1", "2"]), "table")
    assert max(map(len, out.splitlines()[3:])) < 120


def test_a_table_on_a_narrow_terminal_is_cut_to_its_width(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = terminal_of_40_columns(monkeypatch)
    write(rows(a=["x" * 100, "short"], b=["y" * 50, "z"]), "table")
    lines = terminal.getvalue().splitlines()
    assert [len(line) for line in lines] == [22, 40, 40, 22]
    assert lines[2] == "x" * 18 + "…" + "  " + "y" * 18 + "…"


def test_wide_characters_count_double_in_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    out = written(capsys, rows(a=["日本", "ab"], b=["1", "2"]), "table")
    assert out.splitlines()[2:] == ["日本  1", "ab    2"]


@pytest.mark.parametrize("form", ["table", "csv", "json", "jsonl"])
def test_no_terminal_escape_survives(capsys: pytest.CaptureFixture[str], form: str) -> None:
    out = written(capsys, rows(text=HOSTILE), form)
    assert not {sign for sign in out if ord(sign) < 0x20 or 0x7F <= ord(sign) < 0xA0} - {"\n", "\r"}


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_json_gives_every_text_back_unaltered(capsys: pytest.CaptureFixture[str], form: str) -> None:
    texts = [*HOSTILE, "x" * 1_000_000, "\u202egnp.exe", "\u2028", "naïve 日本"]
    out = written(capsys, rows(text=texts), form)
    found = json.loads(out) if form == "json" else [json.loads(line) for line in out.splitlines()]
    assert [row["text"] for row in found] == texts


def test_a_record_of_jsonl_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert len(written(capsys, rows(text=["a\nb", "c\u2028d\x85e"]), "jsonl").splitlines()) == 2


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_csv_neutralises_formulas(start: str) -> None:
    assert spreadsheet_text(f"{start}cmd()") == f"'{start}cmd()"


def test_csv_keeps_numbers_and_neutralises_names_of_columns(capsys: pytest.CaptureFixture[str]) -> None:
    columns: dict[str, list[Any]] = {"=name": [-1, 2], "text": ["-1.5", "-1+cmd()"]}
    table = rows(**columns)
    assert written(capsys, table, "csv") == "'=name,text\n-1,-1.5\n2,'-1+cmd()\n"


def test_csv_of_hostile_text_reads_back_as_one_cell_each(capsys: pytest.CaptureFixture[str]) -> None:
    out = written(capsys, rows(text=[*HOSTILE, 'a"b,c']), "csv")
    assert list(csv.reader(io.StringIO(out, newline=""))) == [
        ["text"],
        ["<script>alert(1)</script>"],
        ["'=cmd()|'/c calc'!A1"],
        ["'; DROP TABLE event; --"],
        ["\\x1b[2J\\x9b31mred\\x07"],
        ["a\r\nb"],
        ['a"b,c'],
    ]


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("csv", 'time,list,flag,none\n2026-11-05T09:12:31.500000Z,"[""a"", ""b""]",true,\n'),
        (
            "jsonl",
            '{"time": "2026-11-05T09:12:31.500000Z", "list": ["a", "b"], "flag": true, "none": null}\n',
        ),
    ],
)
def test_times_carry_z_and_lists_are_json(capsys: pytest.CaptureFixture[str], form: str, expected: str) -> None:
    time = datetime(2026, 11, 5, 9, 12, 31, 500_000)
    assert written(capsys, rows(time=[time], list=[["a", "b"]], flag=[True], none=[None]), form) == expected


def test_a_time_outside_the_calendar_is_written_all_the_same(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    query = "SELECT unnest([TIMESTAMP '2026-11-05 09:00:00', '290000-01-01', 'infinity', '-infinity', NULL]) AS t"
    with Case.create(tmp_path / "case") as case:
        out = written(capsys, Rows.of(case.sql(query)), "csv")
    times = ["2026-11-05T09:00:00Z", "290000-01-01T00:00:00Z", "infinity", "'-infinity", '""']
    assert out.splitlines() == ["t", *times]


def test_not_a_number_is_json_text() -> None:
    assert dump([float("nan"), float("-inf"), 1.5]) == '["nan", "-inf", 1.5]'


def test_no_rows_are_an_empty_list_or_a_header(capsys: pytest.CaptureFixture[str]) -> None:
    assert written(capsys, rows(a=[]), "json") == "[]\n"
    assert written(capsys, rows(a=[]), "csv") == "a\n"
    assert written(capsys, rows(a=[]), "table") == "a\n-\n"


def test_parquet_goes_to_a_file_and_not_to_a_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(rows(text=HOSTILE), "parquet", tmp_path / "x.parquet")
    assert pq.read_table(tmp_path / "x.parquet").column("text").to_pylist() == HOSTILE
    terminal_of_40_columns(monkeypatch)
    with pytest.raises(UsageError, match="parquet is not for a terminal"):
        write(rows(a=[1]), "parquet")


def test_a_file_that_fails_halfway_is_not_left_behind(tmp_path: Path) -> None:
    table = rows(a=[1])

    def broken() -> Any:
        yield from table.batches
        raise ForensicsError("cut")

    with pytest.raises(ForensicsError, match="cut"):
        write(Rows(table.schema, broken()), "csv", tmp_path / "x.csv")
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(ForensicsError, match=r"cannot write .*x\.csv: No such file or directory"):
        write(rows(a=[1]), "csv", tmp_path / "gone" / "x.csv")


def test_visible_text_shows_controls_and_direction_marks() -> None:
    assert visible("a\x1b[0m\n\u202eb\x00é") == "a\\x1b[0m\\n\\u202eb\\x00é"

"""CSV, JSONL and Parquet as pandas, pyarrow, DuckDB and Python read them: row by row what the Timeline has."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest

from forensics.case import Case
from forensics.export import windows
from forensics.export.forms.csv import CONTROLS, FORMULAS
from forensics.export.texts import HIDDEN_JSON, UNSAFE_CSV
from forensics.output import dump, spreadsheet_text
from forensics.source import EVENT_COLUMNS
from forensics.timeline import Timeline
from tests.worlds import add, call

Row = tuple[Any, ...]
TIMES = {name for name, kind in EVENT_COLUMNS.items() if kind == "TIMESTAMP"}
TEXTS = [name for name, kind in EVENT_COLUMNS.items() if kind == "VARCHAR"]
IN_ORDER = "SELECT * FROM timeline ORDER BY time, event_id, object_id, record"


@pytest.fixture(params=["hostile", "specimens"])
def events(request: pytest.FixtureRequest) -> Timeline:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Timeline)
    return found


def rows(events: Timeline) -> list[Row]:
    """The events in the order of an export."""
    return events.select(IN_ORDER).rows()


def as_written(value: Any) -> Any:
    """A time as ISO 8601 text with microseconds and Z, all else as it is."""
    return value.isoformat(timespec="microseconds") + "Z" if isinstance(value, datetime) else value


def in_csv(value: Any) -> Any:
    """A value as CSV has it: a text neutralised."""
    return spreadsheet_text(value) if isinstance(value, str) else as_written(value)


# Parquet


def test_duckdb_and_pyarrow_read_parquet_row_by_row_as_the_timeline(events: Timeline, tmp_path: Path) -> None:
    done = events.export(tmp_path / "e.parquet")
    con = duckdb.connect()
    assert con.execute("FROM read_parquet(?)", [str(done.files[0].path)]).fetchall() == rows(events)
    table = pq.read_table(done.files[0].path)
    assert [tuple(row.values()) for row in table.to_pylist()] == rows(events)
    assert table.schema.names == list(EVENT_COLUMNS)
    kinds = con.execute("DESCRIBE FROM read_parquet(?)", [str(done.files[0].path)]).fetchall()
    assert {row[0]: row[1] for row in kinds} == dict(EVENT_COLUMNS)


def test_pandas_reads_parquet_with_its_times(specimens: Timeline, tmp_path: Path) -> None:
    done = specimens.export(tmp_path / "e.parquet")
    frame = pd.read_parquet(done.files[0].path)
    frame["resources"] = [None if found is None else list(found) for found in frame["resources"]]
    found = frame.astype(object).where(frame.notna(), None)
    assert [tuple(row) for row in found.itertuples(index=False)] == rows(specimens)
    assert str(frame["time"].dtype) == "datetime64[us]"


def test_parquet_says_in_its_metadata_what_is_beside_it(hostile: Timeline, tmp_path: Path) -> None:
    done = hostile.export(tmp_path / "e.parquet")
    said = json.loads(pq.read_metadata(done.files[0].path).metadata[b"forensics"])
    beside = json.loads(done.about.read_text())
    assert said == {name: value for name, value in beside.items() if name != "files"}
    assert said["rows"] == len(rows(hostile)) and said["coverage"]["verdict"]


# JSONL


def test_json_reads_lines_row_by_row_as_the_timeline(events: Timeline, tmp_path: Path) -> None:
    done = events.export(tmp_path / "e.jsonl")
    lines = done.files[0].path.read_text("utf-8").removesuffix("\n").split("\n")
    assert [tuple(json.loads(line).values()) for line in lines] == [tuple(map(as_written, row)) for row in rows(events)]
    assert {tuple(json.loads(line)) for line in lines} == {tuple(EVENT_COLUMNS)}


def test_pandas_and_duckdb_read_lines_too(specimens: Timeline, tmp_path: Path) -> None:
    path = specimens.export(tmp_path / "e.jsonl").files[0].path
    frame = pd.read_json(path, lines=True, dtype=False)
    assert list(frame["event_id"]) == [row[0] for row in rows(specimens)]
    columns = json.dumps(dict(EVENT_COLUMNS)).replace('"', "'")
    read = f"SELECT * FROM read_json(?, format='newline_delimited', columns={columns})"
    assert duckdb.connect().execute(read, [str(path)]).fetchall() == rows(specimens)


def test_lines_have_no_character_that_acts_on_a_terminal(hostile: Timeline, tmp_path: Path) -> None:
    path = hostile.export(tmp_path / "e.jsonl").files[0].path
    text = path.read_text("utf-8")
    assert not set(text) & {"\x1b", "\x07", "\0", "\x7f", "\x9b", "\u202e", "\u200b", "\u2028"}
    assert all(dump(json.loads(line)) == dump(json.loads(dump(json.loads(line)))) for line in text.split("\n") if line)


# CSV


def test_python_reads_csv_row_by_row_as_the_timeline(events: Timeline, tmp_path: Path) -> None:
    path = events.export(tmp_path / "e.csv").files[0].path
    with path.open(encoding="utf-8", newline="") as file:
        header, *found = list(csv.reader(file))
    wanted = [["" if value is None else in_csv(value) for value in row] for row in rows(events)]
    lists = list(EVENT_COLUMNS).index("resources")
    numbers = [place for place, kind in enumerate(EVENT_COLUMNS.values()) if kind in ("DOUBLE", "BIGINT")]
    for row in found:
        row[lists] = row[lists] and json.loads(row[lists])
        for place in numbers:
            row[place] = row[place] and float(row[place])
    assert header == list(EVENT_COLUMNS)
    assert found == wanted


def test_csv_tells_a_missing_text_from_an_empty_one(hostile: Timeline, tmp_path: Path) -> None:
    path = hostile.export(tmp_path / "e.csv").files[0].path
    kinds = str(dict.fromkeys(EVENT_COLUMNS, "VARCHAR"))
    read = (
        f"SELECT user_agent FROM read_csv(?, all_varchar=true, columns={kinds}, header=true, allow_quoted_nulls=false)"
    )
    found = [row[0] for row in duckdb.connect().execute(read, [str(path)]).fetchall()]
    wanted = [
        None if row[0] is None else spreadsheet_text(row[0])
        for row in hostile.select("SELECT user_agent FROM timeline ORDER BY time, event_id, object_id, record").rows()
    ]
    assert "" in wanted and None in wanted
    assert found == wanted


def test_pandas_reads_csv_with_times_and_numbers(specimens: Timeline, tmp_path: Path) -> None:
    path = specimens.export(tmp_path / "e.csv").files[0].path
    frame = pd.read_csv(
        path, dtype=dict.fromkeys(TEXTS, str), keep_default_na=False, na_values={"bytes": "", "time": ""}
    )
    frame["time"] = pd.to_datetime(frame["time"], format="ISO8601").dt.tz_localize(None)
    wanted = specimens.select(IN_ORDER).df()
    assert list(frame["time"].fillna(pd.Timestamp(0))) == list(wanted["time"].fillna(pd.Timestamp(0)))
    assert list(frame["bytes"].fillna(-1)) == list(wanted["bytes"].fillna(-1))


def test_csv_counts_what_it_alters(hostile: Timeline, tmp_path: Path) -> None:
    done = hostile.export(tmp_path / "e.csv")
    before = [value for row in rows(hostile) for value in row if isinstance(value, str)]
    quoted = sum(spreadsheet_text(text).startswith("'") and not text.startswith("'") for text in before)
    assert done.altered[FORMULAS] == quoted > 40
    escaped = sum(spreadsheet_text(text).removeprefix("'") != text for text in before)
    own = sum(spreadsheet_text(text) == text and text.startswith("'") for text in before)
    assert done.altered[CONTROLS] == escaped - own > 30
    assert done.left_out == {}


@pytest.mark.parametrize("change", [spreadsheet_text], ids=["csv"])
def test_what_finds_unsafe_texts_misses_none(change: Callable[[str], str]) -> None:
    import pyarrow as pa
    import pyarrow.compute as pc

    signs = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    for texts in (signs, [f"a{sign}" for sign in signs[:0x10000]]):
        found = pc.match_substring_regex(pa.array(texts), UNSAFE_CSV).to_pylist()
        assert [text for text, hit in zip(texts, found, strict=True) if change(text) != text and not hit] == []
    shown = pc.match_substring_regex(pa.array(signs), HIDDEN_JSON).to_pylist()
    assert [
        sign
        for sign, hit in zip(signs, shown, strict=True)
        if dump(sign) != json.dumps(sign, ensure_ascii=False) and not hit
    ] == []


# Times that no calendar has

FAR = {"a": "infinity", "b": "-infinity", "c": "12000-01-01", "d": "0044-03-15 (BC)", "e": "0001-01-01"}


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Timeline]:
    """Calls at times that logs can hold and people cannot."""
    with Case.create(tmp_path / "case") as made:
        add(made.connection, "cloudtrail", [call({}, eventID=name) for name in FAR])
        for name, time in FAR.items():
            made.connection.execute("UPDATE stored.cloudtrail SET event_time = ? WHERE event_id = ?", [time, name])
        yield Timeline(made)


@pytest.mark.parametrize("most", [100, 1])
def test_times_out_of_every_calendar_stay(
    far: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(windows.windows, "__defaults__", (most,))
    written = {"a": "infinity", "b": "-infinity", "c": "12000-01-01T00:00:00.000000Z"}
    written |= {"d": "-43-03-15T00:00:00.000000Z", "e": "0001-01-01T00:00:00.000000Z"}
    lines = far.export(tmp_path / "e.jsonl").files[0].path.read_text().splitlines()
    assert {row["event_id"]: row["time"] for row in map(json.loads, lines)} == written
    with far.export(tmp_path / "e.csv").files[0].path.open() as file:
        assert {row["event_id"]: row["time"].removeprefix("'") for row in csv.DictReader(file)} == written
    path = str(far.export(tmp_path / "e.parquet").files[0].path)
    found = duckdb.connect().execute("SELECT event_id, CAST(time AS VARCHAR) FROM read_parquet(?)", [path]).fetchall()
    assert [row[0] for row in found] == ["b", "d", "e", "c", "a"]
    assert dict(found)["a"] == "infinity" and dict(found)["d"].endswith("(BC) 00:00:00")
    done = far.export(tmp_path / "o", format="ocsf")
    assert (done.rows, done.left_out) == (1, {"events with a time outside of the years 1 to 9999": 4})


# All


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "timesketch", "ocsf"])
def test_a_timeline_in_pieces_is_the_same(
    specimens: Timeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    suffix = {"timesketch": "jsonl"}.get(form, form)
    whole = specimens.export(tmp_path / f"whole.{suffix}", format=form)
    monkeypatch.setattr(windows.windows, "__defaults__", (60,))
    monkeypatch.setattr("forensics.export.forms.ocsf.AT_ONCE", 60)
    assert len(windows.windows(specimens)) > 3
    pieces = specimens.export(tmp_path / f"pieces.{suffix}", format=form)
    assert (pieces.rows, pieces.left_out, pieces.altered) == (whole.rows, whole.left_out, whole.altered)
    for one, other in zip(whole.files, pieces.files, strict=True):
        if one.path.suffix == ".parquet":
            assert pq.read_table(one.path).equals(pq.read_table(other.path))
        else:
            assert one.sha256 == other.sha256


def test_exported_twice_is_the_same_byte_for_byte(specimens: Timeline, tmp_path: Path) -> None:
    for suffix in ("csv", "jsonl", "parquet"):
        assert specimens.export(tmp_path / f"a.{suffix}").sha256 == specimens.export(tmp_path / f"b.{suffix}").sha256


@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet", "timesketch", "ocsf"])
def test_nothing_exports_as_nothing(empty: Timeline, tmp_path: Path, form: str) -> None:
    suffix = {"timesketch": "jsonl"}.get(form, form)
    done = empty.export(tmp_path / f"e.{suffix}", format=form)
    assert (done.rows, done.left_out, done.altered) == (0, {}, {})
    assert "No event" in done.coverage
    if form == "parquet":
        assert pq.read_table(done.files[0].path).schema.names == list(EVENT_COLUMNS)
    if form == "csv":
        assert list(csv.reader(io.StringIO(done.files[0].path.read_text()))) == [list(EVENT_COLUMNS)]

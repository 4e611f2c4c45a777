"""Parquet is read by the names of its columns."""

from datetime import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from forensics import evidence
from forensics.case import Case
from forensics.columns import build
from forensics.load import load
from forensics.readers import read
from forensics.readers.parts import ArrowPart, Reject

ROWS = {
    "version": pa.array([5, 5], pa.int32()),
    "account_id": ["111122223333", "111122223333"],
    "srcaddr": ["10.0.1.5", None],
    "dstaddr": ["203.0.113.7", "-"],
    "start": pa.array([1793869200, None], pa.int64()),
    "action": pa.array(["ACCEPT", "REJECT"]).dictionary_encode(),
}


def written(folder: Path, columns: dict[str, object]) -> Path:
    path = folder / "flows.log.parquet"
    pq.write_table(pa.table(columns), path)
    return path


def test_flow_records_in_parquet_become_typed_rows(tmp_path: Path) -> None:
    (part,) = read(written(tmp_path, ROWS), "flows.log.parquet")
    assert isinstance(part, ArrowPart)
    columns = build(part)
    assert columns.rejects == ()
    assert columns.table.to_pylist() == [
        {
            "record": 0,
            "version": 5,
            "account_id": "111122223333",
            "srcaddr": "10.0.1.5",
            "dstaddr": "203.0.113.7",
            "start": datetime(2026, 11, 5, 9, 0),
            "action": "ACCEPT",
        },
        {
            "record": 1,
            "version": 5,
            "account_id": "111122223333",
            "srcaddr": None,
            "dstaddr": None,
            "start": None,
            "action": "REJECT",
        },
    ]


def test_hyphens_in_names_are_as_good_as_underscores(tmp_path: Path) -> None:
    hyphened = {name.replace("_", "-"): values for name, values in ROWS.items()}
    (part,) = read(written(tmp_path, hyphened), "x")
    assert isinstance(part, ArrowPart)
    assert "account_id" in build(part).table.column_names


def test_text_where_a_number_belongs_is_rejected_with_its_text(tmp_path: Path) -> None:
    (part,) = read(written(tmp_path, ROWS | {"bytes": ["many", "-"]}), "x")
    columns = build(part)  # type: ignore[arg-type]
    assert columns.table["bytes"].to_pylist() == [None, None]
    assert columns.rejects == (Reject(0, "bytes is not a whole number", "many"),)


def test_a_column_nobody_declared_is_said_once(tmp_path: Path) -> None:
    (part,) = read(written(tmp_path, ROWS | {"flavour": [1, 2]}), "x")
    columns = build(part)  # type: ignore[arg-type]
    assert [reject.reason for reject in columns.rejects] == [
        "the field flavour has no column; it is in the records themselves"
    ]


def test_a_parquet_file_of_something_else_is_unclaimed(tmp_path: Path) -> None:
    (part,) = read(written(tmp_path, {"a": [1]}), "x")
    assert part == Reject(None, "no source has these Parquet columns", "a", claimed=False)


def test_a_cut_parquet_file_is_a_reject(tmp_path: Path) -> None:
    path = written(tmp_path, ROWS)
    path.write_bytes(path.read_bytes()[:-10])
    (part,) = read(path, "x")
    assert isinstance(part, Reject)
    assert part.reason.startswith("the Parquet file is damaged")


def test_texts_that_are_no_utf_8_are_written_out_and_load(tmp_path: Path) -> None:
    odd = pa.array([b"ACC\xff\xfe", None, b""], pa.binary())
    made = {"account_id": pa.array(["1", "2", "3"]), "start": pa.array([1793869200] * 3, pa.int64())}
    made |= {"action": odd.view(pa.string()), "vpc_id": odd.view(pa.string()), "version": pa.array([5] * 3, pa.int64())}
    path = tmp_path / "logs" / "flows.log.parquet"
    path.parent.mkdir()
    pq.write_table(pa.table(made), path, use_dictionary=["vpc_id"])
    with Case.create(tmp_path / "case") as case:
        evidence.add(case, path.parent)
        load(case, workers=1)
        rows = case.sql("SELECT action, vpc_id FROM vpc_flow ORDER BY record").rows()
        assert rows == [("ACC\\xff\\xfe",) * 2, (None, None), ("", "")]

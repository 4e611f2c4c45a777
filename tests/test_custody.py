"""The custody chain holds, shows every alteration, and survives a crash."""

import hashlib
import json
from pathlib import Path

import pytest

from forensics import custody


@pytest.fixture
def record(tmp_path: Path) -> Path:
    """A custody file of three entries."""
    for number in range(3):
        custody.append(tmp_path, f"add {number}", objects=[{"uri": str(number)}])
    return tmp_path / custody.FILE


def test_each_entry_carries_the_hash_of_the_line_before(record: Path) -> None:
    lines = record.read_bytes().splitlines()
    entries = [json.loads(line) for line in lines]
    assert [entry["seq"] for entry in entries] == [1, 2, 3]
    assert entries[0]["previous"] == "0" * 64
    assert entries[2]["previous"] == hashlib.sha256(lines[1]).hexdigest()
    assert custody.head(record.parent) == hashlib.sha256(lines[2]).hexdigest()
    assert custody.check(record) == []


def test_an_entry_says_who_when_where_and_with_what(record: Path) -> None:
    entry = next(custody.entries(record.parent))
    assert set(entry) == {
        "seq", "time", "who", "host", "version", "command", "objects", "detail", "previous",
    }  # fmt: skip
    assert entry["time"].endswith("Z") and entry["command"] == "add 0" and entry["objects"] == [{"uri": "0"}]


def test_an_altered_line_breaks_the_chain_at_the_next(record: Path) -> None:
    record.write_bytes(record.read_bytes().replace(b'"add 0"', b'"add 9"'))
    (problem,) = custody.check(record)
    assert (problem.what, problem.kind) == ("custody.jsonl line 2", "chain")
    assert problem.detail.endswith(": line 1 was altered, or lines between were taken out")


def test_a_line_taken_out_is_noticed(record: Path) -> None:
    lines = record.read_bytes().splitlines(keepends=True)
    record.write_bytes(lines[0] + lines[2])
    assert [problem.kind for problem in custody.check(record)] == ["chain", "sequence"]


def test_the_first_line_taken_out_is_noticed(record: Path) -> None:
    record.write_bytes(b"".join(record.read_bytes().splitlines(keepends=True)[1:]))
    assert [problem.kind for problem in custody.check(record)][:2] == ["chain", "sequence"]


def test_a_torn_last_line_is_reported_and_the_next_entry_goes_on_after_it(record: Path) -> None:
    record.write_bytes(record.read_bytes()[:-40])
    assert [(problem.what, problem.kind) for problem in custody.check(record)] == [("custody.jsonl line 3", "torn")]
    torn = record.read_bytes().splitlines()[2]
    entry = custody.append(record.parent, "add again")
    assert (entry["seq"], entry["torn"], entry["previous"]) == (4, 3, hashlib.sha256(torn).hexdigest())
    assert custody.check(record) == []
    assert record.read_bytes().splitlines()[2] == torn


def test_only_the_line_end_torn_off_is_mended_by_the_next_entry(record: Path) -> None:
    record.write_bytes(record.read_bytes()[:-1])
    assert [problem.kind for problem in custody.check(record)] == ["torn"]
    custody.append(record.parent, "add again")
    assert custody.check(record) == []


def test_rubbish_written_over_a_line_is_not_taken_for_a_crash(record: Path) -> None:
    lines = record.read_bytes().splitlines(keepends=True)
    record.write_bytes(lines[0] + b"rubbish\n" + lines[2])
    assert [problem.kind for problem in custody.check(record)] == ["chain", "torn"]


def test_no_record_at_all_is_a_problem(tmp_path: Path) -> None:
    assert [problem.kind for problem in custody.check(tmp_path)] == ["missing"]

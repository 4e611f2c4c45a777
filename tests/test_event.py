"""The event view shows every event once: copies and earlier versions are left out, whatever the order."""

import json
from pathlib import Path
from typing import Any

from forensics.case import Case
from forensics.timeline import Timeline
from tests.loading import FLOW, envelope, finding, loaded, records, trail


def events(folder: Path, files: dict[str, bytes], columns: str) -> list[tuple[Any, ...]]:
    with Case.create(folder / "case") as case:
        loaded(case, folder / "logs", files)
        return case.sql(f"SELECT {columns} FROM event ORDER BY event_id, record").rows()


def test_an_event_delivered_twice_is_one_event_and_two_rows(tmp_path: Path) -> None:
    files = {"one.json": records(trail("A")), "two.json": records(trail("A"), trail("B"))}
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", files)
        assert case.sql("SELECT count(*) FROM cloudtrail").rows() == [(3,)]
        assert [row[0] for row in Timeline(case).rows()] == ["event-A", "event-B"]


def test_records_without_an_id_are_events_of_their_own(tmp_path: Path) -> None:
    rows = events(
        tmp_path, {"a.json": records(trail("A", eventID=None), trail("A", eventID=""))}, "event_id, object_id, record"
    )
    assert [event_id for event_id, _, _ in rows] == [f"{object_id}/{record}" for _, object_id, record in rows]
    assert len(rows) == 2


def test_of_a_finding_the_latest_version_is_the_event(tmp_path: Path) -> None:
    versions = [finding(updatedAt=f"2026-11-05T{hour:02}:00:00Z", severity=hour) for hour in (11, 13, 12)]
    assert events(tmp_path, {"f.json": json.dumps(versions).encode()}, "event_id, severity") == [
        ("findingexample", 13.0)
    ]


def test_a_flow_reads_as_an_event(tmp_path: Path) -> None:
    columns = "source, action, source_ip, destination_ip, outcome, bytes, resources, account_id"
    assert events(tmp_path, {"f.log": FLOW.encode()}, columns) == [
        ("vpc_flow", "vpc_flow:accept", "10.0.1.5", "203.0.113.7", "accept", 840, ["eni-0example"], "111122223333")
    ]


def test_outcomes_are_told_apart(tmp_path: Path) -> None:
    codes = {"A": None, "B": "AccessDenied", "C": "Client.UnauthorizedOperation", "D": "NoSuchKey", "E": ""}
    text = records(*(trail(name, errorCode=code) for name, code in codes.items()))
    assert [row[0] for row in events(tmp_path, {"a.json": text}, "outcome")] == [
        "success",
        "denied",
        "denied",
        "error",
        "success",
    ]


def test_a_log_event_names_its_group_and_stream(tmp_path: Path) -> None:
    assert events(tmp_path, {"l.json": envelope("hello")}, "action, resources, summary") == [
        ("lambda:log", ["/aws/lambda/orders-fn", "2026/11/05/[$LATEST]0abc"], "hello")
    ]


def test_an_empty_case_has_no_events(tmp_path: Path) -> None:
    assert events(tmp_path, {"notes.txt": b"nothing"}, "event_id") == []


def test_a_record_that_says_otherwise_under_the_same_event_id_is_no_copy(tmp_path: Path) -> None:
    one = trail("GetObject", eventID="same", sourceIPAddress="203.0.113.9")
    other = trail("ListBuckets", eventID="same", sourceIPAddress="198.51.100.9")
    with Case.create(tmp_path / "case") as case:
        loaded(case, tmp_path / "logs", {"a.json": records(one), "b.json": records(other), "c.json": records(one, one)})
        rows = case.sql("SELECT source_ip FROM event WHERE event_id = 'same' ORDER BY source_ip").rows()

        assert rows == [("198.51.100.9",), ("203.0.113.9",)]

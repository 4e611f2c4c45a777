"""What was read of the source tables is kept: later evidence alone is read, unless what was read has changed."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from forensics import evidence, naming, resolution, scanned
from forensics.case import Case
from forensics.load import load
from forensics.resolution import resolve
from forensics.source import LogStream
from tests.loading import finding, loaded, put, records, trail

READ = scanned.one("heard", "cloudtrail", "SELECT s.event_id, s.object_id FROM {rows} AS s WHERE s.event_id <> 'no'")
COUNT = scanned.one(
    "counted",
    "cloudtrail",
    "SELECT s.event_name, count(*) AS calls, min(s.event_id) AS first FROM {rows} AS s GROUP BY s.event_name",
    "SELECT event_name, CAST(sum(calls) AS BIGINT) AS calls, min(first) AS first FROM {kept} GROUP BY event_name",
)


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as made:
        yield made


def call(name: str, **fields: Any) -> dict[str, Any]:
    """A CloudTrail record with that event id."""
    return trail("ListBuckets", eventID=name, **fields)


def more(case: Case, name: str, *events: Any) -> None:
    """Load events in an object of that name, and do not resolve."""
    evidence.add(case, put(case.path.parent / name, {f"{name}.json": records(*events)}))
    load(case, workers=1, resolve=False)


def rows(case: Case, scan: scanned.Scan) -> list[tuple[Any, ...]]:
    """What a scan found, brought up to date."""
    scanned.take(case.connection, scan)
    return sorted(case.connection.execute(f"SELECT * FROM {scan.rows} AS k").fetchall())


def names(case: Case) -> list[str]:
    return [row[0] for row in rows(case, READ)]


def test_nothing_loaded_gives_an_empty_table(case: Case) -> None:
    assert rows(case, READ) == rows(case, COUNT) == []


def test_only_rows_that_came_since_are_read(case: Case) -> None:
    more(case, "one", call("A"), call("no"))
    assert names(case) == ["A"]
    case.connection.execute("UPDATE kept.heard SET event_id = 'kept'")
    more(case, "two", call("B"))
    assert names(case) == ["B", "kept"]
    assert names(case) == ["B", "kept"]


def test_what_is_grouped_is_put_together_again(case: Case) -> None:
    for name, event in (("one", "C"), ("two", "B"), ("three", "D")):
        more(case, name, call(event))
        rows(case, COUNT)
    assert [row[1:] for row in rows(case, COUNT)] == [(3, "B")]
    assert case.connection.execute("SELECT count(*) FROM kept.counted").fetchall() == [(3,)]


def test_a_kept_table_that_has_grown_is_merged_where_it_lies(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scanned, "MERGE_FROM", 2)
    for name in ("one", "two", "three"):
        more(case, name, call(name))
        rows(case, COUNT)
    assert [row[1:] for row in rows(case, COUNT)] == [(3, "one")]
    assert case.connection.execute("SELECT count(*) FROM kept.counted").fetchall() == [(1,)]


def test_another_declaration_of_the_same_name_reads_everything(case: Case) -> None:
    more(case, "one", call("A"), call("no"))
    rows(case, READ)
    other = scanned.one("heard", "cloudtrail", "SELECT s.event_name FROM {rows} AS s")
    assert len(rows(case, other)) == 2


def test_a_column_that_the_table_grows_later_is_read_of_later_rows(case: Case) -> None:
    scan = scanned.one("tls", "cloudtrail", "SELECT s.event_id, s.error_code FROM {rows} AS s")
    more(case, "one", call("A"))
    assert rows(case, scan) == [("A", None)]
    more(case, "two", call("B", errorCode="AccessDenied"))
    assert rows(case, scan) == [("A", None), ("B", "AccessDenied")]


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM stored.cloudtrail WHERE event_id = 'A'",
        "DELETE FROM stored.cloudtrail WHERE event_id = 'B'",
        "DELETE FROM stored.cloudtrail",
    ],
)
def test_rows_that_are_gone_have_the_source_read_anew(case: Case, change: str) -> None:
    more(case, "one", call("A"), call("B"))
    assert scanned.check(case.connection) == []
    names(case)
    case.connection.execute(change)
    more(case, "two", call("C"))
    assert scanned.check(case.connection) == ["cloudtrail"]
    assert names(case) == [row[0] for row in case.sql("SELECT event_id FROM cloudtrail ORDER BY event_id").rows()]
    assert scanned.check(case.connection) == []


def test_a_resolution_that_fails_keeps_what_was_read_before(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    more(case, "one", call("A"))
    resolve(case.connection)
    before = case.connection.execute("SELECT * FROM kept.scan ORDER BY ALL").fetchall()
    more(case, "two", call("B"))
    with monkeypatch.context() as patch:
        patch.setattr("forensics.tamper_finding.resolve", _fail)
        with pytest.raises(RuntimeError):
            resolve(case.connection)
    assert case.connection.execute("SELECT * FROM kept.scan ORDER BY ALL").fetchall() == before
    resolve(case.connection)
    assert case.sql("SELECT count(*) FROM kept.said").rows() == [(2,)]


def _fail(_: object) -> None:
    raise RuntimeError


@pytest.mark.parametrize("memory", [1_000, 20_000_000])
def test_what_needs_more_memory_than_is_allowed_is_done_with_what_there_is(
    case: Case, monkeypatch: pytest.MonkeyPatch, memory: int
) -> None:
    allowed = case.sql("SELECT current_setting('memory_limit')").rows()
    more(case, "one", call("A"))
    monkeypatch.setattr(resolution, "MEMORY", memory)
    resolve(case.connection)
    assert case.sql("SELECT count(*) FROM kept.said").rows() == [(1,)]
    assert case.sql("SELECT current_setting('memory_limit')").rows() == allowed


def test_a_case_without_kept_tables_is_read_whole(case: Case) -> None:
    loaded(case, case.path.parent / "logs", {"a.json": records(call("A"))})
    before = case.sql("SELECT * FROM principal").rows()
    case.connection.execute("DROP SCHEMA kept CASCADE")
    case.prepare()
    resolve(case.connection)
    assert case.sql("SELECT * FROM principal").rows() == before


def test_a_case_of_an_older_version_is_read_whole(case: Case) -> None:
    for name in ("one", "two"):
        more(case, name, call("A"), call(name))
    resolve(case.connection)
    case.connection.execute("UPDATE case_info SET value = '2' WHERE key = 'schema_version'")
    case.prepare()
    resolve(case.connection)
    assert case.sql("SELECT count(*) FROM superseded").rows() == [(1,)]


def test_objects_that_are_named_anew_are_read_anew(case: Case) -> None:
    line = "2026-11-05T09:10:01.123Z START RequestId: 8c1f2d3e-1111-2222-3333-444455556666 Version: $LATEST\n"
    folder = put(case.path.parent / "logs", {"aws-logs-write": line.encode()})
    for function in ("orders-fn", "stock-fn"):
        stream = LogStream(f"/aws/lambda/{function}", "2026/11/05/[$LATEST]0abc", "111122223333", "us-east-1")
        evidence.add(case, folder, stream=stream)
        load(case, workers=1)
    assert [row[0].rsplit(":")[-1] for row in case.sql("SELECT workload FROM workload").rows()] == ["stock-fn"]


def test_copies_that_come_later_are_told_by_the_ids_that_recur(case: Case) -> None:
    versions = [json.dumps(finding(updatedAt=f"2026-11-05T{hour}:00:00Z")).encode() for hour in (11, 13, 12)]
    for place, version in enumerate(versions):
        loaded(case, case.path.parent / f"logs-{place}", {f"f{place}.json": version})
        more(case, f"calls-{place}", call("A"), call(f"only-{place}"))
        resolve(case.connection)
    assert case.sql("SELECT source, count(*) FROM superseded GROUP BY ALL ORDER BY ALL").rows() == [
        ("cloudtrail", 2),
        ("guardduty", 2),
    ]
    assert case.sql(
        "SELECT updated_at::VARCHAR FROM guardduty AS g JOIN event AS e USING (object_id, record)"
    ).rows() == [("2026-11-05 13:00:00",)]


def test_copies_are_forgotten_with_the_objects_that_held_them(case: Case) -> None:
    more(case, "one", call("A"))
    more(case, "two", call("A"), call("B"))
    resolve(case.connection)
    assert case.sql("SELECT count(*) FROM superseded").rows() == [(1,)]
    naming.unload(case.connection, [row[0] for row in case.sql("SELECT object_id FROM evidence").rows()])
    resolve(case.connection)
    assert case.sql("SELECT count(*) FROM superseded").rows() == [(0,)]

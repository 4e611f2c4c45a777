"""Hits as findings: what they take from their evidence, replacing, bounds."""

from pathlib import Path

import duckdb

from forensics.detect import hits
from tests.workload_worlds import KEY, ORDERS, in_scope, world
from tests.worlds import call, role, user

WHO = in_scope(role("orders-fn-role", "orders-fn", key=KEY), ORDERS)
CALLS = [call(WHO, at="09:00:00", eventID="a"), call(WHO, at="09:05:00", eventID="b"), call(user(), eventID="c")]


def hit(con: duckdb.DuckDBPyConnection, name: str, *events: str, principal: str | None = None) -> None:
    con.execute("INSERT INTO hit BY NAME SELECT ? AS finding_id, 'T' AS title, ? AS principal", [name, principal])
    con.executemany("INSERT INTO hit_evidence VALUES (?, ?, NULL)", [[name, event] for event in events])


def test_a_hit_takes_who_and_when_from_its_evidence(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=CALLS) as con:
        hits.prepare(con)
        hit(con, "one", "a", "b")
        assert hits.store(con, "sigma") == 1
        row = "SELECT source, principal, access_key_id, workload, strftime(time, '%H:%M'), strftime(end_time, '%H:%M')"
        principal = WHO["sessionContext"]["sessionIssuer"]["arn"]
        assert con.execute(f"{row} FROM finding").fetchall() == [("sigma", principal, KEY, ORDERS, "09:00", "09:05")]


def test_evidence_of_several_fills_in_none_of_them(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=CALLS) as con:
        hits.prepare(con)
        hit(con, "two", "a", "c")
        hit(con, "said", "a", "c", principal="arn:aws:iam::111122223333:user/said")
        hits.store(con, "sigma")
        rows = con.execute("SELECT finding_id, principal, access_key_id FROM finding ORDER BY finding_id").fetchall()
        assert rows == [("said", "arn:aws:iam::111122223333:user/said", None), ("two", None, None)]


def test_storing_again_replaces_the_findings_of_that_source_alone(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=CALLS) as con:
        for source, names in (("behaviour", ["x"]), ("sigma", ["one", "old"]), ("sigma", ["one"])):
            hits.prepare(con)
            for name in names:
                hit(con, name, "a")
            hits.store(con, source)
        found = con.execute("SELECT finding_id, source FROM finding ORDER BY finding_id").fetchall()
        assert found == [("one", "sigma"), ("x", "behaviour")]
        cited = con.execute("SELECT finding_id, event_id, why FROM finding_evidence ORDER BY 1").fetchall()
        assert cited == [("one", "a", "T"), ("x", "a", "T")]


def test_no_hits_leave_no_findings(tmp_path: Path) -> None:
    with world(tmp_path) as con:
        hits.prepare(con)
        assert hits.store(con, "sigma") == 0


def test_a_finding_cites_no_more_records_than_its_bound(tmp_path: Path) -> None:
    with world(tmp_path) as con:
        hits.prepare(con)
        hit(con, "many", "a")
        con.execute("INSERT INTO hit_evidence SELECT 'many', 'e' || number, 'why' FROM range(10100) AS r(number)")
        hits.store(con, "sigma")
        assert con.execute("SELECT count(*) FROM finding_evidence").fetchall() == [(hits.EVIDENCE_AT_MOST,)]

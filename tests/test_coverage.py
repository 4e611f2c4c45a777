"""Coverage: hours with records, hours without, and windows that some wrong clock makes long."""

from pathlib import Path

from forensics.coverage import NOTHING_SAYS
from tests.workload_worlds import DEV, flow, world
from tests.worlds import call


def test_hours_between_records_are_unknown(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[call(DEV, at="08:10:00"), call(DEV, at="10:10:00")]) as con:
        rows = con.execute("SELECT strftime(hour, '%H'), records, status, cause FROM coverage ORDER BY hour").fetchall()
        assert rows == [("08", 1, "present", None), ("09", 0, "unknown", NOTHING_SAYS), ("10", 1, "present", None)]


def test_every_source_is_watched_over_the_whole_window_of_the_case(tmp_path: Path) -> None:
    calls = [call(DEV, at="08:10:00"), call(DEV, at="10:10:00")]
    with world(tmp_path, cloudtrail=calls, vpc_flow=[flow("09:00:00", "09:01:00")]) as con:
        rows = con.execute(
            "SELECT source, account_id, region, string_agg(status, ' ' ORDER BY hour) FROM coverage"
            " GROUP BY source, account_id, region ORDER BY source"
        ).fetchall()
        assert rows == [
            ("cloudtrail", "111122223333", "us-east-1", "present unknown present"),
            ("vpc_flow", "111122223333", "us-east-1", "unknown present unknown"),
        ]


def test_records_without_account_or_region_are_covered_too(tmp_path: Path) -> None:
    nowhere = call(DEV, awsRegion=None)
    with world(tmp_path, cloudtrail=[nowhere]) as con:
        assert con.execute("SELECT region, records, status FROM coverage").fetchall() == [(None, 1, "present")]


def test_a_wrong_clock_does_not_make_years_of_rows(tmp_path: Path) -> None:
    stray = call(DEV, eventTime="1970-01-01T00:00:00Z", eventID="stray")
    with world(tmp_path, cloudtrail=[call(DEV), stray]) as con:
        rows = con.execute("SELECT status, count(*) FROM coverage GROUP BY status ORDER BY status").fetchall()
        assert rows == [("present", 2), ("unknown", 32)]


def test_an_event_delivered_twice_is_counted_once(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[call(DEV), call(DEV)]) as con:
        assert con.execute("SELECT records FROM coverage").fetchall() == [(1,)]


def test_a_case_without_records_has_no_coverage(tmp_path: Path) -> None:
    with world(tmp_path) as con:
        assert con.execute("SELECT * FROM coverage").fetchall() == []

"""Hours that nobody asked for, and hours that log groups and buckets no longer keep, say so."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from forensics import coverage
from tests.test_coverage_causes import act, cell, day, statuses
from tests.workload_worlds import world
from tests.worlds import ACCOUNT, Record, call


def from_bucket(con: duckdb.DuckDBPyConnection, uri: str, acquired: str, *, source: str = "cloudtrail") -> None:
    con.execute(
        "INSERT INTO evidence (object_id, uri, sha256, size, last_modified, acquired_at, source, account_id, region,"
        " status) VALUES (?, ?, ?, 1, ?, ?, ?, ?, 'us-east-1', 'loaded')",
        [uri, uri, uri, acquired, acquired, source, ACCOUNT],
    )


def asked(con: duckdb.DuckDBPyConnection, start: str, end: str, **more: Any) -> None:
    parameters = {"start": f"2026-11-05T{start}Z", "end": f"2026-11-05T{end}Z", **more}
    con.execute(
        "INSERT INTO acquisition (acquisition_id, kind, command, parameters, started_at)"
        " VALUES (?, 's3', 'add', CAST(? AS JSON), '2026-11-09')",
        [start, str(parameters).replace("'", '"')],
    )


def test_an_hour_outside_of_every_window_that_was_asked_for_says_so(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=day()) as con:
        from_bucket(con, "s3://logs/AWSLogs/a.json.gz", "2026-11-05 23:00")
        asked(con, "07:00:00", "10:00:00")
        coverage.resolve(con)
        causes = [str(cell(con, hour)[2])[:13] for hour in (8, 9, 10, 11)]
    assert causes == ["nothing in ev", "nothing in ev", "not asked for", "not asked for"]


@pytest.mark.parametrize(
    "narrowed", [{"regions": ["eu-west-1"]}, {"sources": ["vpc_flow"]}, {"accounts": ["444455556666"]}]
)
def test_a_window_of_another_place_is_none_of_this(tmp_path: Path, narrowed: dict[str, Any]) -> None:
    with world(tmp_path, cloudtrail=day()) as con:
        from_bucket(con, "s3://logs/AWSLogs/a.json.gz", "2026-11-05 23:00")
        asked(con, "07:00:00", "13:00:00", **narrowed)
        coverage.resolve(con)
        assert str(cell(con, 9)[2]).startswith("not asked for")


def test_objects_of_a_folder_were_not_asked_for_by_a_window(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=day()) as con:
        from_bucket(con, "/evidence/AWSLogs/a.json.gz", "2026-11-05 23:00")
        asked(con, "07:00:00", "10:00:00")
        coverage.resolve(con)
        assert str(cell(con, 11)[2]).startswith("nothing in evidence")


def lifecycle(days: int) -> Record:
    return act(
        "s3:PutBucketLifecycle", "12:00:00", bucketName="logs",
        LifecycleConfiguration={"Rule": {"Status": "Enabled", "Expiration": {"Days": days}}},
    )  # fmt: skip


@pytest.mark.parametrize(("days", "gone"), [(1, True), (3, False)])
def test_a_lifecycle_rule_is_a_cause_where_the_objects_were_older_than_it_keeps(
    tmp_path: Path, days: int, gone: bool
) -> None:
    with world(tmp_path, cloudtrail=day(lifecycle(days))) as con:
        from_bucket(con, "s3://logs/AWSLogs/a.json.gz", "2026-11-07 12:00")
        coverage.resolve(con)
        assert str(cell(con, 9)[2]).startswith(f"bucket logs deletes objects after {days} day") is gone
        assert cell(con, 7)[1:] == ("present", None)


def lambda_cell(con: duckdb.DuckDBPyConnection, hour: int) -> Any:
    """Status and cause of an hour of the functions' logs, whose Region nothing says."""
    rows = con.execute("SELECT status, cause FROM coverage WHERE source = 'lambda_log' AND hour(hour) = ?", [hour])
    return rows.fetchone()


def lines(hour: int) -> Record:
    group = {"logGroup": "/aws/lambda/orders-fn", "logStream": "s", "owner": ACCOUNT}
    return group | {"timestamp": f"2026-11-05 {hour:02}:30:00", "message": "x"}


def test_a_deleted_log_group_is_a_cause_of_the_hours_before_it(tmp_path: Path) -> None:
    deleted = act("logs:DeleteLogGroup", "10:30:00", logGroupName="/aws/lambda/orders-fn")
    with world(tmp_path, cloudtrail=day(deleted), lambda_log=[lines(8), lines(12)]) as con:
        from_bucket(con, "/logs/x.gz", "2026-11-05 23:00", source="lambda_log")
        coverage.resolve(con)
        told = "what was not delivered elsewhere is gone: log group /aws/lambda/orders-fn deleted, by"
        for hour, status in ((8, "present"), (9, "unknown")):
            assert lambda_cell(con, hour)[0] == status
            assert str(lambda_cell(con, hour)[1]).startswith(told)
        assert lambda_cell(con, 12) == ("present", None)


@pytest.mark.parametrize(("days", "gone"), [(1, True), (30, False)])
def test_a_retention_is_a_cause_where_it_is_shorter_than_the_time_to_the_acquisition(
    tmp_path: Path, days: int, gone: bool
) -> None:
    short = act("logs:PutRetentionPolicy", "10:30:00", logGroupName="/aws/lambda/orders-fn", retentionInDays=days)
    with world(tmp_path, cloudtrail=day(short), lambda_log=[lines(8), lines(12)]) as con:
        from_bucket(con, "/logs/x.gz", "2026-11-09 23:00", source="lambda_log")
        coverage.resolve(con)
        assert (f"/aws/lambda/orders-fn keeps {days} day" in str(lambda_cell(con, 9)[1])) is gone


@pytest.mark.parametrize("days", [2**31 - 1, 10**18, -(2**31), 0])
def test_a_number_of_days_that_no_calendar_holds_is_borne(tmp_path: Path, days: int) -> None:
    rule = {"Rule": [{"Expiration": {"Days": str(days)}}]}
    acts = (
        act("logs:PutRetentionPolicy", "10:30:00", logGroupName="/aws/lambda/orders-fn", retentionInDays=days),
        act("s3:PutBucketLifecycle", "10:30:00", bucketName="logs", LifecycleConfiguration=rule),
    )
    with world(tmp_path, cloudtrail=day(*acts), lambda_log=[lines(8), lines(12)]) as con:
        from_bucket(con, "/logs/x.gz", "2026-11-09 23:00", source="lambda_log")
        coverage.resolve(con)
        assert lambda_cell(con, 8)[0] == "present"


def test_names_of_groups_and_buckets_are_text_and_nothing_else(tmp_path: Path) -> None:
    hostile = "/aws/lambda/'; DROP TABLE event; --%_\x1b[31m"
    acts = (
        act("logs:DeleteLogGroup", "10:30:00", logGroupName=hostile),
        call({"accessKeyId": "AKIAIOSFODNN7EXAMPLE"}, "logs:PutRetentionPolicy", at="10:31:00",
             requestParameters={"logGroupName": hostile, "retentionInDays": "many"}),
    )  # fmt: skip
    with world(tmp_path, cloudtrail=day(*acts)) as con:
        coverage.resolve(con)
        assert statuses(con).split()[0] == "present"

"""Why hours have no records: logs switched off, digests, flow records, late delivery, objects that did not load."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from forensics import coverage
from forensics.coverage import NOTHING_SAYS, PROVEN_ON
from tests.workload_worlds import DEV, flow, world
from tests.worlds import ACCOUNT, Record, call

TRAIL = f"arn:aws:cloudtrail:us-east-1:{ACCOUNT}:trail/main"
DIGEST = "s3://logs/AWSLogs/111122223333/CloudTrail-Digest/us-east-1/2026/11/05/d.json.gz"
FILE = "s3://logs/AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/111122223333_CloudTrail_us-east-1_20261105T0915Z_x.json.gz"


def act(action: str, at: str, **asked: Any) -> Record:
    return call(DEV, action, at=at, requestParameters=asked, eventID=f"{action}-{at}")


def day(*more: Record) -> list[Record]:
    """Calls at 07:10 and 12:10, so that coverage spans the hours between."""
    return [call(DEV, at="07:10:00"), call(DEV, at="12:10:00"), *more]


def statuses(con: duckdb.DuckDBPyConnection, source: str = "cloudtrail", region: str = "us-east-1") -> str:
    """The statuses of a source's hours in order, a word each."""
    rows = con.execute("SELECT status FROM coverage WHERE source = ? AND region = ? ORDER BY hour", [source, region])
    return " ".join(row[0] for row in rows.fetchall())


def cell(con: duckdb.DuckDBPyConnection, hour: int, source: str = "cloudtrail", region: str = "us-east-1") -> Any:
    """Records, status and cause of an hour."""
    rows = con.execute(
        "SELECT records, status, cause FROM coverage WHERE source = ? AND region = ? AND hour(hour) = ?",
        [source, region, hour],
    )
    return rows.fetchone()


@pytest.fixture
def digested(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A day of which digests can be said to be."""
    with world(tmp_path, cloudtrail=day()) as con:
        yield con


def check(con: duckdb.DuckDBPyConnection, status: str, start: str, end: str, *, uri: str = DIGEST) -> None:
    con.execute(
        "INSERT INTO digest_check VALUES (?, 'us-east-1', ?, ?, ?, ?, ?, NULL, NULL)",
        [ACCOUNT, TRAIL, f"2026-11-05 {start}", f"2026-11-05 {end}", status, uri],
    )


# Logs that were switched off


def test_a_stopped_trail_is_off_from_the_second_to_the_second_and_says_by_whom(tmp_path: Path) -> None:
    stopped = (
        act("cloudtrail:StopLogging", "08:30:00", name=TRAIL),
        act("cloudtrail:StartLogging", "10:15:00", name="main"),
    )
    with world(tmp_path, cloudtrail=day(*stopped)) as con:
        assert statuses(con) == "present switched_off switched_off switched_off unknown present"
        parts = con.execute(
            "SELECT strftime(since, '%H:%M'), strftime(until, '%H:%M'), event_id FROM coverage"
            " WHERE since IS NOT NULL ORDER BY hour"
        ).fetchall()
        stop = "cloudtrail:StopLogging-08:30:00"
        assert parts == [("08:30", "09:00", stop), ("09:00", "10:00", stop), ("10:00", "10:15", stop)]
        assert cell(con, 9)[2] == (
            f"StopLogging of main by arn:aws:iam::{ACCOUNT}:user/dev at 2026-11-05 08:30:00 UTC (event {stop})"
        )
        assert cell(con, 11) == (0, "unknown", PROVEN_ON)


def test_a_trail_that_nobody_starts_again_is_off_until_the_evidence_ends(tmp_path: Path) -> None:
    flows = [flow("07:10:00", "07:11:00"), flow("12:10:00", "12:11:00")]
    stop = [call(DEV, at="07:10:00"), act("cloudtrail:DeleteTrail", "08:30:00", name="main")]
    with world(tmp_path, cloudtrail=stop, vpc_flow=flows) as con:
        assert statuses(con) == "present switched_off switched_off switched_off switched_off switched_off"


def test_a_refused_stop_switches_nothing_off(tmp_path: Path) -> None:
    refused = act("cloudtrail:StopLogging", "08:30:00", name="main") | {"errorCode": "AccessDenied"}
    with world(tmp_path, cloudtrail=day(refused)) as con:
        assert statuses(con) == "present present unknown unknown unknown present"


def test_records_of_another_trail_keep_an_hour_present(tmp_path: Path) -> None:
    stopped = (
        act("cloudtrail:StopLogging", "08:30:00", name="main"),
        act("cloudtrail:StartLogging", "10:15:00", name="main"),
    )
    with world(tmp_path, cloudtrail=day(*stopped, call(DEV, at="09:20:00"))) as con:
        assert statuses(con) == "present present present present unknown present"
        assert cell(con, 9)[2].startswith("records of another log: this one was off, StopLogging of main")


def test_a_trail_of_unknown_reach_makes_other_regions_unknown_and_a_multi_region_trail_makes_them_off(
    tmp_path: Path,
) -> None:
    stop = act("cloudtrail:StopLogging", "08:30:00", name="main")
    start = act("cloudtrail:StartLogging", "12:05:00", name="main")
    abroad = [call(DEV, at=at, awsRegion="eu-west-1", eventID=f"eu-{at}") for at in ("07:20:00", "12:20:00")]
    with world(tmp_path / "unknown", cloudtrail=day(stop, start, *abroad)) as con:
        assert cell(con, 9, region="eu-west-1")[1:] == (
            "unknown",
            f"whether that trail recorded this Region is not in evidence: {_act_of(con)}",
        )
    wide = act("cloudtrail:UpdateTrail", "07:30:00", name="main", isMultiRegionTrail=True)
    with world(tmp_path / "wide", cloudtrail=day(stop, start, wide, *abroad)) as con:
        assert cell(con, 9, region="eu-west-1")[1] == "switched_off"
    narrow = act("cloudtrail:CreateTrail", "07:30:00", name="main")
    with world(tmp_path / "narrow", cloudtrail=day(stop, start, narrow, *abroad)) as con:
        assert cell(con, 9, region="eu-west-1") == (0, "unknown", NOTHING_SAYS)


def _act_of(con: duckdb.DuckDBPyConnection) -> str:
    return str(con.execute("SELECT cause FROM logging_state WHERE state = 'off'").fetchall()[0][0])


def test_another_trail_that_was_proven_on_leaves_the_hour_unknown(tmp_path: Path) -> None:
    acts = (
        act("cloudtrail:StopLogging", "08:30:00", name="main"),
        act("cloudtrail:StartLogging", "07:30:00", name="second"),
    )
    with world(tmp_path, cloudtrail=day(*acts)) as con:
        assert statuses(con) == "present present unknown unknown unknown present"
        assert cell(con, 9)[2].startswith("another one was on, and has no records of this hour: StopLogging of main")


def test_a_log_without_any_record_has_hours_once_an_act_speaks_of_it(tmp_path: Path) -> None:
    acts = [
        act("config:StopConfigurationRecorder", "08:30:00", configurationRecorderName="default"),
        act("guardduty:UpdateDetector", "09:00:00", detectorId="d", enable=False),
        act("guardduty:UpdateDetector", "11:00:00", detectorId="d", enable=True),
        act(
            "ec2:DeleteFlowLogs",
            "10:00:00",
            DeleteFlowLogsRequest={"FlowLogId": [{"content": "fl-1"}, {"content": "fl-2"}]},
        ),
        act("s3:PutBucketLogging", "10:00:00", bucketName="data", BucketLoggingStatus={}),
    ]
    with world(tmp_path, cloudtrail=day(*acts), vpc_flow=[flow("07:10:00", "07:11:00")]) as con:
        off = "switched_off"
        assert statuses(con, "config_item") == f"unknown {off} {off} {off} {off} {off}"
        assert statuses(con, "guardduty") == f"unknown unknown {off} {off} unknown unknown"
        assert statuses(con, "vpc_flow") == f"present unknown unknown {off} {off} {off}"


def test_a_log_of_many_writers_is_not_called_off_where_no_record_of_it_was_ever_held(tmp_path: Path) -> None:
    off = act("s3:PutBucketLogging", "10:00:00", bucketName="data", BucketLoggingStatus={})
    with world(tmp_path, cloudtrail=day(off)) as con:
        assert set(statuses(con, "s3_access").split()) == {"unknown"}
        assert cell(con, 11, "s3_access")[2].startswith(
            "whether there was another one is not in evidence: PutBucketLogging"
        )


def test_nothing_is_called_off_after_the_last_record_of_the_account(tmp_path: Path) -> None:
    other = flow("12:10:00", "12:11:00", **{"account-id": "444455556666"})
    with world(tmp_path, cloudtrail=[act("cloudtrail:StopLogging", "08:30:00", name="main")], vpc_flow=[other]) as con:
        assert statuses(con) == "switched_off unknown unknown unknown unknown"


def test_one_of_two_flow_logs_that_is_deleted_does_not_switch_the_log_off(tmp_path: Path) -> None:
    made = act("ec2:CreateFlowLogs", "07:20:00") | {
        "responseElements": {
            "CreateFlowLogsResponse": {"flowLogIdSet": {"item": [{"content": "fl-1"}, {"content": "fl-2"}]}}
        }
    }
    gone = act("ec2:DeleteFlowLogs", "08:00:00", DeleteFlowLogsRequest={"FlowLogId": {"content": "fl-1"}})
    with world(tmp_path, cloudtrail=day(made, gone)) as con:
        assert "switched_off" not in statuses(con, "vpc_flow")
    other = act("ec2:DeleteFlowLogs", "09:00:00", DeleteFlowLogsRequest={"FlowLogId": {"content": "fl-2"}})
    with world(tmp_path / "both", cloudtrail=day(made, gone, other), vpc_flow=[flow("07:30:00", "07:31:00")]) as con:
        assert statuses(con, "vpc_flow") == "present unknown switched_off switched_off switched_off switched_off"


def test_a_narrowed_trail_says_so_of_its_present_hours_and_of_its_empty_ones(tmp_path: Path) -> None:
    selectors = [{"readWriteType": "WriteOnly", "includeManagementEvents": True}]
    narrowed = act("cloudtrail:PutEventSelectors", "08:30:00", trailName="main", eventSelectors=selectors)
    with world(tmp_path, cloudtrail=day(narrowed)) as con:
        assert statuses(con) == "present present unknown unknown unknown present"
        assert cell(con, 9)[2].startswith("narrowed, not every call is recorded: PutEventSelectors of main")
        assert cell(con, 12)[2] == cell(con, 9)[2]


def test_names_from_the_log_stay_text_in_causes(tmp_path: Path) -> None:
    name = "x'; DROP TABLE coverage; --\x1b[31m<b>"
    with world(tmp_path, cloudtrail=day(act("cloudtrail:StopLogging", "08:30:00", name=name))) as con:
        assert name in cell(con, 9)[2]


# What was described


def described(operation: str, held: dict[str, Any], **asked: Any) -> Record:
    """A thing that an API described at 12:30."""
    return {
        "api": "cloudtrail",
        "operation": operation,
        "parameters": asked,
        "account_id": ACCOUNT,
        "region": "us-east-1",
        "observed_at": "2026-11-05T12:30:00",
        "resource_type": "x",
        "configuration": held,
    }


def test_a_trail_s_status_tells_when_it_was_off_although_no_event_does(tmp_path: Path) -> None:
    held = {"IsLogging": True, "StopLoggingTime": "2026-11-05T08:00:00Z", "StartLoggingTime": "2026-11-05T10:00:00Z"}
    asked = described("GetTrailStatus", held, Name=TRAIL)
    with world(tmp_path, cloudtrail=day(), inventory=[asked]) as con:
        assert statuses(con) == "present switched_off switched_off unknown unknown present"
        assert cell(con, 9)[2] == (
            "GetTrailStatus asked at 2026-11-05 12:30:00 UTC: main was off since 2026-11-05 08:00:00 UTC until 10:00:00"
        )
        assert cell(con, 11)[2] == PROVEN_ON


def test_a_flow_log_a_detector_and_a_recorder_are_on_since_they_say_so(tmp_path: Path) -> None:
    since = "2026-11-05T08:00:00Z"
    items = [
        described("DescribeFlowLogs", {"FlowLogId": "fl-1", "FlowLogStatus": "ACTIVE", "CreationTime": since}),
        described("GetDetector", {"Status": "DISABLED", "UpdatedAt": since}, DetectorId="d"),
        described(
            "DescribeConfigurationRecorderStatus", {"name": "default", "recording": False, "lastStopTime": since}
        ),
    ]
    with world(tmp_path, cloudtrail=day(), inventory=items) as con:
        assert [cell(con, 9, source)[1] for source in ("vpc_flow", "guardduty", "config_item")] == [
            "unknown",
            "switched_off",
            "switched_off",
        ]
        assert cell(con, 9, "vpc_flow")[2] == PROVEN_ON


def test_two_trails_of_one_name_in_two_accounts_are_two(tmp_path: Path) -> None:
    other = TRAIL.replace(ACCOUNT, "444455556666")
    told = [
        described("DescribeTrails", {"Name": "main", "TrailARN": arn, "HomeRegion": "us-east-1"})
        for arn in (TRAIL, other)
    ]
    status = described("GetTrailStatus", {"IsLogging": False, "StopLoggingTime": "2026-11-05T08:00:00Z"}, Name="main")
    items = [told[0], told[1] | {"account_id": "444455556666"}, status]
    with world(tmp_path, cloudtrail=day(), inventory=items) as con:
        rows = con.execute("SELECT account_id, state FROM logging_state").fetchall()
        assert rows == [(ACCOUNT, "off")]


# Digests


def test_an_hour_is_silent_where_digests_cover_it_and_the_time_of_delivery_after_it(
    digested: duckdb.DuckDBPyConnection,
) -> None:
    check(digested, "valid", "07:30:00", "08:30:00")
    check(digested, "valid", "08:30:00", "09:30:00")
    coverage.resolve(digested)
    assert statuses(digested) == "present silent unknown unknown unknown present"


def test_a_digest_that_is_not_verified_proves_no_silence(digested: duckdb.DuckDBPyConnection) -> None:
    check(digested, "unverified", "07:00:00", "12:00:00")
    coverage.resolve(digested)
    assert statuses(digested) == "present unknown unknown unknown unknown present"


def test_a_listed_file_that_was_not_acquired_leaves_its_time_without_proof(digested: duckdb.DuckDBPyConnection) -> None:
    check(digested, "valid", "07:00:00", "13:30:00")
    check(digested, "unverified", "10:00:00", "11:00:00", uri=FILE)
    coverage.resolve(digested)
    assert statuses(digested) == "present silent unknown unknown silent present"


def test_what_digests_miss_is_missing_or_tampered_and_never_silent(digested: duckdb.DuckDBPyConnection) -> None:
    check(digested, "valid", "07:00:00", "13:30:00")
    check(digested, "missing_log_file", "09:00:00", "10:00:00", uri=FILE)
    check(digested, "altered", "12:00:00", "13:00:00", uri=FILE)
    check(digested, "missing_digest", "10:00:00", "11:00:00")
    check(digested, "gap", "11:00:00", "12:00:00")
    coverage.resolve(digested)
    assert statuses(digested) == "present unknown missing tampered tampered tampered"
    assert cell(digested, 9)[2] == f"a digest lists what is not in evidence: {FILE}"


def test_a_missing_file_of_an_hour_that_has_records_is_tampering(digested: duckdb.DuckDBPyConnection) -> None:
    check(digested, "missing_log_file", "12:00:00", "13:00:00", uri=FILE)
    coverage.resolve(digested)
    assert cell(digested, 12)[:2] == (1, "tampered")


# Flows, delivery, objects


def test_nodata_is_silence_and_skipdata_alone_is_missing(tmp_path: Path) -> None:
    flows = [
        flow("07:10:00", "07:11:00", **{"action": "ACCEPT", "log-status": "OK"}),
        flow("08:10:00", "08:11:00", **{"log-status": "NODATA"}),
        flow("09:10:00", "09:11:00", **{"log-status": "SKIPDATA"}),
        flow("10:10:00", "10:11:00", **{"log-status": "SKIPDATA"}),
        flow("10:12:00", "10:13:00", **{"action": "ACCEPT", "log-status": "OK"}),
    ]
    with world(tmp_path, vpc_flow=flows) as con:
        assert statuses(con, "vpc_flow") == "present silent missing present"
        assert cell(con, 10, "vpc_flow")[2] == "SKIPDATA in 1 of 2 records: AWS lost flows of that time"


def held(con: duckdb.DuckDBPyConnection, uri: str, *, status: str = "loaded", size: int = 1000, **more: Any) -> None:
    values = {"object_id": uri, "uri": uri, "sha256": uri, "size": size, "acquired_at": "2026-11-06", "status": status}
    values |= {"source": "cloudtrail", "account_id": ACCOUNT, "region": "us-east-1"} | more
    con.execute(
        f"INSERT INTO evidence ({', '.join(values)}) VALUES ({', '.join('?' * len(values))})", list(values.values())
    )


def test_hours_that_were_not_delivered_when_the_evidence_was_acquired_are_late(tmp_path: Path) -> None:
    flows = [flow("07:10:00", "07:11:00"), flow("12:10:00", "12:11:00")]
    with world(tmp_path, cloudtrail=[call(DEV, at="07:10:00")], vpc_flow=flows) as con:
        held(con, "object-0", last_modified="2026-11-05 11:05:00")
        coverage.resolve(con)
        assert statuses(con) == "present unknown unknown unknown unknown unknown"
        assert [cell(con, hour)[2] for hour in (9, 10, 11)] == [NOTHING_SAYS, "late", "late"]


def test_the_moment_that_aws_was_asked_counts_for_what_was_asked_of_it(tmp_path: Path) -> None:
    flows = [flow("07:10:00", "07:11:00"), flow("12:10:00", "12:11:00")]
    with world(tmp_path, cloudtrail=[call(DEV, at="07:10:00")], vpc_flow=flows) as con:
        held(con, "s3://logs/object", last_modified="2026-11-05 07:30:00")
        con.execute(
            "INSERT INTO acquisition (acquisition_id, kind, command, started_at) VALUES ('a', 's3', 'add', '2026-11-05 10:30:00')"
        )
        coverage.resolve(con)
        assert [cell(con, hour)[2] for hour in (8, 9, 10)] == [NOTHING_SAYS, NOTHING_SAYS, "late"]


def test_objects_that_did_not_load_leave_their_hour_unknown_with_their_name(
    digested: duckdb.DuckDBPyConnection,
) -> None:
    held(digested, FILE, status="rejected")
    coverage.resolve(digested)
    assert cell(digested, 9)[1:] == ("unknown", f"1 object of that time did not load whole: {FILE}")
    assert cell(digested, 10)[2] == NOTHING_SAYS


def test_a_log_object_that_was_deleted_makes_its_empty_hour_missing(tmp_path: Path) -> None:
    arn = "arn:aws:s3:::" + FILE.removeprefix("s3://")
    gone = call(
        DEV, "s3:DeleteObject", at="12:05:00", resources=[{"ARN": arn, "type": "AWS::S3::Object"}], eventID="gone"
    )
    with world(tmp_path, cloudtrail=day(gone)) as con:
        assert cell(con, 9)[1] == "missing"
        assert cell(con, 9)[2].startswith("1 log object of that time deleted by arn:aws:iam::111122223333:user/dev at")
        assert con.execute("SELECT finding_id, severity FROM finding").fetchall() == [("tampering/gone", 8.0)]


def test_bytes_are_shared_by_records_and_sum_to_the_object(tmp_path: Path) -> None:
    calls = [call(DEV, at=at) for at in ("07:10:00", "07:20:00", "08:10:00", "12:10:00")]
    with world(tmp_path, cloudtrail=calls) as con:
        held(con, "object-0", size=1001)
        coverage.resolve(con)
        rows = con.execute("SELECT bytes FROM coverage ORDER BY hour").fetchall()
        assert [row[0] for row in rows] == [501, 250, None, None, None, 250]


def test_what_is_a_state_and_no_log_lacks_no_hours(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=day(), inventory=[described("DescribeTrails", {"Name": "main"})]) as con:
        assert con.execute("SELECT count(*), min(status) FROM coverage WHERE source = 'inventory'").fetchall() == [
            (1, "present")
        ]

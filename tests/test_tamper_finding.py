"""Acts against logs as findings: which are, how grave, with what evidence; and who must not take them for accusations."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from forensics.case import Case
from tests.fresh import fresh_case
from tests.workload_worlds import DEV, add, resolve, world
from tests.worlds import Record, call

GROUP = "/aws/lambda/orders-fn"
TRAIL = {"name": "main"}


def act(action: str, at: str = "09:00:00", *, asked: dict[str, Any] | None = None, **more: Any) -> Record:
    return call(DEV, action, at=at, requestParameters=asked or {}, eventID=f"{action}-{at}", **more)


def found(con: duckdb.DuckDBPyConnection) -> list[tuple[str, float]]:
    """Type without its prefix, and severity."""
    rows = con.execute("SELECT type, severity FROM finding WHERE source = 'tampering' ORDER BY time, type").fetchall()
    return [(kind.removeprefix("Tampering:"), severity) for kind, severity in rows]


def selected(*, reads: str = "All", data: bool = False) -> dict[str, Any]:
    chosen = {"readWriteType": reads, "includeManagementEvents": True}
    chosen["dataResources"] = [{"type": "AWS::S3::Object", "values": ["arn:aws:s3"]}] if data else []
    return {"trailName": "main", "eventSelectors": [chosen]}


@pytest.mark.parametrize(
    ("action", "asked", "severity"),
    [
        ("cloudtrail:StopLogging", TRAIL, 8.0),
        ("cloudtrail:DeleteTrail", TRAIL, 8.0),
        ("cloudtrail:UpdateTrail", TRAIL | {"isMultiRegionTrail": False}, 6.0),
        ("cloudtrail:UpdateTrail", TRAIL | {"s3BucketName": "theirs"}, 6.0),
        ("cloudtrail:UpdateTrail", TRAIL | {"enableLogFileValidation": True}, None),
        ("cloudtrail:PutEventSelectors", selected(reads="ReadOnly"), 6.0),
        ("cloudtrail:PutEventSelectors", selected(data=True), None),
        ("cloudtrail:PutInsightSelectors", {"trailName": "main", "insightSelectors": []}, 3.0),
        ("guardduty:UpdateDetector", {"detectorId": "d", "enable": False}, 8.0),
        ("guardduty:UpdateDetector", {"detectorId": "d", "enable": True}, None),
        ("guardduty:CreateFilter", {"detectorId": "d", "name": "x", "action": "ARCHIVE"}, 5.0),
        ("guardduty:CreateFilter", {"detectorId": "d", "name": "x", "action": "NOOP"}, None),
        ("guardduty:CreateIPSet", {"detectorId": "d", "name": "x"}, 5.0),
        ("config:StopConfigurationRecorder", {"configurationRecorderName": "default"}, 8.0),
        ("ec2:DeleteFlowLogs", {"DeleteFlowLogsRequest": {"FlowLogId": {"content": "fl-1"}}}, 8.0),
        ("logs:PutRetentionPolicy", {"logGroupName": GROUP, "retentionInDays": 1}, 6.0),
        ("logs:PutRetentionPolicy", {"logGroupName": GROUP, "retentionInDays": 365}, None),
        ("kms:DisableKey", {"keyId": "k"}, 5.0),
        ("s3:PutBucketLogging", {"bucketName": "data", "BucketLoggingStatus": {}}, 8.0),
        ("s3:PutBucketLogging", {"bucketName": "data", "BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "l"}}}, None),
    ],
)  # fmt: skip
def test_acts_that_take_something_away_are_findings_and_others_are_none(
    tmp_path: Path, action: str, asked: dict[str, Any], severity: float | None
) -> None:
    with world(tmp_path, cloudtrail=[act(action, asked=asked)]) as con:
        assert found(con) == ([(action, severity)] if severity else [])


def test_what_was_set_before_decides_whether_it_is_less(tmp_path: Path) -> None:
    acts = [
        act("logs:PutRetentionPolicy", "08:00:00", asked={"logGroupName": GROUP, "retentionInDays": 365}),
        act("logs:PutRetentionPolicy", "09:00:00", asked={"logGroupName": GROUP, "retentionInDays": 30}),
        act("cloudtrail:PutEventSelectors", "08:10:00", asked=selected(data=True)),
        act("cloudtrail:PutEventSelectors", "09:10:00", asked=selected()),
    ]
    with world(tmp_path, cloudtrail=acts) as con:
        ids = [row[0] for row in con.execute("SELECT finding_id FROM finding ORDER BY time").fetchall()]
        assert ids == ["tampering/logs:PutRetentionPolicy-09:00:00", "tampering/cloudtrail:PutEventSelectors-09:10:00"]


def test_a_refused_act_is_a_finding_of_low_severity_that_says_so(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[act("cloudtrail:StopLogging", asked=TRAIL, errorCode="AccessDenied")]) as con:
        rows = con.execute("SELECT severity, title FROM finding").fetchall()
        assert rows == [(2.0, "Tried, and refused: trail stopped main: the trail records nothing from then on")]


def test_a_finding_has_who_when_until_when_and_what_it_rests_on(tmp_path: Path) -> None:
    acts = [act("cloudtrail:StopLogging", asked=TRAIL), act("cloudtrail:StartLogging", "11:00:00", asked=TRAIL)]
    with world(tmp_path, cloudtrail=acts) as con:
        row = con.execute("SELECT principal, access_key_id, time, end_time, title FROM finding").fetchone()
        assert row is not None
        assert row[:2] == ("arn:aws:iam::111122223333:user/dev", "AKIAEXAMPLEDEV")
        assert [str(moment)[11:] for moment in row[2:4]] == ["09:00:00", "11:00:00"]
        assert row[4].endswith("emptied 2 hours of CloudTrail management, data and network activity events")
        why = con.execute("SELECT event_id, why FROM finding_evidence ORDER BY why").fetchall()
        assert why == [
            ("cloudtrail:StopLogging-09:00:00", "the act itself"),
            ("cloudtrail:StartLogging-11:00:00", "what undid it, or changed it again"),
        ]
        assert con.execute("SELECT source, hours FROM finding_coverage").fetchall() == [("cloudtrail", 2)]


def test_log_objects_that_an_access_log_shows_deleted_are_one_finding(tmp_path: Path) -> None:
    def entry(number: int, **more: Any) -> Record:
        return {
            "bucket": "logs",
            "time": f"2026-11-05T09:00:0{number}Z",
            "requester": "arn:aws:iam::111122223333:user/dev",
            "operation": "REST.DELETE.OBJECT",
            "key": f"AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/{number}.json.gz",
            "http_status": 204,
        } | more

    delivered = entry(3, operation="REST.PUT.OBJECT", requester="svc:cloudtrail.amazonaws.com", http_status=200)
    other = entry(4, key="photos/1.jpg")
    with world(tmp_path, s3_access=[entry(1), entry(2), delivered, other]) as con:
        rows = con.execute("SELECT type, severity, title FROM finding").fetchall()
        assert [row[:2] for row in rows] == [("Tampering:s3:LogObjects", 8.0)]
        assert rows[0][2].startswith("2 log objects of logs deleted by ")
        assert con.execute("SELECT count(*) FROM finding_evidence").fetchall() == [(2,)]


def test_the_card_of_a_finding_shows_the_hours_that_it_emptied(tmp_path: Path) -> None:
    with fresh_case(tmp_path / "case") as case:
        acts = [act("cloudtrail:StopLogging", asked=TRAIL), act("cloudtrail:StartLogging", "11:00:00", asked=TRAIL)]
        add(case.connection, "cloudtrail", acts)
        resolve(case.connection)
        card = case.finding("tampering/cloudtrail:StopLogging-09:00:00")
        assert card.emptied.rows()[0][0] == "cloudtrail"
        assert "Hours that it emptied" in str(card)
        assert "logged" in card.coverage().badge.word


def test_an_administrator_s_act_accuses_nobody(tmp_path: Path) -> None:
    from forensics.analysis import first_look, triage

    with fresh_case(tmp_path / "case") as case:
        add(case.connection, "cloudtrail", [act("cloudtrail:StopLogging", asked=TRAIL)])
        resolve(case.connection)
        assert _findings(case) == 1
        assert triage.investigate(case).finding_ids == ()
        assert not first_look.investigate(case).intrusion.stolen


def _findings(case: Case) -> int:
    return int(case.sql("SELECT count(*) FROM finding").rows()[0][0])


def test_names_of_hostile_logs_stay_text(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>'; DROP TABLE finding; --"
    with world(tmp_path, cloudtrail=[act("cloudtrail:StopLogging", asked={"name": name})]) as con:
        assert con.execute("SELECT count(*) FROM finding WHERE title LIKE '%<script>%'").fetchall() == [(1,)]

"""Acts against logs: what each does, what has nothing since, what other logs show."""

import shlex
from pathlib import Path
from typing import Any

from forensics.analysis.log_tampering import investigate
from forensics.analysis.tampering import ACTIONS, KINDS
from forensics.report.display import show_commands, show_statements
from tests.analysis.suspect_worlds import DEV, OFFICE, OTHER, at_work
from tests.analysis.theft_worlds import CLI, OBJECT, OUTSIDE, case_of, used
from tests.worlds import Record, assume, role

OPS = "ASIAEXAMPLEOPS"
LOGS = "trail-logs"


def act(action: str, at: str = "09:00:00", /, *, key: Record = DEV, address: str = OUTSIDE, **asked: Any) -> Record:
    """A call against a log, from outside unless said otherwise."""
    return used(key, address, action, at=at, requestParameters=asked)


def entry(at: str, *, session: str = "ops", address: str = "203.0.113.99", request: str = "R1") -> Record:
    """A line of a bucket's access log."""
    requester = f"arn:aws:sts::111122223333:assumed-role/admin/{session}"
    return {
        "bucket": "exports",
        "time": f"2026-11-05T{at}Z",
        "remote_ip": address,
        "requester": requester,
        "request_id": request,
        "operation": "REST.GET.OBJECT",
        "key": "customers.csv",
        "http_status": 200,
        "bytes_sent": 1000,
    }


def silent(*more: Record) -> list[Record]:
    """A trail that a stolen key stops for an hour, among others' calls."""
    stop, start = act("cloudtrail:StopLogging", name="t"), act("cloudtrail:StartLogging", "10:00:00", name="t")
    return [*at_work(), *at_work(OTHER, "08:30:00", "10:30:00"), stop, start, *more]


def test_every_kind_of_act_stands_once() -> None:
    assert len(set(ACTIONS)) == len(KINDS)


def test_a_stopped_trail_is_silent_until_it_is_started_again(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=silent()) as case:
        answer = investigate(case)
        (item,) = answer.silences
        assert (item.source, item.minutes, item.records, item.before) == ("cloudtrail", 60, 0, 2)
        assert "0 records between 2026-11-05 09:00:00 and 10:00:00 UTC (60 minutes)" in answer.verdict
        assert answer.what_was_done["undone"][0].startswith("cloudtrail:StartLogging at 2026-11-05 10:00:00 UTC")
        assert [command.purpose for command in answer.steps()] == []


def test_what_an_administrator_does_to_logs_is_no_tampering(tmp_path: Path) -> None:
    stop = act("cloudtrail:StopLogging", key=OTHER, address=OFFICE, name="t")
    with case_of(tmp_path, cloudtrail=[*at_work(OTHER), stop]) as case:
        answer = investigate(case)
        assert (answer.statements, answer.found) == ([], False)
        assert "No act against a log in an intruder's hands was found. 1 call of that kind was made" in answer.verdict


def test_the_lifecycle_of_a_bucket_without_logs_is_no_act_against_logs(tmp_path: Path) -> None:
    expire = {"Rule": {"Expiration": {"Days": 1}}}
    calls = [
        act("s3:PutBucketLifecycle", "09:01:00", bucketName=name, LifecycleConfiguration=expire)
        | {"resources": [{"type": "AWS::S3::Bucket", "ARN": f"arn:aws:s3:::{name}"}]}
        for name in (LOGS, "photos")
    ]
    told = act("cloudtrail:CreateTrail", "08:00:00", key=OTHER, address=OFFICE, name="t", s3BucketName=LOGS)
    with case_of(tmp_path, cloudtrail=[*at_work(), told, *calls]) as case:
        (deed,) = investigate(case).deeds
        assert deed.thing == LOGS


def test_narrowed_selectors_and_refused_acts_are_said_in_words(tmp_path: Path) -> None:
    selectors = [{"readWriteType": "WriteOnly", "includeManagementEvents": True, "dataResources": []}]
    narrowed = act("cloudtrail:PutEventSelectors", trailName="t", eventSelectors=selectors)
    refused = act("guardduty:UpdateDetector", "09:05:00", detectorId="d", enable=False) | {"errorCode": "AccessDenied"}
    with case_of(tmp_path, cloudtrail=[*at_work(), narrowed, refused]) as case:
        answer = investigate(case)
        assert answer.what_was_done["effect"][0] == (
            "from then on the trail records writes only, no reads; data events: none"
        )
        assert [deed.outcome for deed in answer.deeds] == ["success", "denied"]
        assert (answer.silences, len(answer.done)) == ([], 1)


def test_entries_of_a_session_that_came_of_the_intrusion_are_told_wherever_they_came_from(tmp_path: Path) -> None:
    mint = assume(DEV, "admin", "ops", key=OPS, at="08:50:00", sourceIPAddress=OUTSIDE, userAgent=CLI)
    stop = act("cloudtrail:StopLogging", key=role("admin", "ops", key=OPS), name="t")
    lines = [entry("09:10:00"), entry("09:20:00", session="me", request="R2")]
    with case_of(tmp_path, cloudtrail=[*at_work(), mint, stop], s3_access=lines) as case:
        answer = investigate(case)
        (said,) = [item for item in answer.statements if item.id.startswith("access")]
        assert [place.event_id for place in said.evidence] == [f"{OBJECT}/0"]
        assert said.certainty == "matched" and "CloudTrail has no event of the same request" in said.statement
        assert "1 object read (1.0 kB) and 0 deleted" in answer.verdict


def test_entries_of_a_session_that_others_have_too_are_nobody_s(tmp_path: Path) -> None:
    mint = assume(DEV, "admin", "ops", key=OPS, at="08:50:00", sourceIPAddress=OUTSIDE, userAgent=CLI)
    mine = assume(OTHER, "admin", "ops", key="ASIAEXAMPLEMINE", at="08:40:00", sourceIPAddress=OFFICE)
    stop = act("cloudtrail:StopLogging", key=role("admin", "ops", key=OPS), name="t")
    with case_of(tmp_path, cloudtrail=[*at_work(), mint, mine, stop], s3_access=[entry("09:10:00")]) as case:
        assert [item.id for item in investigate(case).statements if item.id.startswith("access")] == []


def test_names_from_the_log_are_neither_markup_nor_shell(tmp_path: Path) -> None:
    name = "<img src=x>'; true '"
    with case_of(
        tmp_path, cloudtrail=[*at_work(), act("config:StopConfigurationRecorder", configurationRecorderName=name)]
    ) as case:
        answer = investigate(case)
        assert "<img" not in show_statements(answer.statements).html + show_commands(answer.containment).html
        assert shlex.split(answer.steps()[0].command)[-1] == name

"""What a case cannot show: sources, kinds of events and records that are not there."""

from pathlib import Path

from forensics.analysis.gaps import gaps
from forensics.case import Case
from forensics.sources import source
from tests.analysis.theft_worlds import case_of, own
from tests.workload_worlds import flow, found, line
from tests.worlds import ACCOUNT, Record, call, user

DATA: Record = {"eventCategory": "Data"}


def asked(case: Case) -> list[str]:
    return [gap.question for gap in gaps(case)]


def test_of_an_empty_case_every_source_is_missing(tmp_path: Path) -> None:
    with case_of(tmp_path) as case:
        assert asked(case) == [
            "Which API calls were made",
            "Which addresses the workloads spoke with",
            "What GuardDuty judged",
            "Which invocations ran in which execution environments",
        ]
        assert gaps(case)[0].why == f"no {source('cloudtrail').title} are in the evidence"


def test_a_trail_without_data_events_does_not_say_that_nothing_was_read(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[own()]) as case:
        assert {"Which S3 objects were read or written", "Who invoked the functions"} <= set(asked(case))


def test_with_data_events_of_s3_and_lambda_neither_is_missing(tmp_path: Path) -> None:
    calls = [call(user(), "s3:GetObject", **DATA), call(user(), "lambda:Invoke", at="09:01:00", **DATA)]
    with case_of(tmp_path, cloudtrail=calls, vpc_flow=[flow("09:00:00", "09:01:00")], guardduty=[found()]) as case:
        assert asked(case)[:1] == ["Which invocations ran in which execution environments"]
        assert not {"Which S3 objects were read or written", "Who invoked the functions"} & set(asked(case))


def test_flow_records_that_aws_lost_are_counted_with_their_interfaces_and_time(tmp_path: Path) -> None:
    lost = [flow("09:00:00", "09:01:00", eni=eni) | {"log-status": "SKIPDATA"} for eni in ("eni-1", "eni-2")]
    with case_of(tmp_path, vpc_flow=lost, lambda_log=[line("platform.start", "09:00:00")]) as case:
        (gap,) = [gap for gap in gaps(case) if "were lost" in gap.question]
        assert gap.question == "What 2 interfaces sent and received while flow records were lost"
        assert gap.why.startswith("2 flow records with SKIPDATA between 2026-11-05 09:00:00 and 09:01:00 UTC")


def test_objects_that_did_not_load_whole_are_counted(tmp_path: Path) -> None:
    with case_of(tmp_path) as case:
        case.connection.execute(
            "INSERT INTO evidence (object_id, uri, sha256, size, acquired_at, status, rejected) VALUES"
            " ('o1', 'a', 'a', 1, TIMESTAMP '2026-11-05', 'partial', 2), ('o2', 'b', 'b', 1, TIMESTAMP '2026-11-05', 'partial', 1),"
            " ('o3', 'c', 'c', 1, TIMESTAMP '2026-11-05', 'unrecognised', 0)"
        )
        found_gaps = {gap.question: gap.why for gap in gaps(case)}
        assert found_gaps["What 2 partial objects held"] == "3 records or parts of records did not load"
        assert found_gaps["What 1 unrecognised object held"] == "no source of this package recognises what is in them"


def test_hours_without_records_are_counted_by_source(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[own("06:00:00"), own("09:00:00")]) as case:
        case.connection.execute(
            "INSERT INTO coverage (source, account_id, region, hour, records, status, cause) VALUES ('cloudtrail', ?, 'us-east-1', TIMESTAMP '2026-11-05 07:00', 0, 'unknown', NULL)",
            [ACCOUNT],
        )
        assert any(question.startswith("What CloudTrail") and "hours" in question for question in asked(case))

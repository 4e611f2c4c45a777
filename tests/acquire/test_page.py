"""Pages of APIs: what was asked and answered, in bytes that are the same for the same records, and load as those."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from forensics import evidence
from forensics.acquire.page import Asked
from forensics.aws import Trouble
from forensics.case import Case
from forensics.load import load

ACCOUNT = "111122223333"
AT = datetime(2026, 11, 5, 10, 0, 0, 5)
HOSTILE = "</script>\x1b[31m=cmd|'/c calc'!A1'; DROP TABLE event;--"


def asked(operation: str = "DescribeInstances", **parameters: Any) -> Asked:
    return Asked("ec2", operation, parameters, ACCOUNT, "us-east-1", AT)


def written(page: Any) -> dict[str, Any]:
    found = json.loads(page.stream.read())
    assert isinstance(found, dict)
    return found


def loaded(root: Path, *pages: Any) -> Case:
    case = Case.create(root / "case")
    evidence.take(case, pages, command="collect")
    load(case)
    return case


def test_a_page_says_what_was_asked_and_when() -> None:
    page = asked(MaxResults=5).answered(2, {"Reservations": [], "NextToken": "t", "ResponseMetadata": {"a": 1}})
    assert (
        page.uri == "aws://111122223333/us-east-1/ec2/DescribeInstances/MaxResults=5/20261105T100000000005Z/00002.json"
    )
    assert written(page) == {
        "call": {
            "service": "ec2", "operation": "DescribeInstances", "parameters": {"MaxResults": 5},
            "account_id": ACCOUNT, "region": "us-east-1", "observed_at": "2026-11-05T10:00:00.000005Z",
        },
        "response": {"Reservations": []},
    }  # fmt: skip


def test_records_asked_for_twice_are_the_same_bytes() -> None:
    asked_for = Asked(
        "cloudtrail", "LookupEvents", {"StartTime": datetime(2026, 11, 5, tzinfo=UTC)}, ACCOUNT, "us-east-1"
    )
    first, second = (
        asked_for.answered(0, {"Events": [], "NextToken": token, "ResponseMetadata": {"RequestId": token}})
        for token in ("a", "b")
    )
    assert (first.uri, written(first)) == (second.uri, written(second))


def test_times_and_bytes_are_written_as_text() -> None:
    page = asked().answered(0, {"at": datetime(2026, 11, 5, 12, tzinfo=UTC), "key": b"\x00\xff", "other": {1}})
    assert written(page)["response"] == {"at": "2026-11-05T12:00:00.000000Z", "key": "AP8=", "other": "{1}"}


def test_a_refused_call_is_evidence_too(tmp_path: Path) -> None:
    with loaded(tmp_path, asked().refused(Trouble("denied", "UnauthorizedOperation", HOSTILE))) as case:
        rows = case.sql("SELECT operation, resource_type, error_code, error_message FROM inventory").rows()
    assert rows == [("DescribeInstances", "AWS::EC2::Instance", "UnauthorizedOperation", HOSTILE)]


def test_hostile_names_are_kept_as_they_are_and_stay_one_object(tmp_path: Path) -> None:
    page = asked(Name=HOSTILE).answered(0, {"Reservations": [{"Instances": [{"InstanceId": HOSTILE}]}]})
    assert "\x1b" not in page.uri and "'" not in page.uri
    with loaded(tmp_path, page) as case:
        assert case.sql("SELECT resource_id FROM inventory").rows() == [(HOSTILE,)]


def test_a_page_of_an_operation_that_nobody_declared_is_what_it_holds(tmp_path: Path) -> None:
    page = Asked("guardduty", "GetFindings", {}, ACCOUNT, "us-east-1").answered(0, {"Findings": []})
    with loaded(tmp_path, page) as case:
        assert case.sql("SELECT count(*) FROM inventory").rows() == [(0,)]


def test_the_moment_of_an_answer_is_the_time_of_its_object(tmp_path: Path) -> None:
    with loaded(tmp_path, asked().answered(0, {"Reservations": []})) as case:
        assert case.sql("SELECT last_modified, status, records FROM evidence").rows() == [(AT, "loaded", 1)]

"""Whether data events of a bucket or a function were recorded: by classic and advanced selectors, and by records."""

from pathlib import Path
from typing import Any

import pytest

from forensics.case import Case
from forensics.errors import UsageError
from forensics.selectors import LAMBDA, S3, is_narrow, management, records
from tests.fresh import fresh_case
from tests.workload_worlds import DEV, ORDERS, add, resolve
from tests.worlds import Record, call

BUCKET = "arn:aws:s3:::exports"
EVERYTHING = {"readWriteType": "All", "includeManagementEvents": True}


def classic(kind: str, *values: str, **more: Any) -> list[dict[str, Any]]:
    return [EVERYTHING | {"dataResources": [{"type": kind, "values": list(values)}]} | more]


def advanced(kind: str, **fields: Any) -> list[dict[str, Any]]:
    chosen = [{"field": "eventCategory", "equals": ["Data"]}, {"field": "resources.type", "equals": [kind]}]
    chosen += [{"field": name.replace("_", "."), **how} for name, how in fields.items()]
    return [{"name": "x", "fieldSelectors": chosen}]


@pytest.mark.parametrize(
    ("selectors", "arn", "reads", "writes"),
    [
        (classic(S3, "arn:aws:s3"), BUCKET, True, True),
        (classic(S3, "arn:aws:s3:::"), BUCKET, True, True),
        (classic(S3, "arn:aws:s3:::exports/"), f"{BUCKET}/a.csv", True, True),
        (classic(S3, "arn:aws:s3:::exports/2026/"), BUCKET, None, None),
        (classic(S3, "arn:aws:s3:::exports/2026/"), f"{BUCKET}/2025/a.csv", False, False),
        (classic(S3, "arn:aws:s3:::exports-old/"), BUCKET, False, False),
        (classic(S3, "arn:aws:s3", readWriteType="WriteOnly"), BUCKET, False, True),
        (classic(LAMBDA, "arn:aws:lambda"), BUCKET, False, False),
        ([EVERYTHING], BUCKET, False, False),
        ([], BUCKET, False, False),
        (advanced(S3), BUCKET, True, True),
        (advanced(S3, readOnly={"equals": ["true"]}), BUCKET, True, False),
        (advanced(S3, resources_ARN={"startsWith": ["arn:aws:s3:::exports/"]}), BUCKET, True, True),
        (advanced(S3, resources_ARN={"startsWith": ["arn:aws:s3:::exports/a/"]}), BUCKET, None, None),
        (advanced(S3, resources_ARN={"notStartsWith": ["arn:aws:s3:::exports/"]}), BUCKET, False, False),
        (advanced(S3, resources_ARN={"notStartsWith": ["arn:aws:s3:::logs/"]}), BUCKET, True, True),
        (advanced(S3, eventName={"equals": ["DeleteObject"]}), BUCKET, None, None),
        ([{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}, {"Field": "resources.type", "Equals": [S3]}]}], BUCKET, True, True),
    ],
)  # fmt: skip
def test_selectors_record_reads_and_writes_of_a_bucket(
    selectors: list[dict[str, Any]], arn: str, reads: bool | None, writes: bool | None
) -> None:
    assert records(selectors, S3, arn, write=False) is reads
    assert records(selectors, S3, arn, write=True) is writes


def test_a_function_is_recorded_with_all_or_by_its_own_arn() -> None:
    assert records(classic(LAMBDA, "arn:aws:lambda"), LAMBDA, ORDERS, write=True) is True
    assert records(classic(LAMBDA, ORDERS), LAMBDA, f"{ORDERS}:7", write=True) is True
    assert records(advanced(LAMBDA, resources_ARN={"equals": [ORDERS]}), LAMBDA, ORDERS, write=True) is True
    assert records(advanced(LAMBDA, resources_ARN={"equals": [ORDERS + "-2"]}), LAMBDA, ORDERS, write=True) is False


def test_selectors_are_narrow_where_they_leave_out_management_events() -> None:
    assert not is_narrow([EVERYTHING])
    assert not is_narrow([{"fieldSelectors": [{"field": "eventCategory", "equals": ["Management"]}]}])
    assert is_narrow([EVERYTHING | {"readWriteType": "WriteOnly"}])
    assert is_narrow([EVERYTHING | {"includeManagementEvents": False}])
    assert is_narrow(advanced(S3))
    assert management([EVERYTHING | {"excludeManagementEventSources": ["kms.amazonaws.com"]}], write=True) is None


def act(action: str, at: str, **asked: Any) -> Record:
    return call(DEV, f"cloudtrail:{action}", at=at, requestParameters=asked)


@pytest.fixture
def case(tmp_path: Path) -> Any:
    """A trail that selects the bucket at 08:00, is narrowed at 10:00, and stopped at 11:00; one object is read at 09:00."""
    whole, less = classic(S3, f"{BUCKET}/"), [EVERYTHING]
    read = {"resources": [{"type": S3, "ARN": f"{BUCKET}/a.csv"}], "eventCategory": "Data"}
    calls = [
        act("PutEventSelectors", "08:00:00", trailName="main", eventSelectors=whole),
        call(DEV, "s3:GetObject", at="09:00:00", eventID="read", **read),
        act("PutEventSelectors", "10:00:00", trailName="main", eventSelectors=less),
        act("StopLogging", "11:00:00", name="main"),
    ]
    with fresh_case(tmp_path / "case") as made:
        add(made.connection, "cloudtrail", calls)
        resolve(made.connection)
        yield made


def answers(case: Case, arn: str = BUCKET) -> list[str]:
    return [case.logged(arn, at=f"2026-11-05T{at}").answer for at in ("07:00", "08:15", "10:00", "11:30")]


def test_a_bucket_was_covered_while_a_trail_selected_it(case: Case) -> None:
    assert answers(case) == ["unknown", "yes", "no", "no"]


def test_a_bucket_that_no_selector_names_was_not_covered(case: Case) -> None:
    assert answers(case, "arn:aws:s3:::other") == ["unknown", "no", "no", "no"]


def test_the_answer_names_the_call_that_decided_it(case: Case) -> None:
    found = case.logged(BUCKET, at="2026-11-05T11:30")
    assert found.event_ids == ["StopLogging-11:00:00-AKIAEXAMPLEDEV"]
    assert "main 111122223333 us-east-1: off: StopLogging of main by arn:aws:iam" in str(found)
    assert str(found).splitlines()[0].endswith("recorded: no, by the trails that evidence names")


def test_a_record_near_the_moment_proves_that_something_was_recorded(case: Case) -> None:
    found = case.logged(BUCKET, at="2026-11-05T09:10")
    assert (found.records, found.example, found.answer) == (1, "read", "yes")


def test_what_is_no_bucket_or_function_is_refused(case: Case) -> None:
    for arn in ("exports", "arn:aws:dynamodb:us-east-1:111122223333:table/x", "arn:aws:s3"):
        with pytest.raises(UsageError, match="not the ARN of a bucket, an object or a function"):
            case.logged(arn, at="2026-11-05T09:10")


def test_a_name_with_sql_in_it_is_a_name(case: Case) -> None:
    assert case.logged("arn:aws:s3:::x'; DROP TABLE event; --", at="2026-11-05T08:15").answer == "no"

"""What was done to objects and buckets, by CloudTrail and by access logs, and what remains."""

import shlex
from pathlib import Path
from typing import Any

import pytest

from forensics.analysis.bucket_changes import ACTIONS, KINDS
from forensics.analysis.s3_exfiltration import investigate
from forensics.errors import UnknownName
from forensics.report.display import show_commands, show_statements
from tests.analysis.suspect_worlds import DEV, MAC, OFFICE, at_work
from tests.analysis.theft_worlds import OBJECT, OUTSIDE, case_of, used
from tests.worlds import Record

BUCKET = "arn:aws:s3:::data"


def act(action: str, at: str = "09:00:00", /, *, key: str = "a.pdf", sent: int = 0, **asked: Any) -> Record:
    """A call on an object of the bucket, from outside."""
    resources = [{"type": "AWS::S3::Object", "ARN": f"{BUCKET}/{key}"}, {"type": "AWS::S3::Bucket", "ARN": BUCKET}]
    return used(
        DEV,
        OUTSIDE,
        f"s3:{action}",
        at=at,
        requestID=f"R-{action}-{at}",
        requestParameters={"bucketName": "data", "key": key} | asked,
        additionalEventData={"bytesTransferredOut": sent},
        resources=resources,
    )


def change(action: str, at: str = "09:30:00", /, **asked: Any) -> Record:
    resources = [{"type": "AWS::S3::Bucket", "ARN": BUCKET}]
    return used(
        DEV, OUTSIDE, f"s3:{action}", at=at, requestParameters={"bucketName": "data"} | asked, resources=resources
    )


def entry(request: str, *, sent: int, address: str = OUTSIDE) -> Record:
    """A read in the bucket's access log."""
    return {
        "bucket": "data",
        "time": "2026-11-05T09:00:00Z",
        "remote_ip": address,
        "requester": DEV["arn"],
        "request_id": request,
        "operation": "REST.GET.OBJECT",
        "key": "a.pdf",
        "http_status": 200,
        "bytes_sent": sent,
    }


SSE_C = {"x-amz-server-side-encryption-customer-algorithm": "AES256"}
FOREIGN = {"x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:us-east-1:444455556666:key/k"}
OWN = {"x-amz-server-side-encryption-aws-kms-key-id": "arn:aws:kms:us-east-1:111122223333:key/k"}


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (act("GetObject"), "read"),
        (act("CopyObject", **{"x-amz-copy-source": "data/a.pdf"}, **SSE_C), "rewritten"),
        (act("CopyObject", **{"x-amz-copy-source": "/data/a.pdf"}, **FOREIGN), "rewritten"),
        (act("CopyObject", **{"x-amz-copy-source": "data/a.pdf"}, **OWN), "copied"),
        (act("CopyObject", **{"x-amz-copy-source": "data/b.pdf"}, **SSE_C), "copied"),
        (act("CopyObject", key="a b", **{"x-amz-copy-source": "data/a%20b"}, **SSE_C), "rewritten"),
        (act("PutObject", **SSE_C), "rewritten"),
        (act("PutObject"), "put"),
        (act("DeleteObject", versionId="v"), "deleted for good"),
        (act("DeleteObject"), "deleted"),
    ],
)
def test_what_a_call_does_to_an_object(tmp_path: Path, call: Record, what: str) -> None:
    with case_of(tmp_path, cloudtrail=[*at_work(), call]) as case:
        assert investigate(case).totals["what"].to_list() == [what]


def test_what_failed_was_not_done(tmp_path: Path) -> None:
    refused = act("DeleteObject") | {"errorCode": "AccessDenied"}
    with case_of(tmp_path, cloudtrail=[*at_work(), refused]) as case:
        assert investigate(case).totals["what"].to_list() == []


def test_reads_are_reconciled_between_the_logs(tmp_path: Path) -> None:
    calls = [act("GetObject", sent=700), act("GetObject", "09:05:00", sent=300)]
    lines = [
        entry("R-GetObject-09:00:00", sent=700),
        entry("R-alone", sent=50),
        entry("R-office", sent=9, address=OFFICE),
    ]
    with case_of(tmp_path, cloudtrail=[*at_work(), *calls], s3_access=lines) as case:
        answer = investigate(case, bucket="data")
        assert answer.reconciled.rows() == [("data", DEV["arn"], OUTSIDE, 2, 1000, 2, 750, 1, 0)]
        (said,) = [item for item in answer.statements if item.id.startswith("access")]
        assert [place.event_id for place in said.evidence] == [f"{OBJECT}/0", f"{OBJECT}/1"]
        assert said.certainty == "inferred" and "Of 1 of them CloudTrail has no event" in said.statement


def test_the_owner_s_own_reads_are_nobody_s(tmp_path: Path) -> None:
    mine = act("GetObject") | {"sourceIPAddress": OFFICE, "userAgent": f"[{MAC}]"}
    with case_of(tmp_path, cloudtrail=[*at_work(), mine]) as case:
        answer = investigate(case)
        assert (answer.found, answer.statements) == (False, [])
        assert "No call on objects of any bucket in an intruder's hands was found" in answer.verdict


def test_what_deletes_by_itself_is_taken_back_first(tmp_path: Path) -> None:
    calls = [
        change("PutBucketVersioning", VersioningConfiguration={"Status": "Suspended"}),
        change("PutBucketLifecycle", "09:31:00", LifecycleConfiguration={"Rule": [{"Expiration": {"Days": 1}}]}),
    ]
    with case_of(tmp_path, cloudtrail=[*at_work(), *calls]) as case:
        answer = investigate(case)
        assert answer.what_was_changed["means"].to_list() == [
            "no version is kept of what is written over or deleted from then on; earlier versions stay until deleted",
            "S3 itself deletes objects after 1 day(s)",
        ]
        assert answer.containment[0].command == "aws s3api delete-bucket-lifecycle --bucket data"


def test_every_kind_of_change_stands_once() -> None:
    assert len(set(ACTIONS)) == len(KINDS)


def test_an_unknown_bucket_is_named_with_those_there_are(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[act("GetObject")]) as case, pytest.raises(UnknownName, match="known: data"):
        investigate(case, bucket="nothing")


def test_keys_and_buckets_are_neither_markup_nor_shell(tmp_path: Path) -> None:
    hostile = change("PutBucketReplication", ReplicationConfiguration={"Rule": {"Destination": {"Bucket": "<b>x"}}})
    hostile["requestParameters"]["bucketName"] = "x'; true '"
    with case_of(tmp_path, cloudtrail=[*at_work(), act("GetObject", key="<script>alert(1)</script>"), hostile]) as case:
        answer = investigate(case)
        shown = show_statements(answer.statements).html + show_commands(answer.containment).html
        assert "<script>" not in shown and "<b>x" not in shown
        assert shlex.split(answer.steps()[0].command)[-1] == "x'; true '"

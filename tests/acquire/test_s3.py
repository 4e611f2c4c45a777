"""What S3 has is taken in whole, with what S3 says of it; what cannot be had is listed, and had by a later run."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from forensics import custody, evidence, verification
from forensics.acquire import s3
from forensics.acquire.s3.patience import Patience
from forensics.aws import Aws
from forensics.case import Case
from forensics.errors import AwsError, UsageError
from tests.faulty_proxy import Fault, Proxy, faulty
from tests.static_s3 import BUCKET, CALLER, Kept, StaticS3, static_s3

QUICK = s3.Manner(jobs=4, patience=Patience(attempts=3, first=0.01, longest=0.02))
DAY = "AWSLogs/111122223333/CloudTrail/us-east-1/2026/11/05/"
OBJECTS = {f"{DAY}{number:03}.json": Kept(b"log %d" % number) for number in range(40)}


@pytest.fixture
def case(tmp_path: Path) -> Iterator[Case]:
    with Case.create(tmp_path / "case") as made:
        yield made


@contextmanager
def bucket(objects: dict[str, Kept], *faults: Fault) -> Iterator[tuple[Aws, StaticS3, Proxy]]:
    service = StaticS3(objects)
    with static_s3(service) as behind, faulty(behind) as (endpoint, proxy):
        proxy.faults.extend(faults)
        yield Aws(endpoint=endpoint, region="us-east-1", attempts=1), service, proxy


def take(case: Case, aws: Aws, prefix: str = "", **asked: Any) -> s3.Outcome:
    return s3.acquire(case, aws, s3.Asked(BUCKET, prefix, **asked), manner=QUICK)


def rows(case: Case, columns: str, where: str = "TRUE") -> list[tuple[Any, ...]]:
    return case.connection.execute(f"SELECT {columns} FROM evidence WHERE {where} ORDER BY uri").fetchall()


def gets(service: StaticS3) -> list[str]:
    return [key for operation, key, _ in service.log if operation == "GET"]


def rejected(case: Case) -> dict[str, str]:
    return {
        uri.removeprefix(f"s3://{BUCKET}/"): reason for uri, reason in rows(case, "uri, reason", "status = 'rejected'")
    }


# What is kept


def test_bytes_and_what_s3_says_of_them_are_kept(case: Case) -> None:
    signed = {"signature": "0af1", "signature-algorithm": "SHA256withRSA"}
    kept = Kept(b"digest", datetime(2026, 11, 5, 10, 1), "STANDARD_IA", signed, "v1")
    with bucket({DAY + "a": kept}) as (aws, _, _):
        assert take(case, aws).added == evidence.Added(seen=1, added=1, bytes=6)
    found = rows(case, "uri, size, etag, version_id, last_modified, storage_class, metadata, status")
    said = (f"s3://{BUCKET}/{DAY}a", 6, kept.etag, "v1", datetime(2026, 11, 5, 10, 1), "STANDARD_IA")
    assert found == [(*said, json.dumps(signed, sort_keys=True), "pending")]
    assert verification.verify(case).ok


def test_the_acquisition_is_in_the_custody_record_with_its_caller(case: Case) -> None:
    with bucket(OBJECTS) as (aws, _, _):
        take(case, aws, start=datetime(2026, 11, 5), regions=frozenset({"us-east-1"}))
    begun, *_, ended = [entry["detail"] for entry in custody.entries(case.path) if "acquisition" in entry["detail"]]
    assert begun["caller"]["arn"] == CALLER and begun["endpoint"] == aws.endpoint
    assert begun["parameters"]["start"] == "2026-11-05T00:00:00Z" and begun["parameters"]["regions"] == ["us-east-1"]
    assert (ended["outcome"], ended["objects"], ended["lost"]) == ("complete", 40, 0)
    kept = case.connection.execute("SELECT kind, caller, outcome, objects FROM acquisition").fetchall()
    assert kept == [("s3", CALLER, "complete", 40)]


def test_a_second_run_fetches_nothing_and_a_changed_object_again(case: Case) -> None:
    with bucket(OBJECTS) as (aws, _, _):
        take(case, aws)
    with bucket({**OBJECTS, DAY + "000.json": Kept(b"written over")}) as (aws, service, _):
        outcome = take(case, aws)
        assert gets(service) == [DAY + "000.json"]
    assert (outcome.plan.here, outcome.added.known, outcome.added.added) == (39, 39, 1)
    assert len(rows(case, "uri")) == 41


def test_two_cases_from_one_bucket_hold_the_same_evidence(case: Case, tmp_path: Path) -> None:
    same = "object_id, uri, sha256, size, etag, version_id, last_modified, status, storage_class, metadata, reason"
    twins = {**OBJECTS, DAY + "twin": Kept(b"log 7"), DAY + "ice": Kept(b"x", storage_class="GLACIER")}
    with bucket(twins) as (aws, _, _), Case.create(tmp_path / "other") as other:
        take(case, aws)
        take(other, aws, prefix="AWSLogs/111122223333/")
        assert rows(case, same) == rows(other, same)


def test_what_is_archived_is_listed_and_not_fetched(case: Case) -> None:
    held = {DAY + name: Kept(name.encode(), storage_class=name) for name in ("GLACIER", "DEEP_ARCHIVE", "GLACIER_IR")}
    with bucket(held) as (aws, service, _):
        outcome = take(case, aws)
    assert gets(service) == [DAY + "GLACIER_IR"]
    assert rejected(case)[DAY + "GLACIER"] == "archived in GLACIER: restore it, then run this again"
    assert "archived   2 objects, listed and not fetched" in str(outcome.plan)


def test_older_versions_and_delete_markers_are_taken_when_asked_for(case: Case) -> None:
    forged = Kept(b"forged", version_id="v2", older=(("v1", b"true"),))
    gone = Kept(b"", version_id="v9", older=(("v8", None),))
    with bucket({DAY + "a": forged, DAY + "b": gone}) as (aws, _, _):
        assert take(case, aws).added.added == 2
        outcome = take(case, aws, versions=True)
    assert outcome.added.known == 2 and outcome.added.added == 1
    found = rows(case, "uri, version_id, size, status", "uri LIKE '%/a%'")
    uri = f"s3://{BUCKET}/{DAY}a"
    assert found == [(uri, "v2", 6, "pending"), (f"{uri}?versionId=v1", "v1", 4, "pending")]
    assert rejected(case) == {f"{DAY}b?versionId=v8": "deleted: a delete marker of 2026-11-05 09:19:00 UTC"}


def test_large_objects_are_whole_and_leave_nothing_behind(case: Case) -> None:
    body = b"0123456789abcdef" * 200_000
    with bucket({DAY + "big": Kept(body)}) as (aws, _, _):
        take(case, aws)
    (object_id,) = rows(case, "object_id")[0]
    with evidence.open_object(case, object_id) as stream:
        assert stream.read() == body
    assert not (case.path / "evidence" / ".incoming").exists()


def test_keys_with_any_characters_are_evidence_under_their_name(case: Case) -> None:
    odd = [
        f"{DAY}{name}" for name in ("a b+c%20", "\x1b[31m", "'; DROP TABLE evidence; --", "<b>", "ä", "=cmd()", "l\nf")
    ]
    with bucket({name: Kept(name.encode()) for name in odd}) as (aws, _, _):
        outcome = take(case, aws)
        assert outcome.problems == () and take(case, aws).added.known == len(odd)
    assert [uri for (uri,) in rows(case, "uri")] == sorted(f"s3://{BUCKET}/{name}" for name in odd)


def test_evidence_add_takes_a_place_in_s3(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    with static_s3(StaticS3(OBJECTS)) as endpoint:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        assert evidence.add(case, f"s3://{BUCKET}/AWSLogs/").added == 40


def test_a_plan_records_and_fetches_nothing(case: Case) -> None:
    before = custody.head(case.path)
    with bucket(OBJECTS) as (aws, service, _):
        plan = s3.planned(case, aws, s3.Asked(BUCKET), QUICK)
    assert (plan.fetched, plan.bytes, gets(service)) == (40, sum(len(item.body) for item in OBJECTS.values()), [])
    assert custody.head(case.path) == before and rows(case, "uri") == []


def test_who_pays_is_said_with_every_request(case: Case) -> None:
    with bucket(OBJECTS) as (aws, _, proxy):
        outcome = take(case, aws, requester_pays=True)
    assert "paid by the caller\n" in str(outcome.plan)
    asked = [headers for headers in proxy.headers if "x-amz-content-sha256" in headers]
    assert len(asked) > 40 and {headers.get("x-amz-request-payer") for headers in asked} == {"requester"}


# What goes wrong, and passes


@pytest.mark.parametrize(
    "fault",
    [
        Fault(r"^GET /trail-logs", times=2, status=503, code="SlowDown"),
        Fault(r"^GET /trail-logs", times=1, status=500, code="InternalError"),
        Fault(r"^GET /trail-logs/.*1\.json", times=2, cut=0.5),
        Fault(r"^GET /trail-logs/.*1\.json", times=2, change=True),
        Fault(r"^GET /trail-logs/.*1\.json", seconds=0.2),
        Fault(
            r"list-type", times=1, status=301, code="PermanentRedirect", headers=(("x-amz-bucket-region", "eu-west-1"),)
        ),
    ],
    ids=["throttled", "failing", "cut off", "altered", "slow", "elsewhere"],
)
def test_what_passes_is_waited_for(case: Case, fault: Fault) -> None:
    with bucket(OBJECTS, fault) as (aws, _, _):
        outcome = take(case, aws)
    assert (outcome.added.added, outcome.problems) == (40, ())
    assert verification.verify(case).ok


# What goes wrong, and stays


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (
            Fault("", status=403, code="AccessDenied"),
            "cannot be fetched: AccessDenied: as the test asks (this caller may not",
        ),
        (Fault("", status=404, code="NoSuchKey"), "listed, but gone when it was fetched: NoSuchKey"),
        (
            Fault("", status=403, code="InvalidObjectState"),
            "cannot be fetched: InvalidObjectState: as the test asks (it is in",
        ),
        (
            Fault("", status=403, code="AccessDenied", message="not authorized to perform: kms:Decrypt on key"),
            "cannot be fetched: AccessDenied: not authorized to perform: kms:Decrypt on key (its KMS key cannot be used",
        ),
        (
            Fault("", status=503, code="SlowDown"),
            "cannot be fetched: SlowDown: as the test asks (AWS asked to slow down",
        ),
        (Fault("", cut=0.5), "cannot be fetched: IncompleteReadError"),
        (Fault("", change=True), "cannot be fetched: NotItsDigest: its ETag says MD5 "),
    ],
    ids=["denied", "gone", "archived", "key denied", "throttled", "cut off", "altered"],
)
def test_an_object_that_cannot_be_had_is_listed_and_had_by_a_later_run(case: Case, fault: Fault, reason: str) -> None:
    fault.match = r"^GET /trail-logs/.*/00[12]\.json"
    with bucket(OBJECTS, fault) as (aws, _, proxy):
        outcome = take(case, aws)
        assert (outcome.added.added, outcome.added.rejected, len(outcome.problems)) == (38, 2, 2)
        assert f"× {reason.split(': ')[1]}" in str(outcome)
        found = rejected(case)
        assert set(found) == {f"{DAY}001.json", f"{DAY}002.json"} and all(
            text.startswith(reason) for text in found.values()
        )
        proxy.faults.clear()
        assert take(case, aws).added == evidence.Added(seen=40, added=2, known=38, bytes=10)
    assert rejected(case) == {} and len(rows(case, "uri")) == 40
    outcomes = case.connection.execute("SELECT outcome FROM acquisition ORDER BY started_at").fetchall()
    assert outcomes == [("partial",), ("complete",)]


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidAccessKeyId", "RequestTimeTooSkewed"])
def test_where_no_further_request_can_succeed_what_was_had_is_kept(case: Case, code: str) -> None:
    with bucket(OBJECTS, Fault(r"^GET /trail-logs/", status=403, code=code, after=15)) as (aws, _, proxy):
        with pytest.raises(AwsError, match=rf"stopped: {code}.*kept until then: 15 objects seen.*run it again"):
            take(case, aws)
        proxy.faults.clear()
        assert (take(case, aws).added.known, rejected(case)) == (15, {})
    assert case.connection.execute("SELECT outcome FROM acquisition ORDER BY started_at").fetchall()[0] == ("partial",)


def test_one_prefix_of_ten_that_may_not_be_listed_costs_only_itself(case: Case) -> None:
    accounts = [f"{number:012}" for number in range(10)]
    held = {DAY.replace("111122223333", name) + name: Kept(name.encode()) for name in accounts}
    denied = Fault("prefix=AWSLogs/000000000003/", status=403, code="AccessDenied")
    with bucket(held, denied) as (aws, _, proxy):
        outcome = take(case, aws)
        assert (outcome.added.added, outcome.added.rejected) == (9, 1)
        assert "problem    s3://trail-logs/AWSLogs/000000000003/: cannot be listed: AccessDenied" in str(outcome.plan)
        assert list(rejected(case)) == ["AWSLogs/000000000003/"]
        proxy.faults.clear()
        assert take(case, aws).added.added == 1
        assert rejected(case) == {"AWSLogs/000000000003/": "could not be listed at first; a later run listed it"}
        assert verification.verify(case).ok
        proxy.faults.append(denied)
        take(case, aws)
    assert rejected(case)["AWSLogs/000000000003/"].startswith("cannot be listed: AccessDenied")
    assert len(rows(case, "uri")) == 11


def test_where_nothing_can_be_listed_it_says_why_and_records_that(case: Case) -> None:
    with bucket(OBJECTS, Fault("list-type", status=403, code="AccessDenied")) as (aws, _, _):
        with pytest.raises(AwsError, match=r"s3://trail-logs/ cannot be listed: AccessDenied.*--print-policy"):
            take(case, aws)
    with (
        bucket(OBJECTS) as (aws, _, _),
        pytest.raises(AwsError, match=r"s3://nope-logs/ .*NoSuchBucket.*it is not there"),
    ):
        s3.acquire(case, aws, s3.Asked("nope-logs"), manner=QUICK)
    assert case.connection.execute("SELECT DISTINCT outcome FROM acquisition").fetchall() == [("failed",)]
    assert list(custody.entries(case.path))[-1]["detail"]["outcome"] == "failed"


def test_another_region_is_said_where_the_endpoint_does_not_lead_there(case: Case) -> None:
    moved = Fault("list-type", status=301, code="PermanentRedirect", message="use eu-west-1")
    with bucket(OBJECTS, moved) as (aws, _, _), pytest.raises(AwsError, match=r"PermanentRedirect.*another Region"):
        take(case, aws)


def test_a_case_that_is_open_read_only_is_refused(case: Case) -> None:
    case.close()
    with Case.open(case.path) as opened, pytest.raises(UsageError, match="open read-only"):
        take(opened, Aws())

"""Statements on calls, traffic and findings of an intrusion."""

from pathlib import Path

import pytest

from forensics.analysis import traces
from forensics.analysis.intrusion import follow
from tests.analysis.test_intrusion import STOLEN, chained
from tests.analysis.theft_worlds import EXFILTRATION, OUTSIDE, OWN, accused, case_of, function, used
from tests.workload_worlds import WEB, flow, found, run
from tests.worlds import Record

BUCKET: Record = {"requestParameters": {"bucketName": "orders-data"}}


def test_calls_are_grouped_by_key_action_outcome_and_address(tmp_path: Path) -> None:
    calls = [used(function(), OUTSIDE, "s3:GetBucketAcl", at=f"09:0{place}:00", **BUCKET) for place in range(4)]
    calls[3] |= {"errorCode": "AccessDenied"}
    with case_of(tmp_path, cloudtrail=[*calls, used(function(), OWN)]) as case:
        ok, denied = traces.calls(follow(case, STOLEN))
    assert (ok.title, len(ok.evidence)) == ("s3:GetBucketAcl succeeded 3 times", 3)
    assert ok.statement.endswith(
        "between 2026-11-05 09:00:00 and 09:02:00 UTC. Named in them: arn:aws:s3:::orders-data."
    )
    assert (denied.title, denied.certainty, denied.technique) == ("s3:GetBucketAcl was denied", "recorded", "T1619")


def test_a_call_that_gave_a_credential_says_which(tmp_path: Path) -> None:
    with case_of(tmp_path, cloudtrail=[chained(function(), "ASIAEXAMPLEHOP", at="09:00:00")]) as case:
        (call,) = traces.calls(follow(case, STOLEN))
    assert (
        "It gave the new credential ASIAEXAMPLEHOP of arn:aws:iam::111122223333:role/role-ASIAEXAMPLEHOP, valid until"
        in call.statement
    )


def test_more_records_than_a_statement_cites_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traces, "MOST_CITED", 2)
    with case_of(tmp_path, cloudtrail=[used(function(), OUTSIDE, at=f"09:0{place}:00") for place in range(4)]) as case:
        (call,) = traces.calls(follow(case, STOLEN))
    assert len(call.evidence) == 2
    assert "4 calls of s3:ListBuckets" in call.statement
    assert call.statement.endswith("The first 2 records are cited.")


def test_traffic_is_summed_by_direction_and_says_who_held_the_interface(tmp_path: Path) -> None:
    flows = [flow("09:00:00", "09:01:00", dstaddr=OUTSIDE, bytes=5000, action="ACCEPT")]
    flows += [flow("09:00:05", "09:01:05", srcaddr=OUTSIDE, dstaddr="10.0.0.5", bytes=700, action="ACCEPT")]
    flows += [flow("09:05:00", "09:06:00", eni="eni-9", srcaddr=OUTSIDE, dstaddr="10.0.0.9", bytes=40, action="REJECT")]
    with case_of(tmp_path, cloudtrail=[run(at="08:00:00"), used(function(), OUTSIDE)], vpc_flow=flows) as case:
        held, rejected = traces.traffic(follow(case, STOLEN))
    assert (
        f"5.0 kB towards {OUTSIDE}, 700 bytes from it, in 2 flow records. The interface was held by {WEB} (bounded)."
        in held.statement
    )
    assert (held.workload, held.certainty, held.technique) == (WEB, "bounded", "T1041")
    assert rejected.title == f"Rejected traffic with {OUTSIDE} at eni-9"
    assert rejected.statement.endswith("nothing in evidence says who held the interface.")


def test_findings_are_those_that_name_a_credential_or_workload_of_the_intrusion(tmp_path: Path) -> None:
    others = [accused(finding="f-2", key="ASIAEXAMPLEOTHER"), found("f-3")]
    with case_of(tmp_path, cloudtrail=[used(function(), OUTSIDE)], guardduty=[accused(), *others]) as case:
        (item,) = traces.findings(follow(case, STOLEN))
    assert [citation.event_id for citation in item.evidence] == ["f-1"]
    assert item.statement.startswith(f"GuardDuty reported {EXFILTRATION}, severity 5, for the credential")
    assert item.statement.endswith(f"the address {OUTSIDE}, seen between 2026-11-05 09:00:00 and 09:30:00 UTC.")


def test_a_finding_that_leaves_out_severity_and_times_is_told(tmp_path: Path) -> None:
    bare = accused(severity=None) | {"service": {}, "title": None}
    with case_of(tmp_path, cloudtrail=[used(function(), OUTSIDE)], guardduty=[bare]) as case:
        (item,) = traces.findings(follow(case, STOLEN))
    assert item.title == f"GuardDuty: {EXFILTRATION}"
    assert "severity not stated" in item.statement and item.statement.endswith("seen at a time not recorded.")

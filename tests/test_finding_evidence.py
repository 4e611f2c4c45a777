"""What lies behind findings of each kind, Security Hub's own findings, and what happened around them."""

from pathlib import Path
from typing import Any

import duckdb

from tests.test_finding import OUTSIDE, WHO, api_finding, around, behind, called, peer_finding
from tests.workload_worlds import (
    DAY,
    KEY,
    ORDERS,
    WEB_ID,
    configured,
    flow,
    found,
    in_scope,
    line,
    run,
    service_part,
    world,
)
from tests.worlds import ACCOUNT, Record, call

ARN = f"arn:aws:guardduty:us-east-1:{ACCOUNT}:detector/d/finding/f-1"


def hub(finding_id: str, *resources: Record, **more: Any) -> Record:
    """A finding of Security Hub, of 09:00 to 09:30."""
    times = {"FirstObservedAt": DAY + "09:00:00", "LastObservedAt": DAY + "09:30:00", "UpdatedAt": DAY + "09:40:00"}
    return {"Id": finding_id, "AwsAccountId": ACCOUNT, "Types": ["TTPs/x"], "Resources": list(resources)} | times | more


def findings(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    return con.execute("SELECT finding_id, source, workload, access_key_id FROM finding ORDER BY 1").fetchall()


def test_a_finding_of_security_hub_is_a_finding_and_guardduty_s_own_is_one_only(tmp_path: Path) -> None:
    copies = [hub(ARN), hub("arn:other", {"Id": f"{ORDERS}:live"})]
    with world(
        tmp_path, cloudtrail=[configured(at="08:00:00")], guardduty=[found(arn=ARN)], security_hub=copies
    ) as con:
        assert findings(con) == [("arn:other", "security_hub", ORDERS, None), ("f-1", "guardduty", None, None)]
        assert behind(con) == [(ARN, "the same finding in Security Hub")]


def test_calls_lie_behind_a_finding_of_security_hub_too(tmp_path: Path) -> None:
    key = {"Id": "k", "Details": {"AwsIamAccessKey": {"AccessKeyId": KEY}}}
    action = {"AwsApiCallAction": {"Api": "ListBuckets", "RemoteIpDetails": {"IpAddressV4": OUTSIDE}}}
    with world(tmp_path, security_hub=[hub("h-1", key, Action=action)], cloudtrail=[called("09:10:00")]) as con:
        assert behind(con) == [("09:10:00", "same access key, address, API and window")]


def test_ports_tell_the_very_connection(tmp_path: Path) -> None:
    remote = {"remoteIpDetails": {"ipAddressV4": OUTSIDE}, "remotePortDetails": {"port": 4444}}
    flows = [flow("09:10:00", "09:11:00", dstaddr=OUTSIDE, dstport=port) for port in (4444, 443)]
    with world(tmp_path, guardduty=[peer_finding({"networkConnectionAction": remote})], vpc_flow=flows) as con:
        assert [why for _, why in behind(con)] == [
            "same interface, remote address, ports and window",
            "same interface, remote address and window",
        ]


def test_queries_for_the_name_lie_behind_a_finding_of_dns_if_its_instance_asked(tmp_path: Path) -> None:
    query = {
        "query_name": "Evil.example.com.",
        "query_timestamp": DAY + "09:10:00",
        "vpc_id": "vpc-1",
        "srcaddr": "10.0.0.5",
    }
    queries = [query | {"srcids": {"instance": name}} for name in (WEB_ID, "i-0bbbbbbbbbbbbbbb1")]
    finding = peer_finding({"dnsRequestAction": {"domain": "evil.example.com"}})
    late = query | {"query_timestamp": DAY + "11:00:00", "srcids": {"instance": WEB_ID}}
    with world(tmp_path, guardduty=[finding], route53_resolver=[*queries, late]) as con:
        assert behind(con) == [("object-0/0", "same name asked for, same source and window")]


def test_audit_records_of_the_user_lie_behind_a_finding_of_kubernetes(tmp_path: Path) -> None:
    asked = {"requestUri": "/api/v1/secrets", "verb": "list", "remoteIpDetails": {"ipAddressV4": OUTSIDE}}
    block = {"kubernetesDetails": {"kubernetesUserDetails": {"username": "eve"}}}
    finding = found(resource=block, service=service_part(action={"kubernetesApiCallAction": asked}))
    record = {"user": {"username": "eve"}, "stageTimestamp": DAY + "09:10:00", "sourceIPs": [OUTSIDE], "auditID": "a"}
    audits = [
        record | {"requestURI": "/api/v1/secrets"},
        record | {"requestURI": "/version"},
        record | {"requestURI": "/version", "sourceIPs": ["198.51.100.1"]},
        record | {"user": {"username": "ana"}},
    ]
    with world(tmp_path, guardduty=[finding], eks_audit=audits) as con:
        assert [row[1] for row in behind(con)] == [
            "same Kubernetes user, address, request and window",
            "same Kubernetes user, address and window",
        ]


def test_an_access_log_s_records_lie_behind_a_finding_of_its_bucket(tmp_path: Path) -> None:
    finding = api_finding()
    finding["resource"]["s3BucketDetails"] = [{"name": "b", "arn": "arn:aws:s3:::b"}]
    gets = [{"bucket": name, "remote_ip": OUTSIDE, "time": DAY + "09:10:00"} for name in ("b", "c")]
    with world(tmp_path, guardduty=[finding], s3_access=gets) as con:
        assert behind(con) == [("object-0/0", "same bucket, address and window")]


def test_signals_and_calls_of_an_attack_sequence_lie_behind_it(tmp_path: Path) -> None:
    actors = [{"user": {"credentialUid": key}} for key in (KEY, "ASIAEXAMPLEOTHER")]
    sequence = {"actors": actors, "endpoints": [{"ip": OUTSIDE}], "signals": [{"uid": "f-1"}, {"uid": "f-9"}]}
    part = service_part() | {"detection": {"sequence": sequence}}
    both = [api_finding(), found("f-2", type="AttackSequence:IAM/CompromisedCredentials", service=part)]
    with world(tmp_path, guardduty=both, cloudtrail=[called("09:10:00")]) as con:
        rows = con.execute("SELECT event_id, why FROM finding_evidence WHERE finding_id = 'f-2' ORDER BY 1").fetchall()
        assert rows == [
            ("09:10:00", "a key and an address of the attack sequence, in its window"),
            ("f-1", "a signal of this attack sequence"),
        ]


def test_what_the_credential_and_the_workload_did_around_a_finding_is_told_apart(tmp_path: Path) -> None:
    other = in_scope(WHO | {"accessKeyId": "ASIAEXAMPLEKEY2"}, ORDERS)
    finding = api_finding()
    finding["resource"]["lambdaDetails"] = {"functionArn": ORDERS}
    calls = [
        configured(at="08:00:00"),
        called("09:03:00"),
        called("09:04:00", sourceIPAddress="198.51.100.1"),
        called("09:15:00", sourceIPAddress="198.51.100.1"),
        call(other, at="08:58:00", eventID="08:58:00"),
        call(other, at="08:30:00", eventID="08:30:00"),
    ]
    lines = [line("platform.start", "09:31:00"), line("platform.start", "09:50:00")]
    with world(tmp_path, guardduty=[finding], cloudtrail=calls, lambda_log=lines) as con:
        assert behind(con) == [("09:03:00", "same access key, address, API and window")]
        assert around(con) == [
            ("08:58:00", "around it: call with another credential of the same workload"),
            ("09:04:00", "around it: call with the same access key"),
            ("object-0/0", "around it: log of the same function"),
        ]


def test_traffic_of_the_instance_around_a_finding(tmp_path: Path) -> None:
    action = {"networkConnectionAction": {"remoteIpDetails": {"ipAddressV4": OUTSIDE}}}
    flows = [flow("09:02:00", "09:03:00", dstaddr=OUTSIDE), flow("09:02:00", "09:03:00"), flow("09:15:00", "09:16:00")]
    with world(tmp_path, cloudtrail=[run(at="08:00:00")], guardduty=[peer_finding(action)], vpc_flow=flows) as con:
        assert [row[0] for row in behind(con)] == ["object-0/0"]
        assert around(con) == [("object-0/1", "around it: traffic of the same workload")]


def test_parts_of_any_shape_lie_behind_nothing(tmp_path: Path) -> None:
    odd = found(
        resource={"s3BucketDetails": "b", "instanceDetails": {"networkInterfaces": {"x": 1}}},
        service=service_part() | {"detection": {"sequence": {"signals": "f", "actors": {}, "endpoints": 1}}},
    )
    with world(
        tmp_path, guardduty=[odd], security_hub=[hub("h", Types={}, Action=[1])], cloudtrail=[called("09:10:00")]
    ) as con:
        assert con.execute("SELECT count(*) FROM finding_evidence").fetchall() == [(0,)]

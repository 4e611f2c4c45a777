"""Findings: the latest version of each, the workload it names, and the records behind it."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from forensics.guardduty_names import exported
from tests.workload_worlds import (
    API_ID,
    DAY,
    KEY,
    ORDERS,
    WEB,
    WEB_ID,
    flow,
    found,
    run,
    service_part,
    world,
)
from tests.worlds import ACCOUNT, Record, assume, call, role, user

OUTSIDE = "203.0.113.77"
WHO = role("orders-fn-role", "orders-fn", key=KEY)


def api_finding(key: str | None = KEY, **more: Any) -> Record:
    details = {"accessKeyId": key, "principalId": WHO["principalId"], "userType": "AssumedRole"}
    action = {"awsApiCallAction": {"api": "ListBuckets", "remoteIpDetails": {"ipAddressV4": OUTSIDE}}}
    return found(resource={"accessKeyDetails": details}, service=service_part(action=action)) | more


def peer_finding(action: Record, **details: Any) -> Record:
    interface = {"instanceDetails": {"instanceId": WEB_ID, "networkInterfaces": [{"networkInterfaceId": "eni-1"}]}}
    return found(resource=interface | details, service=service_part(action=action))


def workloads(con: duckdb.DuckDBPyConnection) -> list[Any]:
    return [row[0] for row in con.execute("SELECT workload FROM finding ORDER BY finding_id").fetchall()]


def behind(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    near = "SELECT event_id, why FROM finding_evidence WHERE why NOT LIKE 'around it: %' ORDER BY event_id"
    return con.execute(near).fetchall()


def around(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    near = "SELECT event_id, why FROM finding_evidence WHERE why LIKE 'around it: %' ORDER BY event_id"
    return con.execute(near).fetchall()


def called(at: str, **more: Any) -> Record:
    return call(WHO, at=at, sourceIPAddress=OUTSIDE, eventID=at) | more


def test_the_latest_version_of_a_finding_is_its_row(tmp_path: Path) -> None:
    later = api_finding(severity=8.0, updatedAt=DAY + "10:00:00")
    with world(tmp_path, guardduty=[api_finding(), later]) as con:
        rows = con.execute("SELECT finding_id, source, severity, access_key_id, title FROM finding").fetchall()
        assert rows == [("f-1", "guardduty", 8.0, KEY, "A title")]


def test_the_resource_block_names_the_workload(tmp_path: Path) -> None:
    findings = [
        found("f-1", resource={"lambdaDetails": {"functionArn": f"{ORDERS}:$LATEST"}}),
        found("f-2", resource={"instanceDetails": {"instanceId": WEB_ID}}),
        found("f-3", resource={"accessKeyDetails": {"accessKeyId": KEY}}),
    ]
    with world(tmp_path, guardduty=findings) as con:
        assert workloads(con) == [ORDERS, WEB, None]


def test_an_instance_id_in_the_principal_id_names_the_workload(tmp_path: Path) -> None:
    details = {"accessKeyDetails": {"principalId": f"AROAEXAMPLEWEB:{WEB_ID}"}}
    with world(tmp_path, guardduty=[found(resource=details)]) as con:
        assert workloads(con) == [WEB]


def test_an_instance_that_ran_in_another_region_keeps_its_own(tmp_path: Path) -> None:
    details = {"accessKeyDetails": {"principalId": f"AROAEXAMPLEWEB:{API_ID}"}}
    calls = [run(API_ID, at="08:00:00") | {"awsRegion": "eu-west-1"}]
    with world(tmp_path, cloudtrail=calls, guardduty=[found(resource=details)]) as con:
        assert workloads(con) == [f"arn:aws:ec2:eu-west-1:{ACCOUNT}:instance/{API_ID}"]


def test_a_session_that_a_user_named_like_an_instance_is_not_the_instance_s(tmp_path: Path) -> None:
    details = {"accessKeyDetails": {"accessKeyId": KEY, "principalId": f"AROAEXAMPLEWEB:{WEB_ID}"}}
    calls = [run(WEB_ID, at="08:00:00"), assume(user(), "web", WEB_ID, key=KEY, at="08:30:00")]
    with world(tmp_path, cloudtrail=calls, guardduty=[found(resource=details)]) as con:
        assert workloads(con) == [None]


def test_a_sample_finding_has_neither_workload_nor_evidence(tmp_path: Path) -> None:
    sample = api_finding(title="[SAMPLE] A title")
    sample["resource"] |= {"instanceDetails": {"instanceId": WEB_ID}}
    with world(tmp_path, guardduty=[sample], cloudtrail=[called("09:00:00")]) as con:
        assert workloads(con) == [None]
        assert behind(con) == []


def test_calls_of_the_key_from_the_address_within_the_window_lie_behind_a_finding(tmp_path: Path) -> None:
    calls = [
        called("08:50:00"),
        called("08:56:00"),
        called("09:10:00", eventName="GetObject"),
        called("09:11:00", sourceIPAddress="198.51.100.1"),
        called("09:36:00"),
    ]
    with world(tmp_path, guardduty=[api_finding()], cloudtrail=calls) as con:
        assert behind(con) == [
            ("08:56:00", "same access key, address, API and window"),
            ("09:10:00", "same access key, address and window"),
        ]


def test_a_finding_without_a_key_rests_on_its_principal(tmp_path: Path) -> None:
    with world(tmp_path, guardduty=[api_finding(None)], cloudtrail=[called("09:10:00")]) as con:
        assert behind(con) == [("09:10:00", "same principal, address, API and window")]


def test_flows_with_the_peer_lie_behind_a_network_finding(tmp_path: Path) -> None:
    action = {"networkConnectionAction": {"remoteIpDetails": {"ipAddressV4": OUTSIDE}}}
    flows = [
        flow("09:10:00", "09:11:00", dstaddr=OUTSIDE),
        flow("09:10:00", "09:11:00"),
        flow("09:10:00", "09:11:00", eni="eni-9", dstaddr=OUTSIDE),
        flow("11:10:00", "11:11:00", dstaddr=OUTSIDE),
    ]
    with world(tmp_path, guardduty=[peer_finding(action)], vpc_flow=flows) as con:
        assert behind(con) == [("object-0/0", "same interface, remote address and window")]


def test_flows_of_a_probe_lie_behind_its_finding(tmp_path: Path) -> None:
    detail = {"remoteIpDetails": {"ipAddressV4": OUTSIDE}}
    action = {"portProbeAction": {"portProbeDetails": [detail]}}
    with world(
        tmp_path, guardduty=[peer_finding(action)], vpc_flow=[flow("09:10:00", "09:11:00", srcaddr=OUTSIDE)]
    ) as con:
        assert behind(con) == [("object-0/0", "same interface, remote address and window")]


OVER_V6 = {"ipAddressV4": "", "ipAddressV6": "2001:db8::77"}


def test_an_address_of_ipv6_leads_to_calls_too(tmp_path: Path) -> None:
    finding = api_finding()
    finding["service"]["action"]["awsApiCallAction"]["remoteIpDetails"] = OVER_V6
    calls = [called("09:10:00", sourceIPAddress="2001:db8::77"), called("09:11:00", sourceIPAddress="")]
    with world(tmp_path, guardduty=[finding], cloudtrail=calls) as con:
        assert behind(con) == [("09:10:00", "same access key, address, API and window")]


def test_a_peer_of_ipv6_leads_to_flows_too(tmp_path: Path) -> None:
    action = {"networkConnectionAction": {"remoteIpDetails": OVER_V6}}
    flows = [flow("09:10:00", "09:11:00", dstaddr="2001:db8::77"), flow("09:10:00", "09:11:00")]
    with world(tmp_path, guardduty=[peer_finding(action)], vpc_flow=flows) as con:
        assert behind(con) == [("object-0/0", "same interface, remote address and window")]


def pod(kind: str, **more: Any) -> Record:
    details = {"name": "orders-7d4", "type": kind, "namespace": "shop"} | more
    return {
        "eksClusterDetails": {"name": "prod"},
        "kubernetesDetails": {"kubernetesWorkloadDetails": details},
        "instanceDetails": {"instanceId": WEB_ID},
    }


def test_a_pod_that_the_resource_block_names_is_the_workload(tmp_path: Path) -> None:
    findings = [
        found("f-1", resource=pod("pods")),
        found("f-2", resource=pod("deployments")),
        found("f-3", resource=pod("pods", namespace="") | {"instanceDetails": {}}),
    ]
    with world(tmp_path, guardduty=findings) as con:
        assert workloads(con) == ["k8s:prod/shop/orders-7d4", WEB, None]


def test_the_only_key_of_an_attack_sequence_is_its_finding_s(tmp_path: Path) -> None:
    actors = [{"user": {"credentialUid": KEY, "uid": "AIDAEXAMPLE"}}]
    part = service_part() | {"detection": {"sequence": {"actors": actors}}}
    with world(tmp_path, guardduty=[found(resource={"resourceType": "AttackSequence"}, service=part)]) as con:
        assert con.execute("SELECT access_key_id FROM finding").fetchall() == [(KEY,)]


def shown(shape: Any, wire: bool, seen: tuple[str, ...] = ()) -> Any:
    """A value of a shape in which every member is there, under the API's names or those on the wire."""
    if shape.type_name == "list":
        return [shown(shape.member, wire, seen)]
    if shape.type_name == "map":
        return {"AWS::S3::Bucket": shown(shape.value, wire, seen)}
    if shape.type_name != "structure" or shape.name in seen:
        return shape.type_name
    inner = (*seen, shape.name)
    named = {name: member.serialization.get("name", name) if wire else name for name, member in shape.members.items()}
    return {named[name]: shown(member, wire, inner) for name, member in shape.members.items()}


def test_every_name_of_the_api_becomes_that_of_the_export() -> None:
    session = pytest.importorskip("botocore.session").get_session()
    model = session.get_service_model("guardduty").shape_for("Finding")
    assert exported(shown(model, wire=False)) == shown(model, wire=True)


def test_names_of_the_api_that_only_one_place_has_otherwise() -> None:
    sequence = {"Actors": [{"User": {"Name": "ana", "Account": {"Uid": "1", "Name": "shop"}}}]}
    sequence |= {"Resources": [{"Data": {"Ec2Instance": {"IamInstanceProfile": {"Arn": "arn:x"}}}}]}
    sequence |= {"Endpoints": [{"Location": {"Latitude": 1.5, "Longitude": 2.5}}]}
    instance = {"IamInstanceProfile": {"Arn": "arn:x"}, "ProductCodes": [{"Code": "c", "ProductType": "t"}]}
    unusual = {"Behavior": {"EC2": {"UserAgent": {"ProfileType": "FREQUENCY"}}}}
    assert exported({"Sequence": sequence, "InstanceDetails": instance, "Unusual": unusual}) == {
        "sequence": {
            "actors": [{"user": {"name": "ana", "account": {"uid": "1", "account": "shop"}}}],
            "resources": [{"data": {"ec2Instance": {"IamInstanceProfile": {"arn": "arn:x"}}}}],
            "endpoints": [{"location": {"lat": 1.5, "lon": 2.5}}],
        },
        "instanceDetails": {
            "iamInstanceProfile": {"arn": "arn:x"},
            "productCodes": [{"productCodeId": "c", "productCodeType": "t"}],
        },
        "unusual": {"behavior": {"EC2": {"UserAgent": {"profileType": "FREQUENCY"}}}},
    }

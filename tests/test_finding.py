"""Findings: the latest version of each, the workload it names, and the records behind it."""

from pathlib import Path
from typing import Any

import duckdb

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
from tests.worlds import ACCOUNT, Record, call, role

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
    return con.execute("SELECT event_id, why FROM finding_evidence ORDER BY event_id").fetchall()


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

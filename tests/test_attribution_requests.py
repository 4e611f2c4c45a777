"""Attribution of requests, access logs, logs of workloads and findings: what names a workload, and what must not."""

from pathlib import Path
from typing import Any

import pytest

from forensics import attribution
from forensics.sources import sources
from tests.attribution_worlds import HOST, NAT, OTHER_TASK, POD, TASK, answers, placed
from tests.workload_worlds import DAY, DEV, KEY, ORDERS, WEB_ID, configured, found, in_scope, line, world
from tests.worlds import ACCOUNT, Record, assume, call, role

SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/orders-fn-role/orders-fn"
GROUP = f"arn:aws:elasticloadbalancing:us-east-1:{ACCOUNT}:targetgroup/web/1"
OWN = in_scope(role("orders-fn-role", "orders-fn", key=KEY), ORDERS)


def test_every_source_is_attributed_or_it_is_said_why_not() -> None:
    attributed = {part.source for part in attribution.PARTS}
    assert attributed | set(attribution.UNATTRIBUTED) == set(sources())
    assert not attributed & set(attribution.UNATTRIBUTED)


def get(requester: str = SESSION, at: str = "09:00:00", **more: Any) -> Record:
    """A line of an access log."""
    return {"requester": requester, "time": DAY + at, "remote_ip": "203.0.113.77", "bucket": "b"} | more


def issued(tmp_path: Path, calls: list[Record], gets: list[Record]) -> list[tuple[Any, ...]]:
    with world(tmp_path, cloudtrail=calls, s3_access=gets) as con:
        rows = con.execute(
            "SELECT event_id, workload, certainty FROM attribution WHERE question = 'issued_to'"
            " AND event_id LIKE 'object-0/%' ORDER BY 1"
        )
        return rows.fetchall()


def test_a_request_id_that_cloudtrail_has_leads_to_the_key(tmp_path: Path) -> None:
    made = call(OWN, "s3:GetObject", requestID="REQUEST1", eventID="made")
    assert issued(tmp_path, [made], [get("-", request_id="REQUEST1"), get("-", request_id="REQUEST2")]) == [
        ("object-0/0", ORDERS, "recorded")
    ]


def test_a_session_of_one_workload_leads_to_it_but_is_at_most_matched(tmp_path: Path) -> None:
    minted = assume(
        {"type": "AWSService", "invokedBy": "lambda.amazonaws.com"},
        "orders-fn-role",
        "orders-fn",
        key=KEY,
        at="08:30:00",
    )
    calls = [minted, call(OWN, eventID="made")]
    assert issued(tmp_path, calls, [get(), get(at="07:00:00"), get(SESSION + "x")]) == [
        ("object-0/0", ORDERS, "matched")
    ]


def test_a_session_whose_name_somebody_else_chose_too_is_nobody_s(tmp_path: Path) -> None:
    chosen = assume(DEV, "orders-fn-role", "orders-fn", key="ASIAEXAMPLESPOOF", at="08:40:00")
    spoof = call(role("orders-fn-role", "orders-fn", key="ASIAEXAMPLESPOOF"), at="09:00:00", eventID="spoof")
    calls = [call(OWN, eventID="made", at="08:55:00"), call(OWN, eventID="later", at="09:10:00"), chosen, spoof]
    assert issued(tmp_path, calls, [get()]) == []


def balanced(**more: Any) -> Record:
    target = {"target:port": "10.0.0.5:80", "client:port": "203.0.113.7:4000"}
    return {"type": "http", "time": DAY + "09:00:00", "elb": "app/web/1", "target_group_arn": GROUP} | target | more


def made_group(vpc: str = "vpc-1") -> Record:
    card = {"targetGroupArn": GROUP, "vpcId": vpc}
    return call(
        DEV, "elasticloadbalancing:CreateTargetGroup", responseElements={"targetGroups": [card]}, eventID="group"
    )


def test_the_target_of_a_request_is_the_holder_of_the_address_in_the_balancer_s_vpc(tmp_path: Path) -> None:
    holdings = [(TASK, "private_ip 10.0.0.5")]
    with placed(tmp_path / "its", holdings, cloudtrail=[made_group()], alb=[balanced()]) as con:
        assert answers(con) == [(0, TASK, "matched", 1)]
    with placed(tmp_path / "another", holdings, cloudtrail=[made_group("vpc-2")], alb=[balanced()]) as con:
        assert answers(con) == []


def test_a_balancer_s_unknown_vpc_is_taken_for_the_only_one_known(tmp_path: Path) -> None:
    with placed(tmp_path, [(TASK, "private_ip 10.0.0.5")], alb=[balanced()]) as con:
        assert answers(con) == [(0, TASK, "inferred", 1)]


def test_of_several_vpcs_none_is_guessed(tmp_path: Path) -> None:
    holdings = [(TASK, "private_ip 10.0.0.5"), (OTHER_TASK, "private_ip 10.0.0.8", "08:00:00", "10:00:00")]
    moved = (f"UPDATE address_network SET vpc_id = 'vpc-2' WHERE workload = '{OTHER_TASK}'",)
    with placed(tmp_path, holdings, statements=moved, alb=[balanced()]) as con:
        assert answers(con) == []


def test_a_client_s_address_is_whose_it_was(tmp_path: Path) -> None:
    holdings = [(NAT, "public_ip 203.0.113.7")]
    forged = {
        "httpRequest": {"clientIp": "198.51.100.1", "headers": [{"name": "X-Forwarded-For", "value": "203.0.113.7"}]}
    }
    waf = [forged | {"timestamp": DAY + "09:00:00"}]
    with placed(tmp_path, holdings, alb=[balanced()], waf=waf, cloudfront=[{"x-forwarded-for": "203.0.113.7"}]) as con:
        assert answers(con, "used_from") == [(0, NAT, "matched", 1)]


@pytest.mark.parametrize(("addresses", "count"), [(["203.0.113.7"], 1), (["203.0.113.7", "198.51.100.1"], 0), ("x", 0)])
def test_an_address_that_a_client_may_have_written_is_not_believed(tmp_path: Path, addresses: Any, count: int) -> None:
    audit = {"auditID": "a", "sourceIPs": addresses, "stageTimestamp": DAY + "09:00:00"}
    with placed(tmp_path, [(NAT, "public_ip 203.0.113.7")], eks_audit=[audit]) as con:
        assert len(answers(con, "used_from")) == count


ROOT = "1-5f0a1b2c-0123456789abcdef01234567"


@pytest.mark.parametrize(("requests", "expected"), [(1, [(0, ORDERS, "inferred", 1)]), (2, [])])
def test_a_trace_leads_to_the_function_unless_two_requests_had_its_root(
    tmp_path: Path, requests: int, expected: list[Any]
) -> None:
    to_function = balanced(**{"target:port": None, "trace_id": f"Self=1-67891234-a;Root={ROOT}"})
    logged = line("platform.report", "09:00:00", traceId=ROOT)
    records: dict[str, list[Record]] = {"alb": [to_function] * requests, "lambda_log": [logged]}
    with placed(tmp_path, [], cloudtrail=[configured(at="08:00:00")], **records) as con:
        written = con.execute("SELECT count(*) FROM attribution WHERE via = 'written by the function'").fetchall()
        traced = con.execute(
            "SELECT CAST(split_part(event_id, '/', 2) AS INTEGER), workload, certainty, candidates FROM attribution"
            " WHERE via LIKE 'trace id%'"
        ).fetchall()
        assert (written, traced) == ([(1,)], expected)


def test_logs_name_their_task_pod_and_instance(tmp_path: Path) -> None:
    task = {"taskArn": TASK, "taskId": TASK.rpartition("/")[2], "timestamp": DAY + "09:00:00"}
    pod = {"clusterName": "prod", "namespaceName": "pay", "podName": "api-7c9-a", "timestamp": DAY + "09:00:00"}
    stranger = {"clusterName": "prod", "namespaceName": "pay", "podName": "'; --", "timestamp": DAY + "09:00:00"}
    holdings = [(TASK, "eni eni-7"), (POD, f"instance {HOST}"), (HOST, "eni eni-1")]
    with placed(tmp_path, holdings, container_log=[task, pod, stranger]) as con:
        assert [row for row in answers(con) if row[0] < 2] == [(0, TASK, "recorded", 1), (1, POD, "recorded", 1)]


def test_a_finding_s_resource_block_names_what_it_is_about(tmp_path: Path) -> None:
    block = {"instanceDetails": {"instanceId": WEB_ID}, "ecsClusterDetails": {"taskDetails": {"arn": TASK}}}
    sample = found("f-2", resource=block, title="[SAMPLE] x")
    with placed(tmp_path, [], guardduty=[found("f-1", resource=block), sample]) as con:
        rows = con.execute(
            "SELECT event_id, workload, certainty FROM attribution WHERE question = 'endpoint' ORDER BY 2"
        )
        assert rows.fetchall() == [("f-1", HOST, "recorded"), ("f-1", TASK, "recorded")]


def test_a_gateway_s_integration_leads_to_the_function(tmp_path: Path) -> None:
    request = {"requestTime": DAY + "09:00:00", "integrationRequestId": "r-1", "requestId": "g-1"}
    lines = [line("platform.start", "09:00:00"), line("platform.report", "09:00:01")]
    with placed(tmp_path, [], cloudtrail=[configured(at="08:00:00")], api_gateway=[request], lambda_log=lines) as con:
        rows = con.execute("SELECT workload, certainty FROM attribution WHERE via = 'request id of the integration'")
        assert rows.fetchall() == [(ORDERS, "recorded")]

"""Records that carry one id: requests seen by several sources, and short-lived things that several name."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.workload_worlds import DAY, DEV, ORDERS, configured, line, world
from tests.worlds import ACCOUNT, Record, call

ROOT = "1-5f0a1b2c-0123456789abcdef01234567"
UUID = "2fb802a1-d6f7-45dc-a7e8-a11b3a48a573"
TASK = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/prod/0123456789abcdef0123456789abcdef"


def links(con: duckdb.DuckDBPyConnection, kind: str) -> list[tuple[Any, ...]]:
    rows = con.execute(
        "SELECT id, source, workload, certainty FROM request_link WHERE id_kind = ? ORDER BY id, source, event_id",
        [kind],
    )
    return rows.fetchall()


def balanced(root: str = ROOT, at: str = "09:00:00") -> Record:
    """A request through a load balancer."""
    return {"time": DAY + at, "elb": "app/web/1", "trace_id": f"Self=1-67891234-abcdef;Root={root}", "type": "https"}


def test_a_request_of_a_function_is_linked_with_its_call_and_its_gateway(tmp_path: Path) -> None:
    invoked = call(DEV, "lambda:Invoke", requestID="r-1", eventID="invoke")
    calls = [configured(at="08:00:00"), invoked, call(DEV, "lambda:Invoke", requestID="r-2", eventID="unlogged")]
    lines = [
        line("platform.start", "09:00:00"),
        line(None, "09:00:01"),
        line("platform.start", "09:00:02", request="r-3"),
    ]
    gateway = [{"integrationRequestId": "r-1", "requestId": "g-1", "requestTime": DAY + "09:00:00"}]
    with world(tmp_path, cloudtrail=calls, lambda_log=lines, api_gateway=gateway) as con:
        assert [row[:2] for row in links(con, "lambda_request")] == [
            ("r-1", "api_gateway"),
            ("r-1", "cloudtrail"),
            ("r-1", "lambda_log"),
        ]
        assert {row[3] for row in links(con, "lambda_request")} == {"recorded"}


def test_an_id_in_one_source_only_is_no_link(tmp_path: Path) -> None:
    lines = [line("platform.start", "09:00:00"), line("platform.end", "09:00:01")]
    with world(tmp_path, lambda_log=lines, alb=[balanced()]) as con:
        assert con.execute("SELECT count(*) FROM request_link").fetchall() == [(0,)]


def test_a_trace_is_inferred_and_shared_where_two_requests_chose_its_root(tmp_path: Path) -> None:
    logged = [line("platform.report", "09:00:01", traceId=ROOT)]
    once, twice = tmp_path / "once", tmp_path / "twice"
    with world(once, cloudtrail=[configured(at="08:00:00")], alb=[balanced()], lambda_log=logged) as con:
        assert [(row[1], row[3]) for row in links(con, "trace")] == [("alb", "inferred"), ("lambda_log", "inferred")]
    with world(twice, alb=[balanced(), balanced(at="09:00:01")], lambda_log=logged) as con:
        assert {row[3] for row in links(con, "trace")} == {"shared"}


def test_an_access_log_record_is_linked_with_its_call(tmp_path: Path) -> None:
    made = call(DEV, "s3:GetObject", requestID="S3REQUEST", eventID="call")
    requests = [{"request_id": name, "time": DAY + "09:00:00", "bucket": "b"} for name in ("S3REQUEST", "OTHER")]
    with world(tmp_path, cloudtrail=[made], s3_access=requests) as con:
        assert [row[:2] for row in links(con, "s3_request")] == [
            ("S3REQUEST", "cloudtrail"),
            ("S3REQUEST", "s3_access"),
        ]


def test_a_task_s_attachment_links_its_interface_and_its_events(tmp_path: Path) -> None:
    card = {"networkInterfaceId": "eni-1", "description": f"arn:aws:ecs:us-east-1:{ACCOUNT}:attachment/{UUID}"}
    made = call(DEV, "ec2:CreateNetworkInterface", responseElements={"networkInterface": card}, eventID="made")
    volume = {"id": "11111111-2222-3333-4444-555555555555", "type": "AmazonElasticBlockStorage"}
    detail = {"taskArn": TASK, "attachments": [{"id": UUID, "type": "eni"}, volume]}
    event = {"id": "e-1", "time": DAY + "09:00:00", "detail": detail, "account": ACCOUNT, "region": "us-east-1"}
    with world(tmp_path, cloudtrail=[made], ecs_event=[event | {"source": "aws.ecs"}]) as con:
        assert [row[:3] for row in links(con, "ecs_attachment")] == [
            (UUID, "cloudtrail", None),
            (UUID, "ecs_event", TASK),
        ]


def test_one_event_recorded_in_two_accounts_is_linked(tmp_path: Path) -> None:
    shared = [call(DEV, eventID=name, sharedEventID="S1") for name in ("theirs", "ours")]
    with world(tmp_path, cloudtrail=[*shared, call(DEV, eventID="alone", sharedEventID="S2")]) as con:
        assert [row[0] for row in links(con, "shared_event")] == ["S1", "S1"]


def test_values_of_any_shape_link_nothing(tmp_path: Path) -> None:
    odd = call(DEV, "ecs:RunTask", responseElements={"tasks": "none"}, requestParameters=[1], eventID="odd")
    odd_interface = call(DEV, "ec2:CreateNetworkInterface", responseElements=["x"], eventID="odder")
    event = {"id": "e-1", "time": DAY + "09:00:00", "detail": {"taskArn": ORDERS, "attachments": {"id": 1}}}
    with world(tmp_path, cloudtrail=[odd, odd_interface], ecs_event=[event], alb=[balanced("'; DROP TABLE x")]) as con:
        assert con.execute("SELECT count(*) FROM request_link").fetchall() == [(0,)]


@pytest.mark.parametrize(("at", "other"), [("08:00:00", "call-2"), ("10:00:00", "call-0")])
@pytest.mark.parametrize("again", [0, 1])
def test_the_first_and_the_last_of_an_endpoint_are_linked_whatever_copies_there_are(
    tmp_path: Path, at: str, other: str, again: int
) -> None:
    made = call(
        DEV,
        "ec2:CreateVpcEndpoint",
        at=at,
        eventID="made",
        responseElements={"vpcEndpoint": {"vpcEndpointId": "vpce-1"}},
    )
    through = [
        call(DEV, at=f"09:0{minute}:00", eventID=f"call-{minute}", vpcEndpointId="vpce-1") for minute in (2, 0, 1)
    ]
    with world(tmp_path, cloudtrail=[made, *through, *through[:1] * again, *through[1:2] * again]) as con:
        found = con.execute("SELECT event_id FROM request_link WHERE id_kind = 'vpc_endpoint' ORDER BY 1").fetchall()
        assert found == [(other,), ("made",)]

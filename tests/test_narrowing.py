"""Interfaces that functions share: who may use them when, and which of them alone was at work during a flow."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from tests.test_interface import seen
from tests.workload_worlds import BILLING, DEV, ORDERS, configured, flow, held, hyperplane, line, network, world
from tests.worlds import ACCOUNT, Record, call

MAILER = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:mailer-fn"
NAMES = ("billing-fn", "mailer-fn", "orders-fn")
FLOW = flow("09:10:00", "09:11:00", eni="eni-0aaa", srcaddr="10.0.5.9", dstaddr="198.51.100.20")


def function_item(name: str, at: str = "09:10:00", group: str | None = "sg-1", **more: Any) -> Record:
    """AWS Config saw a function with its network settings, or in no VPC."""
    settings = {"subnetIds": ["subnet-1"], "securityGroupIds": [group]} if group else None
    configuration = {"functionName": name, "vpcConfig": settings}
    kind = {"resourceType": "AWS::Lambda::Function", "resourceId": name, "resourceName": name}
    return seen(at) | kind | {"configuration": configuration} | more


def shared_card(at: str = "09:00:00", made_for: str = "billing-fn") -> Record:
    """AWS Config saw the interface of Lambda; its description names a function."""
    return seen(
        at,
        name="eni-0aaa",
        created="08:00:00",
        interfaceType="lambda",
        description=f"AWS Lambda VPC ENI-{made_for}",
        subnetId="subnet-1",
        groups=[{"groupId": "sg-1"}],
        privateIpAddress="10.0.5.9",
        vpcId="vpc-1",
    )


def log(name: str, *lines: tuple[str, str, str]) -> list[Record]:
    """Lines of a function: kind, time, request."""
    place = {"logGroup": f"/aws/lambda/{name}", "functionName": name}
    return [line(kind, at, request=request, stream=f"s-{name}", **place) for kind, at, request in lines]


def ran(name: str, start: str, end: str) -> list[Record]:
    return log(name, ("platform.start", start, f"{name} {start}"), ("platform.report", end, f"{name} {start}"))


def endpoints(con: duckdb.DuckDBPyConnection) -> list[tuple[Any, ...]]:
    rows = con.execute(
        "SELECT split_part(workload, ':', 7), certainty, candidates, via FROM attribution"
        " WHERE question = 'endpoint' AND via <> 'written by the function' ORDER BY certainty DESC, workload"
    )
    return rows.fetchall()


def judged(tmp_path: Path, *items: Record, logs: list[Record]) -> list[tuple[Any, ...]]:
    more = {"lambda_log": logs} if logs else {}
    with world(tmp_path, config_item=[shared_card(), *items], vpc_flow=[FLOW], **more) as con:
        return endpoints(con)


ITEMS = [function_item(name) for name in NAMES]
SHARED = [(name, "shared", 3, "interface") for name in NAMES]
AROUND = [ran(name, f"0{hour}:00:00", f"0{hour}:00:30") for name in NAMES for hour in (8, 9)]
LATER = [ran(name, "09:30:00", "09:30:30") for name in NAMES]
SILENT = [line_ for lines in (*AROUND, *LATER) for line_ in lines]
"""Every function's log, before the flow and after it."""
BEGUN = line(
    "platform.initStart", "09:09:58", request=None, logGroup="/aws/lambda/billing-fn", functionName="billing-fn"
)


def test_of_three_candidates_the_only_one_at_work_is_inferred_and_all_stay(tmp_path: Path) -> None:
    logs = [*SILENT, *ran("orders-fn", "09:10:20", "09:10:55")]
    via = "only invocation in progress among 3 candidates"
    assert judged(tmp_path, *ITEMS, logs=logs) == [*SHARED, ("orders-fn", "inferred", 3, via)]


def test_the_evidence_is_the_invocations(tmp_path: Path) -> None:
    logs = [*SILENT, *ran("orders-fn", "09:10:20", "09:10:55")]
    with world(tmp_path, config_item=[shared_card(), *ITEMS], lambda_log=logs, vpc_flow=[FLOW]) as con:
        cited = con.execute("SELECT evidence_event_ids FROM flow_narrowed").fetchall()
        expected = con.execute("SELECT evidence_event_ids FROM invocation WHERE request_id LIKE '%09:10:20'").fetchall()
        assert cited == expected


@pytest.mark.parametrize(
    "logs",
    [
        [],
        SILENT,
        [*SILENT, *ran("orders-fn", "09:10:20", "09:10:55"), *ran("billing-fn", "09:10:50", "09:12:00")],
        [*SILENT, *ran("orders-fn", "09:10:20", "09:10:55"), *log("billing-fn", ("platform.start", "09:09:00", "x"))],
        ran("orders-fn", "09:10:20", "09:10:55"),
        [line_ for lines in AROUND for line_ in lines] + ran("orders-fn", "09:10:20", "09:10:55"),
        [*SILENT, *log("orders-fn", ("platform.start", "09:10:20", "x"))],
        [*SILENT, *ran("orders-fn", "09:11:02", "09:11:30")],
        [*SILENT, *ran("orders-fn", "09:10:20", "09:10:55"), BEGUN],
    ],
    ids=[
        "no logs",
        "none at work",
        "two",
        "one without an end",
        "others' logs missing",
        "ending early",
        "no end",
        "after",
        "another begins",
    ],
)
def test_candidates_are_not_narrowed_where_the_logs_do_not_tell(tmp_path: Path, logs: list[Record]) -> None:
    assert judged(tmp_path, *ITEMS, logs=logs) == SHARED


def test_a_flow_is_within_a_second_of_an_invocation(tmp_path: Path) -> None:
    logs = [*SILENT, *ran("orders-fn", "09:11:01", "09:11:30")]
    assert [row[:2] for row in judged(tmp_path, *ITEMS, logs=logs)][3:] == [("orders-fn", "inferred")]


def test_one_candidate_is_not_narrowed_further(tmp_path: Path) -> None:
    logs = [*SILENT, *ran("orders-fn", "09:10:20", "09:10:55")]
    rows = judged(tmp_path, ITEMS[2], logs=logs)
    assert [row[:3] for row in rows] == [("orders-fn", "bounded", 1)]


def test_no_flows_are_no_narrowing(tmp_path: Path) -> None:
    with world(tmp_path) as con:
        assert con.execute("SELECT * FROM flow_narrowed").fetchall() == []


def test_two_candidates_share_and_the_description_counts_for_nothing(tmp_path: Path) -> None:
    items = [shared_card(made_for="gone-fn"), *ITEMS[1:]]
    with world(tmp_path, config_item=items, vpc_flow=[FLOW]) as con:
        assert [row[:3] for row in endpoints(con)] == [("mailer-fn", "shared", 2), ("orders-fn", "shared", 2)]


def test_the_description_of_a_deleted_function_names_no_user(tmp_path: Path) -> None:
    gone = call(DEV, "lambda:DeleteFunction20150331", at="08:30:00", requestParameters={"functionName": "billing-fn"})
    made = configured("billing-fn", at="08:00:00", vpcConfig=network())
    items = [shared_card(), ITEMS[2]]
    with world(tmp_path, config_item=items, cloudtrail=[made, gone], vpc_flow=[FLOW]) as con:
        assert [row[:2] for row in endpoints(con)] == [("orders-fn", "bounded")]


def test_a_function_that_moves_to_another_group_is_a_candidate_until_then(tmp_path: Path) -> None:
    change = "UpdateFunctionConfiguration20150331v2"
    trail = [
        configured("orders-fn", at="08:00:00", vpcConfig=network()),
        configured("billing-fn", at="08:00:01", vpcConfig=network()),
        hyperplane("eni-0aaa", at="08:01:00"),
        configured("billing-fn", at="09:00:00", event=change, vpcConfig=network("sg-2")),
    ]
    flows = [flow(f"{hour}:10:00", f"{hour}:11:00", eni="eni-0aaa") for hour in ("08", "09")]
    with world(tmp_path, cloudtrail=trail, vpc_flow=flows) as con:
        rows = con.execute("SELECT event_id, workload, candidates FROM attribution ORDER BY 1, 2").fetchall()
        assert rows == [("object-0/0", BILLING, 2), ("object-0/0", ORDERS, 2), ("object-0/1", ORDERS, 1)]


def test_settings_that_config_shows_held_since_the_item_before(tmp_path: Path) -> None:
    items = [function_item("orders-fn", "08:30:00", "sg-2"), function_item("orders-fn", "09:30:00")]
    with world(tmp_path, config_item=[shared_card(), *items]) as con:
        assert held(con, "eni") == [(ORDERS, "eni-0aaa", "08:30:00", None, "bounded")]


def test_a_function_seen_late_may_have_used_the_interface_before(tmp_path: Path) -> None:
    trail = [configured("orders-fn", at="07:00:00", vpcConfig=network())]
    items = [shared_card(), function_item("mailer-fn", "09:30:00")]
    with world(tmp_path, cloudtrail=trail, config_item=items, vpc_flow=[FLOW]) as con:
        assert [row[:3] for row in endpoints(con)] == [("mailer-fn", "shared", 2), ("orders-fn", "shared", 2)]


def test_a_function_that_leaves_the_vpc_or_is_gone_is_no_candidate(tmp_path: Path) -> None:
    items = [
        *(function_item(name, "08:10:00") for name in ("billing-fn", "mailer-fn")),
        function_item("billing-fn", "08:40:00", None),
        function_item("mailer-fn", "08:40:00") | {"configurationItemStatus": "ResourceDeleted", "configuration": None},
    ]
    with world(tmp_path, config_item=[shared_card(), *items]) as con:
        assert [(row[0], row[3]) for row in held(con, "eni")] == [(BILLING, "08:40:00"), (MAILER, "08:40:00")]

"""Attribution of traffic: tasks, pods, hosts, gateways, queries and firewalls."""

from pathlib import Path
from typing import Any

import pytest

from tests.attribution_worlds import HOST, NAT, OTHER_POD, OTHER_TASK, POD, TASK, answers, placed
from tests.workload_worlds import API, DAY, WEB_ID, flow, seen_at_gateway
from tests.worlds import ACCOUNT, Record

ON_HOST = [(HOST, "eni eni-1"), (POD, f"instance {HOST}")]


def query(at: str = "09:00:00", **more: Any) -> Record:
    """A DNS query from 10.0.0.5 of vpc-1."""
    fields = {"account_id": ACCOUNT, "region": "us-east-1", "vpc_id": "vpc-1", "query_name": "example.com."}
    return fields | {"query_timestamp": DAY + at, "srcaddr": "10.0.0.5"} | more


def named(task_id: str) -> Record:
    return {"ecs-task-id": task_id, "ecs-cluster-name": "prod"}


def test_a_flow_that_names_its_task_is_recorded_and_its_instance_too(tmp_path: Path) -> None:
    record = flow("09:00:00", "09:01:00", **{"ecs-task-arn": TASK, "instance-id": WEB_ID})
    holdings = [(TASK, "eni eni-1"), (HOST, "eni eni-9")]
    with placed(tmp_path, holdings, vpc_flow=[record]) as con:
        assert answers(con) == [(0, HOST, "recorded", 1), (0, TASK, "recorded", 1)]


def test_a_task_id_names_its_task_where_only_one_has_it(tmp_path: Path) -> None:
    task_id = TASK.rpartition("/")[2]
    flows = [flow("09:00:00", "09:01:00", **named(name)) for name in (task_id, "unknown")]
    with placed(tmp_path, [(TASK, "eni eni-7")], vpc_flow=flows) as con:
        assert answers(con) == [(0, TASK, "recorded", 1)]


def test_a_flow_of_a_task_s_own_interface_on_a_host_is_the_task_s_and_not_its_neighbours(tmp_path: Path) -> None:
    holdings = [
        (TASK, "eni eni-2"),
        (TASK, f"instance {HOST}"),
        (OTHER_TASK, f"instance {HOST}"),
        (HOST, "eni eni-2"),
    ]
    with placed(tmp_path, holdings, vpc_flow=[flow("09:00:00", "09:01:00", eni="eni-2")]) as con:
        assert answers(con) == [(0, TASK, "matched", 1)]


def test_a_flow_of_a_host_is_shared_by_what_ran_there_even_if_only_one_did(tmp_path: Path) -> None:
    record = flow("09:00:00", "09:01:00", **{"instance-id": WEB_ID})
    with placed(tmp_path, ON_HOST, vpc_flow=[record]) as con:
        assert answers(con) == [(0, HOST, "recorded", 1), (0, POD, "shared", 2)]


def test_a_host_known_by_its_interface_has_its_containers_too(tmp_path: Path) -> None:
    with placed(tmp_path, ON_HOST, vpc_flow=[flow("09:00:00", "09:01:00")]) as con:
        assert answers(con) == [(0, HOST, "matched", 1), (0, POD, "shared", 2)]


def test_what_ran_on_the_host_before_or_after_is_no_candidate(tmp_path: Path) -> None:
    holdings = [
        (HOST, "eni eni-1"),
        (POD, f"instance {HOST}", "08:00:00", "08:30:00"),
        (OTHER_POD, f"instance {HOST}", "08:40:00", None),
        (OTHER_TASK, f"instance {API}"),
        (TASK, f"instance {HOST}", "09:50:00", "09:55:00"),
    ]
    flows = [flow(at, at, **{"instance-id": WEB_ID}) for at in ("08:10:00", "08:35:00", "09:00:00", "09:52:00")]
    with placed(tmp_path, holdings, vpc_flow=flows) as con:
        assert [row for row in answers(con) if row[1] != HOST] == [
            (0, POD, "shared", 2),
            (2, OTHER_POD, "shared", 2),
            (3, TASK, "shared", 3),
            (3, OTHER_POD, "shared", 3),
        ]


@pytest.mark.parametrize("side", ["pkt-srcaddr", "pkt-dstaddr"])
def test_one_pod_s_own_address_names_that_pod_and_the_instance_only(tmp_path: Path, side: str) -> None:
    holdings = [*ON_HOST, (OTHER_POD, f"instance {HOST}"), (POD, "private_ip 10.0.0.33")]
    record = flow("09:00:00", "09:01:00", **{"instance-id": WEB_ID, side: "10.0.0.33"})
    with placed(tmp_path, holdings, vpc_flow=[record]) as con:
        assert answers(con) == [(0, HOST, "recorded", 1), (0, POD, "matched", 1)]


def test_the_host_s_own_address_is_no_pod_s_whatever_a_pod_on_the_host_network_says(tmp_path: Path) -> None:
    holdings = [*ON_HOST, (OTHER_POD, f"instance {HOST}"), (POD, "private_ip 10.0.0.5")]
    more = {"instance-id": WEB_ID, "pkt-srcaddr": "10.0.0.5", "flow-direction": "egress"}
    with placed(tmp_path, holdings, vpc_flow=[flow("09:00:00", "09:01:00", **more)]) as con:
        assert answers(con) == [
            (0, HOST, "recorded", 1),
            (0, POD, "shared", 3),
            (0, OTHER_POD, "shared", 3),
        ]


def test_an_address_passed_from_pod_to_pod_during_a_flow_is_neither_s_alone(tmp_path: Path) -> None:
    holdings = [
        (HOST, "eni eni-1"),
        (POD, f"instance {HOST}"),
        (OTHER_POD, f"instance {HOST}"),
        (POD, "private_ip 10.0.0.33", "08:00:00", "09:00:30"),
        (OTHER_POD, "private_ip 10.0.0.33", "09:00:40", "10:00:00"),
    ]
    more = {"instance-id": WEB_ID, "pkt-srcaddr": "10.0.0.33"}
    with placed(tmp_path, holdings, vpc_flow=[flow("09:00:00", "09:01:00", **more)]) as con:
        assert [row[1:] for row in answers(con) if row[1] != HOST] == [(POD, "shared", 3), (OTHER_POD, "shared", 3)]


def test_a_flow_of_a_gateway_s_interface_is_the_gateway_s(tmp_path: Path) -> None:
    with placed(tmp_path, [(NAT, "eni eni-1")], vpc_flow=[flow("09:00:00", "09:01:00")]) as con:
        assert answers(con) == [(0, NAT, "matched", 1)]


def test_a_transit_gateway_s_flow_has_both_ends_each_in_its_vpc(tmp_path: Path) -> None:
    holdings = [
        (TASK, "private_ip 10.0.0.5"),
        (OTHER_TASK, "private_ip 10.0.0.5", "08:00:00", "10:00:00"),
        (POD, "private_ip 10.9.0.9"),
    ]
    record = {
        "srcaddr": "10.0.0.5",
        "dstaddr": "10.9.0.9",
        "tgw-src-vpc-id": "vpc-1",
        "tgw-dst-vpc-id": "vpc-2",
        "start": DAY + "09:00:00",
        "end": DAY + "09:01:00",
    }
    moved = (
        f"UPDATE address_network SET vpc_id = 'vpc-9' WHERE workload = '{OTHER_TASK}'",
        f"UPDATE address_network SET vpc_id = 'vpc-2' WHERE workload = '{POD}'",
    )
    with placed(tmp_path, holdings, statements=moved, transit_gateway_flow=[record]) as con:
        assert answers(con) == [(0, TASK, "matched", 1), (0, POD, "matched", 1)]


def test_a_query_belongs_to_the_holder_of_the_address_in_that_vpc(tmp_path: Path) -> None:
    holdings = [(TASK, "private_ip 10.0.0.5")]
    queries = [query(), query(vpc_id="vpc-2"), query("11:00:00")]
    with placed(tmp_path, holdings, route53_resolver=queries) as con:
        assert answers(con) == [(0, TASK, "matched", 1)]


def test_a_query_of_a_host_is_its_and_shared_by_what_ran_there(tmp_path: Path) -> None:
    record = query(srcids={"instance": WEB_ID})
    with placed(tmp_path, ON_HOST, route53_resolver=[record]) as con:
        assert answers(con) == [(0, HOST, "recorded", 1), (0, POD, "shared", 2)]


def test_a_query_from_a_pod_s_own_address_is_that_pod_s_and_the_instance_s(tmp_path: Path) -> None:
    holdings = [*ON_HOST, (OTHER_POD, f"instance {HOST}"), (POD, "private_ip 10.0.0.33")]
    record = query(srcids={"instance": WEB_ID}, srcaddr="10.0.0.33")
    with placed(tmp_path, holdings, route53_resolver=[record]) as con:
        assert answers(con) == [(0, HOST, "recorded", 1), (0, POD, "matched", 1)]


def test_a_secondary_address_of_the_host_that_a_pod_held_is_the_pod_s(tmp_path: Path) -> None:
    holdings = [*ON_HOST, (HOST, "private_ip 10.0.0.33"), (POD, "private_ip 10.0.0.33")]
    with placed(tmp_path, holdings, route53_resolver=[query(srcaddr="10.0.0.33")]) as con:
        assert answers(con) == [(0, POD, "matched", 1)]


def test_a_firewall_s_entry_is_inferred_as_it_may_stand_before_other_vpcs(tmp_path: Path) -> None:
    entry = {"src_ip": "10.0.0.5", "dest_ip": "203.0.113.9", "timestamp": DAY + "09:00:00"}
    record = {"firewall_name": "edge", "event": entry, "event_timestamp": DAY + "09:00:05"}
    with placed(tmp_path, [(TASK, "private_ip 10.0.0.5")], network_firewall=[record]) as con:
        assert answers(con) == [(0, TASK, "inferred", 1)]


def test_hostile_fields_name_nobody(tmp_path: Path) -> None:
    hostile = "'; DROP TABLE workload; --"
    flows = [flow("09:00:00", "09:01:00", eni=hostile, **{"ecs-task-arn": hostile, "pkt-srcaddr": hostile})]
    with placed(tmp_path, ON_HOST, vpc_flow=flows, route53_resolver=[query(srcaddr=hostile, srcids=[1])]) as con:
        assert answers(con) == []


# Behind a NAT gateway

GATEWAY = [(NAT, "public_ip 198.51.100.9"), (NAT, "eni eni-n")]
INSIDE = [(TASK, "private_ip 10.0.0.5"), (POD, "private_ip 10.0.0.6"), (OTHER_TASK, "private_ip 10.0.0.7")]


def behind(*sources: str, at: str = "09:10:00", status: str = "OK") -> list[Record]:
    """Flows through the gateway's interface to AWS, one of each source."""
    fields = {"dstport": 443, "dstaddr": "10.0.9.9", "pkt-dstaddr": "203.0.113.50", "log-status": status}
    return [flow(at, at[:6] + "50", eni="eni-n", srcaddr=name, **fields, **{"pkt-srcaddr": name}) for name in sources]


def used_from(tmp_path: Path, flows: list[Record]) -> list[tuple[Any, ...]]:
    call = seen_at_gateway("198.51.100.9", "09:10:20")
    with placed(tmp_path, [*GATEWAY, *INSIDE], cloudtrail=[call], vpc_flow=flows) as con:
        rows = con.execute(
            "SELECT workload, certainty, candidates FROM attribution WHERE question = 'used_from' ORDER BY 1"
        )
        return rows.fetchall()


def test_the_only_source_behind_a_gateway_is_inferred(tmp_path: Path) -> None:
    assert used_from(tmp_path, behind("10.0.0.5")) == [(NAT, "matched", 1), (TASK, "inferred", 1)]


def test_three_sources_behind_a_gateway_are_shared(tmp_path: Path) -> None:
    assert used_from(tmp_path, behind("10.0.0.5", "10.0.0.6", "10.0.0.7")) == [
        (NAT, "matched", 1),
        (TASK, "shared", 3),
        (OTHER_TASK, "shared", 3),
        (POD, "shared", 3),
    ]


def test_a_source_that_nobody_known_held_counts_as_a_candidate(tmp_path: Path) -> None:
    assert used_from(tmp_path, behind("10.0.0.5", "10.0.0.250")) == [(NAT, "matched", 1), (TASK, "shared", 2)]


def test_skipped_records_leave_the_gateway_alone(tmp_path: Path) -> None:
    skipped = flow("09:10:00", "09:11:00", eni="eni-n", **{"log-status": "SKIPDATA", "srcaddr": None, "dstaddr": None})
    assert used_from(tmp_path, [*behind("10.0.0.5"), skipped]) == [(NAT, "matched", 1)]


def test_traffic_at_another_time_or_to_another_port_is_not_behind_the_call(tmp_path: Path) -> None:
    late = behind("10.0.0.5", at="09:30:00")
    plain = [record | {"dstport": 80} for record in behind("10.0.0.6")]
    assert used_from(tmp_path, [*late, *plain]) == [(NAT, "matched", 1)]


def test_a_flow_that_lasts_from_one_holder_into_another_is_shared_and_one_within_a_stretch_is_not(
    tmp_path: Path,
) -> None:
    holdings = [(TASK, "eni eni-1", "08:00:00", "09:00:00"), (OTHER_TASK, "eni eni-1", "09:00:00", "10:00:00")]
    flows = [flow("08:50:00", "09:10:00"), flow("08:30:00", "08:40:00"), flow("09:30:00", "09:40:00")]
    with placed(tmp_path, holdings, vpc_flow=flows) as con:
        assert answers(con) == [
            (0, TASK, "shared", 2),
            (0, OTHER_TASK, "shared", 2),
            (1, TASK, "matched", 1),
            (2, OTHER_TASK, "matched", 1),
        ]
        assert con.execute("SELECT DISTINCT event_id FROM flow_crossing").fetchall() == [("object-0/0",)]

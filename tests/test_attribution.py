"""Attribution: three questions about a record, each answered with a certainty or not at all."""

from pathlib import Path
from typing import Any

import pytest

from forensics import attribution
from forensics.case import Case
from tests.workload_worlds import (
    API,
    API_ID,
    BILLING,
    DEV,
    EC2,
    KEY,
    LAMBDA,
    ORDERS,
    WEB,
    WEB_ID,
    add,
    attributed,
    configured,
    flow,
    found,
    hyperplane,
    in_scope,
    network,
    resolve,
    run,
    service_part,
    terminate,
    world,
)
from tests.worlds import Record, assume, call, role

STOLEN = in_scope(role("orders-fn-role", "orders-fn", key=KEY), ORDERS)
OUTSIDE = "203.0.113.77"


def associated(at: str = "08:30:00", instance: str = WEB_ID) -> Record:
    asked = {"publicIp": "198.51.100.7", "instanceId": instance}
    return call(DEV, "ec2:AssociateAddress", at=at, requestParameters=asked, responseElements={})


def endpoint_made() -> Record:
    card = {"vpcEndpointId": "vpce-1", "vpcId": "vpc-1"}
    answer = {"CreateVpcEndpointResponse": {"vpcEndpoint": card}}
    return call(DEV, "ec2:CreateVpcEndpoint", at="07:00:00", responseElements=answer)


def seen_from(address: str, at: str = "09:00:00", **more: Any) -> Record:
    return call(STOLEN, at=at, sourceIPAddress=address, eventID=f"call-{at}", **more)


def test_a_stolen_key_was_issued_to_the_function_and_used_from_nowhere_known(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[seen_from(OUTSIDE)]) as con:
        assert attributed(con, "issued_to") == [("call-09:00:00", ORDERS, "recorded", 1)]
        assert attributed(con, "used_from") == []


def test_an_event_that_mints_for_a_workload_is_not_attributed_to_it(tmp_path: Path) -> None:
    mint = assume(EC2, "web-role", WEB_ID, key=KEY, at="08:30:00")
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), mint, terminate(at="10:00:00")]) as con:
        assert attributed(con, "issued_to") == []


def test_a_call_on_behalf_is_not_attributed(tmp_path: Path) -> None:
    forwarded = STOLEN | {"invokedBy": "s3.amazonaws.com"}
    with world(tmp_path, cloudtrail=[seen_from(OUTSIDE), call(forwarded, "kms:Decrypt")]) as con:
        assert attributed(con, "issued_to") == [("call-09:00:00", ORDERS, "recorded", 1)]


def test_an_event_delivered_twice_is_attributed_once(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[seen_from(OUTSIDE), seen_from(OUTSIDE)]) as con:
        assert attributed(con, "issued_to") == [("call-09:00:00", ORDERS, "recorded", 1)]


def test_a_session_named_like_its_function_is_inferred(tmp_path: Path) -> None:
    mint = assume(LAMBDA, "orders-fn-role", "orders-fn", key=KEY, at="08:30:00")
    used = call(role("orders-fn-role", "orders-fn", key=KEY), eventID="used")
    with world(tmp_path, cloudtrail=[configured(at="08:00:00"), mint, used]) as con:
        assert attributed(con, "issued_to") == [("used", ORDERS, "inferred", 1)]


def test_a_call_from_an_instances_address_was_used_from_it(tmp_path: Path) -> None:
    calls = [run(at="08:00:00"), associated(), terminate(at="10:00:00"), seen_from("198.51.100.7")]
    with world(tmp_path, cloudtrail=calls) as con:
        assert attributed(con, "used_from") == [("call-09:00:00", WEB, "matched", 1)]


def test_an_open_interval_makes_a_call_bounded(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), associated(), seen_from("198.51.100.7")]) as con:
        assert attributed(con, "used_from") == [("call-09:00:00", WEB, "bounded", 1)]


@pytest.mark.parametrize("at", ["08:00:00", "10:30:00"])
def test_a_call_before_or_after_the_address_was_held_is_nobodys(tmp_path: Path, at: str) -> None:
    calls = [run(at="07:00:00"), associated(), terminate(at="10:00:00"), seen_from("198.51.100.7", at)]
    with world(tmp_path, cloudtrail=calls) as con:
        assert attributed(con, "used_from") == []


def test_a_call_in_the_second_an_address_moves_is_shared(tmp_path: Path) -> None:
    moved = [associated(), associated("09:00:00", API_ID), seen_from("198.51.100.7", "09:00:01")]
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), *moved]) as con:
        assert attributed(con, "used_from") == [
            ("call-09:00:01", WEB, "shared", 2),
            ("call-09:00:01", API, "shared", 2),
        ]


def test_a_private_address_is_resolved_in_the_vpc_of_the_endpoint(tmp_path: Path) -> None:
    other = run(API_ID, at="08:00:00", eni="eni-2")
    other["responseElements"]["instancesSet"]["items"][0]["networkInterfaceSet"]["items"][0]["vpcId"] = "vpc-2"
    calls = [run(at="08:00:00"), other, endpoint_made(), terminate(at="10:00:00")]
    with world(tmp_path, cloudtrail=[*calls, seen_from("10.0.0.5", vpcEndpointId="vpce-1")]) as con:
        assert attributed(con, "used_from") == [("call-09:00:00", WEB, "matched", 1)]


def test_a_private_address_through_an_unknown_endpoint_is_inferred(tmp_path: Path) -> None:
    calls = [run(at="08:00:00"), terminate(at="10:00:00"), seen_from("10.0.0.5", vpcEndpointId="vpce-9")]
    with world(tmp_path, cloudtrail=calls) as con:
        assert attributed(con, "used_from") == [("call-09:00:00", WEB, "inferred", 1)]


def test_a_private_address_without_an_endpoint_is_ambiguous_and_nobodys(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), seen_from("10.0.0.5")]) as con:
        assert attributed(con, "used_from") == []


def test_a_flow_that_names_its_instance_is_recorded(tmp_path: Path) -> None:
    with world(tmp_path, vpc_flow=[flow("09:00:00", "09:01:00", **{"instance-id": WEB_ID})]) as con:
        assert attributed(con, "endpoint") == [("object-0/0", WEB, "recorded", 1)]


def test_a_flow_belongs_to_the_only_holder_of_its_interface(tmp_path: Path) -> None:
    calls = [run(at="08:00:00"), terminate(at="10:00:00")]
    with world(tmp_path, cloudtrail=calls, vpc_flow=[flow("09:00:00", "09:01:00")]) as con:
        assert attributed(con, "endpoint") == [("object-0/0", WEB, "matched", 1)]


def test_a_flow_at_the_edge_of_an_interval_is_bounded_and_one_beyond_is_nobodys(tmp_path: Path) -> None:
    flows = [flow("08:00:30", "08:01:30"), flow("07:00:00", "07:30:00"), flow("10:00:30", "10:00:40")]
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), terminate(at="10:00:00")], vpc_flow=flows) as con:
        assert attributed(con, "endpoint") == [
            ("object-0/0", WEB, "bounded", 1),
            ("object-0/2", WEB, "bounded", 1),
        ]


def test_a_flow_over_a_change_of_holder_is_shared(tmp_path: Path) -> None:
    asked = {"networkInterfaceId": "eni-1", "instanceId": API_ID}
    moves = [
        call(
            DEV,
            "ec2:DetachNetworkInterface",
            at="09:00:00",
            requestParameters={"attachmentId": "eni-attach-1"},
        ),
        call(DEV, "ec2:AttachNetworkInterface", at="09:00:10", requestParameters=asked, responseElements={}),
    ]
    flows = [flow("08:55:00", "09:05:00"), flow("09:10:00", "09:11:00")]
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), *moves], vpc_flow=flows) as con:
        assert attributed(con, "endpoint") == [
            ("object-0/0", WEB, "shared", 2),
            ("object-0/0", API, "shared", 2),
            ("object-0/1", API, "bounded", 1),
        ]


def test_a_flow_of_a_shared_lambda_interface_has_a_row_per_function(tmp_path: Path) -> None:
    calls = [configured(name, at="08:00:00", vpcConfig=network()) for name in ("billing-fn", "orders-fn")]
    flows = [flow("09:00:00", "09:01:00", eni="eni-l")]
    with world(tmp_path, cloudtrail=[*calls, hyperplane(at="08:01:00")], vpc_flow=flows) as con:
        assert attributed(con, "endpoint") == [
            ("object-0/0", BILLING, "shared", 2),
            ("object-0/0", ORDERS, "shared", 2),
        ]


def test_three_functions_of_one_interface_are_three_candidates(tmp_path: Path) -> None:
    names = ("a-fn", "b-fn", "c-fn")
    calls = [configured(name, at="08:00:00", vpcConfig=network()) for name in names]
    flows = [flow("09:00:00", "09:01:00", eni="eni-l")]
    with world(tmp_path, cloudtrail=[*calls, hyperplane(at="08:01:00")], vpc_flow=flows) as con:
        assert [row[2:] for row in attributed(con, "endpoint")] == [("shared", 3)] * 3


def test_a_flow_of_an_unknown_interface_is_nobodys(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[run(at="08:00:00")], vpc_flow=[flow("09:00:00", "09:01:00", eni="eni-9")]) as con:
        assert attributed(con, "endpoint") == []


def test_a_finding_makes_the_calls_from_its_instances_address_bounded(tmp_path: Path) -> None:
    card = {"networkInterfaceId": "eni-1", "privateIpAddress": "10.0.0.5", "publicIp": "198.51.100.7"}
    block = {"instanceDetails": {"instanceId": WEB_ID, "networkInterfaces": [card]}}
    finding = found(resource=block, service=service_part())
    calls = [seen_from("198.51.100.7", "09:20:00"), seen_from("198.51.100.7", "11:00:00")]
    with world(tmp_path, cloudtrail=calls, guardduty=[finding]) as con:
        assert attributed(con, "used_from") == [("call-09:20:00", WEB, "bounded", 1)]


def test_order_of_arrival_changes_no_attribution(tmp_path: Path) -> None:
    calls = [
        run(at="08:00:00"),
        associated(),
        associated("09:00:00", API_ID),
        seen_from("198.51.100.7", "09:00:01"),
    ]
    answers = []
    for place, records in enumerate((calls, calls[::-1])):
        with world(tmp_path / str(place), cloudtrail=records) as con:
            answers.append([attributed(con, question) for question in ("issued_to", "used_from")])
    assert answers[0] == answers[1]


def test_explain_lists_the_records_an_attribution_rests_on(tmp_path: Path) -> None:
    with Case.create(tmp_path / "case") as case:
        add(case.connection, "cloudtrail", [run(at="08:00:00"), associated(), seen_from("198.51.100.7")])
        resolve(case.connection)
        rows = attribution.explain(case, "call-09:00:00").df()
        assert list(rows["question"]) == ["issued_to", "used_from"]
        assert list(rows["evidence_event_id"]) == [
            "call-09:00:00",
            "AssociateAddress-08:30:00-AKIAEXAMPLEDEV",
        ]
        assert list(rows["summary"]) == ["ListBuckets from 198.51.100.7", "AssociateAddress"]

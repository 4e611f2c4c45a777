"""Lifetimes: which workload held which interface, address, key or environment, from when until when."""

from pathlib import Path
from typing import Any

from tests.workload_worlds import (
    API,
    API_ID,
    BILLING,
    DEV,
    EC2,
    KEY,
    ORDERS,
    WEB,
    WEB_ID,
    configured,
    flow,
    found,
    held,
    hyperplane,
    in_scope,
    line,
    network,
    run,
    service_part,
    terminate,
    world,
)
from tests.worlds import ACCOUNT, Record, assume, call, role

GATEWAY = f"arn:aws:ec2:us-east-1:{ACCOUNT}:natgateway/nat-1"


def ask(name: str, at: str, answer: Any = None, **asked: Any) -> Record:
    return call(DEV, f"ec2:{name}", at=at, requestParameters=asked, responseElements=answer or {})


def allocated() -> Record:
    return ask("AllocateAddress", "07:00:00", {"publicIp": "198.51.100.7", "allocationId": "eipalloc-1"})


def instance_block(instance: str = WEB_ID, **card: Any) -> Record:
    interface = {"networkInterfaceId": "eni-1", "privateIpAddress": "10.0.0.5", "vpcId": "vpc-1"} | card
    return {"instanceDetails": {"instanceId": instance, "networkInterfaces": [interface]}}


def test_an_interface_made_with_its_instance_ends_with_it(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), terminate(at="10:00:00")]) as con:
        assert held(con, "eni") == [(WEB, "eni-1", "08:00:00", "10:00:00", "matched")]
        assert held(con, "private_ip") == [(WEB, "10.0.0.5", "08:00:00", "10:00:00", "matched")]


def test_an_interface_still_held_when_the_logs_end_is_open_and_bounded(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[run(at="08:00:00")]) as con:
        assert held(con, "eni") == [(WEB, "eni-1", "08:00:00", None, "bounded")]


def test_a_stopped_instance_keeps_its_interface(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), ask("StopInstances", "09:00:00")]) as con:
        assert held(con, "eni") == [(WEB, "eni-1", "08:00:00", None, "bounded")]


def test_an_interface_moves_from_one_instance_to_another(tmp_path: Path) -> None:
    moves = [
        ask("DetachNetworkInterface", "09:00:00", attachmentId="eni-attach-1"),
        ask("AttachNetworkInterface", "09:05:00", networkInterfaceId="eni-1", instanceId=API_ID),
        terminate(API_ID, at="10:00:00"),
        terminate(WEB_ID, at="11:00:00"),
    ]
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), *moves]) as con:
        assert held(con, "eni") == [
            (WEB, "eni-1", "08:00:00", "09:00:00", "matched"),
            (API, "eni-1", "09:05:00", "10:00:00", "matched"),
        ]


def test_flow_records_of_an_instance_show_its_interface_from_first_to_last_sight(tmp_path: Path) -> None:
    seen = {"instance-id": WEB_ID, "flow-direction": "egress"}
    flows = [flow("09:00:00", "09:01:00", **seen), flow("10:20:00", "10:21:00", **seen)]
    with world(tmp_path, vpc_flow=flows) as con:
        assert held(con, "eni") == [(WEB, "eni-1", "09:00:00", "10:21:00", "bounded")]
        assert held(con, "private_ip") == [(WEB, "10.0.0.5", "09:00:00", "10:21:00", "bounded")]


def test_flow_records_add_nothing_to_a_known_interval(tmp_path: Path) -> None:
    flows = [flow("07:59:58", "10:00:30", **{"instance-id": WEB_ID})]
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), terminate(at="10:00:00")], vpc_flow=flows) as con:
        assert held(con, "eni") == [(WEB, "eni-1", "08:00:00", "10:00:00", "matched")]


def test_a_finding_shows_addresses_while_it_lasts(tmp_path: Path) -> None:
    finding = found(resource=instance_block(publicIp="198.51.100.7"), service=service_part())
    with world(tmp_path, guardduty=[finding]) as con:
        assert held(con, "public_ip") == [(WEB, "198.51.100.7", "09:00:00", "09:40:00", "bounded")]
        assert held(con, "private_ip") == [(WEB, "10.0.0.5", "09:00:00", "09:40:00", "bounded")]


def test_an_address_is_held_from_association_to_disassociation(tmp_path: Path) -> None:
    calls = [
        allocated(),
        ask(
            "AssociateAddress",
            "08:30:00",
            {"associationId": "a-1"},
            allocationId="eipalloc-1",
            instanceId=WEB_ID,
        ),
        ask("DisassociateAddress", "09:30:00", associationId="a-1"),
    ]
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), *calls]) as con:
        assert held(con, "public_ip") == [(WEB, "198.51.100.7", "08:30:00", "09:30:00", "matched")]


def test_an_address_associated_with_an_interface_is_its_holders(tmp_path: Path) -> None:
    asked = {"allocationId": "eipalloc-1", "networkInterfaceId": "eni-1"}
    calls = [allocated(), ask("AssociateAddress", "08:30:00", **asked), terminate(at="10:00:00")]
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), *calls]) as con:
        assert held(con, "public_ip") == [(WEB, "198.51.100.7", "08:30:00", "10:00:00", "matched")]


def test_associating_an_address_elsewhere_ends_the_first_association(tmp_path: Path) -> None:
    calls = [
        allocated(),
        ask("AssociateAddress", "08:30:00", allocationId="eipalloc-1", instanceId=WEB_ID),
        ask("AssociateAddress", "09:00:00", allocationId="eipalloc-1", instanceId=API_ID),
    ]
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), *calls]) as con:
        assert held(con, "public_ip") == [
            (WEB, "198.51.100.7", "08:30:00", "09:00:00", "matched"),
            (API, "198.51.100.7", "09:00:00", None, "bounded"),
        ]


def test_a_nat_gateway_holds_its_address(tmp_path: Path) -> None:
    card = {"natGatewayId": "nat-1", "natGatewayAddressSet": {"item": [{"allocationId": "eipalloc-1"}]}}
    made = ask("CreateNatGateway", "08:00:00", {"CreateNatGatewayResponse": {"natGateway": card}})
    gone = ask("DeleteNatGateway", "10:00:00", DeleteNatGatewayRequest={"NatGatewayId": "nat-1"})
    with world(tmp_path, cloudtrail=[allocated(), made, gone]) as con:
        assert held(con, "public_ip") == [(GATEWAY, "198.51.100.7", "08:00:00", "10:00:00", "matched")]


def test_a_secondary_address_is_held_while_it_is_assigned(tmp_path: Path) -> None:
    second = {
        "networkInterfaceId": "eni-1",
        "privateIpAddressesSet": {"item": [{"privateIpAddress": "10.0.0.6"}]},
    }
    calls = [
        ask("AssignPrivateIpAddresses", "08:30:00", **second),
        ask("UnassignPrivateIpAddresses", "09:00:00", **second),
    ]
    with world(tmp_path, cloudtrail=[run(at="08:00:00"), *calls]) as con:
        assert held(con, "private_ip")[1:] == [(WEB, "10.0.0.6", "08:30:00", "09:00:00", "matched")]


def test_an_interface_of_lambda_is_held_by_the_only_function_of_its_settings(tmp_path: Path) -> None:
    calls = [
        configured("billing-fn", at="08:00:00", vpcConfig=network()),
        configured("orders-fn", at="08:00:00", vpcConfig=network("sg-2")),
        hyperplane(at="08:01:00"),
        ask("DeleteNetworkInterface", "10:00:00", networkInterfaceId="eni-l"),
    ]
    with world(tmp_path, cloudtrail=calls) as con:
        assert held(con, "eni") == [(BILLING, "eni-l", "08:01:00", "10:00:00", "matched")]
        assert held(con, "private_ip") == [(BILLING, "10.0.0.9", "08:01:00", "10:00:00", "matched")]


def test_an_interface_of_lambda_is_shared_by_all_functions_of_its_settings(tmp_path: Path) -> None:
    calls = [configured(name, at="08:00:00", vpcConfig=network()) for name in ("billing-fn", "orders-fn")]
    with world(tmp_path, cloudtrail=[*calls, hyperplane(at="08:01:00")]) as con:
        assert [(row[0], row[4]) for row in held(con, "eni")] == [(BILLING, "shared"), (ORDERS, "shared")]


def test_a_function_that_changes_its_group_leaves_the_interface(tmp_path: Path) -> None:
    change = "UpdateFunctionConfiguration20150331v2"
    calls = [
        configured(at="08:00:00", vpcConfig=network()),
        hyperplane(at="08:01:00"),
        configured(at="08:30:00", event="UpdateFunctionCode20150331v2", vpcConfig=network()),
        configured(at="09:00:00", event=change, vpcConfig=network("sg-2")),
    ]
    with world(tmp_path, cloudtrail=calls) as con:
        assert held(con, "eni") == [(ORDERS, "eni-l", "08:01:00", "09:00:00", "matched")]


def test_a_description_names_the_holder_only_where_no_settings_are_known(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[configured(at="08:00:00"), hyperplane(at="08:01:00")]) as con:
        assert held(con, "eni") == [(ORDERS, "eni-l", "08:01:00", None, "inferred")]


def test_a_tenant_cannot_make_an_interface_of_lambda_by_describing_it(tmp_path: Path) -> None:
    forged = hyperplane(at="08:01:00") | {"sourceIPAddress": "203.0.113.77"}
    forged["responseElements"]["networkInterface"].pop("interfaceType")
    with world(tmp_path, cloudtrail=[configured(at="08:00:00"), forged]) as con:
        assert held(con, "eni") == []


def test_a_key_is_held_from_issuance_to_expiry(tmp_path: Path) -> None:
    mint = assume(EC2, "web-role", WEB_ID, key=KEY, at="08:30:00")
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/web-role/{WEB_ID}"
    with world(tmp_path, cloudtrail=[mint, call(role("web-role", WEB_ID, key=KEY))]) as con:
        assert held(con, "access_key_id") == [(WEB, KEY, "08:30:00", "20:00:00", "recorded")]
        assert held(con, "session") == [(WEB, session, "08:30:00", "20:00:00", "recorded")]


def test_a_key_whose_issuance_is_missing_is_held_while_it_is_used(tmp_path: Path) -> None:
    who = in_scope(role("orders-fn-role", "orders-fn", key=KEY), ORDERS)
    with world(tmp_path, cloudtrail=[call(who, at="09:00:00"), call(who, at="09:10:00")]) as con:
        assert held(con, "access_key_id") == [(ORDERS, KEY, "09:00:00", "09:10:00", "recorded")]
        known = con.execute("SELECT from_known, to_known FROM lifetime WHERE holds_kind = 'access_key_id'")
        assert known.fetchall() == [(False, False)]


def test_an_environment_is_its_log_stream_from_init_to_last_line(tmp_path: Path) -> None:
    lines = [line("platform.initStart", "09:00:00", request=None), line("platform.report", "09:20:00")]
    with world(tmp_path, lambda_log=lines, cloudtrail=[configured(at="08:00:00")]) as con:
        assert held(con, "execution_environment") == [(ORDERS, "s-1", "09:00:00", "09:20:00", "bounded")]


def test_what_two_instances_are_seen_with_in_turn_is_cut_between_them(tmp_path: Path) -> None:
    times = ((WEB_ID, "07:10:00"), (API_ID, "08:10:00"), (WEB_ID, "09:10:00"))
    flows = [flow(at, at, **{"instance-id": instance}) for instance, at in times]
    with world(tmp_path, vpc_flow=flows) as con:
        assert [row[:3] for row in held(con, "eni")] == [
            (WEB, "eni-1", "07:10:00"),
            (API, "eni-1", "08:10:00"),
            (WEB, "eni-1", "09:10:00"),
        ]

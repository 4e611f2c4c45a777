"""When instances ran: by call, by state change, by AWS Config; and which public addresses they lose when they stop."""

from pathlib import Path
from typing import Any

from tests.test_interface import seen
from tests.workload_worlds import API_ID, DEV, WEB, WEB_ID, found, held, run, service_part, terminate, world
from tests.worlds import ACCOUNT, Record, call

PUBLIC = "198.51.100.20"
LENT = {"publicIp": PUBLIC, "ipOwnerId": "amazon"}


def ask(name: str, at: str, answer: Any = None, **asked: Any) -> Record:
    return call(DEV, f"ec2:{name}", at=at, requestParameters=asked, responseElements=answer or {})


def change(name: str, at: str, instance: str = WEB_ID) -> Record:
    """StartInstances or StopInstances of one instance."""
    return ask(name, at, {"instancesSet": {"items": [{"instanceId": instance}]}})


def state(name: str, at: str, source: str = "aws.ec2") -> Record:
    """EventBridge tells that the instance is in another state."""
    return {
        "id": f"state-{name}-{at}",
        "detail-type": "EC2 Instance State-change Notification",
        "source": source,
        "account": ACCOUNT,
        "time": f"2026-11-05T{at}Z",
        "region": "us-east-1",
        "detail": {"instance-id": WEB_ID, "state": name},
    }


def instance_item(at: str, name: str, **more: Any) -> Record:
    """AWS Config saw the instance in a state."""
    return seen(at) | {
        "resourceType": "AWS::EC2::Instance",
        "resourceId": WEB_ID,
        "configuration": {"state": {"name": name}} | more,
    }


def card(at: str, instance: str | None = WEB_ID, **more: Any) -> Record:
    """AWS Config saw the interface, attached to an instance or to none."""
    attachment = {"attachment": {"instanceId": instance}} if instance else {}
    return seen(at, privateIpAddress="10.0.0.5", vpcId="vpc-1", **attachment, **more)


def running(tmp_path: Path, **records: list[Record]) -> list[tuple[Any, ...]]:
    with world(tmp_path, **records) as con:
        return [row[2:] for row in held(con, "instance")]


def test_an_instance_runs_from_start_to_stop(tmp_path: Path) -> None:
    trail = [
        run(at="08:00:00"),
        change("StopInstances", "09:00:00"),
        change("StartInstances", "09:30:00"),
        terminate(at="10:00:00"),
    ]
    with world(tmp_path, cloudtrail=trail) as con:
        assert held(con, "instance") == [
            (WEB, WEB, "08:00:00", "09:00:00", "matched"),
            (WEB, WEB, "09:30:00", "10:00:00", "matched"),
        ]


def test_state_changes_that_follow_calls_make_no_further_intervals(tmp_path: Path) -> None:
    events = [state("pending", "08:00:02"), state("running", "08:00:20"), state("shutting-down", "10:00:01")]
    rows = running(tmp_path, cloudtrail=[run(at="08:00:00"), terminate(at="10:00:00")], eventbridge_event=events)
    assert rows == [("08:00:00", "10:00:00", "matched")]


def test_a_shutdown_from_within_is_known_from_the_state_change_alone(tmp_path: Path) -> None:
    events = [state("stopping", "09:00:00"), state("stopped", "09:00:20")]
    rows = running(tmp_path, cloudtrail=[run(at="08:00:00")], eventbridge_event=events)
    assert rows == [("08:00:00", "09:00:00", "matched")]


def test_a_state_that_somebody_else_sent_is_none(tmp_path: Path) -> None:
    rows = running(
        tmp_path, cloudtrail=[run(at="08:00:00")], eventbridge_event=[state("stopped", "09:00:00", "my.app")]
    )
    assert rows == [("08:00:00", None, "bounded")]


def test_an_instance_whose_first_record_stops_it_ran_before(tmp_path: Path) -> None:
    assert running(tmp_path, cloudtrail=[terminate(at="10:00:00")]) == [(None, "10:00:00", "bounded")]


def test_config_shows_that_an_instance_stopped_but_not_when(tmp_path: Path) -> None:
    rows = running(tmp_path, cloudtrail=[run(at="08:00:00")], config_item=[instance_item("09:00:00", "stopped")])
    assert rows == [("08:00:00", "09:00:00", "bounded")]


def test_a_spot_instance_that_was_taken_back_ran_until_then(tmp_path: Path) -> None:
    evicted = call(DEV, "ec2:BidEvictedEvent", at="09:00:00", serviceEventDetails={"instanceIdSet": [WEB_ID]})
    assert running(tmp_path, cloudtrail=[run(at="08:00:00"), evicted]) == [("08:00:00", "09:00:00", "matched")]


def test_an_instance_that_ended_by_itself_has_stopped_and_let_go(tmp_path: Path) -> None:
    events = [state("shutting-down", "09:00:00"), state("terminated", "09:00:30")]
    with world(tmp_path, cloudtrail=[run(at="08:00:00")], eventbridge_event=events) as con:
        assert held(con, "eni") == [(WEB, "eni-1", "08:00:00", "09:00:00", "matched")]
        assert str(con.execute("SELECT stopped_at FROM workload").fetchall()[0][0]) == "2026-11-05 09:00:30"


def public(tmp_path: Path, **records: list[Record]) -> list[tuple[Any, ...]]:
    with world(tmp_path, **records) as con:
        return [row[1:] for row in held(con, "public_ip")]


def test_a_lent_address_is_lost_when_the_instance_stops(tmp_path: Path) -> None:
    trail = [run(at="08:00:00"), change("StopInstances", "09:00:00")]
    assert public(tmp_path, cloudtrail=trail, config_item=[card("08:10:00", association=LENT)]) == [
        (PUBLIC, "08:10:00", "09:00:00", "bounded")
    ]


def test_a_lent_address_seen_before_and_after_a_stop_was_not_held_between(tmp_path: Path) -> None:
    trail = [run(at="08:00:00"), change("StopInstances", "09:00:00"), change("StartInstances", "09:30:00")]
    items = [card("08:10:00", association=LENT), card("09:40:00", association=LENT)]
    assert [row[1:3] for row in public(tmp_path, cloudtrail=trail, config_item=items)] == [
        ("08:10:00", "09:00:00"),
        ("09:40:00", "09:40:00"),
    ]


def test_an_allocated_address_outlasts_a_stop(tmp_path: Path) -> None:
    trail = [
        run(at="08:00:00"),
        ask("AssociateAddress", "08:30:00", publicIp=PUBLIC, instanceId=WEB_ID),
        change("StopInstances", "09:00:00"),
        terminate(at="10:00:00"),
    ]
    assert public(tmp_path, cloudtrail=trail) == [(PUBLIC, "08:30:00", "10:00:00", "matched")]


def test_an_allocated_address_takes_the_place_of_a_lent_one(tmp_path: Path) -> None:
    trail = [
        run(at="08:00:00"),
        ask("AssociateAddress", "09:00:00", publicIp="203.0.113.5", networkInterfaceId="eni-1"),
    ]
    rows = public(tmp_path, cloudtrail=trail, config_item=[card("08:10:00", association=LENT)])
    assert rows == [(PUBLIC, "08:10:00", "09:00:00", "bounded"), ("203.0.113.5", "09:00:00", None, "bounded")]


def test_an_allocated_address_goes_where_its_interface_goes(tmp_path: Path) -> None:
    trail = [
        run(at="08:00:00"),
        ask("AssociateAddress", "08:30:00", {"associationId": "a-1"}, publicIp=PUBLIC, networkInterfaceId="eni-1"),
        ask("DetachNetworkInterface", "09:00:00", attachmentId="eni-attach-1"),
        ask("AttachNetworkInterface", "09:10:00", networkInterfaceId="eni-1", instanceId=API_ID),
        ask("DisassociateAddress", "09:40:00", associationId="a-1"),
    ]
    with world(tmp_path, cloudtrail=trail) as con:
        assert [(row[0][-1], *row[2:]) for row in held(con, "public_ip")] == [
            ("1", "08:30:00", "09:00:00", "matched"),
            ("2", "09:10:00", "09:40:00", "matched"),
        ]


def test_a_finding_seen_after_the_end_of_its_instance_is_no_sight(tmp_path: Path) -> None:
    interface = {"networkInterfaceId": "eni-1", "privateIpAddress": "10.0.0.5", "publicIp": PUBLIC, "vpcId": "vpc-1"}
    block = {"instanceDetails": {"instanceId": WEB_ID, "networkInterfaces": [interface]}}
    finding = found(resource=block, service=service_part())
    trail = [run(at="08:00:00"), terminate(at="09:20:00")]
    assert public(tmp_path, cloudtrail=trail, guardduty=[finding]) == [(PUBLIC, "09:00:00", "09:20:00", "bounded")]


def interfaces(tmp_path: Path, *items: Record, **records: list[Record]) -> list[tuple[Any, ...]]:
    with world(tmp_path, config_item=list(items), **records) as con:
        return [(row[0][-1], *row[2:]) for row in held(con, "eni")]


def test_config_says_when_an_interface_was_attached(tmp_path: Path) -> None:
    item = card("09:00:00")
    item["configuration"]["attachment"]["attachTime"] = "2026-11-05T08:20:00.000Z"
    assert interfaces(tmp_path, item) == [("1", "08:20:00", None, "bounded")]


def test_an_interface_changes_hands_between_two_items(tmp_path: Path) -> None:
    assert interfaces(tmp_path, card("08:00:00"), card("09:00:00", API_ID)) == [
        ("1", "08:00:00", "09:00:00", "bounded"),
        ("2", "08:00:00", "09:00:00", "bounded"),
    ]


def test_a_day_between_two_items_says_nothing_of_who_held_the_interface(tmp_path: Path) -> None:
    items = [item | {"recordingFrequency": "DAILY"} for item in (card("08:00:00"), card("09:00:00", API_ID))]
    assert interfaces(tmp_path, *items) == [
        ("1", "08:00:00", "08:00:00", "bounded"),
        ("2", "09:00:00", "09:00:00", "bounded"),
    ]


def test_a_deletion_seen_ends_what_the_last_item_showed(tmp_path: Path) -> None:
    gone = seen("10:00:00") | {"configurationItemStatus": "ResourceDeleted", "configuration": None}
    assert interfaces(tmp_path, card("09:00:00"), gone) == [("1", "09:00:00", "10:00:00", "bounded")]


def test_an_item_that_shows_the_same_holder_ends_nothing(tmp_path: Path) -> None:
    trail = [run(at="08:00:00"), terminate(at="10:00:00")]
    assert interfaces(tmp_path, card("08:30:00"), card("09:00:00"), cloudtrail=trail) == [
        ("1", "08:00:00", "10:00:00", "matched")
    ]


def test_an_item_of_a_detached_interface_ends_a_holding_of_unknown_end(tmp_path: Path) -> None:
    assert interfaces(tmp_path, card("09:00:00", None), cloudtrail=[run(at="08:00:00")]) == [
        ("1", "08:00:00", "09:00:00", "bounded")
    ]


def test_a_late_item_of_an_ended_attachment_is_no_sight(tmp_path: Path) -> None:
    late = card("09:01:00")
    late["configuration"]["attachment"]["attachmentId"] = "eni-attach-1"
    detach = ask("DetachNetworkInterface", "09:00:00", attachmentId="eni-attach-1")
    assert interfaces(tmp_path, late, cloudtrail=[run(at="08:00:00"), detach]) == [
        ("1", "08:00:00", "09:00:00", "matched")
    ]


def test_a_gateway_holds_its_interface_and_its_further_addresses(tmp_path: Path) -> None:
    first = {"networkInterfaceId": "eni-9", "privateIp": "10.0.0.4", "allocationId": "eipalloc-1"}
    gateway = {"natGatewayId": "nat-1", "natGatewayAddressSet": {"item": [first]}}
    second = {"allocationId": "eipalloc-2", "associationId": "as-2"}
    request = {"NatGatewayId": "nat-1"}
    answer = {"natGatewayAddressSet": {"item": [second]}}
    trail = [
        ask("AllocateAddress", "07:00:00", {"publicIp": PUBLIC, "allocationId": "eipalloc-1"}),
        ask("AllocateAddress", "07:00:01", {"publicIp": "203.0.113.5", "allocationId": "eipalloc-2"}),
        ask("CreateNatGateway", "08:00:00", {"CreateNatGatewayResponse": {"natGateway": gateway}}),
        ask(
            "AssociateNatGatewayAddress",
            "08:30:00",
            {"AssociateNatGatewayAddressResponse": answer},
            AssociateNatGatewayAddressRequest=request | {"AllocationId": {"tag": 1, "content": "eipalloc-2"}},
        ),
        ask(
            "DisassociateNatGatewayAddress",
            "09:00:00",
            DisassociateNatGatewayAddressRequest=request | {"AssociationId": {"tag": 1, "content": "as-2"}},
        ),
        ask("DeleteNatGateway", "10:00:00", DeleteNatGatewayRequest={"NatGatewayId": "nat-1"}),
    ]
    with world(tmp_path, cloudtrail=trail) as con:
        assert [row[1:] for row in held(con, "public_ip")] == [
            (PUBLIC, "08:00:00", "10:00:00", "matched"),
            ("203.0.113.5", "08:30:00", "09:00:00", "matched"),
        ]
        assert [row[1:] for row in held(con, "eni")] == [("eni-9", "08:00:00", "10:00:00", "matched")]
        assert [row[1:] for row in held(con, "private_ip")] == [("10.0.0.4", "08:00:00", "10:00:00", "matched")]


def test_ipv6_addresses_come_and_go(tmp_path: Path) -> None:
    answer = {"AssignIpv6AddressesResponse": {"assignedIpv6Addresses": {"item": ["2001:db8::7"]}}}
    one = {"NetworkInterfaceId": "eni-1"}
    away = {"UnassignIpv6AddressesRequest": one | {"Ipv6Addresses": {"tag": 1, "content": "2001:db8::7"}}}
    trail = [
        run(at="08:00:00"),
        ask("AssignIpv6Addresses", "08:30:00", answer, AssignIpv6AddressesRequest=one),
        ask("UnassignIpv6Addresses", "09:00:00", **away),
    ]
    with world(tmp_path, cloudtrail=trail) as con:
        expected = [(WEB, "2001:db8::7", "08:30:00", "09:00:00", "matched")]
        assert held(con, "public_ip") == expected
        assert held(con, "private_ip")[1:] == expected


def test_an_address_reassigned_without_a_word_leaves_the_first_interface(tmp_path: Path) -> None:
    def asked(eni: str, at: str) -> Record:
        addresses = {"item": [{"privateIpAddress": "10.0.0.6"}]}
        return ask(
            "AssignPrivateIpAddresses",
            at,
            networkInterfaceId=eni,
            allowReassignment=True,
            privateIpAddressesSet=addresses,
        )

    trail = [run(at="08:00:00"), run(API_ID, at="08:00:01", eni="eni-2", address="10.0.0.8")]
    with world(tmp_path, cloudtrail=[*trail, asked("eni-1", "08:30:00"), asked("eni-2", "09:00:00")]) as con:
        assert [(row[0][-1], *row[2:4]) for row in held(con, "private_ip") if row[1] == "10.0.0.6"] == [
            ("1", "08:30:00", "09:00:00"),
            ("2", "09:00:00", None),
        ]

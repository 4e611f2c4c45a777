"""Who held an address at a moment: the candidates with their certainty, or who held it before and after."""

from pathlib import Path
from typing import Any

import pytest

from forensics.errors import UsageError
from forensics.who_was import who_was
from tests.fresh import fresh_case
from tests.test_interface import seen
from tests.workload_worlds import (
    API,
    API_ID,
    BILLING,
    DAY,
    DEV,
    EC2,
    KEY,
    ORDERS,
    WEB,
    WEB_ID,
    add,
    configured,
    hyperplane,
    network,
    resolve,
    run,
    terminate,
)
from tests.worlds import ACCOUNT, OTHER, Record, assume, call, role

Row = dict[str, Any]


def asked(tmp_path: Path, address: str, at: str, *, records: dict[str, list[Record]], **more: Any) -> list[Row]:
    with fresh_case(tmp_path / "case") as case:
        for name, rows in records.items():
            add(case.connection, name, rows)
        resolve(case.connection)
        query = who_was(case, address, DAY + at, **more)
        return [dict(zip(query.columns, row, strict=True)) for row in query.rows()]


def brief(rows: list[Row], *names: str) -> list[tuple[Any, ...]]:
    return [tuple(row[name] for name in names or ("workload", "certainty", "candidates")) for row in rows]


def in_vpc(record: Record, vpc: str) -> Record:
    """The same record, its interface in another VPC."""
    item = record["responseElements"]["instancesSet"]["items"][0]
    item["networkInterfaceSet"]["items"][0]["vpcId"] = vpc
    return record


TWO_VPCS = {
    "cloudtrail": [
        in_vpc(run(WEB_ID, at="08:00:00", eni="eni-1"), "vpc-1"),
        in_vpc(run(API_ID, at="08:30:00", eni="eni-2"), "vpc-2"),
        terminate(API_ID, at="09:30:00"),
        terminate(WEB_ID, at="10:00:00"),
    ]
}
"""Two instances of one address, each in a VPC of its own."""


def test_the_holder_of_an_address_is_matched_within_its_interval(tmp_path: Path) -> None:
    records = {"cloudtrail": [run(at="08:00:00"), terminate(at="10:00:00")]}
    rows = asked(tmp_path, "10.0.0.5", "09:00:00", records=records)
    assert brief(rows, "workload", "kind", "vpc_id", "certainty") == [(WEB, "ec2_instance", "vpc-1", "matched")]
    assert "both in evidence" in rows[0]["why"]


@pytest.mark.parametrize(
    ("at", "certainty"), [("08:00:01", "bounded"), ("08:00:02", "matched"), ("10:00:02", "bounded")]
)
def test_as_near_to_an_end_as_times_are_off_the_holder_is_bounded(tmp_path: Path, at: str, certainty: str) -> None:
    records = {"cloudtrail": [run(at="08:00:00"), terminate(at="10:00:00")]}
    assert brief(asked(tmp_path, "eni-1", at, records=records)) == [(WEB, certainty, 1)]


def test_equal_addresses_in_two_vpcs_are_two_candidates(tmp_path: Path) -> None:
    rows = asked(tmp_path, "10.0.0.5", "09:00:00", records=TWO_VPCS)
    assert brief(rows, "workload", "vpc_id", "certainty") == [(WEB, "vpc-1", "shared"), (API, "vpc-2", "shared")]


def test_the_vpc_tells_equal_addresses_apart(tmp_path: Path) -> None:
    assert brief(asked(tmp_path, "10.0.0.5", "09:00:00", records=TWO_VPCS, vpc_id="vpc-2")) == [(API, "matched", 1)]


def test_an_address_of_another_vpc_ends_nothing(tmp_path: Path) -> None:
    assert brief(asked(tmp_path, "10.0.0.5", "09:45:00", records=TWO_VPCS)) == [(WEB, "matched", 1)]


def test_another_account_has_no_candidates(tmp_path: Path) -> None:
    rows = asked(tmp_path, "10.0.0.5", "09:00:00", records=TWO_VPCS, account_id=OTHER)
    assert brief(rows, "workload", "why") == [(None, "no record of this case says who held it at any time")]


def test_an_address_held_at_other_times_names_who_held_it(tmp_path: Path) -> None:
    trail = [run(at="08:00:00"), terminate(at="09:00:00"), run(API_ID, at="10:00:00", eni="eni-2")]
    (row,) = asked(tmp_path, "10.0.0.5", "09:30:00", records={"cloudtrail": trail})
    assert brief([row]) == [(None, None, 0)]
    assert row["why"] == (
        f"nobody is known to have held it then; before: {WEB} until 2026-11-05 09:00:00; "
        f"after: {API} from 2026-11-05 10:00:00"
    )


def test_an_address_of_no_record_says_so(tmp_path: Path) -> None:
    (row,) = asked(tmp_path, "203.0.113.9", "09:30:00", records={})
    assert brief([row], "workload", "certainty", "why") == [
        (None, None, "no record of this case says who held it at any time")
    ]


def test_a_public_address_is_its_holders(tmp_path: Path) -> None:
    given = {"publicIp": "198.51.100.7", "instanceId": WEB_ID}
    trail = [
        run(at="08:00:00"),
        call(DEV, "ec2:AssociateAddress", at="08:30:00", requestParameters=given),
        terminate(at="10:00:00"),
    ]
    assert brief(asked(tmp_path, "198.51.100.7", "09:00:00", records={"cloudtrail": trail})) == [(WEB, "matched", 1)]


def test_a_key_and_a_session_were_issued_to_their_workload(tmp_path: Path) -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/web-role/{WEB_ID}"
    mint = assume(EC2, "web-role", WEB_ID, key=KEY, at="08:30:00")
    records = {"cloudtrail": [mint, call(role("web-role", WEB_ID, key=KEY))]}
    assert brief(asked(tmp_path, KEY, "09:00:00", records=records)) == [(WEB, "recorded", 1)]
    assert brief(asked(tmp_path / "2", session, "09:00:00", records=records)) == [(WEB, "recorded", 1)]


def test_an_interface_that_functions_share_has_them_all(tmp_path: Path) -> None:
    trail = [configured(name, at="08:00:00", vpcConfig=network()) for name in ("billing-fn", "orders-fn")]
    rows = asked(tmp_path, "10.0.0.9", "09:00:00", records={"cloudtrail": [*trail, hyperplane(at="08:01:00")]})
    assert brief(rows) == [(BILLING, "shared", 2), (ORDERS, "shared", 2)]


def test_an_interface_of_no_workload_has_its_owner(tmp_path: Path) -> None:
    text = {"interfaceType": "vpc_endpoint", "description": "VPC Endpoint Interface vpce-0a1"}
    card = seen("08:00:00", privateIpAddress="10.0.0.77", **text)
    (row,) = asked(tmp_path, "10.0.0.77", "09:00:00", records={"config_item": [card]})
    assert brief([row], "workload", "kind", "certainty") == [(None, "vpc_endpoint", "bounded")]
    assert "vpce-0a1" in row["why"]


def test_an_ipv6_address_is_found_however_it_is_written(tmp_path: Path) -> None:
    started = run(at="08:00:00")
    item = started["responseElements"]["instancesSet"]["items"][0]
    item["networkInterfaceSet"]["items"][0]["ipv6AddressesSet"] = {"item": [{"ipv6Address": "2001:db8::5"}]}
    records = {"cloudtrail": [started, terminate(at="10:00:00")]}
    rows = asked(tmp_path, "2001:DB8:0:0:0:0:0:5", "09:00:00", records=records)
    assert brief(rows) == [(WEB, "matched", 1)]


@pytest.mark.parametrize(
    "address", ["", "10.0.0", "300.0.0.1", "web", "eni", "'; DROP TABLE lifetime; --", "10.0.0.0/8"]
)
def test_what_cannot_be_held_is_refused_with_advice(tmp_path: Path, address: str) -> None:
    with pytest.raises(UsageError, match="give an IPv4 or IPv6 address"):
        asked(tmp_path, address, "09:00:00", records={})


def test_what_is_no_time_is_refused_with_advice(tmp_path: Path) -> None:
    with fresh_case(tmp_path / "case") as case, pytest.raises(UsageError, match="not a time"):
        who_was(case, "10.0.0.5", "yesterday")

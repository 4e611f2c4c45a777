"""What AWS Config says: lives of resources, their relationships, and when instances and interfaces were gone."""

from pathlib import Path
from typing import Any

from tests.workload_worlds import ORDERS, WEB, WEB_ID, configured, held, run, terminate, world
from tests.worlds import ACCOUNT, Record


def item(kind: str, name: str, at: str, status: str = "OK", **more: Any) -> Record:
    return {
        "configurationItemCaptureTime": f"2026-11-05T{at}Z",
        "configurationItemStatus": status,
        "awsAccountId": ACCOUNT,
        "awsRegion": "us-east-1",
        "resourceType": f"AWS::{kind}",
        "resourceId": name,
        **more,
    }


def card(at: str, **more: Any) -> Record:
    inside = {"attachment": {"instanceId": WEB_ID}, "privateIpAddress": "10.0.0.5", "vpcId": "vpc-1"}
    return item("EC2::NetworkInterface", "eni-1", at, configuration=inside, **more)


def gone(kind: str, name: str, at: str) -> Record:
    return item(kind, name, at, "ResourceDeleted")


def lives(tmp_path: Path, *items: Record) -> list[tuple[Any, ...]]:
    query = (
        "SELECT resource_id, strftime(valid_from, '%H:%M'), strftime(valid_to, '%H:%M'), from_known FROM config_life"
    )
    with world(tmp_path, **({"config_item": list(items)} if items else {})) as con:
        return con.execute(f"{query} ORDER BY ALL").fetchall()


def test_a_resource_that_comes_again_has_another_life(tmp_path: Path) -> None:
    queue = ("SQS::Queue", "q")
    items = [item(*queue, "09:00:00"), gone(*queue, "10:00:00"), item(*queue, "11:00:00"), item(*queue, "12:00:00")]
    assert lives(tmp_path, *items) == [("q", "09:00", "10:00", False), ("q", "11:00", None, False)]


def test_the_time_a_resource_was_made_is_where_its_life_begins(tmp_path: Path) -> None:
    made = item("SQS::Queue", "q", "09:00:00", resourceCreationTime="2026-11-05T08:30:00Z")
    assert lives(tmp_path, made) == [("q", "08:30", None, True)]


def test_no_items_are_no_lives(tmp_path: Path) -> None:
    assert lives(tmp_path) == []


def test_relationships_are_rows(tmp_path: Path) -> None:
    related = [{"resourceType": "AWS::EC2::VPC", "resourceId": "vpc-1", "name": "Is contained in Vpc"}]
    with world(tmp_path, config_item=[item("EC2::Subnet", "subnet-1", "09:00:00", relationships=related)]) as con:
        rows = con.execute("SELECT resource_id, relationship, related_type, related_id FROM config_relationship")
        assert rows.fetchall() == [("subnet-1", "Is contained in Vpc", "AWS::EC2::VPC", "vpc-1")]


def test_an_interface_that_config_saw_is_held_as_long_as_it_was_seen(tmp_path: Path) -> None:
    with world(tmp_path, config_item=[card("09:00:00"), card("10:00:00")]) as con:
        assert held(con, "eni") == [(WEB, "eni-1", "09:00:00", "10:00:00", "bounded")]
        assert held(con, "private_ip") == [(WEB, "10.0.0.5", "09:00:00", "10:00:00", "bounded")]


def test_an_interface_that_was_gone_is_held_no_longer(tmp_path: Path) -> None:
    deleted = gone("EC2::NetworkInterface", "eni-1", "09:00:00")
    with world(tmp_path, cloudtrail=[run(at="08:00:00")], config_item=[deleted]) as con:
        assert held(con, "eni") == [(WEB, "eni-1", "08:00:00", "09:00:00", "bounded")]
        assert held(con, "private_ip") == [(WEB, "10.0.0.5", "08:00:00", "09:00:00", "bounded")]


def test_a_termination_in_evidence_is_the_end_and_not_when_config_saw_it(tmp_path: Path) -> None:
    trail = [run(at="08:00:00"), terminate(at="08:30:00")]
    items = [gone("EC2::NetworkInterface", "eni-1", "08:40:00"), gone("EC2::Instance", WEB_ID, "08:40:00")]
    with world(tmp_path, cloudtrail=trail, config_item=items) as con:
        assert [row[3:5] for row in held(con, "eni")] == [("08:30:00", "matched")]
        assert str(con.execute("SELECT stopped_at FROM workload").fetchall()[0][0]) == "2026-11-05 08:30:00"


def test_an_instance_that_was_gone_has_stopped_and_its_code_is_that_of_the_item(tmp_path: Path) -> None:
    function = item("Lambda::Function", "orders-fn", "09:00:00", configuration={"role": "r", "codeSha256": "c"})
    items = [gone("EC2::Instance", WEB_ID, "09:00:00"), function]
    with world(tmp_path, cloudtrail=[run(at="08:00:00")], config_item=items) as con:
        rows = con.execute("SELECT workload, strftime(stopped_at, '%H:%M'), role, code_sha256 FROM workload ORDER BY 1")
        assert rows.fetchall() == [(WEB, "09:00", None, None), (ORDERS, None, "r", "c")]


def test_a_function_that_was_made_again_has_not_stopped(tmp_path: Path) -> None:
    name = ("Lambda::Function", "orders-fn")
    items = [gone(*name, "09:00:00"), item(*name, "10:00:00", configuration={})]
    with world(tmp_path, cloudtrail=[configured(at="08:00:00")], config_item=items) as con:
        assert con.execute("SELECT workload, stopped_at FROM workload").fetchall() == [(ORDERS, None)]

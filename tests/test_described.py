"""What the inventory describes counts in the resolution as what AWS Config saw does, and as the state of a moment."""

from pathlib import Path
from typing import Any

import pytest

from tests.inventory_worlds import (
    FAR_ACCOUNT,
    attached,
    described,
    function,
    functions,
    instances,
    interface,
    interfaces,
    task,
)
from tests.test_configuration import item
from tests.test_who_was import asked, brief
from tests.workload_worlds import BILLING, DAY, KEY, ORDERS, WEB, WEB_ID, flow, held, terminate, world
from tests.worlds import ACCOUNT, Record, call, role

TASK_ID = "0123456789abcdef0123456789abcdef"
TASK = f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/prod/{TASK_ID}"
LAMBDA_CARD = interface(
    "eni-l",
    "10.0.0.9",
    InterfaceType="lambda",
    Description="AWS Lambda VPC ENI-orders-fn",
    **attached("", owner="amazon-aws"),
)
IN_CONFIG = {"networkInterfaceId": "eni-1", "privateIpAddress": "10.0.0.5", "vpcId": "vpc-1", "subnetId": "subnet-1"}
HOSTILE = "<script>'; DROP TABLE lifetime; --\x1b[31m"


@pytest.mark.parametrize("since", [None, "08:00:00"])
def test_an_interface_is_held_alike_whether_config_or_the_inventory_shows_it(tmp_path: Path, since: str | None) -> None:
    link = {"instanceId": WEB_ID, "attachmentId": "eni-attach-1"} | ({"attachTime": DAY + since + "Z"} if since else {})
    inside = IN_CONFIG | {"attachment": link, "association": {"publicIp": "198.51.100.7"}}
    card = interface(**attached(at=since), Association={"PublicIp": "198.51.100.7", "IpOwnerId": "amazon"})
    worlds: dict[str, dict[str, list[Record]]] = {
        "config": {"config_item": [item("EC2::NetworkInterface", "eni-1", "09:00:00", configuration=inside)]},
        "inventory": {"inventory": interfaces("09:00:00", card)},
    }
    found = []
    for name, records in worlds.items():
        with world(tmp_path / name, **records) as con:
            found.append([held(con, kind) for kind in ("eni", "private_ip", "public_ip")])
    assert found[0] == found[1]
    start = since or "09:00:00"
    assert found[1][:2] == [
        [(WEB, "eni-1", start, None if since else "09:00:00", "bounded")],
        [(WEB, "10.0.0.5", start, None if since else "09:00:00", "bounded")],
    ]


def test_an_attachment_whose_time_and_end_are_both_in_evidence_is_matched(tmp_path: Path) -> None:
    found = interfaces("09:00:00", interface(**attached(at="08:00:00")))
    with world(tmp_path, inventory=found, cloudtrail=[terminate(at="10:00:00")]) as con:
        assert held(con, "eni") == [(WEB, "eni-1", "08:00:00", "10:00:00", "matched")]


def test_two_states_say_nothing_of_what_was_between_another_holder(tmp_path: Path) -> None:
    other = interface(**attached("i-0aaaaaaaaaaaaaaa2"))
    found = [*interfaces("09:00:00", interface(**attached())), *interfaces("11:00:00", other)]
    with world(tmp_path, inventory=found) as con:
        assert [row[2:] for row in held(con, "eni")] == [
            ("09:00:00", "09:00:00", "bounded"),
            ("11:00:00", "11:00:00", "bounded"),
        ]


def test_an_instance_has_its_image_its_interfaces_and_the_time_it_was_launched(tmp_path: Path) -> None:
    card = interface(**attached(at="08:00:00"))
    found = {"InstanceId": WEB_ID, "ImageId": "ami-1", "LaunchTime": DAY + "08:30:00Z", "State": {"Name": "running"}}
    with world(tmp_path, inventory=instances("09:00:00", found | {"NetworkInterfaces": [card]})) as con:
        rows = con.execute("SELECT workload, kind, image, CAST(started_at AS VARCHAR), stopped_at FROM workload")
        assert rows.fetchall() == [(WEB, "ec2_instance", "ami-1", "2026-11-05 08:00:00", None)]
        assert held(con, "instance") == [(WEB, WEB, "08:30:00", None, "bounded")]
        assert held(con, "eni") == [(WEB, "eni-1", "08:00:00", None, "bounded")]


def test_an_instance_that_is_terminated_has_stopped(tmp_path: Path) -> None:
    found = instances("09:00:00", {"InstanceId": WEB_ID, "ImageId": "ami-1", "State": {"Name": "terminated"}})
    with world(tmp_path, inventory=found) as con:
        assert con.execute("SELECT CAST(stopped_at AS VARCHAR) FROM workload").fetchall() == [("2026-11-05 09:00:00",)]


def test_a_function_has_its_role_and_code_and_no_version_has(tmp_path: Path) -> None:
    version = {"Configuration": function("orders-fn", CodeSha256="old", Version="7")}
    found = [*functions("09:00:00", function("orders-fn")), *described("lambda", "GetFunction", "09:30:00", version)]
    with world(tmp_path, inventory=found) as con:
        rows = con.execute("SELECT workload, role, code_sha256 FROM workload").fetchall()
        assert rows == [(ORDERS, f"arn:aws:iam::{ACCOUNT}:role/orders-fn-role", "code")]


def test_functions_that_may_use_an_interface_are_the_same_by_config_and_by_inventory(tmp_path: Path) -> None:
    settings = {"vpcConfig": {"subnetIds": ["subnet-1"], "securityGroupIds": ["sg-1"]}}
    items = [item("Lambda::Function", name, "08:00:00", configuration=settings) for name in ("orders-fn", "billing-fn")]
    listed = functions("08:00:00", function("orders-fn"), function("billing-fn"), function("other-fn", "sg-2"))
    card = interfaces("09:00:00", LAMBDA_CARD)
    found = []
    for name, records in {"config": {"config_item": items}, "inventory": {}}.items():
        described_ = card if name == "config" else [*card, *listed]
        with world(tmp_path / name, inventory=described_, **records) as con:
            found.append(held(con, "eni"))
    assert found[0] == found[1]
    assert [(row[0], row[4]) for row in found[1]] == [(BILLING, "shared"), (ORDERS, "shared")]


def test_a_task_that_is_described_is_known_with_its_interface_and_containers(tmp_path: Path) -> None:
    with world(tmp_path, inventory=described("ecs", "DescribeTasks", "09:00:00", {"tasks": [task(TASK_ID)]})) as con:
        rows = con.execute("SELECT workload, kind, CAST(started_at AS VARCHAR), stopped_at, image FROM workload")
        assert rows.fetchall() == [(TASK, "ecs_task", "2026-11-05 08:00:40", None, "shop:1")]
        assert con.execute("SELECT name, image_digest, runtime_id FROM workload_container").fetchall() == [
            ("web", "sha256:aa", "abc-1")
        ]
        assert held(con, "eni") == [(TASK, "eni-t", "08:00:20", None, "bounded")]
        assert held(con, "private_ip") == [(TASK, "10.0.0.7", "08:00:20", None, "bounded")]


def test_a_stopped_task_held_its_interface_until_it_stopped(tmp_path: Path) -> None:
    ended = task(TASK_ID, lastStatus="STOPPED", stoppingAt=DAY + "08:50:00Z", stoppedAt=DAY + "08:51:00Z")
    with world(tmp_path, inventory=described("ecs", "DescribeTasks", "09:00:00", {"tasks": [ended]})) as con:
        assert held(con, "eni") == [(TASK, "eni-t", "08:00:20", "08:51:00", "matched")]


def test_the_definition_of_a_task_tells_its_role_and_its_host_is_told_by_the_container_instance(tmp_path: Path) -> None:
    host = f"arn:aws:ecs:us-east-1:{ACCOUNT}:container-instance/prod/1"
    definition = {
        "taskDefinitionArn": f"arn:aws:ecs:us-east-1:{ACCOUNT}:task-definition/shop:7",
        "taskRoleArn": "arn:r",
    }
    found = [
        *described(
            "ecs", "DescribeTasks", "09:00:00", {"tasks": [task(TASK_ID, containerInstanceArn=host, launchType="EC2")]}
        ),
        *described("ecs", "DescribeTaskDefinition", "09:00:00", {"taskDefinition": definition}),
        *described(
            *("ecs", "DescribeContainerInstances", "09:00:00"),
            {"containerInstances": [{"containerInstanceArn": host, "ec2InstanceId": WEB_ID}]},
        ),
    ]
    with world(tmp_path, inventory=found) as con:
        assert con.execute("SELECT role FROM workload WHERE kind = 'ecs_task'").fetchall() == [("arn:r",)]
        assert [row[:2] for row in held(con, "instance")] == [(TASK, WEB)]


FLOWS = [flow("09:00:00", "09:01:00", eni="eni-1"), flow("09:00:00", "09:01:00", eni="eni-t", srcaddr="10.0.0.7")]


@pytest.mark.parametrize(
    ("address", "answer"),
    [
        ("10.0.0.5", [(WEB, "bounded", 1)]),
        ("10.0.0.7", [(TASK, "bounded", 1)]),
        ("10.0.0.9", [(BILLING, "shared", 2), (ORDERS, "shared", 2)]),
    ],
)
def test_flow_logs_and_an_inventory_name_the_instance_the_task_and_the_functions(
    tmp_path: Path, address: str, answer: list[tuple[Any, ...]]
) -> None:
    lambda_flow = flow("09:00:00", "09:01:00", eni="eni-l", srcaddr="10.0.0.9")
    inventory = [
        *interfaces("12:00:00", interface(**attached(at="08:00:00")), LAMBDA_CARD),
        *interfaces("08:30:00", LAMBDA_CARD),
        *described("ecs", "DescribeTasks", "12:00:00", {"tasks": [task(TASK_ID)]}),
        *functions("12:00:00", function("orders-fn"), function("billing-fn")),
    ]
    rows = asked(tmp_path, address, "09:00:30", records={"vpc_flow": [*FLOWS, lambda_flow], "inventory": inventory})
    assert brief(rows) == answer


def test_an_interface_of_a_task_that_nothing_else_names_is_the_tasks_by_its_description(tmp_path: Path) -> None:
    text = f"arn:aws:ecs:us-east-1:{ACCOUNT}:attachment/0f1e2d3c-0000-1111-2222-333344445555"
    card = interface("eni-9", Description=text, **attached("", "08:00:00", FAR_ACCOUNT))
    with world(tmp_path, inventory=interfaces("09:00:00", card)) as con:
        assert con.execute("SELECT owner, owner_id FROM interface").fetchall() == [
            ("ecs_task", text.rpartition("/")[2])
        ]


def test_a_role_has_the_path_and_the_id_that_iam_says(tmp_path: Path) -> None:
    uid, arn = "AROAEXAMPLEORDERS", f"arn:aws:iam::{ACCOUNT}:role/service/orders-role"
    found = described(
        *("iam", "GetAccountAuthorizationDetails", "12:00:00"),
        {"RoleDetailList": [{"RoleName": "orders-role", "RoleId": uid, "Arn": arn, "CreateDate": DAY + "01:00:00Z"}]},
    )
    who = role("orders-role", "s", key=KEY, uid=uid)
    del who["sessionContext"]
    with world(tmp_path, cloudtrail=[call(who)], inventory=found) as con:
        assert con.execute("SELECT principal, unique_id FROM principal").fetchall() == [(arn, uid)]


def test_an_address_that_was_allocated_is_not_lent(tmp_path: Path) -> None:
    card = interface(**attached(at="08:00:00"), Association={"PublicIp": "198.51.100.7"})
    address = {"Addresses": [{"PublicIp": "198.51.100.7", "AllocationId": "eipalloc-1", "InstanceId": WEB_ID}]}
    found = [*interfaces("09:00:00", card), *interfaces("11:00:00", card)]
    stop = call(role("dev", "s", key=KEY), "ec2:StopInstances", at="10:00:00")
    stop["responseElements"] = {"instancesSet": {"items": [{"instanceId": WEB_ID}]}}
    with world(tmp_path / "lent", inventory=found, cloudtrail=[stop]) as con:
        assert len(held(con, "public_ip")) == 2
    found += described("ec2", "DescribeAddresses", "09:00:00", address)
    with world(tmp_path / "allocated", inventory=found, cloudtrail=[stop]) as con:
        assert [row[2:4] for row in held(con, "public_ip")] == [("09:00:00", "11:00:00")]


def test_what_is_refused_or_none_or_hostile_does_no_harm(tmp_path: Path) -> None:
    card = interface("eni-1", Description=HOSTILE, Tags=[{"Key": f'"A":{HOSTILE}', "Value": HOSTILE}], **attached())
    refused: Record = {
        "api": "ec2",
        "operation": "DescribeInstances",
        "parameters": {},
        "account_id": ACCOUNT,
        "region": "us-east-1",
        "observed_at": DAY + "09:00:00",
        "error_code": "UnauthorizedOperation",
    }
    found = [*interfaces("09:00:00", card), *interfaces("09:10:00"), refused]
    with world(tmp_path, inventory=found) as con:
        assert [row[:2] for row in held(con, "eni")] == [(WEB, "eni-1")]
        assert con.execute("SELECT description FROM interface").fetchall() == [(HOSTILE,)]


def test_a_gateway_has_its_interface_and_its_address_from_when_it_was_made(tmp_path: Path) -> None:
    nat = f"arn:aws:ec2:us-east-1:{ACCOUNT}:natgateway/nat-0a"
    addresses = [
        {"PublicIp": "198.51.100.9", "PrivateIp": "10.0.0.20", "NetworkInterfaceId": "eni-n", "IsPrimary": True}
    ]
    held_ = {
        "NatGatewayId": "nat-0a",
        "State": "available",
        "CreateTime": DAY + "07:00:00Z",
        "NatGatewayAddresses": addresses,
    }
    found = described("ec2", "DescribeNatGateways", "09:00:00", {"NatGateways": [held_]})
    with world(tmp_path, inventory=found) as con:
        assert con.execute("SELECT workload, kind FROM workload").fetchall() == [(nat, "nat_gateway")]
        assert held(con, "public_ip") == [(nat, "198.51.100.9", "07:00:00", None, "bounded")]
        assert [row[:2] for row in held(con, "eni")] == [(nat, "eni-n")]

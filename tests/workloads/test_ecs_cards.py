"""Interfaces, addresses and instances that tasks held."""

from pathlib import Path
from typing import Any

from tests.workload_worlds import DAY, DEV, WEB, WEB_ID, flow, found, held, run, terminate, world
from tests.workloads.ecs_world import (
    ATTACHMENT,
    ENI,
    HERE,
    HOST,
    INSTANCE,
    INSTANCE_ID,
    OTHER,
    TASK,
    arn,
    card,
    ecs_creates,
    host_state,
    run_task,
    running,
    state,
    stopped,
)
from tests.worlds import ACCOUNT, Record, call

SEEN = {"eni": ENI, "flow-direction": "egress", "ecs-task-arn": TASK, "srcaddr": "10.0.1.23"}
BLIND = card(eni=None)
ON_EC2 = {"launchType": "EC2", "containerInstanceArn": HOST}


def deleted(at: str, eni: str = ENI) -> Record:
    return call(DEV, "ec2:DeleteNetworkInterface", at=at, requestParameters={"networkInterfaceId": eni})


def seen_by_config(eni: str = ENI, *, at: str = "09:20:00", attachment: str = ATTACHMENT, **more: Any) -> Record:
    return {
        "resourceType": "AWS::EC2::NetworkInterface",
        "resourceId": eni,
        "configurationItemStatus": "OK",
        "configurationItemCaptureTime": DAY + at,
        "awsAccountId": ACCOUNT,
        "awsRegion": "us-east-1",
        "configuration": {
            "description": f"arn:aws:ecs:{HERE}:attachment/{attachment}",
            "vpcId": "vpc-1",
            "privateIpAddress": "10.0.1.23",
        }
        | more,
    }


# Interfaces


def test_an_interface_is_held_from_its_attachment_until_the_task_is_gone(tmp_path: Path) -> None:
    pending = state("PENDING", at="08:59:50", version=2, attachments=[card()])
    going = state("DEPROVISIONING", at="09:41:00", version=4, attachments=[card(status="DETACHING")])
    with world(tmp_path, ecs_event=[pending, running(), going, stopped()]) as con:
        assert held(con, "eni") == [(TASK, ENI, "08:59:50", "09:41:00", "matched")]
        assert held(con, "private_ip") == [(TASK, "10.0.1.23", "08:59:50", "09:41:00", "matched")]


def test_the_order_of_events_and_repetitions_do_not_matter(tmp_path: Path) -> None:
    pending = state("PENDING", at="08:59:50", version=2, attachments=[card()])
    events = [pending, running(), stopped(), stopped()]
    for place, order in enumerate((events, events[::-1], [*events[2:], *events[:2]])):
        with world(tmp_path / str(place), ecs_event=order) as con:
            assert held(con, "eni") == [(TASK, ENI, "08:59:50", "09:41:03", "matched")]


def test_a_task_that_runs_had_its_interface_when_it_started(tmp_path: Path) -> None:
    with world(tmp_path, ecs_event=[running(pullStartedAt="09:00:03")]) as con:
        assert held(con, "eni") == [(TASK, ENI, "09:00:03", None, "bounded")]


def test_the_stopped_event_alone_bounds_an_interface(tmp_path: Path) -> None:
    with world(tmp_path, ecs_event=[stopped()]) as con:
        assert held(con, "eni") == [(TASK, ENI, "09:00:10", "09:41:03", "bounded")]


def test_a_task_that_never_ran_held_its_interface(tmp_path: Path) -> None:
    failed = state("STOPPED", at="09:03:00", stoppedAt="09:02:58", attachments=[card(status="DELETED")])
    with world(tmp_path, ecs_event=[state("PENDING", at="09:00:00", attachments=[card()]), failed]) as con:
        assert held(con, "eni") == [(TASK, ENI, "09:00:00", "09:02:58", "matched")]


def test_an_interface_deleted_before_the_task_stopped_ends_then(tmp_path: Path) -> None:
    with world(tmp_path / "before", ecs_event=[running(), stopped()], cloudtrail=[deleted("09:40:00")]) as con:
        assert held(con, "eni") == [(TASK, ENI, "09:00:10", "09:40:00", "matched")]
    with world(tmp_path / "after", ecs_event=[running(), stopped()], cloudtrail=[deleted("09:45:00")]) as con:
        assert held(con, "eni") == [(TASK, ENI, "09:00:10", "09:41:03", "matched")]


def test_an_interface_deleted_while_the_task_goes_ends_then(tmp_path: Path) -> None:
    going = state("DEPROVISIONING", at="09:40:50", version=4, attachments=[card(status="DETACHING")])
    with world(tmp_path, ecs_event=[running(), going, stopped()], cloudtrail=[deleted("09:40:55")]) as con:
        assert held(con, "eni") == [(TASK, ENI, "09:00:10", "09:40:55", "matched")]


def test_volumes_and_service_connect_are_no_interfaces(tmp_path: Path) -> None:
    others = [card(eni="eni-1", type="Service Connect"), card(eni="eni-2", type="AmazonElasticBlockStorage")]
    with world(tmp_path, ecs_event=[running(attachments=[*others, card()])]) as con:
        assert [row[1] for row in held(con, "eni")] == [ENI]


def test_an_interface_that_ecs_made_is_the_task_s_of_that_attachment(tmp_path: Path) -> None:
    with world(tmp_path, cloudtrail=[ecs_creates()], ecs_event=[running(attachments=[BLIND]), stopped()]) as con:
        assert held(con, "eni") == [(TASK, ENI, "08:59:40", "09:41:03", "matched")]
        assert con.execute("SELECT * FROM address_network").fetchall() == [(TASK, "10.0.1.23", "vpc-1")]


def test_an_interface_is_not_held_before_it_is_made(tmp_path: Path) -> None:
    early = state("PROVISIONING", at="08:59:35", version=1, attachments=[BLIND])
    with world(tmp_path / "made", cloudtrail=[ecs_creates()], ecs_event=[early, running(), stopped()]) as con:
        assert held(con, "eni") == [(TASK, ENI, "08:59:40", "09:41:03", "matched")]
    with world(tmp_path / "told", ecs_event=[early, running(), stopped()]) as con:
        assert held(con, "eni") == [(TASK, ENI, "09:00:10", "09:41:03", "matched")]


def test_the_attachment_in_the_answer_of_a_call_is_enough(tmp_path: Path) -> None:
    ran = run_task(
        {"taskArn": TASK, "attachments": [card(eni=None, status="PRECREATED", type="ElasticNetworkInterface")]}
    )
    with world(tmp_path, cloudtrail=[ran, ecs_creates()]) as con:
        assert held(con, "eni") == [(TASK, ENI, "08:59:40", None, "bounded")]


def test_an_interface_that_somebody_else_made_with_that_description_is_not_the_task_s(tmp_path: Path) -> None:
    forged = ecs_creates("eni-0bad", who=DEV)
    items = [seen_by_config("eni-0bad")]
    with world(tmp_path, cloudtrail=[forged], config_item=items, ecs_event=[running(attachments=[BLIND])]) as con:
        assert held(con, "eni") == []


def test_what_config_saw_leads_from_the_interface_to_the_task(tmp_path: Path) -> None:
    with world(tmp_path, config_item=[seen_by_config()], ecs_event=[running(attachments=[BLIND]), stopped()]) as con:
        assert held(con, "eni") == [(TASK, ENI, "09:00:10", "09:41:03", "matched")]
        assert held(con, "private_ip") == [(TASK, "10.0.1.23", "09:00:10", "09:41:03", "matched")]


def test_two_interfaces_that_config_saw_with_one_attachment_are_nobody_s(tmp_path: Path) -> None:
    items = [seen_by_config(), seen_by_config("eni-0bad")]
    with world(tmp_path / "blind", config_item=items, ecs_event=[running(attachments=[BLIND])]) as con:
        assert held(con, "eni") == []
    with world(tmp_path / "told", config_item=items, ecs_event=[running()]) as con:
        assert [row[1] for row in held(con, "eni")] == [ENI]


def test_an_interface_told_of_two_tasks_is_neither_s(tmp_path: Path) -> None:
    with world(tmp_path, ecs_event=[running(), running(task=OTHER)]) as con:
        assert held(con, "eni") == []


def test_flow_records_show_a_task_s_interface_from_first_to_last_sight(tmp_path: Path) -> None:
    flows = [flow("09:05:00", "09:06:00", **SEEN), flow("10:20:00", "10:21:00", **SEEN)]
    with world(tmp_path, vpc_flow=flows) as con:
        assert held(con, "eni") == [(TASK, ENI, "09:05:00", "10:21:00", "bounded")]


def test_flow_records_that_name_a_task_after_its_end_say_nothing(tmp_path: Path) -> None:
    late = [flow("09:40:30", "09:41:20", **SEEN), flow("15:00:00", "15:01:00", **SEEN)]
    with world(tmp_path, ecs_event=[running(), stopped()], vpc_flow=late) as con:
        assert held(con, "eni") == [(TASK, ENI, "09:00:10", "09:41:03", "matched")]


def test_what_comes_in_from_a_task_does_not_make_the_interface_its_own(tmp_path: Path) -> None:
    flows = [flow("09:05:00", "09:06:00", **SEEN | {"eni": "eni-2", "flow-direction": "ingress"})]
    with world(tmp_path, vpc_flow=flows) as con:
        assert held(con, "eni") == []


def test_flow_records_do_not_dispute_what_ecs_says_and_not_one_another(tmp_path: Path) -> None:
    other = flow("09:10:00", "09:11:00", **SEEN | {"ecs-task-arn": OTHER})
    with world(tmp_path / "ecs", ecs_event=[running()], vpc_flow=[other]) as con:
        assert held(con, "eni") == [(TASK, ENI, "09:00:10", None, "bounded")]
    with world(tmp_path / "flows", vpc_flow=[flow("09:05:00", "09:06:00", **SEEN), other]) as con:
        assert held(con, "eni") == []


def test_a_task_s_interface_is_not_that_of_the_host_it_is_attached_to(tmp_path: Path) -> None:
    attach = {"networkInterfaceId": ENI, "instanceId": WEB_ID}
    calls = [run(at="08:00:00"), call(DEV, "ec2:AttachNetworkInterface", at="08:59:45", requestParameters=attach)]
    flows = [flow("09:05:00", "09:06:00", **SEEN | {"instance-id": WEB_ID})]
    with world(tmp_path, cloudtrail=calls, vpc_flow=flows, ecs_event=[running(), stopped()]) as con:
        assert held(con, "eni") == [
            (TASK, ENI, "09:00:10", "09:41:03", "matched"),
            (WEB, "eni-1", "08:00:00", None, "bounded"),
        ]


def test_an_address_of_version_6_is_held_too(tmp_path: Path) -> None:
    wide = card()
    wide["details"].append({"name": "privateIPv6Address", "value": "2001:db8::7"})
    with world(tmp_path, ecs_event=[running(attachments=[wide])]) as con:
        assert [row[1] for row in held(con, "private_ip")] == ["10.0.1.23", "2001:db8::7"]


ODD: list[Any] = [
    7,
    "text",
    {"type": "eni"},
    ["x", None, 1],
    [{"type": "eni", "details": "x"}],
    [{"type": "eni", "id": {"a": 1}, "details": [1, None, {"name": "networkInterfaceId", "value": ["eni-1"]}]}],
    [{"type": ["eni"], "id": ATTACHMENT}],
    [card(eni="' OR 1=1", address="<b>")],
]


def test_attachments_of_any_shape_are_survived(tmp_path: Path) -> None:
    named = [arn(f"{place:032x}") for place in range(len(ODD))]
    pairs = list(zip(named, ODD, strict=True))
    calls = [run_task({"taskArn": task, "attachments": shape}) | {"eventID": task} for task, shape in pairs]
    events = [running(task=task, attachments=shape) for task, shape in pairs]
    with world(tmp_path, ecs_event=events, cloudtrail=calls) as con:
        assert held(con, "eni") == held(con, "private_ip") == []
        assert con.execute("SELECT count(*) FROM workload").fetchall() == [(len(ODD),)]


# Public addresses


def test_an_address_that_aws_lent_is_held_as_long_as_the_interface(tmp_path: Path) -> None:
    item = seen_by_config(association={"publicIp": "198.51.100.77", "ipOwnerId": "amazon"})
    with world(tmp_path, config_item=[item], ecs_event=[running(), stopped()]) as con:
        assert held(con, "public_ip") == [(TASK, "198.51.100.77", "09:00:10", "09:41:03", "bounded")]


def test_an_elastic_address_is_held_from_when_it_was_seen(tmp_path: Path) -> None:
    item = seen_by_config(association={"publicIp": "198.51.100.77", "allocationId": "eipalloc-1"})
    with world(tmp_path, config_item=[item], ecs_event=[running(), stopped()]) as con:
        assert held(con, "public_ip") == [(TASK, "198.51.100.77", "09:20:00", "09:41:03", "bounded")]


def test_an_elastic_address_given_to_a_task_s_interface_ends_with_the_task(tmp_path: Path) -> None:
    asked = {"networkInterfaceId": ENI, "publicIp": "198.51.100.77"}
    calls = [call(DEV, "ec2:AssociateAddress", at="09:10:00", requestParameters=asked)]
    with world(tmp_path, cloudtrail=calls, ecs_event=[running(), stopped()]) as con:
        assert held(con, "public_ip") == [(TASK, "198.51.100.77", "09:10:00", "09:41:03", "matched")]


# Instances


def test_a_task_on_ec2_ran_on_the_instance_of_its_container_instance(tmp_path: Path) -> None:
    with world(tmp_path, ecs_event=[host_state(), running(**ON_EC2), stopped(**ON_EC2)]) as con:
        assert held(con, "instance") == [(TASK, INSTANCE, "09:00:10", "09:40:58", "matched")]
        kinds = con.execute("SELECT workload, kind FROM workload ORDER BY kind").fetchall()
        assert kinds == [(INSTANCE, "ec2_instance"), (TASK, "ecs_task")]


def test_tasks_that_share_an_instance_do_not_end_each_other(tmp_path: Path) -> None:
    other = {"task": OTHER, "attachments": [], "startedAt": "09:20:00"} | ON_EC2
    events = [host_state(), running(**ON_EC2), running(at="09:20:02", **other), stopped(**ON_EC2)]
    with world(tmp_path, ecs_event=events) as con:
        assert held(con, "instance") == [
            (TASK, INSTANCE, "09:00:10", "09:40:58", "matched"),
            (OTHER, INSTANCE, "09:20:00", None, "bounded"),
        ]


def test_the_call_that_registered_a_host_tells_its_instance(tmp_path: Path) -> None:
    answer = {"containerInstance": {"containerInstanceArn": HOST, "ec2InstanceId": INSTANCE_ID}}
    call_ = call(DEV, "ecs:RegisterContainerInstance", at="08:00:00", responseElements=answer)
    with world(tmp_path, cloudtrail=[call_], ecs_event=[running(**ON_EC2)]) as con:
        assert held(con, "instance") == [(TASK, INSTANCE, "09:00:10", None, "bounded")]


def test_a_flow_record_tells_the_instance_of_its_task(tmp_path: Path) -> None:
    told = SEEN | {"instance-id": INSTANCE_ID, "ecs-container-instance-arn": HOST}
    with world(tmp_path, vpc_flow=[flow("09:05:00", "09:06:00", **told)]) as con:
        assert held(con, "instance") == [(TASK, INSTANCE, "09:05:00", "09:06:00", "bounded")]


def test_a_task_on_an_instance_ends_with_it(tmp_path: Path) -> None:
    events = [host_state(), running(**ON_EC2)]
    with world(tmp_path, ecs_event=events, cloudtrail=[terminate(INSTANCE_ID, at="09:30:00")]) as con:
        assert held(con, "instance") == [
            (TASK, INSTANCE, "09:00:10", "09:30:00", "matched"),
            (INSTANCE, INSTANCE, None, "09:30:00", "bounded"),
        ]


def test_a_finding_and_a_log_line_tell_where_a_task_ran(tmp_path: Path) -> None:
    block = {"ecsClusterDetails": {"taskDetails": {"arn": TASK}}, "instanceDetails": {"instanceId": INSTANCE_ID}}
    with world(tmp_path / "finding", guardduty=[found(resource=block)]) as con:
        assert [row[:2] for row in held(con, "instance")] == [(TASK, INSTANCE)]
    line = {"taskArn": TASK, "ec2_instance_id": INSTANCE_ID, "message": "m", "timestamp": DAY + "09:10:00"}
    with world(tmp_path / "line", container_log=[{**line, "ec2InstanceId": INSTANCE_ID}]) as con:
        assert [row[:2] for row in held(con, "instance")] == [(TASK, INSTANCE)]


def test_a_container_does_not_move_a_task_to_another_instance(tmp_path: Path) -> None:
    line = {"taskArn": TASK, "ec2InstanceId": WEB_ID, "message": "m", "timestamp": DAY + "09:10:00"}
    with world(tmp_path / "ec2", ecs_event=[host_state(), running(**ON_EC2)], container_log=[line]) as con:
        assert [row[1] for row in held(con, "instance")] == [INSTANCE]
    with world(tmp_path / "fargate", ecs_event=[running()], container_log=[line]) as con:
        assert held(con, "instance") == []

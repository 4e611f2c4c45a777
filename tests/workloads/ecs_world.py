"""Worlds of ECS: tasks as its events, calls and the records around them tell of them."""

from typing import Any

from tests.workload_worlds import DAY, DEV, service
from tests.worlds import ACCOUNT, Record, assume, call, role

ID = "0123456789abcdef0123456789abcdef"
OTHER_ID = "aaaabbbbccccddddeeeeffff00001111"
OLD_ID = "01234567-89ab-cdef-0123-456789abcdef"
HERE = f"us-east-1:{ACCOUNT}"
CLUSTER = f"arn:aws:ecs:{HERE}:cluster/prod"
ECS_TASKS = service("ecs-tasks.amazonaws.com")
ATTACHMENT = "2fb802a1-d6f7-45dc-a7e8-a11b3a48a573"
ENI = "eni-0123456789abcdef0"
INSTANCE_ID = "i-0abc123def4567890"
INSTANCE = f"arn:aws:ec2:{HERE}:instance/{INSTANCE_ID}"
HOST = f"arn:aws:ecs:{HERE}:container-instance/prod/aaaa"
KEY = "ASIAEXAMPLETASK"


def arn(task: str = ID, cluster: str | None = "prod") -> str:
    """A task's ARN; without a cluster that of the old format."""
    return f"arn:aws:ecs:{HERE}:task/{cluster + '/' if cluster else ''}{task}"


TASK = arn()
OTHER = arn(OTHER_ID)


def definition(name: str = "web:12") -> str:
    """A task definition's ARN."""
    return f"arn:aws:ecs:{HERE}:task-definition/{name}"


def card(
    *,
    eni: str | None = ENI,
    address: str = "10.0.1.23",
    status: str = "ATTACHED",
    attachment: str = ATTACHMENT,
    **more: Any,
) -> Record:
    """An attachment that is an interface."""
    details = [{"name": "subnetId", "value": "subnet-0aaa"}, {"name": "privateIPv4Address", "value": address}]
    details += [{"name": "networkInterfaceId", "value": eni}] if eni else []
    return {"id": attachment, "type": "eni", "status": status, "details": details} | more


def state(status: str = "RUNNING", *, at: str, task: str = TASK, version: int = 3, **detail: Any) -> Record:
    """A task state change event; `detail` are members of it, times of day made whole."""
    more = {
        name: DAY + held if name.endswith("At") and isinstance(held, str) else held for name, held in detail.items()
    }
    known = {"taskArn": task, "clusterArn": CLUSTER, "lastStatus": status, "version": version}
    return {
        "id": f"{status}-{version}-{task[-4:]}",
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "region": "us-east-1",
        "time": DAY + at,
        "detail": known | {"launchType": "FARGATE"} | more,
    }


def running(*, at: str = "09:00:12", **detail: Any) -> Record:
    """The task runs and has its interface."""
    return state("RUNNING", at=at, **{"attachments": [card()], "startedAt": "09:00:10.2"} | detail)


def stopped(*, at: str = "09:41:05", **detail: Any) -> Record:
    """The task is gone."""
    ended = {"startedAt": "09:00:10.2", "executionStoppedAt": "09:40:58", "stoppedAt": "09:41:03"}
    return state("STOPPED", at=at, version=5, **ended | {"attachments": [card(status="DELETED")]} | detail)


def minted(
    task: str = ID, role_name: str = "web-task-role", *, key: str = KEY, at: str = "09:00:02", **more: Any
) -> Record:
    """ECS has a key made for a task."""
    return assume(ECS_TASKS, role_name, task, key=key, at=at, **more)


def session(task: str = ID, role_name: str = "web-task-role", *, key: str = KEY, **context: Any) -> Record:
    """The identity of a session that has a task's name."""
    return role(role_name, task, key=key, **context)


def registered(name: str = "web:12", *, at: str = "08:00:00", **asked: Any) -> Record:
    """A task definition is registered."""
    containers = [{"name": "web", "image": "repo/web:1"}]
    answer = {"taskDefinition": {"taskDefinitionArn": definition(name)}}
    asked = {"family": name.partition(":")[0], "containerDefinitions": containers} | asked
    return call(DEV, "ecs:RegisterTaskDefinition", at=at, requestParameters=asked, responseElements=answer)


def run_task(*tasks: Record, at: str = "08:59:30", who: Record = DEV, **asked: Any) -> Record:
    """A call of RunTask that started those tasks."""
    answer = {"tasks": list(tasks), "failures": []}
    asked = {"cluster": "prod", "taskDefinition": "web:12", "launchType": "FARGATE"} | asked
    return call(who, "ecs:RunTask", at=at, requestParameters=asked, responseElements=answer)


def ecs_creates(
    eni: str = ENI, *, at: str = "08:59:40", attachment: str = ATTACHMENT, who: Record | None = None
) -> Record:
    """An interface is made that bears an attachment's id; by ECS unless another is named."""
    by = who or role(
        "AWSServiceRoleForECS", "ecs-eni-provisioning", key="", path="/aws-service-role/ecs.amazonaws.com/"
    )
    made = {
        "networkInterfaceId": eni,
        "description": f"arn:aws:ecs:{HERE}:attachment/{attachment}",
        "vpcId": "vpc-1",
        "privateIpAddress": "10.0.1.23",
    }
    more = {} if who else {"sourceIPAddress": "ecs.amazonaws.com"}
    return call(by, "ec2:CreateNetworkInterface", at=at, responseElements={"networkInterface": made}, **more)


def host_state(host: str = HOST, instance: str = INSTANCE_ID, *, at: str = "08:00:00") -> Record:
    """A container instance state change event."""
    return {
        "id": f"host-{at}-{instance}",
        "detail-type": "ECS Container Instance State Change",
        "source": "aws.ecs",
        "account": ACCOUNT,
        "region": "us-east-1",
        "time": DAY + at,
        "detail": {"containerInstanceArn": host, "ec2InstanceId": instance, "clusterArn": CLUSTER},
    }

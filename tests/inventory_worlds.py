"""Records of `inventory`, as the loader takes them out of pages of APIs' answers."""

import json
from datetime import datetime
from typing import Any

from forensics.acquire.page import Asked
from forensics.readers import api_page
from tests.workload_worlds import DAY, WEB_ID
from tests.worlds import ACCOUNT, Record

FAR_ACCOUNT = "999999999999"
"""Whose instances carry what AWS manages."""


def described(service: str, operation: str, at: str, response: Record, **asked: Any) -> list[Record]:
    """What the page of an answer holds, asked at a time of 2026-11-05."""
    moment = datetime.fromisoformat(DAY + at)
    found = Asked(service, operation, asked, ACCOUNT, "us-east-1", moment).answered(0, response)
    assert found.stream
    held = api_page.described(found.stream.read())
    assert held is not None
    return [json.loads(text) for text in held]


def interface(eni: str = "eni-1", address: str = "10.0.0.5", **more: Any) -> Record:
    """An interface as DescribeNetworkInterfaces describes it, of nothing."""
    return {
        "NetworkInterfaceId": eni,
        "InterfaceType": "interface",
        "OwnerId": ACCOUNT,
        "PrivateIpAddress": address,
        "PrivateIpAddresses": [{"PrivateIpAddress": address, "Primary": True}],
        "RequesterManaged": False,
        "Groups": [{"GroupId": "sg-1"}],
        "SubnetId": "subnet-1",
        "VpcId": "vpc-1",
        "Description": "",
        "TagSet": [],
    } | more


def attached(instance: str = WEB_ID, at: str | None = None, owner: str = ACCOUNT) -> Record:
    """How an interface is attached to an instance, since a time of the day."""
    held = {"AttachmentId": "eni-attach-1", "InstanceId": instance, "InstanceOwnerId": owner, "DeviceIndex": 0}
    return {"Attachment": held | ({"AttachTime": DAY + at + "Z"} if at else {})}


def interfaces(at: str, *held: Record) -> list[Record]:
    return described("ec2", "DescribeNetworkInterfaces", at, {"NetworkInterfaces": list(held)})


def instances(at: str, *held: Record) -> list[Record]:
    return described("ec2", "DescribeInstances", at, {"Reservations": [{"Instances": list(held)}]})


def functions(at: str, *held: Record) -> list[Record]:
    return described("lambda", "ListFunctions", at, {"Functions": list(held)})


def function(name: str, group: str | None = "sg-1", **more: Any) -> Record:
    """A function as ListFunctions describes it, in subnet-1 with that security group."""
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    held: Record = {"FunctionName": name, "FunctionArn": arn, "Role": f"arn:aws:iam::{ACCOUNT}:role/{name}-role"}
    if group:
        held["VpcConfig"] = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": [group], "VpcId": "vpc-1"}
    return held | {"CodeSha256": "code", "Version": "$LATEST"} | more


def task(name: str, **more: Any) -> Record:
    """A running task of the cluster prod on Fargate, as DescribeTasks describes it, with the interface eni-t."""
    details = {"networkInterfaceId": "eni-t", "privateIPv4Address": "10.0.0.7", "subnetId": "subnet-1"}
    listed = [{"name": key, "value": value} for key, value in details.items()]
    return {
        "taskArn": f"arn:aws:ecs:us-east-1:{ACCOUNT}:task/prod/{name}",
        "clusterArn": f"arn:aws:ecs:us-east-1:{ACCOUNT}:cluster/prod",
        "taskDefinitionArn": f"arn:aws:ecs:us-east-1:{ACCOUNT}:task-definition/shop:7",
        "lastStatus": "RUNNING",
        "launchType": "FARGATE",
        "createdAt": DAY + "08:00:00Z",
        "pullStartedAt": DAY + "08:00:20Z",
        "startedAt": DAY + "08:00:40Z",
        "attachments": [{"id": "at-1", "type": "ElasticNetworkInterface", "status": "ATTACHED", "details": listed}],
        "containers": [{"name": "web", "image": "shop:1", "imageDigest": "sha256:aa", "runtimeId": "abc-1"}],
    } | more

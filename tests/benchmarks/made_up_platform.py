"""A platform of short-lived compute behind the made-up flows: who held their interfaces, and whose the trail's keys are."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from isal import igzip

from tests.benchmarks.made_up import ACCOUNT, KEYS, interfaces, moment, task_of

Json = dict[str, Any]

REGION = "us-east-1"
CLUSTER = f"arn:aws:ecs:{REGION}:{ACCOUNT}:cluster/prod"
HALF_A_DAY = 43_200

_EC2 = {"type": "AWSService", "invokedBy": "autoscaling.amazonaws.com"}


def write_platform(folder: Path, flow_files: int, *, seed: int = 1, lasting: int = 0) -> int:
    """Events of ECS tasks on a third of the flows' interfaces, instances on others, and mints; returns the records.

    The tasks run for half a day, or for as long as flows and calls do, if that is longer.
    """
    folder.mkdir(parents=True)
    cards = [card for number in range(flow_files) for card in interfaces(seed + number)]
    made = random.Random(seed)
    tasks = [card for card in cards if card[2].endswith(" -")]
    hosts = [card for card in cards if not card[2].endswith(" -")]
    states = [state for card in tasks for state in _states(card, made, max(lasting, HALF_A_DAY))]
    calls = [*(_launched(card, made) for card in hosts), *_mints(tasks, hosts, made)]
    _write(folder / "ecs-events.json.gz", states, lines=True)
    _write(folder / f"{ACCOUNT}_CloudTrail_{REGION}_20261105T0900Z_platform.json.gz", calls, lines=False)
    return len(states) + len(calls)


def _task(card: tuple[str, str, str]) -> str:
    return task_of(card[0])


def _states(card: tuple[str, str, str], made: random.Random, lasting: int) -> Iterator[Json]:
    stopping, stopped, told = (moment(lasting + second) for second in (-1_251, -1_190, -1_188))
    eni, address, _ = card
    task = f"arn:aws:ecs:{REGION}:{ACCOUNT}:task/prod/{_task(card)}"
    details = [
        {"name": "networkInterfaceId", "value": eni},
        {"name": "privateIPv4Address", "value": address},
        {"name": "subnetId", "value": "subnet-0123456789abcdef0"},
    ]
    attachment = {"id": _uuid(made), "type": "eni", "status": "ATTACHED", "details": details}
    base: Json = {
        "taskArn": task,
        "clusterArn": CLUSTER,
        "taskDefinitionArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:task-definition/web:{made.randrange(9)}",
        "launchType": "FARGATE",
        "group": f"service:web-{made.randrange(40)}",
        "attachments": [attachment],
        "containers": [{"name": "web", "image": "web:1", "imageDigest": f"sha256:{made.getrandbits(256):064x}"}],
        "startedAt": "2026-11-05T08:40:10.2Z",
    }
    for version, status in ((3, "RUNNING"), (6, "STOPPED")):
        detail = base | {"lastStatus": status, "desiredStatus": status, "version": version}
        if status == "STOPPED":
            detail |= {"stoppedAt": f"{stopped}.2Z", "stoppingAt": f"{stopping}.2Z"}
        yield {
            "version": "0",
            "id": _uuid(made),
            "detail-type": "ECS Task State Change",
            "source": "aws.ecs",
            "account": ACCOUNT,
            "time": "2026-11-05T08:40:12Z" if version == 3 else f"{told}Z",
            "region": REGION,
            "resources": [task],
            "detail": detail,
        }


def _launched(card: tuple[str, str, str], made: random.Random) -> Json:
    eni, address, place = card
    attached = {
        "attachmentId": f"eni-attach-0{made.getrandbits(64):016x}",
        "deviceIndex": 0,
        "deleteOnTermination": True,
    }
    interface = {
        "networkInterfaceId": eni,
        "privateIpAddress": address,
        "vpcId": "vpc-0123456789abcdef0",
        "attachment": attached,
    }
    item = {"instanceId": place.split()[1], "imageId": "ami-1", "networkInterfaceSet": {"items": [interface]}}
    return _call(_EC2, "ec2", "RunInstances", "2026-11-05T08:30:00Z", {}, {"instancesSet": {"items": [item]}}, made)


def _mints(tasks: list[tuple[str, str, str]], hosts: list[tuple[str, str, str]], made: random.Random) -> Iterator[Json]:
    for number in range(KEYS):
        service, name = (
            ("ecs-tasks", _task(tasks[number % len(tasks)])) if number % 2 else ("ec2", _host(hosts, number))
        )
        who = {"type": "AWSService", "invokedBy": f"{service}.amazonaws.com"}
        ask = {"roleArn": f"arn:aws:iam::{ACCOUNT}:role/service-role/role-{number % 211}", "roleSessionName": name}
        key = {"accessKeyId": f"ASIAEXAMPLE{number:09d}", "expiration": "Nov 5, 2026, 11:40:02 PM"}
        yield _call(who, "sts", "AssumeRole", "2026-11-05T08:45:00Z", ask, {"credentials": key}, made)


def _host(hosts: list[tuple[str, str, str]], number: int) -> str:
    return hosts[number % len(hosts)][2].split()[1]


def _call(who: Json, service: str, name: str, time: str, ask: Json, answer: Json, made: random.Random) -> Json:
    return {
        "eventVersion": "1.11",
        "userIdentity": who,
        "eventTime": time,
        "eventSource": f"{service}.amazonaws.com",
        "eventName": name,
        "awsRegion": REGION,
        "sourceIPAddress": who["invokedBy"],
        "userAgent": who["invokedBy"],
        "requestParameters": ask,
        "responseElements": answer,
        "eventID": _uuid(made),
        "eventType": "AwsApiCall",
        "recipientAccountId": ACCOUNT,
    }


def _uuid(made: random.Random) -> str:
    text = f"{made.getrandbits(128):032x}"
    return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))


def _write(path: Path, records: list[Json], *, lines: bool) -> None:
    body = "\n".join(map(json.dumps, records)) if lines else json.dumps({"Records": records})
    with igzip.open(path, "wb", compresslevel=2) as out:
        out.write(body.encode())

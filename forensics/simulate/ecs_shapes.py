"""Bodies of ECS's records: state changes of tasks and container instances, and the API calls that make and end tasks.

Source: Amazon ECS task state change events; EventBridge schema of ECS API calls; real CreateNetworkInterface records.
"""

from forensics.simulate.containers import EXECUTION_ENDS, Definition, Host, Task, ecs_arn
from forensics.simulate.world import ACCOUNT, REGION, Ids, Interface, Json, iso_ms

ATTACHMENTS = {"PROVISIONING": "PRECREATED", "DEPROVISIONING": "DETACHING", "STOPPED": "DELETED"}
"""Status of a task's interface by the task's, where it is not ATTACHED."""


def attachment(task: Task, *, made: bool, kind: str = "eni", status: str = "ATTACHED") -> list[Json]:
    """The task's attachments, Service Connect first; before `made` the interface has no id yet."""
    card = task.interface
    if card is None:
        return []
    details = [{"name": "subnetId", "value": card.subnet_id}]
    if made:
        details += [
            {"name": "networkInterfaceId", "value": card.interface_id},
            {"name": "macAddress", "value": "0a:11:22:33:44:55"},
            {"name": "privateDnsName", "value": f"ip-{card.private_ip.replace('.', '-')}.ec2.internal"},
            {"name": "privateIPv4Address", "value": card.private_ip},
        ]
    own = {"id": task.attachment_id, "type": kind, "status": status, "details": details}
    mesh = {"id": f"{task.attachment_id[:-4]}0000", "type": "Service Connect", "status": "ATTACHED", "details": []}
    return [mesh, own] if task.service else [own]


def state_change(task: Task, status: str, version: int, *, made: bool, code: str = "") -> Json:
    """`detail` of a task's state change; `code` is why it stopped."""
    card, definition = task.interface, task.definition
    desired = "STOPPED" if code else "RUNNING"
    detail: Json = {
        "attachments": attachment(task, made=made, status=ATTACHMENTS.get(status, "ATTACHED")),
        "availabilityZone": f"{REGION}a",
        "clusterArn": ecs_arn("cluster", task.cluster),
        "connectivity": "CONNECTED",
        "containers": [_container(task, place, status, card) for place in range(len(definition.containers))],
        "cpu": "256",
        "memory": "512",
        "createdAt": iso_ms(task.created * 1000 + 100),
        "desiredStatus": desired,
        "enableExecuteCommand": False,
        "group": task.group,
        "launchType": task.launch,
        "lastStatus": status,
        "overrides": {"containerOverrides": [{"name": each.name} for each in definition.containers]},
        "taskArn": task.arn,
        "taskDefinitionArn": definition.arn,
        "startedBy": task.started_by,
        "version": version,
    }
    if task.host:
        detail["containerInstanceArn"] = task.host.arn
    if status in ("RUNNING", "DEPROVISIONING", "STOPPED"):
        detail["pullStartedAt"] = iso_ms(task.created * 1000 + 10_300)
        detail["startedAt"] = iso_ms(task.started * 1000 + 200)
    return detail | (_ending(task, status, code) if code and task.stopped else {})


def _ending(task: Task, status: str, code: str) -> Json:
    end = (task.stopped or 0) * 1000
    reasons = {
        "UserInitiated": "Task stopped by user",
        "ServiceSchedulerInitiated": "Scaling activity initiated by deployment",
        "EssentialContainerExited": "Essential container in task exited",
    }
    card: Json = {"stopCode": code, "stoppedReason": reasons.get(code, code), "stoppingAt": iso_ms(end - 31_000)}
    card["executionStoppedAt"] = iso_ms(end - EXECUTION_ENDS * 1000)
    return card | ({"stoppedAt": iso_ms(end)} if status == "STOPPED" else {})


def _container(task: Task, place: int, status: str, card: Interface | None) -> Json:
    each = task.definition.containers[place]
    found: Json = {
        "containerArn": ecs_arn("container", f"{task.cluster}/{task.task_id}/{task.attachment_id}"),
        "name": each.name,
        "image": each.image,
        "lastStatus": "RUNNING" if status == "RUNNING" else "STOPPED" if status == "STOPPED" else "PENDING",
        "taskArn": task.arn,
        "cpu": "0",
    }
    if status != "PROVISIONING":
        found |= {"imageDigest": each.digest, "runtimeId": runtime_id(task, place)}
    if card and status == "RUNNING":
        found["networkInterfaces"] = [{"attachmentId": task.attachment_id, "privateIpv4Address": card.private_ip}]
    return found


def runtime_id(task: Task, place: int) -> str:
    """A container's id: on Fargate the task's and a number, on an instance Docker's."""
    if task.host is None:
        return f"{task.task_id}-{1234567890 + place}"
    return f"{int(task.task_id, 16) * (place + 3):064x}"[-64:]


def host_change(host: Host, status: str, version: int) -> Json:
    """`detail` of a container instance's state change."""
    return {
        "agentConnected": status == "ACTIVE",
        "clusterArn": ecs_arn("cluster", host.cluster),
        "containerInstanceArn": host.arn,
        "ec2InstanceId": host.instance.instance_id,
        "status": status,
        "runningTasksCount": 0,
        "pendingTasksCount": 0,
        "version": version,
        "versionInfo": {"agentVersion": "1.89.0", "dockerVersion": "DockerVersion: 25.0.3"},
    }


def event(ids: Ids, kind: str, detail: Json, *, time_ms: int, resource: str) -> Json:
    """EventBridge's envelope around a detail."""
    return {
        "version": "0",
        "id": ids.uuid(),
        "detail-type": kind,
        "source": "aws.ecs",
        "account": ACCOUNT,
        "time": f"{iso_ms(time_ms)[:19]}Z",
        "region": REGION,
        "resources": [resource],
        "detail": detail,
    }


def run_task(tasks: list[Task], *, public: bool, overrides: Json | None = None) -> tuple[Json, Json]:
    """Of `RunTask`: the attachment is there, its interface is not yet."""
    first = tasks[0]
    card = first.interface
    ask: Json = {
        "cluster": first.cluster,
        "taskDefinition": f"{first.definition.family}:{first.definition.revision}",
        "count": len(tasks),
        "launchType": first.launch,
    }
    if first.started_by:
        ask["startedBy"] = first.started_by
    if card:
        network = {"subnets": [card.subnet_id], "securityGroups": [card.security_group]}
        network["assignPublicIp"] = "ENABLED" if public else "DISABLED"  # type: ignore[assignment]
        ask["networkConfiguration"] = {"awsvpcConfiguration": network}
    if overrides:
        ask["overrides"] = overrides
    return ask, {"tasks": [_started(task) for task in tasks], "failures": []}


def _started(task: Task) -> Json:
    found: Json = {
        "taskArn": task.arn,
        "clusterArn": ecs_arn("cluster", task.cluster),
        "taskDefinitionArn": task.definition.arn,
        "attachments": attachment(task, made=False, kind="ElasticNetworkInterface", status="PRECREATED"),
        "containers": [{"name": each.name, "image": each.image} for each in task.definition.containers],
        "desiredStatus": "RUNNING",
        "lastStatus": "PROVISIONING" if task.host is None else "PENDING",
        "launchType": task.launch,
        "group": task.group,
        "startedBy": task.started_by,
    }
    return found | ({"containerInstanceArn": task.host.arn} if task.host else {})


def register(definition: Definition, **more: object) -> tuple[Json, Json]:
    """Of `RegisterTaskDefinition`; `more` are further members of the definition."""
    roles = {"executionRoleArn": definition.execution_role.arn}
    roles |= {"taskRoleArn": definition.task_role.arn} if definition.task_role else {}
    ask: Json = {
        "family": definition.family,
        "networkMode": definition.mode,
        "containerDefinitions": [
            {"name": each.name, "image": each.image, "essential": True} for each in definition.containers
        ],
    }
    ask |= roles | more
    card = ask | {"taskDefinitionArn": definition.arn, "revision": definition.revision, "status": "ACTIVE"}
    return ask, {"taskDefinition": card}


def interface_card(task: Task, ids: Ids) -> tuple[Json, Json]:
    """Of ECS's `CreateNetworkInterface`: the description names the attachment, and so the task."""
    card = task.interface
    if card is None:
        raise ValueError(f"{task.arn} has no interface of its own")
    description = f"arn:aws:ecs:{REGION}:{ACCOUNT}:attachment/{task.attachment_id}"
    groups = {"items": [{"groupId": card.security_group}]}
    ask = {"subnetId": card.subnet_id, "description": description, "groupSet": groups}
    address = {"privateIpAddress": card.private_ip, "primary": True}
    made: Json = {
        "networkInterfaceId": card.interface_id,
        "subnetId": card.subnet_id,
        "vpcId": card.vpc_id,
        "availabilityZone": f"{REGION}a",
        "description": description,
        "ownerId": ACCOUNT,
        "requesterId": f"{ids.unique('AROA', 10)}:ecs-eni-provisioning",
        "requesterManaged": True,
        "status": "pending",
        "interfaceType": "interface",
        "privateIpAddress": card.private_ip,
        "privateIpAddressesSet": {"item": [address]},
        "groupSet": groups,
        "tagSet": {},
    }
    return ask, {"requestId": ids.uuid(), "networkInterface": made}

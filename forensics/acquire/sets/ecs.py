"""The set for an incident around ECS tasks or clusters."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from forensics.acquire.calls import Call, declarations
from forensics.acquire.sets.chosen import Scopes, Set, asked, declared, images_of, listed, role_of, start, under
from forensics.acquire.step import Wanted
from forensics.aws import Aws
from forensics.errors import UnknownName, UsageError

TASKS, DEFINITION = "ecs:DescribeTasks", "ecs:DescribeTaskDefinition"
_ARN = re.compile(r"arn:[\w-]+:ecs:[\w-]+:\d{12}:task/(?:([\w-]+)/)?([0-9a-f-]{32,36})")
_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CLUSTER = re.compile(r"(?:arn:[\w-]+:ecs:[\w-]+:\d{12}:cluster/)?([\w-]{1,255})")


def cluster(said: str) -> str:
    """The name of a cluster given by name or ARN. Raises UsageError."""
    if not (found := _CLUSTER.fullmatch(said)):
        raise UsageError(f"{said!r} is no name of a cluster: give its name or ARN")
    return found.group(1)


def task(said: str, clusters: Sequence[str]) -> tuple[str, str]:
    """Cluster and id of a task. Raises UsageError where that is no task, or its cluster is not known."""
    known = [cluster(name) for name in clusters]
    found = _ARN.fullmatch(said)
    if found and found.group(1):
        return found.group(1), found.group(2)
    if (found or _ID.fullmatch(said)) and len(known) == 1:
        return known[0], said.rpartition("/")[2]
    raise UsageError(f"{said!r} does not say which task it is: give its ARN, or its id and --cluster")


def _calls(wanted: Wanted) -> list[Call]:
    found: list[Call] = []
    for name, identifier in (task(said, wanted.clusters) for said in wanted.tasks):
        found += [start("ecs", "DescribeTasks", cluster=name, tasks=[identifier])]
        found += [start("ecs", "DescribeClusters", clusters=[name])]
    if not wanted.tasks:
        for name in map(cluster, wanted.clusters):
            found += _whole(name)
    return [*found, *_around()]


def _whole(name: str) -> list[Call]:
    """All of a cluster; tasks that have stopped first."""
    lists = [item for item in declarations() if item.parent == "ecs:ListClusters" and item.operation.startswith("List")]
    states = [dict(item.parameters or {}) for item in lists]
    begun = [start("ecs", item.operation, **state, cluster=name) for item, state in zip(lists, states, strict=True)]
    rest = ("DescribeTasks", "DescribeServices", "DescribeContainerInstances")
    return [
        *begun,
        start("ecs", "DescribeClusters", clusters=[name]),
        *(declared("ecs", operation) for operation in rest),
        under("ecs:DescribeServices", "ecs", "DescribeTaskDefinition", taskDefinition="taskDefinition"),
    ]


def _around() -> list[Call]:
    interfaces = "attachments[].details[] | [?name=='networkInterfaceId'].value"
    logs = "containerDefinitions[].logConfiguration.options"
    instance = "[{Name: 'instance-id', Values: [ec2InstanceId]}]"
    return [
        declared("ecs", "DescribeTaskDefinition"),
        under(TASKS, "ec2", "DescribeNetworkInterfaces", over=interfaces, Filters=_filter("network-interface-id")),
        under("ec2:DescribeNetworkInterfaces", "ec2", "DescribeSecurityGroups", GroupIds="Groups[].GroupId"),
        under(
            TASKS,
            "ecs",
            "DescribeContainerInstances",
            cluster="clusterArn",
            containerInstances="containerInstanceArn",
        ),
        under("ecs:DescribeContainerInstances", "ec2", "DescribeInstances", Filters=f"ec2InstanceId && {instance}"),
        *images_of(TASKS, over="containers", image="image", digest="imageDigest"),
        *role_of(DEFINITION, "taskRoleArn"),
        *role_of(DEFINITION, "executionRoleArn"),
        *role_of(TASKS, "overrides.taskRoleArn"),
        start("ec2", "DescribeFlowLogs"),
        under(DEFINITION, "logs", "DescribeLogGroups", over=logs, logGroupNamePrefix='"awslogs-group"'),
        declared("logs", "DescribeSubscriptionFilters"),
    ]


def _filter(name: str) -> str:
    return f"[{{Name: '{name}', Values: [value]}}]"


def _check(aws: Aws, regions: Sequence[str], wanted: Wanted) -> Iterator[str]:
    tasks = [task(said, wanted.clusters) for said in wanted.tasks]
    for name in dict.fromkeys([*(name for name, _ in tasks), *map(cluster, wanted.clusters)]):
        answers = [asked(aws, "ecs", "DescribeClusters", region=region, clusters=[name]) for region in regions]
        if all(answer is None or (answer and not answer.get("clusters")) for answer in answers):
            known = listed(aws, "ecs", "ListClusters", regions=regions, path="clusterArns")
            advice = f"looked for in {', '.join(regions[:5])}{' …' if len(regions) > 5 else ''}: --regions names others"
            raise UnknownName("ECS cluster", name, known, advice=advice)
    for name, identifier in tasks:
        given = {"cluster": name, "tasks": [identifier]}
        answers = [asked(aws, "ecs", "DescribeTasks", region=region, **given) for region in regions]
        if all(answer is None or (answer and not answer.get("tasks")) for answer in answers):
            yield (
                f"ECS does not know the task {identifier} any more: it keeps stopped ones for about an hour;"
                f" --cluster {name} without --task collects what is left of the cluster"
            )


def _scopes(wanted: Wanted) -> Scopes:
    tasks = [task(said, wanted.clusters) for said in wanted.tasks]
    names = dict.fromkeys([*(name for name, _ in tasks), *map(cluster, wanted.clusters)])
    clusters = [f"arn:*:ecs:*:*:cluster/{name}" for name in names]
    of_tasks = [f"arn:*:ecs:*:*:task/{name}/{rest}" for name, rest in tasks or ((name, "*") for name in names)]
    return {"ecs:DescribeClusters": clusters, "ecs:DescribeTasks": of_tasks}


SET = Set(
    "ecs",
    "tasks, stopped ones first, with definitions, images, roles, interfaces, clusters and log groups",
    calls=_calls,
    steps=("guardduty-findings",),
    records=("lookup-events",),
    needs=("tasks", "clusters"),
    check=_check,
    scopes=_scopes,
)

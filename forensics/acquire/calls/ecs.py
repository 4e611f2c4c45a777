"""ECS: clusters, services, tasks (stopped ones are gone within the hour), task definitions; Amazon ECS API Reference."""

from functools import partial

from forensics.acquire.calls.call import Call
from forensics.acquire.calls.redact import values

_of_cluster = partial(Call, "ecs", for_each="ListClusters", given={"cluster": "value"})
_tasks = partial(_of_cluster, "ListTasks", "taskArns", "AWS::ECS::Task", resource_id="@", arn="@", urgent=True)
_DEFINITION = Call(
    "ecs",
    "DescribeTaskDefinition",
    "taskDefinition",
    "AWS::ECS::TaskDefinition",
    resource_id="taskDefinitionArn",
    arn="taskDefinitionArn",
    name="family",
    created="registeredAt",
    for_each="DescribeTasks",
    given={"taskDefinition": "taskDefinitionArn"},
    about="taskDefinition",
    redact=values,
)

CALLS = (
    Call("ecs", "ListClusters", "clusterArns", "AWS::ECS::Cluster", resource_id="@", arn="@", urgent=True),
    Call(
        "ecs",
        "DescribeClusters",
        "clusters",
        "AWS::ECS::Cluster",
        resource_id="clusterArn",
        arn="clusterArn",
        name="clusterName",
        for_each="ListClusters",
        given={"clusters": "value"},
        batch=100,
        parameters={"include": ["SETTINGS", "CONFIGURATIONS", "STATISTICS", "TAGS"]},
    ),
    _tasks(parameters={"desiredStatus": "STOPPED"}),
    _tasks(parameters={"desiredStatus": "RUNNING"}),
    Call(
        "ecs",
        "DescribeTasks",
        "tasks",
        "AWS::ECS::Task",
        resource_id="taskArn",
        arn="taskArn",
        name="group",
        created="createdAt",
        for_each="ListTasks",
        given={"cluster": "_request.cluster", "tasks": "value"},
        batch=100,
        parameters={"include": ["TAGS"]},
        redact=values,
        urgent=True,
    ),
    _DEFINITION,
    _of_cluster("ListServices", "serviceArns", "AWS::ECS::Service", resource_id="@", arn="@"),
    Call(
        "ecs",
        "DescribeServices",
        "services",
        "AWS::ECS::Service",
        resource_id="serviceArn",
        arn="serviceArn",
        name="serviceName",
        created="createdAt",
        for_each="ListServices",
        given={"cluster": "_request.cluster", "services": "value"},
        batch=10,
        parameters={"include": ["TAGS"]},
    ),
    _of_cluster(
        "ListContainerInstances",
        "containerInstanceArns",
        "AWS::ECS::ContainerInstance",
        resource_id="@",
        arn="@",
        urgent=True,
    ),
    Call(
        "ecs",
        "DescribeContainerInstances",
        "containerInstances",
        "AWS::ECS::ContainerInstance",
        resource_id="containerInstanceArn",
        arn="containerInstanceArn",
        name="ec2InstanceId",
        created="registeredAt",
        for_each="ListContainerInstances",
        given={"cluster": "_request.cluster", "containerInstances": "value"},
        batch=100,
        urgent=True,
    ),
)

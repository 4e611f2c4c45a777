"""ECS events of EventBridge: when a task or container instance changed, with its interfaces, images and why it stopped."""

from collections.abc import Mapping
from typing import Any

from forensics.source import About, BlindSpot, Column, EventMap, Source

_KINDS = frozenset(
    {
        "ECS Task State Change",
        "ECS Container Instance State Change",
        "ECS Deployment State Change",
        "ECS Service Action",
    }
)

COLUMNS = (
    Column("id", doc="EventBridge's id of the event; a repeated delivery has the same.", unique=True),
    Column("detail-type", doc="ECS Task State Change, ECS Container Instance State Change…"),
    Column("account", doc="Account of the cluster."),
    Column("time", "TIMESTAMP", "When the event was made."),
    Column("region", doc="Region of the cluster."),
    Column("resources", "JSON", "ARNs the event is about.", name="event_resources"),
    Column("detail", "JSON", "The event, whole."),
    Column("detail.taskArn", doc="Task.", name="task_arn"),
    Column("detail.clusterArn", doc="Cluster.", name="cluster_arn"),
    Column("detail.taskDefinitionArn", doc="Task definition and its revision.", name="task_definition_arn"),
    Column("detail.containerInstanceArn", doc="Container instance; NULL on Fargate.", name="container_instance_arn"),
    Column("detail.ec2InstanceId", doc="EC2 instance of a container instance.", name="ec2_instance_id"),
    Column("detail.group", doc="service:NAME or family:NAME.", name="task_group"),
    Column(
        "detail.launchType",
        doc="EC2, FARGATE, EXTERNAL, MANAGED_INSTANCES; NULL with a capacity provider.",
        name="launch_type",
    ),
    Column("detail.capacityProviderName", doc="Capacity provider the task runs on.", name="capacity_provider_name"),
    Column("detail.availabilityZone", doc="Availability Zone of the task.", name="availability_zone"),
    Column("detail.lastStatus", doc="Status as last known: PROVISIONING… RUNNING… STOPPED.", name="last_status"),
    Column("detail.desiredStatus", doc="Status the task shall have.", name="desired_status"),
    Column("detail.createdAt", "TIMESTAMP", "When the task was made.", name="created_at"),
    Column("detail.pullStartedAt", "TIMESTAMP", "When the first image was pulled.", name="pull_started_at"),
    Column("detail.startedAt", "TIMESTAMP", "When the task ran.", name="started_at"),
    Column("detail.stoppingAt", "TIMESTAMP", "When the task was told to stop.", name="stopping_at"),
    Column("detail.executionStoppedAt", "TIMESTAMP", "When the last container stopped.", name="execution_stopped_at"),
    Column("detail.stoppedAt", "TIMESTAMP", "When the task was gone.", name="stopped_at"),
    Column("detail.stopCode", doc="TaskFailedToStart, EssentialContainerExited, UserInitiated…", name="stop_code"),
    Column(
        "detail.stoppedReason",
        doc="Why it stopped, in words; of StopTask what the caller wrote.",
        name="stopped_reason",
    ),
    Column(
        "detail.startedBy",
        doc="Who started the task: a deployment, or what the caller of RunTask wrote.",
        name="started_by",
    ),
    Column("detail.enableExecuteCommand", "BOOLEAN", "Whether ECS Exec was allowed.", name="enable_execute_command"),
    Column("detail.version", "BIGINT", "Grows with every change: events may come out of order.", name="state_version"),
    Column(
        "detail.containers",
        "JSON",
        "Containers: name, image, image digest, runtime id, addresses, exit code.",
        name="containers",
    ),
    Column("detail.attachments", "JSON", "Attachments: interfaces, Service Connect, volumes.", name="attachments"),
    Column("detail.overrides", "JSON", "What the caller changed: commands, environment, roles.", name="overrides"),
    Column("detail.eventName", doc="Of a deployment or service event: what happened.", name="event_name"),
    Column("detail.reason", doc="Of a deployment or service event: why.", name="reason"),
)


def _detail(name: str) -> str:
    """SQL: a detail of the attachment that is an interface."""
    return f"""(list_filter(CAST(json_extract(list_filter(CAST(json_extract(s.attachments, '$[*]') AS JSON[]),
      lambda a: a->>'$.type' IN ('eni', 'ElasticNetworkInterface'))[1], '$.details[*]') AS JSON[]),
      lambda d: d->>'$.name' = '{name}')[1])->>'$.value'"""


def claims(record: Mapping[str, Any]) -> bool:
    """An event of ECS in EventBridge's envelope."""
    return record.get("source") == "aws.ecs" and str(record.get("detail-type")) in _KINDS and "detail" in record


SOURCE = Source(
    name="ecs_event",
    title="ECS task, container instance, deployment and service events",
    reference="Amazon ECS task state change events",
    columns=COLUMNS,
    event=EventMap(
        unique=True,
        columns={
            "event_id": "coalesce(nullif(s.id, ''), s.object_id || '/' || s.record)",
            "time": "s.time",
            "account_id": "s.account",
            "region": "s.region",
            "action": "'ecs:' || coalesce(replace(replace(s.detail_type, 'ECS ', ''), ' ', ''), 'Event')",
            "resources": """list_distinct(list_filter(
      list_concat([s.task_arn, s.cluster_arn, s.task_definition_arn, s.container_instance_arn, s.network_interface_id],
        json_extract_string(s.event_resources, '$[*]')), lambda r: r IS NOT NULL))""",
            "source_ip": "s.private_ip",
            "outcome": "CASE WHEN s.stop_code IN ('TaskFailedToStart', 'EssentialContainerExited') THEN 'error' END",
            "summary": """coalesce(s.detail_type, 'ECS event') || coalesce(' ' || s.last_status, ' ' || s.event_name, '')
      || coalesce(' of ' || coalesce(s.task_arn, s.container_instance_arn), '')
      || coalesce(', ' || s.stop_code, '') || coalesce(': ' || coalesce(s.stopped_reason, s.reason), '')""",
        },
    ),
    about=About(
        recognised="EventBridge's envelope with source aws.ecs",
        delivered="EventBridge only: a rule must send the events somewhere (CloudWatch Logs, S3, SQS…)",
        delay="seconds; may come out of order or twice",
        minutes=5,
        organisation="through an event bus of another account; account is the cluster's",
        cannot_show=(
            BlindSpot("workload", "Anything, where no rule kept the events: nothing stores them by default."),
            BlindSpot("workload", "What ran inside a container, and who started an ECS Exec session (see CloudTrail)."),
        ),
    ),
    claims=claims,
    required=("detail",),
    in_streams=True,
    derived=(
        ("network_interface_id", "VARCHAR", _detail("networkInterfaceId")),
        ("private_ip", "VARCHAR", _detail("privateIPv4Address")),
        ("image_digests", "VARCHAR[]", "json_extract_string(s.containers, '$[*].imageDigest')"),
    ),
    account="s.account",
    region="s.region",
)

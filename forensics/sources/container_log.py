"""Container logs: what containers of ECS, EKS and Docker wrote, by task, pod and container."""

import re
from collections.abc import Mapping
from typing import Any

from forensics.jsons import parsed, written
from forensics.source import About, Column, EventMap, LogStream, Source

COLUMNS = (
    Column("owner", doc="Account of the log group."),
    Column("logGroup", doc="Log group, often /ecs/FAMILY or /aws/containerinsights/CLUSTER/application."),
    Column("logStream", doc="Of the awslogs driver PREFIX/CONTAINER/TASK_ID, or the Docker id."),
    Column("id", doc="CloudWatch Logs' id of the event, unique.", unique=True),
    Column("timestamp", "TIMESTAMP", "Set by the sender.", epoch="ms"),
    Column("ingestionTime", "TIMESTAMP", "Set by AWS; not in every container.", epoch="ms"),
    Column("message", doc="The line that the container wrote; of a JSON record its log or message.", unique=True),
    Column("time", "TIMESTAMP", "Time in the record, as the log driver or shipper set it."),
    Column("stream", doc="stdout or stderr."),
    Column("partial", doc="P: a line goes on in the next record; F: it ends here."),
    Column("taskId", doc="ECS task, from the stream's name or the task's ARN."),
    Column("taskArn", doc="ECS task, where the record names it."),
    Column("taskDefinition", doc="ECS task definition and revision."),
    Column("clusterName", doc="ECS or EKS cluster."),
    Column("containerName", doc="Container."),
    Column("containerId", doc="Docker or containerd id; on Fargate the task's id and a number."),
    Column("containerImage", doc="Image as named."),
    Column("containerImageDigest", doc="Image with its digest."),
    Column("podName", doc="Kubernetes pod."),
    Column("namespaceName", doc="Kubernetes namespace."),
    Column("podId", doc="Kubernetes uid of the pod."),
    Column("podIp", doc="Address of the pod."),
    Column("nodeName", doc="Kubernetes node."),
    Column("ec2InstanceId", doc="EC2 instance, where the shipper names it.", name="ec2_instance_id"),
    Column("kubernetes", "JSON", "Kubernetes metadata whole, labels and annotations included."),
)

_TASK = r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_AWSLOGS = re.compile(rf"^(?P<prefix>.+)/(?P<container>[A-Za-z0-9_-]{{1,255}})/(?P<task>{_TASK})$")
_EXPORTED = re.compile(r"^(?P<prefix>.+)-(?P<container>[A-Za-z0-9_]{1,255})-(?P<task>[0-9a-f]{32})$")
_DOCKER = re.compile(r"^[0-9a-f]{64}$")
_POD = re.compile(
    r"var\.log\.containers\.(?P<pod>[^_]+)_(?P<namespace>[^_]+)_(?P<container>.+)-(?P<id>[0-9a-f]{64})\.log$"
)
_INSIGHTS = re.compile(r"^/aws/containerinsights/(?P<cluster>[^/]+)/(?:application|dataplane)$")
_ROUTED = re.compile(r"^from-(?:fluent-bit|fluentd)-")
_ARN = re.compile(r"^arn:[^:]+:ecs:[^:]*:\d{12}:task/(?:[^/]+/)?(?P<task>[^/]+)$")


def _of_stream(stream: LogStream) -> dict[str, Any]:
    """What a stream's name says of the container behind it."""
    name = stream.log_stream or ""
    found: dict[str, Any] = {}
    if insights := _INSIGHTS.match(stream.log_group or ""):
        found["clusterName"] = insights["cluster"]
    if parts := _AWSLOGS.match(name) or _EXPORTED.match(name):
        found |= {"containerName": parts["container"], "taskId": parts["task"]}
    elif _DOCKER.match(name):
        found["containerId"] = name
    elif pod := _POD.search(name):
        found |= {"podName": pod["pod"], "namespaceName": pod["namespace"]}
        found |= {"containerName": pod["container"], "containerId": pod["id"]}
    return found


def claims_stream(stream: LogStream, message: str) -> bool:
    """A stream that is named after a container, or one that a log router of ECS or EKS writes to."""
    group, name = stream.log_group or "", stream.log_stream or ""
    if group.startswith(("/aws/lambda/", "/aws/eks/", "/aws/rds/")):
        return False
    named = _AWSLOGS.match(name) or _DOCKER.match(name) or _POD.search(name) or _ROUTED.match(name)
    return bool(named or _INSIGHTS.match(group) or (stream.log_group is None and _EXPORTED.match(name)))


def claims(record: Mapping[str, Any]) -> bool:
    """A record of Docker's json-file driver, of FireLens, or of Fluent Bit or Fluentd with its container named."""
    if "eventVersion" in record or not any(name in record for name in _TEXTS):
        return False
    docker = isinstance(record.get("log"), str) and record.get("stream") in ("stdout", "stderr") and "time" in record
    named = {"container_id", "container_name", "ecs_task_arn", "ecs_cluster"} & record.keys()
    return docker or bool(named) or isinstance(record.get("kubernetes"), dict) or isinstance(record.get("docker"), dict)


_TEXTS = ("log", "message", "msg", "event", "line", "MESSAGE")
_PLAIN = {
    "source": "stream",
    "container_id": "containerId",
    "container_name": "containerName",
    "image_name": "containerImage",
    "ecs_task_arn": "taskArn",
    "ecs_task_definition": "taskDefinition",
    "ecs_cluster": "clusterName",
    "ec2_instance_id": "ec2InstanceId",
    "_p": "partial",
    "logtag": "partial",
    "cluster_name": "clusterName",
}
_OF_POD = {
    "pod_name": "podName",
    "namespace_name": "namespaceName",
    "pod_id": "podId",
    "pod_ip": "podIp",
    "host": "nodeName",
    "container_name": "containerName",
    "docker_id": "containerId",
    "container_image": "containerImage",
    "container_hash": "containerImageDigest",
}
_FIELDS = frozenset(column.field for column in COLUMNS)
_TIMES = ("time", "@timestamp", "timestamp", "date")


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record as this source declares it; what it does not know stays beside, for `unmapped`."""
    if "podName" in record or "containerName" in record:
        return record
    rest = dict(record)
    found: dict[str, Any] = {_PLAIN[name]: rest.pop(name) for name in list(rest) if name in _PLAIN}
    text = next((name for name in _TEXTS if name in rest), None)
    if text is not None:
        held = rest.pop(text)
        found["message"] = held if isinstance(held, str) else written(held)
    when = next((name for name in _TIMES if isinstance(rest.get(name), str | int | float)), None)
    if when is not None:
        found["time"] = _moment(rest.pop(when))
    if isinstance(pod := rest.get("kubernetes"), Mapping):
        found |= {field: pod[name] for name, field in _OF_POD.items() if isinstance(pod.get(name), str)}
    if isinstance(docker := rest.get("docker"), Mapping) and isinstance(docker.get("container_id"), str):
        found["containerId"] = docker["container_id"]
    if isinstance(arn := found.get("taskArn"), str) and (parts := _ARN.match(arn)):
        found["taskId"] = parts["task"]
    kept = {name: held for name, held in rest.items() if name in ("stream", "kubernetes")}
    others = {name if name not in _FIELDS else f"{name} ": held for name, held in rest.items() if name not in kept}
    return others | kept | found


def _moment(held: Any) -> Any:
    """A time as ISO 8601 to the microsecond: shippers write nanoseconds, and epoch seconds as numbers."""
    if isinstance(held, str):
        return re.sub(r"(\.\d{6})\d+", r"\1", held)
    return _iso(float(held) if held < 1e11 else held / 1000)


def _iso(seconds: float) -> Any:
    from datetime import UTC, datetime

    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return seconds


def parse_message(stream: LogStream, message: str) -> Mapping[str, Any]:
    """What the stream's name says, and what a record of a log router says in its JSON."""
    found = _of_stream(stream)
    if not message.startswith("{"):
        return found
    held = parsed(message)
    if not isinstance(held, dict) or not claims(held):
        return found
    said = {name: text for name, text in reshape(held).items() if name in _FIELDS and name != "message"}
    return found | {name: written(text) if isinstance(text, dict | list) else text for name, text in said.items()}


SOURCE = Source(
    name="container_log",
    title="Container logs of ECS, EKS and Docker",
    reference="Send Amazon ECS logs to CloudWatch",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "coalesce(s.time, s.timestamp)",
            "account_id": "coalesce(nullif(regexp_extract(s.task_arn, '^arn:[^:]*:ecs:[^:]*:([0-9]{12}):', 1), ''), s.owner, e.account_id)",
            "region": "coalesce(nullif(regexp_extract(s.task_arn, '^arn:[^:]*:ecs:([^:]*):', 1), ''), e.region)",
            "action": "'container:' || coalesce(s.stream, 'log')",
            "resources": """list_filter([coalesce(s.task_arn, s.task_id),
      CASE WHEN s.pod_name IS NOT NULL THEN coalesce(s.namespace_name || '/', '') || s.pod_name END,
      s.container_id, s.log_group, s.log_stream], lambda r: r IS NOT NULL)""",
            "source_ip": "s.pod_ip",
            "summary": "coalesce(s.container_name || ': ', '') || left(s.message, 300)",
        },
    ),
    about=About(
        recognised="streams PREFIX/CONTAINER/TASK_ID, Docker ids, Container Insights; records of FireLens, Fluent Bit, Docker",
        delivered="CloudWatch Logs (awslogs, Fluent Bit); S3 and Firehose (FireLens, Fluentd, Logstash)",
        delay="seconds; a non-blocking driver drops lines under load",
        organisation="by centralisation or subscription; owner of the log group is the account",
        cannot_show=(
            "What a container did without writing it to its standard output.",
            "Commands of an interactive shell; ECS Exec and kubectl exec have logs of their own.",
            "Truth: a container writes what it likes, times and names included.",
        ),
    ),
    claims=claims,
    claims_stream=claims_stream,
    parse_message=parse_message,
    reshape=reshape,
    required=("message",),
    account="s.owner",
)

"""Container logs: what containers of ECS, EKS and Docker wrote, by task, pod and container."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from forensics.jsons import parsed, written
from forensics.source import About, BlindSpot, Column, EventMap, LineFormat, LogStream, Source

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
_NAME = r"[A-Za-z0-9_-]{1,255}"
_AWSLOGS = re.compile(rf"^.+/(?P<container>{_NAME})/(?P<task>{_TASK})$")
_EXPORTED = re.compile(rf"^(?P<names>.+-[A-Za-z0-9_][A-Za-z0-9_-]{{0,254}})-(?P<task>{_TASK})$")
_FIRELENS = re.compile(rf"^(?:.*/|from-fluent-bit-?)?(?P<container>{_NAME})-firelens-(?P<task>{_TASK})$")
_DOCKER = re.compile(r"^[0-9a-f]{64}$")
_POD = re.compile(
    r"var\.log\.containers\.(?P<pod>[^_]{1,300})_(?P<namespace>[^_]{1,300})_(?P<container>.{1,300})-(?P<id>[0-9a-f]{64})\.log$"
)
_INSIGHTS = re.compile(r"^/aws/containerinsights/(?P<cluster>[^/]+)/(?:application|dataplane)$")
_ROUTED = re.compile(r"^from-(?:fluent-bit|fluentd)-")
_CONTROL_PLANE = re.compile(
    r"^(?:kube-(?:apiserver(?:-audit)?|scheduler|controller-manager)|cloud-controller-manager|authenticator)-[0-9a-f]+$"
)
_OTHERS = re.compile(r"^/aws/(?:lambda|eks|rds)/|^/aws/containerinsights/[^/]+/(?:host|performance)$")
_ARN = re.compile(r"^arn:[^:]+:ecs:[^:]*:\d{12}:task/(?:[^/]+/)?(?P<task>[^/]+)$")
_CRI = re.compile(
    r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)) (?P<stream>stdout|stderr)"
    r" (?P<partial>[FP])(?::\S*)? (?P<message>.*)$",
    re.DOTALL,
)
"""A line of a container as containerd and CRI-O write it to a file."""


@lru_cache(maxsize=1024)
def _of_stream(stream: LogStream) -> Mapping[str, Any]:
    """What a stream's name says of the container behind it."""
    name = stream.log_stream or ""
    found: dict[str, Any] = {}
    if insights := _INSIGHTS.match(stream.log_group or ""):
        found["clusterName"] = insights["cluster"]
    if (parts := _FIRELENS.match(name)) or _is_awslogs(stream):
        return found | (_of_firelens(name, parts) if parts else _of_awslogs(name))
    if _DOCKER.match(name):
        found["containerId"] = name
    elif pod := _POD.search(name):
        found |= {"podName": pod["pod"], "namespaceName": pod["namespace"]}
        found |= {"containerName": pod["container"], "containerId": pod["id"]}
    return found


def _is_awslogs(stream: LogStream) -> bool:
    """Whether a stream is named by the awslogs driver; in exports to S3 its slashes are hyphens."""
    name = stream.log_stream or ""
    return bool(_AWSLOGS.match(name) or (stream.log_group is None and _EXPORTED.match(name)))


def _of_firelens(name: str, parts: re.Match[str]) -> dict[str, Any]:
    """Task and container of a tag; not the container, where a prefix may stand before it without a slash."""
    container = parts["container"]
    whole = "/" in name or name.startswith("from-fluent-bit") or "-" not in container
    return {"taskId": parts["task"]} | ({"containerName": container} if whole else {})


def _of_awslogs(name: str) -> dict[str, Any]:
    """Task and container of a stream; not the container, where the hyphens of an export may divide elsewhere."""
    if parts := _AWSLOGS.match(name):
        return {"containerName": parts["container"], "taskId": parts["task"]}
    if (found := _EXPORTED.match(name)) is None:
        return {}
    _, *containers = found["names"].split("-")
    return {"taskId": found["task"]} | ({"containerName": containers[0]} if len(containers) == 1 else {})


def claims_stream(stream: LogStream, message: str) -> bool:
    """A stream that is named after a container, or one that a log router of ECS or EKS writes to."""
    group, name = stream.log_group or "", stream.log_stream or ""
    if _OTHERS.match(group) or (stream.log_group is None and _CONTROL_PLANE.match(name)):
        return False
    named = _FIRELENS.match(name) or _DOCKER.match(name) or _POD.search(name) or _ROUTED.match(name)
    return bool(named or _is_awslogs(stream) or _INSIGHTS.match(group))


def claims(record: Mapping[str, Any]) -> bool:
    """A record of Docker's json-file driver, of FireLens, or of Fluent Bit or Fluentd with its container named."""
    if "eventVersion" in record or not any(name in record for name in _TEXTS):
        return False
    text = record.get("log")
    docker = isinstance(text, str) and record.get("stream") in ("stdout", "stderr") and bool(_AT & record.keys())
    named = {"container_id", "container_name", "ecs_task_arn", "ecs_cluster"} & record.keys()
    whole = isinstance(record.get("kubernetes"), dict) or isinstance(record.get("docker"), dict)
    return docker or bool(named) or whole or _cri(record) is not None


_TEXTS = ("log", "message", "msg", "event", "line", "MESSAGE")
_OF_ECS = {
    "container_id": "containerId",
    "container_name": "containerName",
    "image_name": "containerImage",
    "ecs_task_arn": "taskArn",
    "ecs_task_definition": "taskDefinition",
    "ecs_cluster": "clusterName",
}
_PLAIN = {
    "source": "stream",
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
_AT = frozenset(_TIMES)
_LINE = ("time", "stream", "partial", "message")


def _cri(record: Mapping[str, Any]) -> re.Match[str] | None:
    """The line of a container's file that a record holds as it stood there."""
    text = record.get("log", record.get("message"))
    return _CRI.match(text) if isinstance(text, str) and "stream" not in record else None


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record as this source declares it; what it does not know stays beside, for `unmapped`."""
    rest = dict(record)
    found = _of_members(rest)
    if line := _cri(record):
        found |= _of_line(line)
    if isinstance(arn := found.get("taskArn"), str) and (parts := _ARN.match(arn)):
        found["taskId"] = parts["task"]
    kept = {name: held for name, held in rest.items() if name in ("stream", "kubernetes") and name not in found}
    others = {name if name not in _FIELDS else f"{name} ": held for name, held in rest.items() if name not in kept}
    return others | kept | found


def _of_members(rest: dict[str, Any]) -> dict[str, Any]:
    """The fields of a shipper's record, taken out. Where Kubernetes names the container nothing else does.

    Shippers put what a container writes in JSON beside their own members.
    """
    pod = rest.get("kubernetes")
    names = _PLAIN if isinstance(pod, Mapping) else _PLAIN | _OF_ECS
    found: dict[str, Any] = {names[name]: rest.pop(name) for name in list(rest) if name in names}
    if (text := next((name for name in _TEXTS if name in rest), None)) is not None:
        held = rest.pop(text)
        found["message"] = held if isinstance(held, str) else written(held)
    if (when := next((name for name in _TIMES if _is_time(rest.get(name))), None)) is not None:
        found["time"] = _moment(rest.pop(when))
    if isinstance(pod, Mapping):
        found |= {field: pod[name] for name, field in _OF_POD.items() if isinstance(pod.get(name), str)}
    if isinstance(docker := rest.get("docker"), Mapping) and isinstance(docker.get("container_id"), str):
        found["containerId"] = docker["container_id"]
    return found


def _of_line(line: re.Match[str]) -> dict[str, Any]:
    return line.groupdict() | {"time": _moment(line["time"])}


def _is_time(held: Any) -> bool:
    return isinstance(held, str | int | float) and not isinstance(held, bool)


def _moment(held: Any) -> Any:
    """A time as ISO 8601 to the microsecond: shippers write nanoseconds, and epoch seconds as numbers."""
    if isinstance(held, str):
        return re.sub(r"(\.\d{6})\d+", r"\1", held)
    try:
        return datetime.fromtimestamp(held if held < 1e11 else held / 1000, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return str(held)


def split(line: str) -> Sequence[str | None] | None:
    """The fields of a line of a container's file."""
    found = _CRI.match(line)
    return [_of_line(found)[name] for name in _LINE] if found else None


_FORMAT = LineFormat(_LINE, split)


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The layout of a container's file, if most of those lines have it."""
    written_lines = [line for line in lines if line.strip()]
    return _FORMAT if 2 * sum(map(bool, map(_CRI.match, written_lines))) > len(written_lines) else None


def parse_message(stream: LogStream, message: str) -> Mapping[str, Any]:
    """What the stream's name says, and what a log router says in its record; the driver of ECS sends words as they are."""
    found = _of_stream(stream)
    if _is_verbatim(stream):
        return found
    if not message.startswith("{"):
        line = _CRI.match(message)
        return {**_without_message(_of_line(line)), **found} if line else found
    held = parsed(message)
    if not isinstance(held, dict) or not claims(held):
        return found
    said = _without_message(reshape(held))
    if said.get("taskId") != found.get("taskId", said.get("taskId")):
        said.pop("taskArn", None)
    texts = {name: written(text) if isinstance(text, dict | list) else text for name, text in said.items()}
    return {**texts, **found}


@lru_cache(maxsize=1024)
def _is_verbatim(stream: LogStream) -> bool:
    """Whether the messages of a stream are what its container wrote, whatever they look like."""
    name = stream.log_stream or ""
    return not _FIRELENS.match(name) and (_is_awslogs(stream) or _DOCKER.match(name) is not None)


def _without_message(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: text for name, text in said.items() if name in _FIELDS and name != "message"}


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
        minutes=5,
        organisation="by centralisation or subscription; owner of the log group is the account",
        cannot_show=(
            BlindSpot("workload", "What a container did without writing it to its standard output."),
            BlindSpot(
                "workload", "Commands of an interactive shell; ECS Exec and kubectl exec have logs of their own."
            ),
            BlindSpot("workload", "Truth: a container writes what it likes, times and names included."),
            BlindSpot(
                "workload",
                "Reads of credentials from the environment, /proc and the task's or pod's credential endpoint.",
            ),
        ),
    ),
    claims=claims,
    claims_stream=claims_stream,
    parse_message=parse_message,
    reshape=reshape,
    line_format=line_format,
    null="\n",
    required=("message",),
    account="s.owner",
)

"""The ECS container agent's audit log: each fetch of a task's credentials on an EC2 container instance."""

import re
from collections.abc import Sequence

from forensics.jsons import written
from forensics.source import About, BlindSpot, Column, EventMap, LineFormat, LogStream, Source

COLUMNS = (
    Column("time", "TIMESTAMP", "When the credentials were asked for."),
    Column("status", "BIGINT", "HTTP status of the answer: 200 handed the credentials out.", name="http_status"),
    Column("remote_address", doc="Address and port of the container that asked."),
    Column("url_path", doc="Path asked for; the credentials' id is cut off."),
    Column("user_agent", doc="User agent, quotes unescaped; an SDK's, as a rule: curl is a strong lead."),
    Column("task_arn", doc="Task whose credentials were asked for."),
    Column("event_type", doc="GetCredentials, or GetCredentialsExecutionRole."),
    Column("version", doc="Version of the log's format.", name="format_version"),
    Column("cluster", doc="Cluster of the container instance.", name="cluster_name"),
    Column("container_instance_arn", doc="Container instance."),
    Column("@logGroup", doc="Log group, of records from CloudWatch Logs."),
    Column("@logStream", doc="Log stream, as a rule the instance's id."),
    Column("@owner", doc="Account of the log group."),
)
FIELDS = tuple(column.field for column in COLUMNS if not column.field.startswith("@"))

_LINE = re.compile(
    r'(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z) (\d{3}) (\S+) "([^" ]*)" "(.*)" (arn:\S+|-)'
    r" (GetCredentials(?:ExecutionRole)?) (\d+) (\S+) (\S+)(?: (.*))?$"
)


def split(line: str) -> Sequence[str | None] | None:
    """The fields of a line; the user agent may hold quotes, which nothing after it does."""
    found = _LINE.match(line)
    if found is None:
        return None
    *known, extra = found.groups()
    return [*known, written(extra.split()) if extra else None]


_FORMAT = LineFormat((*FIELDS, "unmapped"), split)


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The audit log's layout, if one of those lines has it."""
    return _FORMAT if any(map(_LINE.match, lines)) else None


_GROUP = re.compile(r"/ecs/audit\.log(?:[.-].*)?$")
_INSTANCE = re.compile(r"m?i-[0-9a-f]{8,17}")


def claims_stream(stream: LogStream, message: str) -> bool:
    """A log group named after the file, rotated or not; else an instance's stream that holds a line of the log.

    Streams of a free name that nothing but these lines is in are told by their messages.
    """
    group, name = stream.log_group or "", stream.log_stream or ""
    if _GROUP.search(group):
        return True
    if not _INSTANCE.fullmatch(name) or group.startswith(("/var/log/", "/aws/")):
        return False
    return _LINE.match(message) is not None


SOURCE = Source(
    name="ecs_agent_log",
    title="ECS container agent audit log",
    reference="Viewing IAM role requests for Amazon ECS tasks",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.time",
            "account_id": "coalesce(nullif(regexp_extract(s.task_arn, '^arn:[^:]*:ecs:[^:]*:([0-9]{12}):', 1), ''), s.owner, e.account_id)",
            "region": "coalesce(nullif(regexp_extract(s.task_arn, '^arn:[^:]*:ecs:([^:]*):', 1), ''), e.region)",
            "action": "'ecs-agent:' || coalesce(s.event_type, 'GetCredentials')",
            "resources": "list_filter([s.task_arn, s.container_instance_arn], lambda r: r IS NOT NULL)",
            "source_ip": "s.remote_ip",
            "outcome": """CASE
      WHEN s.http_status IN (401, 403) THEN 'denied'
      WHEN s.http_status BETWEEN 100 AND 399 THEN 'success'
      WHEN s.http_status IS NOT NULL THEN 'error'
    END""",
            "user_agent": "s.user_agent",
            "summary": """coalesce(s.event_type, 'GetCredentials') || ' of ' || coalesce(s.task_arn, '?')
      || coalesce(' by ' || s.remote_ip, '') || coalesce(' with ' || s.user_agent, '') || coalesce(': ' || s.http_status, '')""",
        },
    ),
    about=About(
        recognised="lines of its layout, in files and in streams of any name; log groups named after /var/log/ecs/audit.log",
        delivered="a file of EC2 container instances, where the CloudWatch agent may send it from",
        delay="seconds, if it is sent at all",
        minutes=5,
        organisation="none; the account is in the task's ARN",
        cannot_show=(
            BlindSpot("workload", "Tasks on Fargate: there is no such log."),
            BlindSpot("workload", "Fetches from an agent whose audit log is switched off, and the process that asked."),
        ),
    ),
    claims_stream=claims_stream,
    line_format=line_format,
    in_streams=True,
    derived=(("remote_ip", "VARCHAR", "nullif(trim(regexp_extract(s.remote_address, '^(.*):[0-9]+$', 1), '[]'), '')"),),
    account="nullif(regexp_extract(s.task_arn, '^arn:[^:]*:ecs:[^:]*:([0-9]{12}):', 1), '')",
)

"""Logs of EC2 hosts: syslog, auth, kernel audit, cloud-init, Session Manager and Run Command, by instance."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from forensics.host_lines import goes_on, known, of_agent, parse
from forensics.host_shipped import fields_of, is_line, moment, odd_time
from forensics.jsons import parsed, written
from forensics.source import About, BlindSpot, Column, EventMap, LineFormat, LogStream, Source
from forensics.sources import ecs_agent_log

COLUMNS = (
    Column("owner", doc="Account of the log group."),
    Column("logGroup", doc="Log group, by default the path of the file."),
    Column("logStream", doc="Log stream, by default the instance's id."),
    Column("id", doc="CloudWatch Logs' id of the event, unique.", unique=True),
    Column(
        "timestamp", "TIMESTAMP", "Set by the sender; of a file without a time format when it was read.", epoch="ms"
    ),
    Column("ingestionTime", "TIMESTAMP", "Set by AWS; not in every container.", epoch="ms"),
    Column("message", doc="The line as written.", unique=True),
    Column(
        "logKind",
        doc="syslog, audit, cloud-init, ecs-agent, session (Session Manager), command (Run Command), image-builder,"
        " metric, shipped (a shipper's record whose line has no form of its own).",
    ),
    Column("time", "TIMESTAMP", "Time in the line or the shipper's record, where it names year and zone, or an epoch."),
    Column("timeText", doc="Time in the line without year and zone, as written: none is made up."),
    Column("hostName", doc="Host as the line names it."),
    Column("instanceId", doc="Instance, where stream or record names it."),
    Column("program", doc="Program that wrote the line."),
    Column("pid", "BIGINT", "Process that wrote the line."),
    Column("level", doc="Level of the line."),
    Column("eventType", doc="Of the kernel's audit log: SYSCALL, EXECVE, USER_LOGIN…", name="event_type"),
    Column("auditSerial", doc="Of the kernel's audit log: the lines of one event share it."),
    Column("userName", doc="User that the line names."),
    Column("runAs", doc="Of sudo and su: user acted as."),
    Column("command", doc="Of sudo and cron: the command."),
    Column("remoteAddress", doc="Address that the line names."),
    Column("outcome", doc="success or denied, where the line says so."),
    Column("filePath", doc="File the line was read from, where a shipper says so."),
    Column("sessionId", doc="Of Session Manager: the session."),
    Column("commandId", doc="Of Run Command: the command."),
)
_FIELDS = frozenset(column.field for column in COLUMNS)

_INSTANCE = re.compile(r"\b(i-[0-9a-f]{8}(?:[0-9a-f]{9})?|mi-[0-9a-f]{17})\b")
_COMMAND = re.compile(
    r"^(?P<command>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})[/-](?P<instance>m?i-[0-9a-f]{8,17})(?:[/-]|$)"
)
_WHO = r"[\w+=,.@-]{1,200}"
_NO_RESOURCE = (
    r"(?![\w+=,.@-]*\b(?:m?i|eni|vol|vpce?|subnet|sg|ami|snap|fs|tgw|attach|nat|igw|rtb|acl|lt|pcx|eipalloc|eipassoc)"
    r"-[0-9a-f]{17}(?:\.log|$))"
)
"""Ids of resources, at the end of a name, have the form of a session's."""
_SESSION_ID = rf"(?:ecs-execute-command-(?:[0-9a-f]{{17}}|[a-z0-9]{{26}})|{_NO_RESOURCE}{_WHO}-0[0-9a-f]{{16}})"
_SESSION = re.compile(rf"^{_SESSION_ID}$")
_SESSION_BY_GROUP = re.compile(rf"^{_NO_RESOURCE}{_WHO}-(?:[0-9a-f]{{17}}|[a-z0-9]{{26}})$")
_SSM_GROUP = re.compile(r"ssm|session", re.IGNORECASE)
_PATHS = ("/var/log/", "/aws/ssm/", "/aws/imagebuilder/")
_NODES = re.compile(r"^/aws/containerinsights/[^/]+/host$")
_OTHERS = ("/aws/lambda/", "/aws/eks/", "/aws/containerinsights/")
_SESSION_KEY = re.compile(rf"(?:^|/)(?P<session>{_SESSION_ID})\.log(?:\.gz)?$")
_COMMAND_KEY = re.compile(
    r"(?:^|/)(?P<stream>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/m?i-[0-9a-f]{8,17}/(?:[^/]{1,200}/){1,4}std(?:out|err))(?:\.gz)?$"
)
_FILE_KEY = re.compile(r"(?:^|/)(?P<file>cloud-init-output|ecs-agent)\.log(?:[.-][\w.-]{1,40})?$")
_FILES = {"cloud-init-output": "/var/log/cloud-init-output.log", "ecs-agent": "/var/log/ecs/ecs-agent.log"}
_OF_USERS = ("session", "command")
"""Kinds of streams that hold what people typed and programs answered: nothing in them is a host's own word."""


def stream_of_key(key: str) -> LogStream | None:
    """The stream that the lines of a file would be in, where its key says so: transcripts, output, plain logs."""
    if found := _SESSION_KEY.search(key):
        return LogStream(None, found["session"])
    if found := _COMMAND_KEY.search(key):
        return LogStream(None, found["stream"])
    found = _FILE_KEY.search(key)
    return LogStream(_FILES[found["file"]], None) if found else None


@lru_cache(maxsize=1024)
def _of_stream(stream: LogStream) -> Mapping[str, Any]:
    """What the names of group and stream say of the lines."""
    group, name = stream.log_group or "", stream.log_stream or ""
    if ran := _COMMAND.match(name):
        return {"logKind": "command", "commandId": ran["command"], "instanceId": ran["instance"]}
    if _is_session(group, name):
        return {"logKind": "session", "sessionId": name}
    kind = _kind(group)
    instance = _INSTANCE.search(name)
    return ({"logKind": kind} if kind else {}) | ({"instanceId": instance[1]} if instance else {})


def _kind(group: str) -> str | None:
    if group.startswith("/aws/imagebuilder/"):
        return "image-builder"
    if group.startswith("/var/log/cloud-init"):
        return "cloud-init"
    return "ecs-agent" if _is_agent(group) else None


def _is_agent(group: str) -> bool:
    return group.endswith("/ecs/ecs-agent.log")


def _is_session(group: str, name: str) -> bool:
    """Whether a stream is named after a session; a group that is named after them makes more names such."""
    return bool(_SESSION.match(name) or (_SSM_GROUP.search(group) and _SESSION_BY_GROUP.match(name)))


def claims_stream(stream: LogStream, message: str) -> bool:
    """A stream that is named after an instance, a session or a command, or whose group is a host's file."""
    group, name = stream.log_group or "", stream.log_stream or ""
    if _NODES.match(group):
        return True
    if group.startswith(_OTHERS) or ecs_agent_log.claims_stream(stream, message):
        return False
    return bool(
        _INSTANCE.fullmatch(name) or _COMMAND.match(name) or group.startswith(_PATHS) or _is_session(group, name)
    )


def parse_message(stream: LogStream, message: str) -> Mapping[str, Any]:
    """What the stream's name and the line say; of which instance a line is, a shipper's record says only to others."""
    found = _of_stream(stream)
    if found.get("logKind") in _OF_USERS:
        return found
    if message.startswith("{"):
        said = _of_json(message)
        if "instanceId" in found:
            said["instanceId"] = found["instanceId"]
        return {**found, **said}
    line = parse(message)
    if not line and found.get("logKind") == "ecs-agent":
        line = of_agent(message)
    return {**found, **line}


def _of_json(message: str) -> dict[str, Any]:
    """What a shipper's record says, or a metric: the message itself stays whole."""
    held = parsed(message)
    if not isinstance(held, dict) or not claims(held):
        return {}
    said = _of_metric(held) if _is_metric(held) else fields_of(held)[0]
    return {name: text for name, text in said.items() if name != "message"}


_LINE = (
    "message logKind time timeText hostName program pid level eventType auditSerial userName runAs command remoteAddress outcome"
).split()


def split(line: str) -> Sequence[str | None] | None:
    """The fields of a line of a file."""
    said = parse(line)
    row = [line if name == "message" else said.get(name) for name in _LINE]
    return [None if held is None else str(held) for held in row]


def _continues(line: str) -> bool:
    return not known(line)


_FORMAT = LineFormat(tuple(_LINE), split, continues=_continues)


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The layout of a host's file, if from the first of its forms on most of those lines have one.

    Lines that go on with others are not counted.
    """
    forms = [known(line) for line in lines]
    if True not in forms:
        return None
    first = forms.index(True)
    others = sum(not form and not goes_on(line) for form, line in zip(forms[first:], lines[first:], strict=True))
    return _FORMAT if sum(forms) > others else None


def claims(record: Mapping[str, Any]) -> bool:
    """A record as shippers write it of a host's line, or a metric of EMF."""
    return _is_metric(record) or is_line(record)


def _is_metric(record: Mapping[str, Any]) -> bool:
    held = record.get("_aws")
    return isinstance(held, dict) and "CloudWatchMetrics" in held


def _of_metric(record: Mapping[str, Any]) -> dict[str, Any]:
    stamp = record["_aws"].get("Timestamp")
    return {"message": written(record), "logKind": "metric", "time": moment(stamp) or stamp}


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record as this source declares it, with what its line says; other members stay beside, for `unmapped`."""
    if _is_metric(record):
        return _of_metric(record)
    found, rest = fields_of(record)
    if not found.keys() & {"time", "timeText"}:
        found |= odd_time(rest)
    others = {name if name not in _FIELDS else f"{name} ": held for name, held in rest.items()}
    return others | found


SOURCE = Source(
    name="host_log",
    title="Host logs of EC2: syslog, auth, audit, cloud-init, Session Manager, Run Command",
    reference="Manually create or edit the CloudWatch agent configuration file",
    columns=COLUMNS,
    keys=(_SESSION_KEY.pattern.replace("?P<session>", "?:"), _COMMAND_KEY.pattern.replace("?P<stream>", "?:")),
    event=EventMap(
        evidence=True,
        columns={
            "time": "coalesce(s.time, s.timestamp)",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "e.region",
            "action": "'host:' || coalesce(lower(s.event_type), s.log_kind, 'log')",
            "resources": "list_filter([s.instance_id, s.host_name, s.log_group, s.log_stream], lambda r: r IS NOT NULL)",
            "source_ip": "s.remote_address",
            "outcome": "s.outcome",
            "summary": "left(s.message, 300)",
        },
    ),
    about=About(
        recognised="streams named after instances, sessions or commands; groups /var/log/…; lines of syslog, audit, cloud-init",
        delivered="CloudWatch agent and SSM to CloudWatch Logs; Fluentd, Fluent Bit, Logstash, Splunk to S3; files",
        delay="seconds to minutes, while the agent runs",
        minutes=10,
        organisation="by centralisation or subscription; owner of the log group is the account",
        cannot_show=(
            BlindSpot(
                "workload", "What a process did that wrote no line, and lines deleted before the agent read them."
            ),
            BlindSpot("time", "The year and the zone of a traditional syslog line."),
            BlindSpot("workload", "Truth: whoever has root writes and stops these logs at will."),
        ),
    ),
    claims=claims,
    claims_stream=claims_stream,
    parse_message=parse_message,
    plain_key=stream_of_key,
    null="\n",
    reshape=reshape,
    required=("message", "log_kind"),
    line_format=line_format,
    account="s.owner",
)

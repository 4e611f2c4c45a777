"""Logs of EC2 hosts: syslog, auth, kernel audit, cloud-init, Session Manager and Run Command, by instance."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from forensics.host_lines import AUDIT, CLOUD_INIT, SYSLOG, parse
from forensics.jsons import parsed, written
from forensics.source import About, Column, EventMap, LineFormat, LogStream, Source

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
        doc="syslog, audit, cloud-init, session (Session Manager), command (Run Command), image-builder, metric.",
    ),
    Column("time", "TIMESTAMP", "Time in the line, where it names year and zone, or an epoch."),
    Column("timeText", doc="Time in the line without year and zone, as written: none is made up."),
    Column("hostName", doc="Host as the line names it."),
    Column("instanceId", doc="Instance, where stream or record names it."),
    Column("program", doc="Program that wrote the line."),
    Column("pid", "BIGINT", "Process that wrote the line."),
    Column("level", doc="Level of the line."),
    Column("eventType", doc="Of the kernel's audit log: SYSCALL, EXECVE, USER_LOGIN…", name="event_type"),
    Column("auditSerial", doc="Of the kernel's audit log: the lines of one event share it."),
    Column("userName", doc="User that the line names."),
    Column("runAs", doc="Of sudo: user the command ran as."),
    Column("command", doc="Of sudo: the command."),
    Column("remoteAddress", doc="Address that the line names."),
    Column("outcome", doc="success or denied, where the line says so."),
    Column("filePath", doc="File the line was read from, where a shipper says so."),
    Column("sessionId", doc="Of Session Manager: the session."),
    Column("commandId", doc="Of Run Command: the command."),
)
_FIELDS = frozenset(column.field for column in COLUMNS)

_INSTANCE = re.compile(r"\b(i-[0-9a-f]{8}(?:[0-9a-f]{9})?|mi-[0-9a-f]{17})\b")
_SESSION = re.compile(r"^[\w+=,.@-]{1,200}-[0-9a-f]{17}$")
_COMMAND = re.compile(r"^(?P<command>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})/(?P<instance>m?i-[0-9a-f]+)/")
_PATHS = ("/var/log/", "/aws/ssm/", "/aws/imagebuilder/")


def _of_stream(stream: LogStream) -> dict[str, Any]:
    group, name = stream.log_group or "", stream.log_stream or ""
    found: dict[str, Any] = {}
    if group.startswith("/aws/imagebuilder/"):
        found["logKind"] = "image-builder"
    if ran := _COMMAND.match(name):
        found |= {"logKind": "command", "commandId": ran["command"], "instanceId": ran["instance"]}
    elif _SESSION.match(name) and not _INSTANCE.search(name):
        found |= {"logKind": "session", "sessionId": name}
    elif instance := _INSTANCE.search(name):
        found["instanceId"] = instance[1]
    return found


def claims_stream(stream: LogStream, message: str) -> bool:
    """A stream that is named after an instance, a session or a command, or whose group is a host's file."""
    group, name = stream.log_group or "", stream.log_stream or ""
    if group.endswith("/ecs/audit.log") or group.startswith(("/aws/lambda/", "/aws/eks/", "/aws/containerinsights/")):
        return False
    session = "ssm" in group.lower() or "session" in group.lower()
    named = re.fullmatch(_INSTANCE.pattern.strip(r"\b"), name) or _COMMAND.match(name)
    return bool(named or group.startswith(_PATHS) or (session and _SESSION.match(name)))


def parse_message(stream: LogStream, message: str) -> Mapping[str, Any]:
    """What the stream's name and the line say."""
    found = _of_stream(stream)
    if message.startswith("{"):
        held = parsed(message)
        return found | ({"logKind": "metric"} if isinstance(held, dict) and "_aws" in held else {})
    said = parse(message)
    if "epoch" in said:
        said["time"] = _iso(said.pop("epoch"))
    return said | found if found.get("logKind") in ("session", "command") else found | said


def _iso(milliseconds: int) -> str | None:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return None


_LINE = (
    "message logKind time timeText hostName program pid level eventType auditSerial userName runAs command remoteAddress outcome"
).split()
_NOWHERE = LogStream(None, None)


def split(line: str) -> Sequence[str | None] | None:
    """The fields of a line of a file."""
    said = parse_message(_NOWHERE, line)
    row = [line if name == "message" else said.get(name) for name in _LINE]
    return [None if held is None else str(held) for held in row]


def _continues(line: str) -> bool:
    return not (SYSLOG.match(line) or AUDIT.match(line) or CLOUD_INIT.match(line))


_FORMAT = LineFormat(tuple(_LINE), split, continues=_continues)


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The layout of a host's file, if most of those lines are of syslog, the audit log or cloud-init."""
    written = [line for line in lines if line.strip()]
    known = sum(not _continues(line) for line in written)
    return _FORMAT if written and known * 2 > len(written) else None


_SHIPPED = {
    "host": "hostName",
    "hostname": "hostName",
    "path": "filePath",
    "file": "filePath",
    "source": "filePath",
    "log_file": "filePath",
    "ident": "program",
    "program": "program",
    "process": "program",
    "sourcetype": "program",
    "pid": "pid",
    "ec2_instance_id": "instanceId",
    "instance_id": "instanceId",
    "level": "level",
    "severity": "level",
}
_TEXTS = ("message", "MESSAGE", "msg", "log", "event")
_TIMES = ("@timestamp", "time", "timestamp", "date")
_OF_CONTAINERS = ("kubernetes", "docker", "container_id", "container_name", "ecs_task_arn", "ecs_cluster")


def claims(record: Mapping[str, Any]) -> bool:
    """A record as Fluentd, Fluent Bit, Logstash or the Splunk forwarder write it of a host's file, or a metric of EMF."""
    if isinstance(record.get("_aws"), dict) and "CloudWatchMetrics" in record["_aws"]:
        return True
    if any(name in record for name in (*_OF_CONTAINERS, "eventVersion", "detail-type", "logEvents")):
        return False
    text = next((name for name in _TEXTS if isinstance(record.get(name), str)), None)
    if text is None or not any(name in record for name in _TIMES):
        return False
    logstash = "@version" in record and "@timestamp" in record
    splunk = {"event", "host", "source", "sourcetype"} <= record.keys()
    fluent = bool({"host", "hostname", "ident", "ec2_instance_id"} & record.keys()) and text != "event"
    return logstash or splunk or fluent


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record as this source declares it, with what its line says; other members stay beside, for `unmapped`."""
    if "logKind" in record and "message" in record:
        return record
    if isinstance(record.get("_aws"), dict):
        text = written(record)
        return {"message": text, "logKind": "metric", "time": _moment(record["_aws"].get("Timestamp"))}
    rest = dict(record)
    found: dict[str, Any] = {}
    text_name = next(name for name in _TEXTS if isinstance(rest.get(name), str))
    found["message"] = rest.pop(text_name)
    when = next((name for name in _TIMES if name in rest), None)
    if when is not None:
        found["time"] = _moment(rest.pop(when))
    for name in list(rest):
        field = _SHIPPED.get(name)
        if field and field not in found and isinstance(rest[name], str | int):
            found[field] = rest.pop(name)
    said = {name: held for name, held in parse(found["message"]).items() if name not in ("time", "epoch")}
    others = {name if name not in _FIELDS else f"{name} ": held for name, held in rest.items()}
    return others | {"logKind": "shipped"} | said | found


def _moment(held: Any) -> Any:
    if isinstance(held, int | float) and not isinstance(held, bool):
        return _iso(int(held * 1000) if held < 1e11 else int(held)) or held
    if isinstance(held, str) and re.fullmatch(r"\d{9,10}(?:\.\d+)?", held):
        return _iso(int(float(held) * 1000))
    return held


SOURCE = Source(
    name="host_log",
    title="Host logs of EC2: syslog, auth, audit, cloud-init, Session Manager, Run Command",
    reference="Manually create or edit the CloudWatch agent configuration file",
    columns=COLUMNS,
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
        organisation="by centralisation or subscription; owner of the log group is the account",
        cannot_show=(
            "What a process did that wrote no line, and lines deleted before the agent read them.",
            "The year and the zone of a traditional syslog line.",
            "Truth: whoever has root writes and stops these logs at will.",
        ),
    ),
    claims=claims,
    claims_stream=claims_stream,
    parse_message=parse_message,
    reshape=reshape,
    required=("message", "log_kind"),
    line_format=line_format,
    account="s.owner",
)

"""Logs of RDS and Aurora databases: audit, PostgreSQL, slow queries, errors, database activity."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from forensics.jsons import written
from forensics.rds_lines import is_record, parse
from forensics.source import About, Column, EventMap, LineFormat, LogStream, Source

COLUMNS = (
    Column("owner", doc="Account of the log group."),
    Column("logGroup", doc="/aws/rds/instance/ID/KIND or /aws/rds/cluster/ID/KIND."),
    Column("logStream", doc="Instance, of a cluster's log."),
    Column("id", doc="CloudWatch Logs' id of the event, unique.", unique=True),
    Column("timestamp", "TIMESTAMP", "Set by the sender.", epoch="ms"),
    Column("ingestionTime", "TIMESTAMP", "Set by AWS; not in every container.", epoch="ms"),
    Column("message", doc="The record as written, whole.", unique=True),
    Column("logKind", doc="audit, postgresql, pgaudit, slowquery, error, activity; else the kind in the group's name."),
    Column("time", "TIMESTAMP", "Time in the record."),
    Column("timeText", doc="Time in the record in a zone that is not UTC, as written."),
    Column("databaseId", doc="Instance or cluster, from the group's name."),
    Column("serverHost", doc="Server as it names itself."),
    Column("userName", doc="Database user."),
    Column("remoteHost", doc="Address or name the user came from."),
    Column("remotePort", "BIGINT", "Port the user came from."),
    Column("databaseName", doc="Database, or schema."),
    Column("connectionId", doc="Connection."),
    Column("queryId", doc="Query."),
    Column("pid", "BIGINT", "Process of the server."),
    Column("level", doc="Level: LOG, ERROR, FATAL, STATEMENT, Warning…"),
    Column("sqlState", doc="SQLSTATE of PostgreSQL."),
    Column("operation", doc="CONNECT, QUERY, READ, WRITE, DDL, ROLE…", name="db_operation"),
    Column("command", doc="SQL command: SELECT, GRANT…"),
    Column("objectType", doc="Kind of the object: TABLE…"),
    Column("objectName", doc="Object."),
    Column("statement", doc="SQL statement, quotes around it off.", unique=True),
    Column("returnCode", "BIGINT", "Return code; 0 is success."),
    Column("outcome", doc="success, denied or error, where the record says so."),
    Column("activity", "JSON", "Of a decrypted activity stream: the event, whole."),
)
_GROUP = re.compile(r"^/aws/rds/(?:instance|cluster|proxy)/(?P<id>[^/]+)/(?P<kind>[^/]+)")


def _of_group(stream: LogStream) -> dict[str, Any]:
    found = _GROUP.match(stream.log_group or "")
    return {"databaseId": found["id"], "logKind": found["kind"]} if found else {}


def claims_stream(stream: LogStream, message: str) -> bool:
    """A log group of a database: AWS prescribes the name."""
    return (stream.log_group or "").startswith("/aws/rds/") or stream.log_group == "RDSOSMetrics"


def parse_message(stream: LogStream, message: str) -> Mapping[str, Any]:
    """What the group's name and the record say."""
    said = parse(message)
    if "microseconds" in said:
        said["time"] = _iso(int(said.pop("microseconds")))
    return _of_group(stream) | said


def _iso(microseconds: int) -> str | None:
    try:
        return datetime.fromtimestamp(microseconds / 1_000_000, UTC).isoformat()
    except (OverflowError, ValueError, OSError):
        return None


_LINE = (
    "message logKind time timeText serverHost userName remoteHost remotePort databaseName connectionId queryId pid level"
    " sqlState operation command objectType objectName statement returnCode outcome"
).split()
_NOWHERE = LogStream(None, None)


def split(line: str) -> Sequence[str | None] | None:
    """The fields of a record of a file."""
    said = parse_message(_NOWHERE, line)
    row = [line if name == "message" else said.get(name) for name in _LINE]
    return [None if held is None else str(held) for held in row]


_FORMAT = LineFormat(tuple(_LINE), split, continues=lambda line: not is_record(line))


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The layout of a database's file, if one of those lines begins a record of an audit or a PostgreSQL log."""
    return _FORMAT if any(map(is_record, lines)) else None


_ACTIVITY = {
    "dbUserName": "userName",
    "remoteHost": "remoteHost",
    "remotePort": "remotePort",
    "databaseName": "databaseName",
    "command": "command",
    "commandText": "statement",
    "objectType": "objectType",
    "objectName": "objectName",
    "serverHost": "serverHost",
    "sessionId": "connectionId",
    "statementId": "queryId",
    "class": "operation",
}


def claims(record: Mapping[str, Any]) -> bool:
    """An event of a decrypted database activity stream, heartbeats included, or a record in the declared form."""
    return {"dbUserName", "commandText"} <= record.keys() or (
        "type" in record and {"serverHost", "dbProtocol"} <= record.keys()
    )


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """An activity event with the members that the columns are declared by, whole beside them."""
    if "activity" in record:
        return record
    found: dict[str, Any] = {
        field: record[name] for name, field in _ACTIVITY.items() if record.get(name) not in (None, "")
    }
    if isinstance(when := record.get("logTime"), str):
        found["time"] = _utc(when)
    code = record.get("exitCode")
    if isinstance(code, int):
        found |= {"returnCode": code, "outcome": "success" if code == 0 else "error"}
    text = found.get("statement") or record.get("errorMessage")
    return found | {
        "logKind": "activity",
        "activity": dict(record),
        "message": text if isinstance(text, str) else written(text),
    }


def _utc(stamp: str) -> str:
    """The time of an event, written as `2026-11-05 09:10:01.123456+00`, in ISO 8601."""
    found = re.fullmatch(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d{1,6})?)\d*(?:\+00)?", stamp)
    return f"{found[1]}T{found[2]}Z" if found else stamp


SOURCE = Source(
    name="rds_log",
    title="RDS and Aurora logs: audit, PostgreSQL, slow queries, errors, activity streams",
    reference="Monitoring Amazon RDS log files",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "coalesce(s.time, s.timestamp)",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "e.region",
            "action": "'rds:' || coalesce(lower(s.db_operation), s.log_kind, 'log')",
            "resources": "list_filter([s.database_id, s.database_name, s.object_name], lambda r: r IS NOT NULL)",
            "source_ip": "s.remote_host",
            "outcome": "s.outcome",
            "summary": "coalesce(s.user_name || coalesce('@' || s.database_name, '') || ': ', '') || left(coalesce(s.statement, s.message), 300)",
        },
    ),
    about=About(
        recognised="log groups /aws/rds/…; lines of the MySQL audit log and of PostgreSQL; decrypted activity streams",
        delivered="CloudWatch Logs; downloaded files; activity streams through Kinesis, encrypted",
        delay="seconds to minutes; audit files are not in order of time",
        organisation="by centralisation or subscription; owner of the log group is the account",
        cannot_show=(
            "Statements, unless audit, general or statement logging is on.",
            "Which AWS principal a database user stands for, save with IAM authentication.",
            "Activity streams without the key that encrypts them.",
        ),
    ),
    claims=claims,
    lists=("databaseActivityEventList",),
    claims_stream=claims_stream,
    parse_message=parse_message,
    reshape=reshape,
    required=("message",),
    line_format=line_format,
    account="s.owner",
)

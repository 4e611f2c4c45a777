"""Logs of RDS and Aurora databases: audit, PostgreSQL, slow queries, errors, database activity."""

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from forensics.jsons import parsed, written
from forensics.rds_lines import Form, form_of, parse
from forensics.source import About, BlindSpot, Column, EventMap, LineFormat, LogStream, Source

COLUMNS = (
    Column("owner", doc="Account of the log group."),
    Column("logGroup", doc="/aws/rds/instance/ID/KIND or /aws/rds/cluster/ID/KIND."),
    Column("logStream", doc="Instance, of a cluster's log."),
    Column("id", doc="CloudWatch Logs' id of the event, unique.", unique=True),
    Column("timestamp", "TIMESTAMP", "Set by the sender.", epoch="ms"),
    Column("ingestionTime", "TIMESTAMP", "Set by AWS; not in every container.", epoch="ms"),
    Column("message", doc="The record as written, whole.", unique=True),
    Column(
        "logKind",
        doc="The kind in the group's name; else audit, postgresql, pgaudit, slowquery, general, error, enhanced_monitoring, activity.",
    ),
    Column("time", "TIMESTAMP", "Time in the record; one without a zone is taken as UTC, then `time_text` has it too."),
    Column("timeText", doc="Time in the record as written, where it names no zone, or another than UTC."),
    Column("databaseId", doc="Instance or cluster: from the group's name, or as the record names it."),
    Column("serverHost", doc="Server as it names itself."),
    Column("userName", doc="Database user."),
    Column("remoteHost", doc="Address or name the user came from."),
    Column("remotePort", "BIGINT", "Port the user came from."),
    Column("databaseName", doc="Database, or schema."),
    Column("connectionId", doc="Connection, session, or thread that serves it."),
    Column("queryId", doc="Query."),
    Column("pid", "BIGINT", "Process of the server."),
    Column("level", doc="Level: LOG, ERROR, FATAL, STATEMENT, Warning…"),
    Column("sqlState", doc="SQLSTATE of PostgreSQL."),
    Column(
        "operation",
        doc="CONNECT, QUERY, READ, WRITE, DDL, ROLE…; HEARTBEAT of an activity stream.",
        name="db_operation",
    ),
    Column("command", doc="SQL command: SELECT, GRANT…"),
    Column("objectType", doc="Kind of the object: TABLE…"),
    Column("objectName", doc="Object."),
    Column("statement", doc="SQL statement; of an audit log without its quotes and escapes.", unique=True),
    Column("returnCode", "BIGINT", "Return code; 0 is success."),
    Column("outcome", doc="success, denied or error, where the record says so."),
    Column("activity", "JSON", "Of a decrypted activity stream: the event, whole."),
)
_GROUP = re.compile(r"^/aws/rds/(?:instance|cluster|proxy)/(?P<id>[^/]+)/(?P<kind>[^/]+)")
_METRICS = "RDSOSMetrics"


def claims_stream(stream: LogStream, message: str) -> bool:
    """A log group of a database: AWS prescribes the name."""
    return (stream.log_group or "").startswith("/aws/rds/") or stream.log_group == _METRICS


def parse_message(stream: LogStream, message: str) -> Mapping[str, Any]:
    """What the group's name and the record say; the group's kind is the record's."""
    if found := _GROUP.match(stream.log_group or ""):
        return {"databaseId": found["id"], **parse(message, found["kind"])}
    if stream.log_group == _METRICS:
        held = parsed(message)
        return _of_metrics(held) if isinstance(held, dict) else {"logKind": _MONITORING}
    return parse(message)


_MONITORING = "enhanced_monitoring"


def _of_metrics(record: Mapping[str, Any]) -> dict[str, Any]:
    """What Enhanced Monitoring says of an instance at a time (page "OS metrics in Enhanced Monitoring")."""
    found = {"databaseId": record.get("instanceID"), "time": record.get("timestamp"), "logKind": _MONITORING}
    return {name: held for name, held in found.items() if isinstance(held, str)}


_LINE = (
    "message logKind time timeText serverHost userName remoteHost remotePort databaseName connectionId queryId pid level"
    " sqlState operation command objectType objectName statement returnCode outcome unmapped"
).split()


def _split(form: Form, line: str) -> Sequence[str | None] | None:
    """The fields of a record of a file."""
    said = form.read(line) or {"logKind": form.kind}
    return [line, *(said.get(name) or None for name in _LINE[1:])]


class _Continues:
    """Whether a line of a text goes on with the record before it; it is asked of all lines but the first, in order."""

    def __init__(self, form: Form, first: str) -> None:
        self._form = form
        self._before = first

    def __call__(self, line: str) -> bool:
        head, begins = self._form.head, self._form.begins(line)
        of_head = bool(head) and self._before.startswith(head) and not line.startswith(head)
        self._before = line
        return of_head or not begins


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The layout of a database's file, if one of those lines is a record of one for certain."""
    form = form_of(lines)
    if form is None:
        return None
    return LineFormat(tuple(_LINE), partial(_split, form), continues=_Continues(form, lines[0]))


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


_OF_HEARTBEAT = {
    *_ACTIVITY,
    "type",
    "logTime",
    "clusterId",
    "instanceId",
    "startTime",
    "endTime",
    "errorMessage",
    "pid",
}
_DENIED_CODES = (1044, 1045, 1142)
_DENIED = re.compile(
    r"permission denied|(?:\S+ )?authentication failed|no pg_hba\.conf entry|Access denied|Login failed"
)


def _is_heartbeat(record: Mapping[str, Any]) -> bool:
    return record.get("type") == "heartbeat" and record.keys() <= _OF_HEARTBEAT


def _is_metrics(record: Mapping[str, Any]) -> bool:
    return {"instanceID", "instanceResourceID", "engine", "timestamp"} <= record.keys()


def claims(record: Mapping[str, Any]) -> bool:
    """An event of a decrypted activity stream, heartbeats included, metrics of an instance, or the declared form."""
    if {"dbUserName", "commandText"} <= record.keys() or _is_metrics(record):
        return True
    return "type" in record and ({"serverHost", "dbProtocol"} <= record.keys() or _is_heartbeat(record))


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """An activity event, or metrics, with the members that the columns are declared by, whole beside them."""
    if "activity" in record:
        return record
    if _is_metrics(record):
        return _of_metrics(record) | {"message": written(record)}
    found: dict[str, Any] = {
        field: record[name] for name, field in _ACTIVITY.items() if record.get(name) not in (None, "")
    }
    if _is_heartbeat(record):
        found["operation"] = "HEARTBEAT"
    if isinstance(when := record.get("logTime"), str):
        found["time"] = _utc(when)
    text = found.get("statement") or record.get("errorMessage")
    return {
        **found,
        **_ended(record),
        "databaseId": record.get("instanceId") or record.get("clusterId"),
        "logKind": "activity",
        "activity": dict(record),
        "message": text if isinstance(text, str) else written(record if text is None else text),
    }


def _ended(record: Mapping[str, Any]) -> dict[str, Any]:
    """How an activity ended, as far as it says so."""
    code, error = record.get("exitCode"), record.get("errorMessage")
    said = {"returnCode": code} if isinstance(code, int) and not isinstance(code, bool) else {}
    told = isinstance(error, str) and _DENIED.match(error)
    if record.get("command") == "LOGIN FAILED" or told or code in _DENIED_CODES:
        return {**said, "outcome": "denied"}
    return {**said, "outcome": "success" if code == 0 else "error"} if said else {}


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
            "resources": """list_filter([s.database_id,
      CASE WHEN s.database_name IS DISTINCT FROM s.database_id THEN s.database_name END,
      CASE WHEN s.object_name IS DISTINCT FROM s.database_id AND s.object_name IS DISTINCT FROM s.database_name
        THEN s.object_name END], lambda r: r IS NOT NULL)""",
            "source_ip": "s.remote_host",
            "outcome": "s.outcome",
            "summary": "coalesce(s.user_name || coalesce('@' || s.database_name, '') || ': ', '') || left(coalesce(s.statement, s.message), 300)",
        },
    ),
    about=About(
        recognised="log groups /aws/rds/… and RDSOSMetrics; files of MySQL, MariaDB, PostgreSQL and SQL Server by their lines;"
        " decrypted activity streams",
        delivered="CloudWatch Logs; downloaded files; activity streams through Kinesis, encrypted",
        delay="seconds to minutes; audit files are not in order of time",
        minutes=10,
        organisation="by centralisation or subscription; owner of the log group is the account",
        cannot_show=(
            BlindSpot("data", "Statements, unless audit, general or statement logging is on."),
            BlindSpot("data", "Which AWS principal a database user stands for, save with IAM authentication."),
            BlindSpot("data", "Activity streams without the key that encrypts them."),
            BlindSpot(
                "data",
                "Which lines of a slow query or general log of MySQL a statement over several lines wrote itself.",
            ),
        ),
    ),
    keys=(r"(?:^|/)(?:mysql-slowquery\.log|mysql-general\.log|postgresql\.log\.\d{4}-\d\d-\d\d)",),
    claims=claims,
    lists=("databaseActivityEventList",),
    claims_stream=claims_stream,
    parse_message=parse_message,
    reshape=reshape,
    required=("message",),
    line_format=line_format,
    account="s.owner",
)

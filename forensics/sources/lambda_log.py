"""Lambda function logs: what the platform and the code of a function wrote, by execution environment."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from forensics.jsons import parsed, written
from forensics.source import About, BlindSpot, Column, EventMap, LogStream, Source

COLUMNS = (
    Column("owner", doc="Account of the log group."),
    Column("logGroup", doc="/aws/lambda/FUNCTION unless customised; NULL in an export to S3."),
    Column("logStream", doc="One execution environment of one function version."),
    Column("id", doc="CloudWatch Logs' id of the event, unique.", unique=True),
    Column("timestamp", "TIMESTAMP", "Set by the sender.", epoch="ms"),
    Column("ingestionTime", "TIMESTAMP", "Set by AWS; not in every container.", epoch="ms"),
    Column("message", doc="The line as written.", unique=True),
    Column("type", doc="platform.start, platform.report…; of text lines what they say; NULL: the code wrote it."),
    Column("requestId", doc="Invocation the line belongs to.", unique=True),
    Column("functionName", doc="Function, from the group, the stream or the line."),
    Column("version", doc="Function version the line names.", name="function_version"),
    Column("level", doc="Level of an application line in JSON or in the runtime's default format."),
    Column("status", doc="success, failure, error, timeout."),
    Column("errorType", doc="Kind of error."),
    Column("durationMs", "DOUBLE", doc="Milliseconds the invocation ran."),
    Column("billedDurationMs", "DOUBLE", doc="Milliseconds billed."),
    Column("initDurationMs", "DOUBLE", doc="Milliseconds the environment took to start."),
    Column("restoreDurationMs", "DOUBLE", doc="Milliseconds a snapshot took to restore."),
    Column("memorySizeMB", "BIGINT", doc="Megabytes configured."),
    Column("maxMemoryUsedMB", "BIGINT", doc="Megabytes used at most."),
    Column("initializationType", doc="on-demand, provisioned-concurrency, snap-start."),
    Column("runtimeVersion", doc="Version of the runtime."),
    Column("endpointName", doc="Of a Web Function: endpoint that was asked."),
    Column("region", doc="Of a Web Function: Region that served."),
    Column("traceId", doc="X-Ray trace."),
)

_STREAM = re.compile(r"^\d{4}/\d\d/\d\d/(?P<function>[^\[/]*)\[(?P<version>\$LATEST|\d+)\](?:\[?[0-9a-f-]{32,36}\]?)?$")
_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_TEXT = re.compile(
    rf"^(?:(?P<word>START|END|REPORT) RequestId: (?P<id>{_UUID})|"
    r"(?P<start>INIT_START|RESTORE_START) Runtime Version: (?P<runtime>\S*)|"
    r"(?P<report>INIT_REPORT|RESTORE_REPORT) |(?P<other>EXTENSION|TELEMETRY)\tName: |XRAY TraceId: (?P<trace>\S+))"
)
_TYPES = {
    "START": "platform.start",
    "END": "platform.end",
    "REPORT": "platform.report",
    "INIT_START": "platform.initStart",
    "RESTORE_START": "platform.restoreStart",
    "INIT_REPORT": "platform.initReport",
    "RESTORE_REPORT": "platform.restoreReport",
    "EXTENSION": "platform.extension",
    "TELEMETRY": "platform.telemetrySubscription",
}
_REPORT = {
    "Duration": "durationMs",
    "Billed Duration": "billedDurationMs",
    "Init Duration": "initDurationMs",
    "Restore Duration": "restoreDurationMs",
    "Memory Size": "memorySizeMB",
    "Max Memory Used": "maxMemoryUsedMB",
    "Status": "status",
    "Error Type": "errorType",
    "XRAY TraceId": "traceId",
}
_METRICS = {
    "durationMs": "durationMs",
    "billedDurationMs": "billedDurationMs",
    "initDurationMs": "initDurationMs",
    "restoreDurationMs": "restoreDurationMs",
    "memorySizeMB": "memorySizeMB",
    "maxMemoryUsedMB": "maxMemoryUsedMB",
}
_PHASES = {"platform.initReport": "initDurationMs", "platform.restoreReport": "restoreDurationMs"}
"""Reports of a phase of its own, and whose duration theirs is."""
_TIMEOUT = re.compile(rf"^\S+Z (?P<id>{_UUID}) Task timed out after ")
_EXIT = re.compile(rf"^RequestId: (?P<id>{_UUID}) Error: (?P<error>.*)")
_LINE = re.compile(
    rf"^(?:\[(?P<level>[A-Z]+)\]\t)?\d{{4}}-\d\d-\d\dT[\d:.]+Z\t(?:(?P<id>{_UUID})|undefined|)\t(?:(?P<level2>[A-Z]+)\t)?"
)
_ERROR = re.compile(r"^\[ERROR\] (?P<error>[A-Za-z_]\w*(?:\.\w+)*)(?::|\n|$)")


def parse_report(line: str) -> dict[str, Any]:
    """Key and value pairs of a REPORT, INIT_REPORT or RESTORE_REPORT line; unknown keys are left in the message."""
    found: dict[str, Any] = {}
    for part in line.replace("\n", "\t").split("\t"):
        key, _, value = part.strip().partition(": ")
        if name := _REPORT.get(key.rpartition("REPORT ")[2]):
            number, _, unit = value.strip().partition(" ")
            found[name] = number if unit in ("ms", "MB") else value.strip()
    return found


def _text(message: str) -> dict[str, Any]:
    if system := _TEXT.match(message):
        word = system["word"] or system["start"] or system["report"] or system["other"]
        found: dict[str, Any] = {"type": _TYPES.get(word or "", "platform.trace"), "requestId": system["id"]}
        if word == "START":
            found["version"] = (
                message.partition("Version: ")[2].split(maxsplit=1)[0] if "Version: " in message else None
            )
        elif word in ("REPORT", "INIT_REPORT", "RESTORE_REPORT"):
            found |= parse_report(message)
        found |= {"runtimeVersion": system["runtime"]} if system["runtime"] else {}
        return found | ({"traceId": system["trace"]} if system["trace"] else {})
    if timeout := _TIMEOUT.match(message):
        return {"type": "platform.timeout", "requestId": timeout["id"], "status": "timeout"}
    if ended := _EXIT.match(message):
        return {
            "type": "platform.fault",
            "requestId": ended["id"],
            "status": "error",
            "errorType": ended["error"][:200],
        }
    if error := _ERROR.match(message):
        return {"level": "ERROR", "errorType": error["error"], "requestId": _first_uuid(message)}
    if line := _LINE.match(message):
        return {"requestId": line["id"], "level": line["level"] or line["level2"]}
    return {}


def _first_uuid(message: str) -> str | None:
    found = re.search(rf"\t({_UUID})\t", message[:300])
    return found[1] if found else None


def _system(event: Mapping[str, Any]) -> dict[str, Any]:
    record = _part(event, "record")
    metrics = _part(record, "metrics")
    found = {name: metrics.get(key) for key, name in _METRICS.items()}
    if phase := _PHASES.get(event["type"]):
        found = {phase: metrics.get("durationMs")}
    return found | {
        "type": event["type"],
        "requestId": record.get("requestId"),
        "functionName": record.get("functionName"),
        "version": record.get("version") or record.get("functionVersion"),
        "status": record.get("status"),
        "errorType": record.get("errorType"),
        "initializationType": record.get("initializationType"),
        "runtimeVersion": record.get("runtimeVersion"),
        "traceId": _part(record, "tracing").get("value"),
    }


def _part(event: Mapping[str, Any], name: str) -> dict[str, Any]:
    part = event.get(name)
    return part if isinstance(part, dict) else {}


def _application(event: Mapping[str, Any]) -> dict[str, Any]:
    request = next((event[key] for key in ("requestId", "AWSRequestId", "awsRequestId") if key in event), None)
    found = {"requestId": request, "level": event.get("level"), "errorType": event.get("errorType")}
    return found | {name: event.get(name) for name in ("endpointName", "region")}


def parse_message(stream: LogStream, message: str) -> Mapping[str, Any]:
    """Columns that a message gives, in text or in JSON format (page "Configuring JSON and plain text log formats")."""
    found: dict[str, Any] = {}
    if message.startswith("{"):
        event = parsed(message)
        if isinstance(event, dict):
            is_system = str(event.get("type", "")).startswith("platform.") and "record" in event
            found = _system(event) if is_system else _application(event)
    else:
        found = _text(message)
    withheld = _withheld(stream)
    said = {name: _plain(value) for name, value in found.items() if value is not None and name not in withheld}
    return {**_names(stream), **said}


@lru_cache(maxsize=1024)
def _withheld(stream: LogStream) -> frozenset[str]:
    """What group and stream say better than a message, in which code writes whatever it likes."""
    named = {"functionName"} & _names(stream).keys()
    of_platform = (stream.log_group or "").startswith(_WEB)
    return frozenset(named if of_platform else named | {"endpointName", "region"})


def _plain(value: Any) -> Any:
    return value if isinstance(value, str | int | float) else written(value)


_WEB = "/aws/lambda/web/"
"""Groups of Web Functions; those that end in .local hold the same lines once more, by Region that served."""


@lru_cache(maxsize=1024)
def _names(stream: LogStream) -> Mapping[str, str]:
    group, parts = stream.log_group or "", _STREAM.match(stream.log_stream or "")
    found = {"version": parts["version"]} if parts else {}
    if parts and parts["function"]:
        found["functionName"] = parts["function"]
    elif group.startswith(_WEB):
        found["functionName"] = f"web-function/{group.removeprefix(_WEB).removesuffix('.local')}"
    elif group.startswith("/aws/lambda/"):
        found["functionName"] = group.removeprefix("/aws/lambda/").removeprefix("us-east-1.")
    return found


def claims_stream(stream: LogStream, message: str) -> bool:
    """A stream of a Lambda function: by its group, by the form of its name, or by a line only the platform writes."""
    if (stream.log_group or "").startswith("/aws/lambda/") or _STREAM.match(stream.log_stream or ""):
        return True
    return stream.log_group is None and bool(_TEXT.match(message))


SOURCE = Source(
    name="lambda_log",
    title="Lambda function logs",
    reference="Configuring JSON and plain text log formats",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.timestamp",
            "account_id": "coalesce(s.owner, e.account_id)",
            "region": "coalesce(s.region, e.region)",
            "action": "'lambda:' || coalesce(s.type, 'log')",
            "resources": """CASE
      WHEN s.log_group IS NULL THEN NULL
      WHEN s.log_stream IS NULL THEN [s.log_group]
      ELSE [s.log_group, s.log_stream]
    END""",
            "outcome": "CASE WHEN s.status = 'success' THEN 'success' WHEN s.status IS NOT NULL THEN 'error' END",
            "summary": "left(s.message, 300)",
        },
    ),
    claims_stream=claims_stream,
    parse_message=parse_message,
    account="s.owner",
    about=About(
        recognised="log groups /aws/lambda/…, streams named like execution environments, lines of the platform",
        delivered="CloudWatch Logs: subscription, Firehose, export to S3, API output, Insights",
        delay="seconds in CloudWatch Logs; an export may lag 12 hours",
        minutes=5,
        organisation="by centralisation or subscription into one account; owner is the account",
        cannot_show=(
            BlindSpot(
                "requests", "Payload, response, caller and address of an invocation, unless the code writes them."
            ),
            BlindSpot("traffic", "Network connections, DNS, and commands that injected code ran."),
            BlindSpot(
                "workload",
                "Invocations of a function whose role may not write logs, or whose log level leaves the lines out.",
            ),
            BlindSpot(
                "workload",
                "What code did without writing a line or calling an API: use of credentials from elsewhere shows in CloudTrail only.",
            ),
        ),
    ),
)

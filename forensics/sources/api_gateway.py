"""API Gateway logs: access logs in whatever form their owner chose, and execution logs of REST APIs."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from forensics.jsons import written
from forensics.source import About, Column, EventMap, IdentityMap, LineFormat, LogStream, Source

COLUMNS = (
    Column("requestId", doc="Request; of a REST API the client may have chosen it.", name="request_id"),
    Column("extendedRequestId", doc="Request, as API Gateway alone numbers it: the requestId of WAF."),
    Column("requestTime", "TIMESTAMP", "When the request came in."),
    Column("ip", doc="Address of the client.", name="source_ip"),
    Column("caller", doc="Principal that signed the request."),
    Column("user", doc="User that signed the request.", name="caller_user"),
    Column("userArn", doc="ARN that signed the request."),
    Column("accessKey", doc="Access key that signed the request.", name="access_key_id"),
    Column("userAgent", doc="User agent of the client."),
    Column("httpMethod", doc="HTTP method."),
    Column("resourcePath", doc="Resource of the API that matched.", name="resource_path"),
    Column("path", doc="Path as asked."),
    Column("routeKey", doc="Route of an HTTP or WebSocket API that matched."),
    Column("protocol", doc="HTTP version.", name="http_version"),
    Column("status", "BIGINT", "HTTP status of the answer.", name="http_status"),
    Column("responseLength", "BIGINT", "Bytes of the answer's body."),
    Column("apiId", doc="API."),
    Column("stage", doc="Stage of the API."),
    Column("domainName", doc="Domain name asked for."),
    Column("accountId", doc="Account of the API."),
    Column("integrationRequestId", doc="Of a Lambda integration the invocation's request id."),
    Column("integrationStatus", "BIGINT", "Status that the integration gave."),
    Column("integrationLatency", "BIGINT", "Milliseconds the integration took."),
    Column("responseLatency", "BIGINT", "Milliseconds until the answer."),
    Column("authorizerPrincipalId", doc="Principal that the authorizer named."),
    Column("errorMessage", doc="Why API Gateway answered with an error."),
    Column("wafResponseCode", doc="What WAF decided."),
    Column("webaclArn", doc="Web ACL that decided."),
    Column("xrayTraceId", doc="X-Ray trace."),
    Column("apiKeyId", doc="API key."),
    Column("vpceId", doc="VPC endpoint the request came through.", name="vpc_endpoint_id"),
    Column("vpcId", doc="VPC the request came from."),
    Column("connectionId", doc="WebSocket connection."),
    Column("eventType", doc="WebSocket event: CONNECT, MESSAGE, DISCONNECT.", name="event_type"),
    Column("kind", doc="access, or execution: a line of an execution log.", name="log_kind"),
    Column("message", doc="Line of an execution log, whole.", unique=True),
    Column("@logGroup", doc="Log group; of execution logs API-Gateway-Execution-Logs_API/STAGE."),
    Column("@timestamp", "TIMESTAMP", "When the line was written.", epoch="ms"),
    Column("@owner", doc="Account of the log group."),
)

_MONTHS = dict(zip("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), range(1, 13), strict=True))
_STAMP = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000"
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|UUID_REPLACED_INVALID_REQUEST_ID|[A-Za-z0-9_-]{8,}=*"
_PRESET = (
    "ip caller user requestTime httpMethod resourcePath protocol status responseLength requestId extendedRequestId"
).split()
_CLF = re.compile(
    rf'(\S+) (\S+) (\S+) \[({_STAMP})\]"([A-Z]+) (\S+) (HTTP/[\d.]+)" (\d{{3}}|-) (\d+|-) ({_ID})(?: (\S+))?$'
)
_CSV = re.compile(
    rf"([^,]*),([^,]*),([^,]*),({_STAMP}),([A-Z]+),([^,]*),(HTTP/[\d.]+),(\d{{3}}|-),(\d+|-),({_ID})(?:,([^,]*))?$"
)
_XML = re.compile(r'<request id="([^"]*)">(.*)</request>$', re.DOTALL)
_ELEMENT = re.compile(r"<(\w+)>([^<]*)</\1>")
_EXECUTION = re.compile(rf"\(({_ID})\) (.*)$", re.DOTALL)
_GROUP = re.compile(r"^API-Gateway-Execution-Logs_")
_TIME = 3


def iso(stamp: str) -> str:
    """`05/Nov/2026:09:10:01 +0000` in ISO 8601; any other text as it is."""
    month = _MONTHS.get(stamp[3:6])
    if month is None or len(stamp) != 26 or not stamp.endswith(" +0000"):
        return stamp
    return f"{stamp[7:11]}-{month:02}-{stamp[:2]}T{stamp[12:20]}Z"


def split(line: str) -> Sequence[str | None] | None:
    """The fields of a line in one of the presets CLF, CSV, XML, or of an execution log."""
    if found := _CLF.match(line) or _CSV.match(line):
        row: list[str | None] = list(found.groups())
        row[_TIME] = iso(row[_TIME] or "")
        return [*row, "access", None, None]
    if as_xml := _XML.match(line):
        held = dict(_ELEMENT.findall(as_xml[2])) | {"requestId": as_xml[1]}
        if "requestTime" in held:
            held["requestTime"] = iso(held["requestTime"])
        rest = {name: text for name, text in held.items() if name not in _PRESET}
        known = [held.get(name) for name in _PRESET]
        return [*known, "access", None, written(rest) if rest else None]
    if executed := _EXECUTION.match(line):
        nothing: list[str | None] = [None] * len(_PRESET)
        nothing[_PRESET.index("requestId")] = executed[1]
        return [*nothing, "execution", line, None]
    return None


_FORMAT = LineFormat((*_PRESET, "kind", "message", "unmapped"), split)


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The presets' layout, if one of those lines has it."""
    presets = (_CLF, _CSV)
    found = any(preset.match(line) for line in lines for preset in presets)
    written = any((match := _XML.match(line)) and "<requestTime>" in match[2] for line in lines)
    executed = any(_EXECUTION.match(line) and "Method request path" in line for line in lines)
    return _FORMAT if found or written or executed else None


def claims_stream(stream: LogStream, message: str) -> bool:
    """The log group of a REST API's execution log: AWS prescribes the name."""
    return bool(_GROUP.match(stream.log_group or ""))


_SPELLED = {
    "requestid": "requestId",
    "extendedrequestid": "extendedRequestId",
    "requesttime": "requestTime",
    "requesttimeepoch": "requestTime",
    "ip": "ip",
    "sourceip": "ip",
    "identitysourceip": "ip",
    "remoteaddr": "ip",
    "caller": "caller",
    "identitycaller": "caller",
    "user": "user",
    "identityuser": "user",
    "userarn": "userArn",
    "identityuserarn": "userArn",
    "accesskey": "accessKey",
    "identityaccesskey": "accessKey",
    "useragent": "userAgent",
    "identityuseragent": "userAgent",
    "httpmethod": "httpMethod",
    "resourcepath": "resourcePath",
    "path": "path",
    "routekey": "routeKey",
    "protocol": "protocol",
    "status": "status",
    "responselength": "responseLength",
    "apiid": "apiId",
    "stage": "stage",
    "domainname": "domainName",
    "accountid": "accountId",
    "integrationrequestid": "integrationRequestId",
    "integrationstatus": "integrationStatus",
    "integrationlatency": "integrationLatency",
    "responselatency": "responseLatency",
    "authorizerprincipalid": "authorizerPrincipalId",
    "errormessage": "errorMessage",
    "wafresponsecode": "wafResponseCode",
    "webaclarn": "webaclArn",
    "xraytraceid": "xrayTraceId",
    "apikeyid": "apiKeyId",
    "identityapikeyid": "apiKeyId",
    "vpceid": "vpceId",
    "identityvpceid": "vpceId",
    "vpcid": "vpcId",
    "connectionid": "connectionId",
    "eventtype": "eventType",
}
"""How owners spell the names of $context variables, letters alone."""


@lru_cache(maxsize=4096)
def _letters(name: str) -> str:
    return re.sub(r"[^a-z]", "", name.lower().removeprefix("$context.").removeprefix("$context"))


def claims(record: Mapping[str, Any]) -> bool:
    """An access log record: the request's id and status, and names that only variables of API Gateway have."""
    if not 4 <= len(record) <= 120 or "eventVersion" in record or "webaclId" in record:
        return False
    names = {_letters(name) for name in record if len(name) < 60}
    ours = {"requestid", "extendedrequestid", "connectionid"} & names and {
        "status",
        "routekey",
        "integrationstatus",
    } & names
    return bool(ours) and len({"httpmethod", "resourcepath", "routekey", "apiid", "requesttime", "stage"} & names) >= 2


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record under one spelling of its names, NULL for what is marked as missing."""
    found: dict[str, Any] = {}
    for name, held in record.items():
        field = _SPELLED.get(_letters(name), name)
        kept = name if field in found else field
        found[kept] = None if held == "-" else _time(held) if kept == "requestTime" else held
    return found | {"kind": "access"}


def _time(held: Any) -> Any:
    if isinstance(held, str):
        return _epoch(int(held)) if held.isascii() and held.isdigit() and len(held) < 16 else iso(held)
    return _epoch(held) if isinstance(held, int) and not isinstance(held, bool) and 0 < held < 1e16 else held


def _epoch(held: int) -> str:
    from datetime import UTC, datetime

    seconds = held / (1_000_000 if held > 1e14 else 1_000 if held > 1e11 else 1)
    return datetime.fromtimestamp(seconds, UTC).isoformat()


SOURCE = Source(
    name="api_gateway",
    title="API Gateway access logs, and execution logs of REST APIs",
    reference="Set up CloudWatch logging for REST APIs in API Gateway",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "coalesce(s.request_time, s.timestamp)",
            "account_id": "coalesce(s.account_id, s.owner, e.account_id)",
            "region": "e.region",
            "access_key_id": "nullif(s.access_key_id, '')",
            "action": "'apigateway:' || coalesce(s.http_method, s.route_key, s.log_kind, 'request')",
            "resources": "list_filter([s.api_id, s.resource_path, s.integration_request_id, s.log_group], lambda r: r IS NOT NULL)",
            "source_ip": "s.source_ip",
            "outcome": """CASE
      WHEN s.http_status IN (401, 403) THEN 'denied'
      WHEN s.http_status BETWEEN 100 AND 399 THEN 'success'
      WHEN s.http_status IS NOT NULL THEN 'error'
    END""",
            "bytes": "s.response_length",
            "user_agent": "s.user_agent",
            "summary": """coalesce(left(s.message, 300), coalesce(s.http_method, 'request') || ' '
      || left(coalesce(s.path, s.resource_path, s.route_key, ''), 200) || coalesce(' from ' || s.source_ip, '')
      || coalesce(': ' || s.http_status, ''))""",
        },
    ),
    identity=IdentityMap({"arn": "CASE WHEN s.user_arn LIKE 'arn:%' THEN s.user_arn END"}),
    about=About(
        recognised="JSON with names of $context variables; lines of the presets CLF, CSV, XML; groups API-Gateway-Execution-Logs_*",
        delivered="CloudWatch Logs, Firehose",
        delay="seconds to minutes; best effort",
        organisation="none; owner of the log group is the account",
        cannot_show=(
            "What the owner's format does not name: fields and their order are free.",
            "Requests that were refused before a stage was found.",
            "Payloads, unless data tracing is on; execution logs cut lines at 1 KB and redact headers.",
        ),
    ),
    claims=claims,
    reshape=reshape,
    required=("log_kind",),
    claims_stream=claims_stream,
    line_format=line_format,
    in_streams=True,
    account="s.account_id",
)

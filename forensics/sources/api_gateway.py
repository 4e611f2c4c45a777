"""API Gateway logs: access logs in whatever form their owner chose, and execution logs of REST APIs."""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from forensics.clf_time import iso
from forensics.jsons import parsed, written
from forensics.source import About, BlindSpot, Column, EventMap, IdentityMap, LineFormat, LogStream, Source

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
    Column("variables", "JSON", "Further variables that the owner's format names; all values of one it names twice."),
    Column("kind", doc="access, or execution: a line of an execution log.", name="log_kind"),
    Column("message", doc="Line of an execution log, or event of a log stream, whole.", unique=True),
    Column("logGroup", doc="Log group; of execution logs API-Gateway-Execution-Logs_API/STAGE."),
    Column("timestamp", "TIMESTAMP", "When the line was written.", epoch="ms"),
    Column("owner", doc="Account of the log group."),
)

_STAMP = r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000"
_ID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|UUID_REPLACED_INVALID_REQUEST_ID|[A-Za-z0-9_-]{8,}=*"
_PRESET = (
    "ip caller user requestTime httpMethod resourcePath protocol status responseLength requestId extendedRequestId"
).split()
_CLF = re.compile(
    rf'(\S+) (\S+) (\S+) \[({_STAMP})\]"([A-Z]+) (\S+) (HTTP/[\d.]+)" (\d{{3}}|-) (\d+|-) ({_ID})(?: (\S+))?$'
)
_ROUTE = r"\$default|[A-Z]+ /\S*"
_HTTP_CLF = re.compile(
    rf'(\S+) (\S+) (\S+) \[({_STAMP})\] ?"([A-Z]+) ({_ROUTE}) (HTTP/[\d.]+)" (\d{{3}}|-) (\d+|-) ({_ID})$'
)
_CSV = re.compile(
    rf"([^,]*),([^,]*),([^,]*),({_STAMP}),([A-Z]+),([^,]*),(HTTP/[\d.]+),(\d{{3}}|-),(\d+|-),({_ID})(?:,([^,]*))?$"
)
_XML = re.compile(r'<request id="([^"]*)">((?:\s*<(\w+)>[^<]*</\3>)*)\s*</request>$')
_ELEMENT = re.compile(r"<(\w+)>([^<]*)</\1>")
_OF_REQUEST = re.compile(rf"(?:\(({_ID})\) |Execution log for request ({_ID})\b)")
_EXECUTION = re.compile(
    rf"\((?:{_ID})\) (?:Method |Endpoint |Extended Request Id: |Starting (?:execution|authorizer)|Successfully completed exec"
    r"|Execution failed|HTTP Method: |Verifying Usage Plan|Usage Plan check|API Key |Sending request to|Received response)"
    rf"|Execution log for request (?:{_ID})\b"
)
"""What execution logs alone say; in their own groups anything is a line of one."""
_GROUP = re.compile(r"^API-Gateway-Execution-Logs_")
_TIME = 3


def split(line: str) -> Sequence[str | None] | None:
    """The fields of a line in one of the presets CLF, CSV, XML."""
    if found := _CLF.match(line) or _CSV.match(line):
        row: list[str | None] = list(found.groups())
        row[_TIME] = iso(row[_TIME] or "")
        return [*row, "access", None, None]
    if found := _HTTP_CLF.match(line):
        ip, caller, user, at, method, route, *rest = found.groups()
        return [ip, caller, user, iso(at), method, None, *rest, None, "access", route, None]
    return _of_xml(line)


def _of_xml(line: str) -> Sequence[str | None] | None:
    """The fields of a line in the preset XML; none where an element is there twice, as a client could have written it."""
    found = _XML.match(line)
    elements = _ELEMENT.findall(found[2]) if found else []
    held = dict(elements)
    if found is None or len(held) < len(elements) or "requestId" in held:
        return None
    held["requestId"] = found[1]
    if "requestTime" in held:
        held["requestTime"] = iso(held["requestTime"])
    rest = {name: text for name, text in held.items() if name not in _PRESET}
    return [*(held.get(name) for name in _PRESET), "access", None, written(rest) if rest else None]


def _request(line: str) -> str | None:
    """The request that a line of an execution log names."""
    found = _OF_REQUEST.match(line)
    return (found[1] or found[2]) if found else None


def _split_execution(line: str) -> Sequence[str | None]:
    return [_request(line), "execution", line]


_FORMAT = LineFormat((*_PRESET, "kind", "routeKey", "variables"), split)
_EXECUTION_FORMAT = LineFormat(
    ("requestId", "kind", "message"), _split_execution, continues=lambda line: not _OF_REQUEST.match(line)
)


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The layout of the presets, or of an execution log, if one of those lines has it."""
    if any(preset.match(line) for line in lines for preset in (_CLF, _CSV, _HTTP_CLF)):
        return _FORMAT
    if any((match := _XML.match(line)) and "<requestTime>" in match[2] for line in lines):
        return _FORMAT
    return _EXECUTION_FORMAT if any(map(_EXECUTION.match, lines)) else None


def parse_message(stream: LogStream, message: str) -> Mapping[str, Any]:
    """What an event of an execution log says, or of any stream an access log in JSON or a preset."""
    if _GROUP.match(stream.log_group or ""):
        return {"kind": "execution", "requestId": _request(message)}
    if message.lstrip()[:1] == "{":
        held = parsed(message)
        return _plain(reshape(_once(message, held))) if isinstance(held, dict) and claims(held) else {}
    if row := split(message.rstrip("\r\n")):
        return {name: text for name, text in zip(_FORMAT.fields, row, strict=True) if text != "-"}
    request = _request(message)
    return {"kind": "execution", "requestId": request} if request else {}


_COLON = re.compile(r'"\s*:')


def _once(message: str, held: dict[str, Any]) -> Mapping[str, Any]:
    """The members of a record that it has once: of one it has twice, a client may have written either."""
    if len(_COLON.findall(message)) <= len(held):
        return held
    outermost: list[tuple[str, Any]] = json.loads(message, object_pairs_hook=list)
    names = Counter(name for name, _ in outermost)
    twice = {name: [value for other, value in outermost if other == name] for name in names if names[name] > 1}
    return {name: value for name, value in held.items() if name not in twice} | ({"variables": twice} if twice else {})


def _plain(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """Values that are no single ones as JSON text."""
    return {
        name: written(value) if isinstance(value, dict | list | bool | float) else value
        for name, value in record.items()
    }


def claims_stream(stream: LogStream, message: str) -> bool:
    """The log group of a REST API's execution log: AWS prescribes the name."""
    return bool(_GROUP.match(stream.log_group or ""))


_SPELLED = {
    "requestid": "requestId",
    "extendedrequestid": "extendedRequestId",
    "requesttime": "requestTime",
    "requesttimeepoch": "requestTime",
    "ip": "ip",
    "clientip": "ip",
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
    "statuscode": "status",
    "httpstatus": "status",
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
        *("status", "statuscode", "httpstatus"),
        "routekey",
        "integrationstatus",
    } & names
    return bool(ours) and len({"httpmethod", "resourcepath", "routekey", "apiid", "requesttime", "stage"} & names) >= 2


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record under one spelling of its names, NULL for what is marked as missing; further variables beside."""
    found: dict[str, Any] = {}
    others: dict[str, Any] = {}
    for name, held in record.items():
        field = _SPELLED.get(_letters(name))
        value = None if held == "-" else _time(held) if field == "requestTime" else held
        if field is None or field in found:
            others |= held if name == "variables" and isinstance(held, dict) else {name: held}
        else:
            found[field] = value
    return found | {"kind": "access"} | ({"variables": others} if others else {})


def _time(held: Any) -> Any:
    if isinstance(held, str):
        return _epoch(int(held)) if held.isascii() and held.isdigit() and len(held) < 16 else iso(held)
    return _epoch(held) if isinstance(held, int) and not isinstance(held, bool) and 0 < held < 1e16 else held


def _epoch(held: int) -> str:
    from datetime import UTC, datetime

    seconds = held / (1_000_000 if held > 1e14 else 1_000 if held > 1e11 else 1)
    return datetime.fromtimestamp(seconds, UTC).isoformat()


def _unique_id(column: str) -> str:
    """SQL: what a column holds where that is a principal id of IAM, and not the name that an authorizer gave."""
    return f"CASE WHEN regexp_matches({column}, '^A(?:ROA|IDA)[A-Z0-9]+(:|$)') THEN {column} END"


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
            "summary": """CASE WHEN s.log_kind = 'access' THEN coalesce(s.http_method, 'request') || ' '
      || left(coalesce(s.path, s.resource_path, s.route_key, ''), 200) || coalesce(' from ' || s.source_ip, '')
      || coalesce(': ' || s.http_status, '') ELSE coalesce(left(s.message, 300), 'request') END""",
        },
    ),
    identity=IdentityMap(
        {
            "arn": "CASE WHEN s.user_arn LIKE 'arn:%' THEN s.user_arn END",
            "principal_id": f"coalesce({_unique_id('s.caller')}, {_unique_id('s.caller_user')})",
        }
    ),
    about=About(
        recognised="JSON with names of $context variables; lines of the presets CLF, CSV, XML and of execution logs; groups API-Gateway-Execution-Logs_*",
        delivered="CloudWatch Logs, Firehose",
        delay="seconds to minutes; best effort",
        minutes=10,
        organisation="none; owner of the log group is the account",
        cannot_show=(
            BlindSpot("requests", "What the owner's format does not name: fields and their order are free."),
            BlindSpot(
                "requests",
                "Which of a format's further variables a client wrote itself, where the format does not escape its text.",
            ),
            BlindSpot("requests", "Requests that were refused before a stage was found."),
            BlindSpot(
                "requests", "Payloads, unless data tracing is on; execution logs cut lines at 1 KB and redact headers."
            ),
        ),
    ),
    claims=claims,
    reshape=reshape,
    required=("log_kind",),
    claims_stream=claims_stream,
    parse_message=parse_message,
    line_format=line_format,
    in_streams=True,
    account="coalesce(s.account_id, s.owner)",
)

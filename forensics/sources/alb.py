"""Application Load Balancer access logs: requests from outside, and the target that answered."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from forensics.line_split import escaped_agent, positional
from forensics.source import About, Column, EventMap, LineFormat, Source

COLUMNS = (
    Column("type", doc="Kind of request or connection: http, https, h2, grpcs, ws, wss."),
    Column("time", "TIMESTAMP", "When the response was sent."),
    Column("elb", doc="Load balancer: app/NAME/ID."),
    Column("client:port", doc="Address and port of the client, or of the proxy before it."),
    Column("target:port", doc="Address and port of the target; NULL for a Lambda target or where none was chosen."),
    Column("request_processing_time", "DOUBLE", "Seconds until the request went to a target; -1: it did not."),
    Column("target_processing_time", "DOUBLE", "Seconds until the target began to answer; -1: it did not."),
    Column("response_processing_time", "DOUBLE", "Seconds until the answer began to go out; -1: it did not."),
    Column("elb_status_code", "BIGINT", "HTTP status that the client got."),
    Column("target_status_code", "BIGINT", "HTTP status that the target gave."),
    Column("received_bytes", "BIGINT", "Bytes of the request, headers included."),
    Column("sent_bytes", "BIGINT", "Bytes of the answer, headers included."),
    Column("request", doc="Method, full URL and version, as the client sent them."),
    Column("user_agent", doc="User agent, as the client sent it; quotes may stand as \\x22."),
    Column("ssl_cipher", doc="Cipher of the client's connection."),
    Column("ssl_protocol", doc="TLS version of the client's connection."),
    Column("target_group_arn", doc="Target group; of a Lambda target the only trace of it here."),
    Column("trace_id", doc="X-Amzn-Trace-Id: joins to WAF, X-Ray and the target's own log."),
    Column("domain_name", doc="Server name the client asked for in TLS."),
    Column("chosen_cert_arn", doc="Certificate shown to the client, or session-reused."),
    Column("matched_rule_priority", "BIGINT", "Priority of the rule that matched; 0 is the default, -1 none."),
    Column("request_creation_time", "TIMESTAMP", "When the request came in."),
    Column("actions_executed", doc="Actions taken, in order; waf as the last means that WAF blocked it."),
    Column("redirect_url", doc="Where a redirect led."),
    Column("error_reason", doc="Why it failed, for instance LambdaUnhandled."),
    Column("target:port_list", doc="Targets tried, as addresses and ports."),
    Column("target_status_code_list", doc="Statuses of the targets tried."),
    Column("classification", doc="Acceptable, Ambiguous or Severe: whether the request looks like desync."),
    Column("classification_reason", doc="Why it was classified so."),
    Column("conn_trace_id", doc="TID_…: joins to the connection log."),
    Column("transformed_host", doc="Host header after a rewrite."),
    Column("transformed_uri", doc="URI after a rewrite."),
    Column("request_transform_status", doc="Whether rewrites worked."),
    Column("ip_address", doc="Address of the load balancer's node."),
)
FIELDS = tuple(column.field for column in COLUMNS)
QUOTED = (
    "request",
    "user_agent",
    "trace_id",
    "domain_name",
    "chosen_cert_arn",
    "actions_executed",
    "redirect_url",
    "error_reason",
    "target:port_list",
    "target_status_code_list",
    "classification",
    "classification_reason",
    "transformed_host",
    "transformed_uri",
    "request_transform_status",
)
LEAST = 14
"""Fields of the oldest files, without those of TLS."""

_TYPES = frozenset({"http", "https", "h2", "grpcs", "ws", "wss"})
_AFTER_AGENT = re.compile(r'" (?:\S+) (?:TLSv[\d.]+|-) (?:arn:\S+|-)(?= |$)')


def _mended(line: str) -> str:
    return escaped_agent(line, 12, _AFTER_AGENT)


_FORMAT = LineFormat((*FIELDS, "unmapped"), positional(FIELDS, QUOTED, LEAST, _mended))


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The access log's layout, if one of those lines has it."""
    return _FORMAT if any(_is_line(line) for line in lines) else None


def _is_line(line: str) -> bool:
    found = line.split(" ", 12)
    status = found[8].isdigit() or found[8] == "-" if len(found) > 12 else False
    return status and found[0] in _TYPES and "/" in found[2]


def claims(record: Mapping[str, Any]) -> bool:
    """A record of a delivery that names its fields."""
    return record.get("type") in _TYPES and {"elb", "elb_status_code"} <= record.keys()


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with `client:port` and its like under those names, and NULL for what is marked as missing."""
    named = {"client_port": "client:port", "target_port": "target:port", "target_port_list": "target:port_list"}
    ports = {named.get(name, name): held for name, held in record.items() if name not in ("client_ip", "target_ip")}
    for side in ("client", "target"):
        address, port = record.get(f"{side}_ip"), record.get(f"{side}_port")
        if address is not None:
            ports[f"{side}:port"] = f"{address}:{port}" if port is not None else str(address)
    return {name: None if held == "-" else held for name, held in ports.items()}


def address(column: str) -> str:
    """SQL: the address of `ADDRESS:PORT`, brackets off."""
    return f"nullif(trim(regexp_extract(s.{column}, '^(.*):[0-9]+$', 1), '[]'), '')"


def port(column: str) -> str:
    """SQL: the port of `ADDRESS:PORT`."""
    return f"TRY_CAST(regexp_extract(s.{column}, ':([0-9]+)$', 1) AS BIGINT)"


def outcome(column: str) -> str:
    """SQL: what an HTTP status says of the outcome."""
    return f"""CASE
      WHEN s.{column} IN (401, 403) THEN 'denied'
      WHEN s.{column} BETWEEN 100 AND 399 THEN 'success'
      WHEN s.{column} IS NOT NULL THEN 'error'
    END"""


KEY = r"AWSLogs/(?P<account>\d{12})/elasticloadbalancing/(?P<region>[a-z0-9-]+)/\d{4}/\d\d/\d\d/"

SOURCE = Source(
    name="alb",
    title="Application Load Balancer access logs",
    reference="Access logs for your Application Load Balancer",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.time",
            "account_id": "e.account_id",
            "region": "e.region",
            "action": "'alb:' || coalesce(nullif(regexp_extract(s.request, '^([A-Z]+) ', 1), ''), s.type, 'request')",
            "resources": "list_filter([s.elb, s.target_group_arn], lambda r: r IS NOT NULL)",
            "source_ip": "s.client_ip",
            "destination_ip": "s.target_ip",
            "outcome": outcome("elb_status_code"),
            "bytes": "s.sent_bytes",
            "user_agent": "s.user_agent",
            "summary": """coalesce(left(s.request, 200), s.type, 'request') || coalesce(' from ' || s.client_ip, '')
      || coalesce(' to ' || s."target_port", '') || coalesce(': ' || s.elb_status_code, '')
      || coalesce(' ' || s.error_reason, '')""",
        },
    ),
    about=About(
        recognised="app.NAME files in the folder elasticloadbalancing of AWSLogs, or lines of its layout",
        delivered="S3 (gzip text); vended delivery to CloudWatch Logs, S3 or Firehose",
        delay="every 5 minutes for each node; best effort",
        organisation="none; the account is in the key",
        cannot_show=(
            "Requests that never became one: refused connections and failed TLS handshakes (see alb_connection).",
            "The client behind a proxy, save as the X-Forwarded-For that it writes itself.",
            "Bodies and headers of requests and answers.",
        ),
    ),
    keys=(KEY + r"\d{12}_elasticloadbalancing_[a-z0-9-]+_app\.",),
    claims=claims,
    reshape=reshape,
    required=("elb_status_code", "client_port"),
    line_format=line_format,
    in_streams=True,
    derived=(
        ("client_ip", "VARCHAR", address("client_port")),
        ("client_port_number", "BIGINT", port("client_port")),
        ("target_ip", "VARCHAR", address("target_port")),
        ("target_port_number", "BIGINT", port("target_port")),
    ),
)

"""Application Load Balancer health check logs: which target was healthy, and why not."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from forensics.line_split import positional
from forensics.source import About, Column, EventMap, LineFormat, Source

COLUMNS = (
    Column("type", doc="Protocol of the check: http, https, h2, grpc."),
    Column("time", "TIMESTAMP", "When the check was made."),
    Column("latency", "DOUBLE", "Seconds it took."),
    Column("target_addr", doc="Address and port of the target."),
    Column("target_group_id", doc="Target group: NAME/ID."),
    Column("status", doc="PASS or FAIL."),
    Column("status_code", doc="Status that the target gave."),
    Column("reason_code", doc="Why the check failed."),
    Column("elb", doc="Load balancer: app/NAME/ID."),
    Column("ip_address", doc="Address of the load balancer's node."),
)
FIELDS = tuple(column.field for column in COLUMNS)

_LINE = re.compile(r"^\w+ \d{4}-\d\d-\d\dT[\d:.]+Z [-\d.]+ \S+:\d+ \S+ \"?(?:PASS|FAIL)\b")
_FORMAT = LineFormat((*FIELDS, "unmapped"), positional(FIELDS, (), 8))


def line_format(lines: Sequence[str]) -> LineFormat | None:
    """The health check log's layout, if one of those lines has it."""
    return _FORMAT if any(map(_LINE.match, lines)) else None


def claims(record: Mapping[str, Any]) -> bool:
    """A record of a delivery that names its fields."""
    return {"target_addr", "target_group_id", "reason_code"} <= record.keys()


def reshape(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with NULL for what is marked as missing."""
    return {name: None if held == "-" else held for name, held in record.items()}


SOURCE = Source(
    name="alb_health_check",
    title="Application Load Balancer health check logs",
    reference="Health check logs for your Application Load Balancer",
    columns=COLUMNS,
    event=EventMap(
        evidence=True,
        columns={
            "time": "s.time",
            "account_id": "e.account_id",
            "region": "e.region",
            "action": "'alb:healthcheck'",
            "resources": "list_filter([s.elb, s.target_group_id], lambda r: r IS NOT NULL)",
            "source_ip": "s.ip_address",
            "destination_ip": "s.target_ip",
            "outcome": "CASE s.status WHEN 'PASS' THEN 'success' WHEN 'FAIL' THEN 'error' END",
            "summary": """'health check of ' || coalesce(s.target_addr, '?') || coalesce(' ' || s.status, '')
      || coalesce(', ' || s.status_code, '') || coalesce(', ' || s.reason_code, '')""",
        },
    ),
    about=About(
        recognised="health_check_log files in the folder elasticloadbalancing of AWSLogs, or lines of its layout",
        delivered="S3 (gzip text); vended delivery to CloudWatch Logs, S3 or Firehose",
        delay="every 5 minutes for each node; best effort",
        organisation="none; the account is in the key",
        cannot_show=("Requests of clients: it shows only what the load balancer itself asked.",),
    ),
    keys=(r"AWSLogs/(?P<account>\d{12})/elasticloadbalancing/(?P<region>[a-z0-9-]+)/.*/health_check_log_\d{12}_",),
    claims=claims,
    reshape=reshape,
    line_format=line_format,
    in_streams=True,
    derived=(
        ("target_ip", "VARCHAR", "nullif(trim(regexp_extract(s.target_addr, '^(.*):[0-9]+$', 1), '[]'), '')"),
        ("target_port_number", "BIGINT", "TRY_CAST(regexp_extract(s.target_addr, ':([0-9]+)$', 1) AS BIGINT)"),
    ),
)
